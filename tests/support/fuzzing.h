/* Fuzzing: what the targets in tests/fuzz have in common. A target is a function that takes any
 * bytes and aborts when something is not as it should be; libFuzzer looks for such bytes, and
 * tests/fuzz/replay gives it those of files. */
#ifndef TESTS_SUPPORT_FUZZING_H
#define TESTS_SUPPORT_FUZZING_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

/* The target. Returns 0. The name is libFuzzer's. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Aborts unless condition holds. */
#define FUZZING_CHECK(condition)                                                                   \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            (void)fprintf(stderr, "%s:%d: %s does not hold\n", __FILE__, __LINE__, #condition);    \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

/* What is left of the bytes. */
typedef struct fuzzing_input {
    const uint8_t *data;
    size_t left;
} fuzzing_input;

/* The next byte; 0 when there are no more. */
static inline uint8_t fuzzing_byte(fuzzing_input *input)
{
    if (input->left == 0)
        return 0;
    input->left--;
    return *input->data++;
}

#endif
