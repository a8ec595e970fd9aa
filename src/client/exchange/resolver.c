/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "client/exchange/resolver.h"

#include "client/exchange/thread.h"
#include "common/deadline.h"

#include <errno.h>
#include <netdb.h>
#include <stdlib.h>
#include <sys/eventfd.h>

struct resolver {
    struct endpoint endpoint;
    int family;
    int wake;
    struct resolution resolution;
    bool has_ended; /* `resolution` is complete */
};

/* Protects `has_ended` of each resolver, and outlives them. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

/* An internationalized name is looked up in its ASCII form: RFC 5891. */
static int flags_for(const char *host)
{
#ifdef AI_IDN
    for (; *host != '\0'; host++)
        if ((unsigned char)*host >= 0x80)
            return AI_IDN;
#endif
    return 0;
}

static void *look_up(void *argument)
{
    struct resolver *resolver = argument;
    struct resolution *resolution = &resolver->resolution;
    int64_t began = clock_nanoseconds();
    int wake = resolver->wake; /* the resolver can be gone then */

    errno = 0;
    int error =
        endpoint_resolve(&resolver->endpoint, resolver->family, flags_for(resolver->endpoint.host),
                         &resolution->list, &resolution->count);
    if (error == EAI_SYSTEM && errno == 0) /* glibc does this */
        error = EAI_AGAIN;
    bool is_local = error == EAI_MEMORY || error == EAI_SYSTEM;
    resolution->result = error == 0 ? RESULT_RIGHT : is_local ? RESULT_LOCAL : RESULT_UNRESOLVED;
    resolution->error = error == EAI_SYSTEM ? errno : error == EAI_MEMORY ? ENOMEM : error;
    resolution->took = clock_nanoseconds() - began;
    CHECKED(pthread_mutex_lock(&lock));
    resolver->has_ended = true;
    CHECKED(pthread_mutex_unlock(&lock));
    (void)eventfd_write(wake, 1);
    return NULL;
}

struct resolver *resolver_start(const struct endpoint *endpoint, int family, int wake)
{
    struct resolver *resolver = calloc(1, sizeof *resolver);
    pthread_t thread;

    if (resolver == NULL)
        return NULL;
    resolver->endpoint = *endpoint;
    resolver->family = family;
    resolver->wake = wake;
    int error = thread_start(&thread, look_up, resolver);
    if (error == 0) {
        CHECKED(pthread_detach(thread));
        return resolver;
    }
    free(resolver);
    errno = error;
    return NULL;
}

bool resolver_end(struct resolver *resolver, struct resolution *resolution)
{
    CHECKED(pthread_mutex_lock(&lock));
    bool has_ended = resolver->has_ended;
    CHECKED(pthread_mutex_unlock(&lock));
    if (!has_ended)
        return false;
    *resolution = resolver->resolution;
    free(resolver);
    return true;
}
