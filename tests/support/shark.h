/* What tshark makes of a file of packets. Tests that use it are skipped where there is none. */
#ifndef TESTS_SUPPORT_SHARK_H
#define TESTS_SUPPORT_SHARK_H

#include <stddef.h>
#include <stdint.h>

/* What tshark prints about the file with these options, up to NULL; the caller frees it. */
#define SHARK(path, ...) shark_ask(path, (const char *const[]){ __VA_ARGS__, NULL })
char *shark_ask(const char *path, const char *const *options);

/* Asserts that every packet is well-formed, with right checksums, and that nothing about them looks
 * odd: no retransmission, nothing out of order, lost or not seen. */
void shark_assert_sound(const char *path);

/* Asserts how the packets of TCP go: for each of them a word: whose it is (the direction: ">" from
 * the end that the first packet is from, or "<"), and its flags, of "SFRPA" those that are set; for
 * those with data its length behind them. */
void shark_assert_packets(const char *path, const char *words);

/* All that one end of a conversation has sent, as "follow stream" shows it: end 0 is who began it.
 * The caller frees it. */
uint8_t *shark_follow(const char *path, size_t conversation, int end, size_t *length);

#endif
