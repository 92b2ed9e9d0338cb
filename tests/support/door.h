/* What tests let `wherry connect` connect to: a listener of their own, or `wherry serve`. */
#ifndef TESTS_SUPPORT_DOOR_H
#define TESTS_SUPPORT_DOOR_H

#include "support/child.h"

/* The listener, and its endpoint. */
extern int door;
extern char door_text[WHERRY_ENDPOINT_TEXT_SIZE];

/* The fixtures of every test with a door: those of programs, and the door is opened and closed. */
int door_setup(void **state);
int door_teardown(void **state);

/* Starts the command with a pipe as input, and accepts it. */
int door_meet(child *client, const char *option);

/* A server that sends everything back, and its endpoint. */
extern child echo_server;
extern char echo_endpoint[WHERRY_ENDPOINT_TEXT_SIZE];
void echo_start(void);

#endif
