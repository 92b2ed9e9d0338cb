/* Intrusive list: a ring of links that lie in the structures themselves. Adding and taking out
 * costs a few stores and cannot fail. A list is a link that stands for both ends:
 *
 *     list <-> first <-> ... <-> last <-> list
 *
 * An empty list and a link in no list point to themselves.
 */
#ifndef WHERRY_BASE_LIST_H
#define WHERRY_BASE_LIST_H

#include <stdbool.h>
#include <stddef.h>

typedef struct wherry__link {
    struct wherry__link *next;
    struct wherry__link *previous;
} wherry__link;

/* The structure of the given type whose member is at pointer. */
#define WHERRY__OWNER(pointer, type, member)                                                       \
    ((type *)(void *)((char *)(pointer)-offsetof(type, member)))

static inline void wherry__link_init(wherry__link *link)
{
    link->next = link;
    link->previous = link;
}

static inline bool wherry__list_empty(const wherry__link *list)
{
    return list->next == list;
}

/* Whether link is in a list. It must have been initialised. */
static inline bool wherry__link_used(const wherry__link *link)
{
    return link->next != link;
}

static inline void wherry__link_insert_before(wherry__link *place, wherry__link *link)
{
    link->next = place;
    link->previous = place->previous;
    place->previous->next = link;
    place->previous = link;
}

static inline void wherry__list_append(wherry__link *list, wherry__link *link)
{
    wherry__link_insert_before(list, link);
}

/* Takes link out of its list, if it is in one. */
static inline void wherry__link_remove(wherry__link *link)
{
    link->previous->next = link->next;
    link->next->previous = link->previous;
    wherry__link_init(link);
}

/* Takes the first link out of list and returns it, or NULL when the list is empty. */
static inline wherry__link *wherry__list_take(wherry__link *list)
{
    wherry__link *first = list->next;

    if (first == list)
        return NULL;
    wherry__link_remove(first);
    return first;
}

#endif
