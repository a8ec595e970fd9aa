/* SPDX-License-Identifier: MIT */
/* The monitor protects the tree of sources and the warnings; it is left before anything is logged.
 * Counts of connections are atomic: they are compared and counted up in the monitor, so that none
 * exceeds its limit, and any thread counts them down without a lock.
 *
 * A source is an IPv4 address or an IPv6 /64. Sources are in a tree, tsearch(3): it is no larger
 * than the number of connections, no peer can provoke hash collisions in it, and it is not our
 * code. A source is freed when its last connection is forgotten, which a worker does when it is in
 * the monitor anyway. Sources are counted even without limits.per_source: a warning names the one
 * that holds the most. Only when it is due is the tree searched for it, so once a second at most.
 *
 * A worker leaves the admission between send(2) with MSG_MORE and shutdown(2), which sends the
 * reply. Otherwise a client that connects again as soon as it has its reply would meet its own
 * limit. So with limits.when_full = "refuse" a few more workers than limits.connections can run. */
#include <config.h>

#include "server/connection/admission.h"

#include <errno.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>

/* A host chooses its IPv6 addresses from a /64: RFC 4291, 2.5.4. An IPv4 address has fewer bits. */
#define SOURCE_BITS 64

#define HOLDER_TEXT (PREFIX_TEXT + 64)

struct source {
    struct prefix prefix; /* first, for prefix_compare() */
    atomic_size_t count;  /* of its connections */
    size_t users;         /* connections that point here */
};

static bool refuse(struct connection *connection, enum outcome outcome)
{
    connection->outcome = outcome;
    return false;
}

/* Find or create the source of the peer. Returns NULL if there is no memory. */
static struct source *find(struct admission *admission, const struct address *peer)
{
    const struct prefix wanted = prefix_of(peer, SOURCE_BITS);
    void *place = tfind(&wanted, &admission->sources, prefix_compare);
    if (place != NULL)
        return *(struct source **)place;
    struct source *source = calloc(1, sizeof *source);
    if (source == NULL)
        return NULL;
    source->prefix = wanted;
    if (tsearch(source, &admission->sources, prefix_compare) == NULL) {
        free(source);
        return NULL;
    }
    return source;
}

/* Keep the larger of two sources. */
static void note(struct holder *largest, const struct source *source)
{
    size_t count = atomic_load(&source->count);
    if (count > largest->count)
        *largest = (struct holder){source->prefix, count};
}

#if defined __GNUC__ && !defined __clang__
#pragma GCC diagnostic ignored "-Wanalyzer-malloc-leak" /* the tree owns it */
#endif
static bool enter_source(struct admission *admission, struct connection *connection)
{
    size_t most = (size_t)connection->settings->limits.per_source;
    struct source *source = find(admission, &connection->peer);
    if (source == NULL) {
        connection->error = ENOMEM;
        return refuse(connection, OUTCOME_FAILED);
    }
    if (most != 0 && atomic_load(&source->count) >= most) {
        note(&admission->refused, source);
        monitor_warn(admission->monitor, &admission->source_warning, 0);
        return refuse(connection, OUTCOME_LIMITED);
    }
    (void)atomic_fetch_add(&source->count, 1);
    source->users++;
    connection->source = source;
    return true;
}

/* The longest matching prefix decides, and access.deny if both lists have one of that length. */
static bool is_allowed(const struct connection *connection)
{
    const struct settings *settings = connection->settings;
    int denied = prefixes_match(&settings->access.deny, &connection->peer);
    int allowed = prefixes_match(&settings->access.allow, &connection->peer);
    if (allowed < 0 && settings->access.allow.count > 0)
        return false;
    return denied < 0 || allowed > denied;
}

static bool is_full(struct admission *admission, const struct connection *connection)
{
    const struct settings *settings = connection->settings;
    return settings->limits.when_full == WHEN_FULL_REFUSE &&
           atomic_load(&admission->count) >= (size_t)settings->limits.connections;
}

bool admission_enter(struct admission *admission, struct connection *connection)
{
    if (!connection->proxied && !is_allowed(connection))
        return refuse(connection, OUTCOME_DENIED);
    if (is_full(admission, connection)) {
        monitor_warn(admission->monitor, &admission->limit_warning, 0);
        return refuse(connection, OUTCOME_LIMITED);
    }
    if (!connection->proxied && !enter_source(admission, connection))
        return false;
    (void)atomic_fetch_add(&admission->count, 1);
    connection->admission = admission;
    connection->counted = true;
    return true;
}

bool admission_enter_again(struct connection *connection)
{
    if (!is_allowed(connection))
        return refuse(connection, OUTCOME_DENIED);
    if (!connection->proxy->header.has_addresses)
        return true;
    monitor_enter(connection->admission->monitor);
    bool admitted = enter_source(connection->admission, connection);
    monitor_leave(connection->admission->monitor);
    return admitted;
}

void admission_leave(struct connection *connection)
{
    if (!connection->counted)
        return;
    if (connection->source != NULL)
        (void)atomic_fetch_sub(&connection->source->count, 1);
    (void)atomic_fetch_sub(&connection->admission->count, 1);
    connection->counted = false;
}

void admission_forget(struct connection *connection)
{
    struct source *source = connection->source;
    if (source != NULL && --source->users == 0) {
        (void)tdelete(source, &connection->admission->sources, prefix_compare);
        free(source);
    }
    connection->source = NULL;
}

/* For twalk(3), which passes no argument on. */
static _Thread_local struct holder largest;

static void walk(const void *node, VISIT visit, int depth)
{
    (void)depth;
    if (visit == preorder || visit == leaf)
        note(&largest, *(struct source *const *)node);
}

/* Return what a warning says of a source, or nothing if there is none. */
static const char *describe(const struct holder *holder, char text[HOLDER_TEXT])
{
    char prefix[PREFIX_TEXT];
    text[0] = '\0';
    if (holder->count > 0)
        snprintf(text, HOLDER_TEXT, "; %s holds the most, %zu",
                 prefix_format(&holder->prefix, prefix), holder->count);
    return text;
}

int64_t admission_warn(struct admission *admission, const struct settings *settings,
                       bool last_chance)
{
    char text[HOLDER_TEXT];
    int64_t wait = NEVER;
    largest.count = 0;
    monitor_enter(admission->monitor);
    unsigned long limit_count = warning_due(&admission->limit_warning, last_chance, &wait).count;
    if (limit_count > 0)
        twalk(admission->sources, walk);
    unsigned long source_count = warning_due(&admission->source_warning, last_chance, &wait).count;
    const struct holder refused = admission->refused;
    if (source_count > 0)
        admission->refused.count = 0;
    monitor_leave(admission->monitor);
    if (limit_count > 0)
        log_line(
            LOG_WARNING,
            "limits.connections reached; new connections %s%s; raise limits.connections or lower "
            "limits.per_source count=%lu",
            settings->limits.when_full == WHEN_FULL_REFUSE ? "are refused" : "wait in the queue",
            describe(&largest, text), limit_count);
    if (source_count > 0)
        log_line(
            LOG_WARNING,
            "limits.per_source reached; new connections from some sources are refused%s; raise "
            "limits.per_source if many clients share an address count=%lu",
            describe(&refused, text), source_count);
    return wait;
}
