/* Writing the lines of a scenario, piece by piece. */
#ifndef TESTS_SUPPORT_CONFORMANCE_TEXT_H
#define TESTS_SUPPORT_CONFORMANCE_TEXT_H

#include "support/conformance.h"

const char *conf_error_name(int number);

void conf_say(conf *self, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* " -> 5" or " -> EAGAIN". */
void conf_say_result(conf *self, int64_t result);
void conf_say_data(conf *self, const void *data, size_t length);
void conf_say_readiness(conf *self, unsigned events);
void conf_say_name(conf *self, const conf_name *name);

/* The number that stands for the descriptor. */
unsigned conf_label(conf *self, int descriptor);

#endif
