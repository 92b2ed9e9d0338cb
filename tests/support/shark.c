#include "support/shark.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "support/child.h"

/* The ports are the kernel's choice, which may be one where tshark expects some protocol. */
char *shark_ask(const char *path, const char *const *options)
{
    const char *arguments[40] = { "tshark", "-r",
                                  path,     "-n",
                                  "-o",     "tcp.check_checksum:TRUE",
                                  "-o",     "udp.check_checksum:TRUE",
                                  "-o",     "ip.check_checksum:TRUE",
                                  "-d",     "tcp.port==1-65535,data" };
    size_t count = 12, length;
    child program;
    char *text;

    child_need("tshark");
    while (*options != NULL && count < 39)
        arguments[count++] = *options++;
    child_start(&program, -1, -1, arguments);
    text = child_exchange(&program, "", 0, &length);
    child_assert_status(&program, 0);
    return text;
}

void shark_assert_sound(const char *path)
{
    char *text = SHARK(path, "-Y",
                       "_ws.malformed or _ws.short or tcp.checksum.status != 1 or "
                       "ip.checksum.status != 1 or tcp.analysis.flags or "
                       "_ws.expert.severity >= 0x600000");

    assert_string_equal(text, "");
    free(text);
}

static void add_word(char *words, size_t size, int is_back, unsigned flags, unsigned length)
{
    static const struct {
        unsigned bit;
        char letter;
    } letters[] = { { 2, 'S' }, { 1, 'F' }, { 4, 'R' }, { 8, 'P' }, { 16, 'A' } };
    size_t used = strlen(words);

    assert_true(used + 24 < size);
    words[used++] = is_back ? '<' : '>';
    for (size_t i = 0; i < sizeof(letters) / sizeof(letters[0]); i++)
        if (flags & letters[i].bit)
            words[used++] = letters[i].letter;
    words[used] = '\0';
    if (length > 0)
        (void)snprintf(words + used, size - used, "%u", length);
    strcat(words, " ");
}

void shark_assert_packets(const char *path, const char *expected)
{
    char *text = SHARK(path, "-T", "fields", "-e", "tcp.srcport", "-e", "tcp.flags", "-e",
                       "tcp.len");
    char words[4096] = "", *line = text;
    unsigned first = 0, port, flags, length;

    while (sscanf(line, "%u %x %u", &port, &flags, &length) == 3) {
        first = first == 0 ? port : first;
        add_word(words, sizeof(words), port != first, flags, length);
        line = strchr(line, '\n') + 1;
    }
    free(text);
    assert_string_equal(words, expected);
}

static unsigned digit(char letter)
{
    return (unsigned)(letter <= '9' ? letter - '0' : letter - 'a' + 10);
}

/* Behind a tab are the lines of the other end. */
uint8_t *shark_follow(const char *path, size_t conversation, int end, size_t *length)
{
    char option[64], *text, *line;
    uint8_t *bytes;

    (void)snprintf(option, sizeof(option), "follow,tcp,raw,%zu", conversation);
    text = SHARK(path, "-q", "-z", option);
    bytes = malloc(strlen(text) + 1);
    assert_non_null(bytes);
    *length = 0;
    line = strstr(text, "Node 1:");
    assert_non_null(line);
    for (line = strchr(line, '\n') + 1; *line != '=' && *line != '\0';) {
        const int is_other = *line == '\t';

        for (line += is_other; *line != '\n' && *line != '\r'; line += 2)
            if (is_other == end)
                bytes[(*length)++] = (uint8_t)(digit(line[0]) << 4 | digit(line[1]));
        line = strchr(line, '\n') + 1;
    }
    free(text);
    return bytes;
}
