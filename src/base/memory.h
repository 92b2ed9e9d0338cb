/* Taking memory through a wherry_memory, and counting it. */
#ifndef WHERRY_BASE_MEMORY_H
#define WHERRY_BASE_MEMORY_H

#include <stdbool.h>
#include <stddef.h>

#include <wherry/memory.h>

/* malloc(3) and free(3). */
wherry_memory *wherry__memory_default(void);

/* What a loop takes that was not given one: the default, unless another was set on this thread, as
 * a simulation does for the programs inside. set: NULL takes that back; returns the former one,
 * NULL for none. */
wherry_memory *wherry__memory_ambient(void);
wherry_memory *wherry__memory_set_ambient(wherry_memory *memory);

/* A memory that counts what goes through it to the one below. */
typedef struct wherry__counted_memory {
    wherry_memory base; /* first: it is passed as self */
    wherry_memory *below;
    size_t bytes; /* taken now */
} wherry__counted_memory;

/* below: NULL for the default. */
void wherry__counted_memory_init(wherry__counted_memory *counted, wherry_memory *below);

/* Whether memory is one of those. */
bool wherry__memory_is_counted(const wherry_memory *memory);

/* A new block of size bytes (more than 0), all zero; NULL with WHERRY_E_NO_MEMORY as the problem
 * when there is none. */
void *wherry__memory_take(wherry_memory *memory, size_t size);

/* As wherry_memory.resize; a failure sets the problem. */
void *wherry__memory_resize(wherry_memory *memory, void *old, size_t old_size, size_t new_size);

/* Gives a block of size bytes back. NULL is allowed. */
void wherry__memory_give(wherry_memory *memory, void *block, size_t size);

#endif
