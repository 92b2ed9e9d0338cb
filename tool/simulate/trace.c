/* Trace: an event a line. What differs from process to process is left out, so that two runs can be
 * compared line by line. */
#include "trace.h"

#include <arpa/inet.h>
#include <dlfcn.h>
#include <netinet/in.h>
#include <signal.h>
#include <string.h>
#include <sys/un.h>

#define SHOWN 24 /* bytes of data that a line shows */

/* --- parts of both forms */

static void print_address(FILE *file, const struct sockaddr *address)
{
    char text[INET6_ADDRSTRLEN] = "";
    const struct sockaddr_in *v4 = (const void *)address;
    const struct sockaddr_in6 *v6 = (const void *)address;

    if (address->sa_family == AF_INET) {
        (void)inet_ntop(AF_INET, &v4->sin_addr, text, sizeof(text));
        (void)fprintf(file, "%s:%u", text, ntohs(v4->sin_port));
    } else if (address->sa_family == AF_INET6) {
        (void)inet_ntop(AF_INET6, &v6->sin6_addr, text, sizeof(text));
        (void)fprintf(file, "[%s]:%u", text, ntohs(v6->sin6_port));
    } else {
        (void)fputs("unix", file);
    }
}

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash == NULL ? path : slash + 1;
}

/* The place as addr2line(1) takes it, which is the same wherever the file is loaded. */
static void print_site(FILE *file, const void *site)
{
    Dl_info info;

    if (dladdr(site, &info) != 0 && info.dli_fname != NULL)
        (void)fprintf(file, "%s+0x%zx", base_name(info.dli_fname),
                      (size_t)((const char *)site - (const char *)info.dli_fbase));
    else
        (void)fputs("?", file);
}

static const struct {
    unsigned flag;
    const char *name;
} flags[] = {
    { WHERRY_PACKET_DATAGRAM, "datagram" }, { WHERRY_PACKET_SYN, "SYN" },
    { WHERRY_PACKET_ACK, "ACK" },           { WHERRY_PACKET_FIN, "FIN" },
    { WHERRY_PACKET_RST, "RST" },
};

/* --- text */

static void print_data(FILE *file, const void *data, size_t length)
{
    const unsigned char *bytes = data;

    (void)fputs(" \"", file);
    for (size_t i = 0; i < length && i < SHOWN; i++)
        if (bytes[i] >= ' ' && bytes[i] <= '~' && bytes[i] != '"' && bytes[i] != '\\')
            (void)fputc(bytes[i], file);
        else
            (void)fprintf(file, "\\x%02x", bytes[i]);
    (void)fputs(length > SHOWN ? "\"..." : "\"", file);
}

static void print_packet(FILE *file, const wherry_simulation_event *event)
{
    if (event->from != NULL) {
        (void)fputc(' ', file);
        print_address(file, event->from);
    }
    if (event->to != NULL) {
        (void)fputc('>', file);
        print_address(file, event->to);
    }
    for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
        if (event->flags & flags[i].flag)
            (void)fprintf(file, " %s", flags[i].name);
}

static void print_text_line(FILE *file, const wherry_simulation_event *event)
{
    (void)fprintf(file, "%llu %lld.%09lld %s/%s %s", (unsigned long long)event->step,
                  (long long)(event->time / WHERRY_SECONDS(1)),
                  (long long)(event->time % WHERRY_SECONDS(1)),
                  event->host == NULL ? "-" : event->host,
                  event->program == NULL ? "-" : event->program, event->what);
    if (event->descriptor >= 0)
        (void)fprintf(file, " descriptor %d", event->descriptor);
    print_packet(file, event);
    if (event->flags == 0)
        (void)fprintf(file, " = %lld", (long long)event->result);
    if (event->length > 0)
        (void)fprintf(file, " length %zu", event->length);
    if (event->data != NULL && event->length > 0)
        print_data(file, event->data, event->length);
    if (event->detail != NULL)
        (void)fprintf(file, " (%s)", event->detail);
    if (event->cause != 0)
        (void)fprintf(file, " after %llu", (unsigned long long)event->cause);
    if (event->site != NULL) {
        (void)fputs(" by ", file);
        print_site(file, event->site);
    }
    (void)fputc('\n', file);
}

/* --- JSON */

static void print_json_text(FILE *file, const char *name, const char *text)
{
    if (text == NULL)
        return;
    (void)fprintf(file, ",\"%s\":\"", name);
    for (; *text != '\0'; text++)
        if (*text < ' ' || *text > '~' || *text == '"' || *text == '\\')
            (void)fprintf(file, "\\u%04x", (unsigned char)*text);
        else
            (void)fputc(*text, file);
    (void)fputc('"', file);
}

static void print_json_address(FILE *file, const char *name, const struct sockaddr *address)
{
    if (address == NULL)
        return;
    (void)fprintf(file, ",\"%s\":\"", name);
    print_address(file, address);
    (void)fputc('"', file);
}

static void print_json_flags(FILE *file, unsigned set)
{
    const char *between = "";

    if (set == 0)
        return;
    (void)fputs(",\"flags\":[", file);
    for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
        if (set & flags[i].flag) {
            (void)fprintf(file, "%s\"%s\"", between, flags[i].name);
            between = ",";
        }
    (void)fputc(']', file);
}

static void print_json_data(FILE *file, const wherry_simulation_event *event)
{
    const unsigned char *bytes = event->data;

    if (event->length > 0)
        (void)fprintf(file, ",\"length\":%zu", event->length);
    if (bytes == NULL || event->length == 0)
        return;
    (void)fputs(",\"data\":\"", file);
    for (size_t i = 0; i < event->length && i < SHOWN; i++)
        (void)fprintf(file, "%02x", bytes[i]);
    (void)fputc('"', file);
}

static void print_json_line(FILE *file, const wherry_simulation_event *event)
{
    (void)fprintf(file, "{\"step\":%llu,\"time\":%lld", (unsigned long long)event->step,
                  (long long)event->time);
    print_json_text(file, "host", event->host);
    print_json_text(file, "program", event->program);
    print_json_text(file, "what", event->what);
    if (event->descriptor >= 0)
        (void)fprintf(file, ",\"descriptor\":%d", event->descriptor);
    print_json_address(file, "from", event->from);
    print_json_address(file, "to", event->to);
    print_json_flags(file, event->flags);
    (void)fprintf(file, ",\"result\":%lld", (long long)event->result);
    print_json_data(file, event);
    print_json_text(file, "detail", event->detail);
    if (event->cause != 0)
        (void)fprintf(file, ",\"cause\":%llu", (unsigned long long)event->cause);
    if (event->site != NULL) {
        (void)fputs(",\"site\":\"", file);
        print_site(file, event->site);
        (void)fputc('"', file);
    }
    (void)fputs("}\n", file);
}

/* --- the observer */

static void see(wherry_simulation_observer *self, const wherry_simulation_event *event)
{
    struct trace *trace = (struct trace *)self;

    if (trace->form == TRACE_TEXT)
        print_text_line(trace->file, event);
    else if (trace->form == TRACE_JSON)
        print_json_line(trace->file, event);
    if (trace->stop_at != 0 && event->step == trace->stop_at) {
        (void)fflush(trace->file);
        (void)raise(SIGTRAP);
    }
}

void trace_init(struct trace *trace, FILE *file, enum trace_form form)
{
    *trace = (struct trace){ .observer.see = see, .file = file, .form = form };
}
