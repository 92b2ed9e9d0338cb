/* Memory: the functions that a loop and all that lives on it take memory from, so that it can be
 * counted, bounded and made to fail. */
#ifndef WHERRY_MEMORY_H
#define WHERRY_MEMORY_H

#include <stddef.h>

#include <wherry/export.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct wherry_memory wherry_memory;

/* Embed it as the first member of a struct of your own to keep state; it is passed back as self. It
 * must outlive the loop that it was given to. It is called on the thread of that loop only. */
struct wherry_memory {
    /* Changes the block at old from old_size bytes to new_size bytes and returns it, or NULL when
     * there is no memory (the block at old is unchanged then). old is NULL and old_size 0 for a new
     * block; new_size 0 gives the block back and returns NULL. Blocks are aligned as malloc(3)
     * aligns them. */
    void *(*resize)(wherry_memory *self, void *old, size_t old_size, size_t new_size);
    WHERRY_RESERVED;
};

#ifdef __cplusplus
}
#endif

#endif
