/* SPDX-License-Identifier: MIT */
/* Doubly linked lists: those macros of queue(3) that are needed here, with the same names and
 * arguments, because not every C library has <sys/queue.h>. A list whose octets are all 0 is empty.
 * Arguments are evaluated more than once. */
#ifndef COMMON_TAIL_QUEUE_H
#define COMMON_TAIL_QUEUE_H

#include <stddef.h>

#define TAILQ_HEAD(name, type)     \
    struct name {                  \
        struct type *first, *last; \
    }
#define TAILQ_ENTRY(type)             \
    struct {                          \
        struct type *next, *previous; \
    }

#define TAILQ_INIT(list) ((void)((list)->first = (list)->last = NULL))
#define TAILQ_EMPTY(list) ((list)->first == NULL)
#define TAILQ_FIRST(list) ((list)->first)
#define TAILQ_LAST(list, name) ((list)->last)
#define TAILQ_NEXT(element, entry) ((element)->entry.next)
#define TAILQ_PREV(element, name, entry) ((element)->entry.previous)
#define TAILQ_FOREACH(element, list, entry) \
    for ((element) = (list)->first; (element) != NULL; (element) = (element)->entry.next)

#define TAILQ_INSERT_HEAD(list, element, entry)              \
    do {                                                     \
        (element)->entry.previous = NULL;                    \
        if (((element)->entry.next = (list)->first) != NULL) \
            (list)->first->entry.previous = (element);       \
        else                                                 \
            (list)->last = (element);                        \
        (list)->first = (element);                           \
    } while (0)

#define TAILQ_INSERT_TAIL(list, element, entry)                 \
    do {                                                        \
        (element)->entry.next = NULL;                           \
        if (((element)->entry.previous = (list)->last) != NULL) \
            (list)->last->entry.next = (element);               \
        else                                                    \
            (list)->first = (element);                          \
        (list)->last = (element);                               \
    } while (0)

#define TAILQ_INSERT_AFTER(list, before, element, entry)            \
    do {                                                            \
        (element)->entry.previous = (before);                       \
        if (((element)->entry.next = (before)->entry.next) != NULL) \
            (before)->entry.next->entry.previous = (element);       \
        else                                                        \
            (list)->last = (element);                               \
        (before)->entry.next = (element);                           \
    } while (0)

#define TAILQ_REMOVE(list, element, entry)                                     \
    do {                                                                       \
        if ((list)->first == (element))                                        \
            (list)->first = (element)->entry.next;                             \
        else                                                                   \
            (element)->entry.previous->entry.next = (element)->entry.next;     \
        if ((element)->entry.next != NULL)                                     \
            (element)->entry.next->entry.previous = (element)->entry.previous; \
        else                                                                   \
            (list)->last = (element)->entry.previous;                          \
    } while (0)

/* Append all elements of `other`, which is empty then. */
#define TAILQ_CONCAT(list, other, entry)                                 \
    do {                                                                 \
        if ((other)->first != NULL) {                                    \
            if (((other)->first->entry.previous = (list)->last) != NULL) \
                (list)->last->entry.next = (other)->first;               \
            else                                                         \
                (list)->first = (other)->first;                          \
            (list)->last = (other)->last;                                \
            TAILQ_INIT(other);                                           \
        }                                                                \
    } while (0)

#endif
