/* Making log lines. The time comes from the caller, since this floor has no clock: it drives the
 * limit of lines a second. */
#ifndef WHERRY_BASE_LOG_H
#define WHERRY_BASE_LOG_H

#include <stddef.h>
#include <stdint.h>

#include <wherry/bytes.h>
#include <wherry/log.h>

/* Hands one line to the logger, if there is one, its level admits it, and the limit of lines in
 * this second is not reached; the first line of a later second is preceded by one that tells how
 * many were dropped. now: any instant of the caller's clock; a second that lies back by a minute
 * or less counts as the present one, since threads differ. Lines are cut at 511 bytes, and control
 * characters in them are replaced. errno is left alone. Any thread. */
WHERRY_FORMAT(3, 4)
void wherry__log(int64_t now, wherry_log_level level, const char *format, ...);

/* Whether a line of this level would be made at all, to spare the work of putting it together. */
int wherry__log_wants(wherry_log_level level);

/* Writes bytes to text so that a person can read them and a terminal or log file is not harmed:
 * printable ASCII as it is, \n \r \t \\ and \xHH for the rest; "..." at the end when not all fit in
 * size, which is at least 1 and counts the final zero. Returns text. */
const char *wherry__escape(char *text, size_t size, wherry_bytes bytes);

#endif
