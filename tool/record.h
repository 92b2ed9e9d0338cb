/* --record: what crosses the wire, written to a file. */
#ifndef TOOL_RECORD_H
#define TOOL_RECORD_H

#include <wherry.h>

/* Opens a log at path, on the loop that the caller runs on: of packets if it ends in ".pcapng" or
 * ".pcap", else of text, a line for each time that bytes came or went. The caller frees it. Returns
 * a code of the library, having said why. */
int record_open(wherry_wirelog **log, const char *path);

#endif
