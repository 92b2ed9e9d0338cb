// A server and a client in one C++17 program, through the plain functions that stand behind the
// macros: C++17 knows neither compound literals nor designated initializers. Scopes it knows.
#include <cstdio>
#include <string>
#include <string_view>

#include <wherry.h>

namespace
{

struct counting_echo : wherry_handler {
    int conversations = 0;

    counting_echo() : wherry_handler{}
    {
        handle = [](wherry_handler *self, wherry_peer *client) {
            wherry_bytes message;
            int result = wherry_peer_receive(client, &message, WHERRY_NEVER);

            static_cast<counting_echo *>(self)->conversations++;
            return result < 0 ? result : wherry_peer_send(client, message, WHERRY_NEVER);
        };
    }
};

int start(wherry_server **server, wherry_handler *handler)
{
    wherry_server_options options = {};

    options.size = sizeof(options);
    options.result = server;
    options.endpoints = "tcp://127.0.0.1:0";
    options.protocol = &wherry_lines;
    options.handler = handler;
    int result = wherry_server_new_with(&options);
    return result < 0 ? result : wherry_server_start(*server);
}

int ask(const char *endpoint, std::string_view question, std::string *answer)
{
    wherry_connect_options options = {};
    WHERRY_SCOPED(peer) peer = nullptr;
    wherry_bytes message = {};

    options.size = sizeof(options);
    int result = wherry_connect_with(&peer, endpoint, &wherry_lines, wherry_in(WHERRY_SECONDS(30)),
                                     &options);
    if (result < 0)
        return result;
    result = wherry_peer_send(peer, wherry_bytes_at(question.data(), question.size()),
                              WHERRY_NEVER);
    if (result == WHERRY_OK)
        result = wherry_peer_receive(peer, &message, wherry_in(WHERRY_SECONDS(30)));
    if (result == WHERRY_OK)
        answer->assign(reinterpret_cast<const char *>(message.data), message.length);
    return result;
}

int body(void *argument)
{
    char endpoint[WHERRY_ENDPOINT_TEXT_SIZE];
    WHERRY_SCOPED(server) server = nullptr;
    int result = start(&server, static_cast<counting_echo *>(argument));

    if (result == WHERRY_OK) {
        std::string answer;

        wherry_server_endpoint(server, 0, endpoint, sizeof(endpoint));
        result = ask(endpoint, "hello", &answer);
        if (result == WHERRY_OK)
            std::printf("%s\n", answer.c_str());
    }
    return result;
}

} // namespace

int main()
{
    counting_echo handler;
    int result = wherry_run(body, &handler);

    if (result < 0)
        std::fprintf(stderr, "%s: %s\n", wherry_error_name(result), wherry_problem());
    return result < 0 || handler.conversations != 1;
}
