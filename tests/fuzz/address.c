/* Addresses and endpoints: of any text that is read, what is written reads as the same again, and
 * what is refused leaves everything as it was. */
#include <string.h>

#include <wherry.h>

#include "support/fuzzing.h"

#define TEXT_MOST 2000

static void check_format(const wherry_address *address)
{
    char text[WHERRY_ADDRESS_TEXT_SIZE], again[WHERRY_ADDRESS_TEXT_SIZE];
    wherry_address read;
    size_t length = wherry_address_format(address, text, sizeof(text));

    FUZZING_CHECK(length < sizeof(text) && length == strlen(text));
    FUZZING_CHECK(wherry_address_parse(&read, text, length) == WHERRY_OK);
    FUZZING_CHECK(wherry_address_equal(address, &read));
    FUZZING_CHECK(wherry_address_format(&read, again, sizeof(again)) == length);
    FUZZING_CHECK(strcmp(text, again) == 0);
}

static void check_system(const wherry_address *address)
{
    struct sockaddr_storage storage;
    socklen_t size = wherry_address_to_system(address, &storage);
    wherry_address read;

    FUZZING_CHECK(size > 0);
    FUZZING_CHECK(wherry_address_from_system(&read, (const struct sockaddr *)&storage, size) ==
                  WHERRY_OK);
    FUZZING_CHECK(wherry_address_equal(address, &read));
}

static void check_address(const char *text, size_t length)
{
    wherry_address address, before;
    char *exact = malloc(length + (length == 0));

    FUZZING_CHECK(exact != NULL);
    memcpy(exact, text, length); /* without a zero behind it */
    memset(&address, 0x5a, sizeof(address));
    before = address;
    if (wherry_address_parse(&address, exact, length) == WHERRY_OK) {
        check_format(&address);
        check_system(&address);
    } else {
        FUZZING_CHECK(memcmp(&address, &before, sizeof(address)) == 0);
        FUZZING_CHECK(wherry_problem()[0] != '\0');
    }
    free(exact);
}

static void check_endpoint(const wherry_endpoint *endpoint)
{
    char text[WHERRY_ENDPOINT_TEXT_SIZE];
    wherry_endpoint read;

    FUZZING_CHECK(endpoint->count <= WHERRY_ENDPOINT_ADDRESSES_MAX);
    for (size_t i = 0; i < endpoint->count; i++) {
        size_t position = 0;
        size_t length = wherry_endpoint_format(endpoint->transport, &endpoint->addresses[i], text,
                                               sizeof(text));

        FUZZING_CHECK(length < sizeof(text) && length == strlen(text));
        FUZZING_CHECK(wherry_endpoint_next(&read, text, &position) == 1);
        FUZZING_CHECK(position == length && read.transport == endpoint->transport);
        FUZZING_CHECK(read.count == 1);
        FUZZING_CHECK(wherry_address_equal(&read.addresses[0], &endpoint->addresses[i]));
        FUZZING_CHECK(wherry_endpoint_next(&read, text, &position) == 0);
    }
}

static void check_list(const char *text)
{
    wherry_endpoint endpoint, before;
    size_t position = 0, former = 0, length = strlen(text);
    int result;

    memset(&endpoint, 0x5a, sizeof(endpoint));
    for (;;) {
        before = endpoint;
        result = wherry_endpoint_next(&endpoint, text, &position);
        FUZZING_CHECK(position >= former && position <= length);
        if (result <= 0)
            break;
        FUZZING_CHECK(result == 1 && position > former);
        former = position;
        check_endpoint(&endpoint);
    }
    FUZZING_CHECK(memcmp(&endpoint, &before, sizeof(endpoint)) == 0);
    FUZZING_CHECK(result == 0 || wherry_problem()[0] != '\0');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text;

    if (size > TEXT_MOST)
        size = TEXT_MOST;
    text = malloc(size + 1);
    FUZZING_CHECK(text != NULL);
    memcpy(text, data, size);
    text[size] = '\0';
    check_address(text, size);
    check_list(text);
    free(text);
    return 0;
}
