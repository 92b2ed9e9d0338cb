/* Table: an array of buckets, each a chain of entries. It doubles when there are as many entries as
 * buckets, so that chains stay short and adding costs the same on average however many there are.
 * It never shrinks: what it keeps is one pointer for each entry of the time when there were most.
 */
#include "base/table.h"

#include <assert.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/size.h"

/* Buckets of the first array; a power of two. */
#define SMALLEST 8

void wherry__table_init(wherry__table *table, wherry_memory *memory, const uint8_t key[16])
{
    *table = (wherry__table){ .memory = memory };
    wherry__siphash_key(table->key, key);
}

void wherry__table_clear(wherry__table *table)
{
    wherry__memory_give(table->memory, table->buckets,
                        table->bucket_count * sizeof(*table->buckets));
    table->buckets = NULL;
    table->bucket_count = 0;
    table->count = 0;
}

static wherry__table_entry **bucket_of(const wherry__table *table, uint64_t hash)
{
    return &table->buckets[hash & (table->bucket_count - 1)];
}

static void link_entry(wherry__table *table, wherry__table_entry *entry)
{
    wherry__table_entry **bucket = bucket_of(table, entry->hash);

    entry->next = *bucket;
    *bucket = entry;
}

static void link_chain(wherry__table *table, wherry__table_entry *entry)
{
    while (entry != NULL) {
        wherry__table_entry *next = entry->next;

        link_entry(table, entry);
        entry = next;
    }
}

static int grow(wherry__table *table)
{
    wherry__table former = *table;

    table->bucket_count = wherry__size_max(former.bucket_count * 2, SMALLEST);
    table->buckets = wherry__memory_take(table->memory,
                                         table->bucket_count * sizeof(*table->buckets));
    if (table->buckets == NULL) {
        *table = former;
        return WHERRY_E_NO_MEMORY;
    }
    for (size_t i = 0; i < former.bucket_count; i++)
        link_chain(table, former.buckets[i]);
    wherry__table_clear(&former);
    return WHERRY_OK;
}

static wherry__table_entry *find(const wherry__table *table, uint64_t hash, wherry_bytes key)
{
    wherry__table_entry *entry = table->count == 0 ? NULL : *bucket_of(table, hash);

    while (entry != NULL && (entry->hash != hash || !wherry_bytes_equal(entry->key, key)))
        entry = entry->next;
    return entry;
}

int wherry__table_add(wherry__table *table, wherry__table_entry *entry, wherry_bytes key)
{
    uint64_t hash = wherry__siphash(table->key, key);

    if (find(table, hash, key) != NULL)
        return wherry__fail(WHERRY_E_EXISTS, "the key is in the table already");
    if (table->count == table->bucket_count && grow(table) < 0)
        return WHERRY_E_NO_MEMORY;
    entry->hash = hash;
    entry->key = key;
    link_entry(table, entry);
    table->count++;
    return WHERRY_OK;
}

wherry__table_entry *wherry__table_find(const wherry__table *table, wherry_bytes key)
{
    return find(table, wherry__siphash(table->key, key), key);
}

void wherry__table_remove(wherry__table *table, wherry__table_entry *entry)
{
    wherry__table_entry **link = bucket_of(table, entry->hash);

    while (*link != NULL && *link != entry)
        link = &(*link)->next;
    assert(*link == entry);
    *link = entry->next;
    entry->next = NULL;
    table->count--;
}
