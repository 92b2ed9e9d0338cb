/* Table: a hash table whose entries lie in the structures themselves. Peers choose our keys, so
 * they are hashed with SipHash-1-3 under a key of random bytes, one a table. */
#ifndef WHERRY_BASE_TABLE_H
#define WHERRY_BASE_TABLE_H

#include <stddef.h>
#include <stdint.h>

#include <wherry/bytes.h>
#include <wherry/memory.h>

#include "base/siphash.h"

typedef struct wherry__table_entry {
    struct wherry__table_entry *next;
    uint64_t hash;
    wherry_bytes key; /* lies in the owner, unchanged while it is in the table */
} wherry__table_entry;

typedef struct wherry__table {
    wherry_memory *memory;
    wherry__table_entry **buckets;
    size_t bucket_count; /* a power of two, or 0 while empty and never filled */
    size_t count;
    uint64_t key[2];
} wherry__table;

/* key: 16 random bytes. */
void wherry__table_init(wherry__table *table, wherry_memory *memory, const uint8_t key[16]);

/* Gives the buckets back; the entries are the owners' affair. */
void wherry__table_clear(wherry__table *table);

/* Adds entry under its key. WHERRY_E_EXISTS: the key is there. WHERRY_E_NO_MEMORY: the table could
 * not grow; nothing is changed. */
int wherry__table_add(wherry__table *table, wherry__table_entry *entry, wherry_bytes key);

/* The entry with this key, or NULL. */
wherry__table_entry *wherry__table_find(const wherry__table *table, wherry_bytes key);

/* Takes entry, which is in the table, out of it. */
void wherry__table_remove(wherry__table *table, wherry__table_entry *entry);

#endif
