/* What marks a function as part of the library's interface, and the compiler attributes that the
 * headers use. */
#ifndef WHERRY_EXPORT_H
#define WHERRY_EXPORT_H

#if defined(__GNUC__) || defined(__clang__)
#define WHERRY_PUBLIC __attribute__((visibility("default")))
#define WHERRY_FORMAT(text, first) __attribute__((format(printf, text, first)))
#define WHERRY_CHECKED __attribute__((warn_unused_result))
#else
#define WHERRY_PUBLIC
#define WHERRY_FORMAT(text, first)
#define WHERRY_CHECKED
#endif

/* The words that close each structure that users embed: zero, so that it can grow without breaking
 * old binaries. */
#define WHERRY_RESERVED void *reserved[8]

#endif
