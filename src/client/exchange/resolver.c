/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "client/exchange/resolver.h"

#include "common/deadline.h"
#include "common/thread.h"

#include <errno.h>
#include <netdb.h>
#include <stdlib.h>
#include <strings.h>
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

#ifndef AI_IDN
#define AI_IDN 0 /* this C library finds only names that are ASCII */
#endif

/* An internationalized name is looked up in its ASCII form: RFC 5891. */
static int flags_for(const char *host)
{
    for (; *host != '\0'; host++)
        if ((unsigned char)*host >= 0x80)
            return AI_IDN;
    return 0;
}

/* Look the name up. localhost is known also where neither hosts(5) nor a name server is: RFC 6761,
 * 6.3. Returns 0, or an error of getaddrinfo(3). */
static int resolve(const struct resolver *resolver, struct resolution *resolution)
{
    struct endpoint endpoint = resolver->endpoint;
    int error = endpoint_resolve(&endpoint, resolver->family, flags_for(endpoint.host),
                                 &resolution->list, &resolution->count);
    if (error == 0 || error == EAI_MEMORY || strcasecmp(endpoint.host, "localhost") != 0)
        return error;
    endpoint.host[0] = '\0';
    return endpoint_resolve(&endpoint, resolver->family, 0, &resolution->list, &resolution->count);
}

static void *look_up(void *argument)
{
    struct resolver *resolver = argument;
    struct resolution *resolution = &resolver->resolution;
    int64_t began = clock_nanoseconds();
    int wake = resolver->wake; /* once `has_ended` is set, the resolver can be freed */

    errno = 0;
    int error = resolve(resolver, resolution);
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
