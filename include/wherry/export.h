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

/* The words that close each structure that programs fill or embed: zero, so that it can grow
 * without breaking old binaries.
 *
 * Structures of options begin with their size as well: sizeof of the structure where the program
 * was compiled, which the macros set; 0 stands for that of version 0.1.0. All zero is the default
 * of everything, and so is NULL instead of a structure. What the headers of the program did not
 * have yet is taken as zero. What is set and the library does not know, being older than the
 * headers, every call with options refuses with WHERRY_E_UNSUPPORTED, and a size that no structure
 * has with WHERRY_E_MISUSE. */
#define WHERRY_RESERVED void *reserved[8]

#endif
