/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "names_support.h"

#include <errno.h>
#include <stdatomic.h>

static struct address found[NAMES_MAX];
static struct addrinfo nodes[NAMES_MAX];
static size_t found_count;
static atomic_int failure; /* resolver threads run this, too */
static atomic_int failure_errno;
static atomic_int flags;
static atomic_int calls;
static atomic_int freed;
void (*names_hook)(void);

void names_find(const struct address *list, size_t count)
{
    ck_assert_uint_le(count, NAMES_MAX);
    found_count = count;
    calls = freed = failure = 0;
    for (size_t i = 0; i < count; i++) {
        found[i] = list[i];
        nodes[i] = (struct addrinfo){.ai_addr = &found[i].u.any,
                                     .ai_addrlen = found[i].length,
                                     .ai_next = i + 1 < count ? &nodes[i + 1] : NULL};
    }
}

void names_fail(int error, int number)
{
    failure = error;
    failure_errno = number;
}

int names_flags(void)
{
    return flags;
}

int names_calls(void)
{
    return calls;
}

int names_freed(void)
{
    return freed;
}

/* NOLINTBEGIN(bugprone-reserved-identifier) */
int __real_getaddrinfo(const char *, const char *, const struct addrinfo *, struct addrinfo **);
int __wrap_getaddrinfo(const char *, const char *, const struct addrinfo *, struct addrinfo **);
void __real_freeaddrinfo(struct addrinfo *list);
void __wrap_freeaddrinfo(struct addrinfo *list);

int __wrap_getaddrinfo(const char *host, const char *port, const struct addrinfo *hints,
                       struct addrinfo **list)
{
    if ((hints->ai_flags & AI_NUMERICHOST) != 0)
        return __real_getaddrinfo(host, port, hints, list);
    calls++;
    flags = hints->ai_flags;
    if (names_hook != NULL)
        names_hook();
    if (failure != 0) {
        errno = failure_errno;
        return failure;
    }
    if (found_count == 0)
        return __real_getaddrinfo(host, port, hints, list);
    *list = nodes;
    return 0;
}

void __wrap_freeaddrinfo(struct addrinfo *list)
{
    freed++;
    if (list != nodes)
        __real_freeaddrinfo(list);
}
/* NOLINTEND(bugprone-reserved-identifier) */
