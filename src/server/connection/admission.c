/* SPDX-License-Identifier: MIT */
/* The monitor protects the sources and the warning; it is left before anything is logged. The
 * number of connections is atomic: it is compared and counted up in the monitor, and any thread
 * counts it down.
 *
 * A source is an IPv4 address or an IPv6 /64. Sources are in a tree, tsearch(3): it is no larger
 * than the number of connections, no peer can provoke hash collisions in it, and it is not our
 * code. A source is freed with its last connection.
 *
 * A worker leaves the admission between send(2) with MSG_MORE and shutdown(2), which sends the
 * reply. Otherwise a client that connects again as soon as it has its reply would meet its own
 * limit. So with limits.when_full = "refuse" a few more workers than limits.connections can run. */
#include <config.h>

#include "server/connection/admission.h"

#include <errno.h>
#include <search.h>
#include <stdlib.h>

/* A host chooses its IPv6 addresses from a /64: RFC 4291, 2.5.4. An IPv4 address has fewer bits. */
#define SOURCE_BITS 64

struct source {
    struct prefix prefix; /* first, for prefix_compare() */
    size_t count;         /* of its connections */
};

static bool refuse(struct connection *connection, enum outcome outcome)
{
    connection->outcome = outcome;
    return false;
}

/* Find or create the source. Returns NULL if there is no memory. */
static struct source *find(struct admission *admission, const struct source *wanted)
{
    void *place = tfind(wanted, &admission->sources, prefix_compare);
    if (place != NULL)
        return *(struct source **)place;
    struct source *source = malloc(sizeof *source);
    if (source == NULL)
        return NULL;
    *source = *wanted;
    if (tsearch(source, &admission->sources, prefix_compare) == NULL) {
        free(source);
        return NULL;
    }
    return source;
}

#if defined __GNUC__ && !defined __clang__
#pragma GCC diagnostic ignored "-Wanalyzer-malloc-leak" /* the tree owns it */
#endif
static bool enter_source(struct admission *admission, struct connection *connection)
{
    size_t most = (size_t)connection->settings->limits.per_source;
    if (most == 0)
        return true;
    struct source wanted = {.prefix = prefix_of(&connection->peer, SOURCE_BITS)};
    struct source *source = find(admission, &wanted);
    if (source == NULL) {
        connection->error = ENOMEM;
        return refuse(connection, OUTCOME_FAILED);
    }
    if (source->count >= most) {
        monitor_warn(admission->monitor, &admission->source_warning);
        return refuse(connection, OUTCOME_LIMITED);
    }
    source->count++;
    connection->source = source;
    return true;
}

static void leave_source(struct admission *admission, struct source *source)
{
    monitor_enter(admission->monitor);
    if (--source->count == 0) {
        (void)tdelete(source, &admission->sources, prefix_compare);
        free(source);
    }
    monitor_leave(admission->monitor);
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
        monitor_warn(admission->monitor, &admission->limit_warning);
        return refuse(connection, OUTCOME_LIMITED);
    }
    if (!connection->proxied && !enter_source(admission, connection))
        return false;
    (void)atomic_fetch_add(&admission->count, 1);
    connection->admission = admission;
    return true;
}

bool admission_enter_again(struct connection *connection)
{
    if (!is_allowed(connection))
        return refuse(connection, OUTCOME_DENIED);
    if (!connection->proxy->has_addresses)
        return true;
    monitor_enter(connection->admission->monitor);
    bool admitted = enter_source(connection->admission, connection);
    monitor_leave(connection->admission->monitor);
    return admitted;
}

int64_t admission_warn(struct admission *admission, const struct settings *settings,
                       bool last_chance)
{
    unsigned long limit_count = 0;
    unsigned long source_count = 0;
    int64_t wait = NEVER;
    monitor_enter(admission->monitor);
    (void)warning_due(&admission->limit_warning, last_chance, &limit_count, &wait);
    (void)warning_due(&admission->source_warning, last_chance, &source_count, &wait);
    monitor_leave(admission->monitor);
    if (limit_count > 0)
        log_line(LOG_WARNING, "limits.connections reached; new connections %s count=%lu",
                 settings->limits.when_full == WHEN_FULL_REFUSE ? "are refused"
                                                                : "wait in the queue",
                 limit_count);
    if (source_count > 0)
        log_line(
            LOG_WARNING,
            "limits.per_source reached; new connections from that source are refused count=%lu",
            source_count);
    return wait;
}

void admission_leave(struct connection *connection)
{
    struct admission *admission = connection->admission;
    if (admission == NULL)
        return;
    if (connection->source != NULL)
        leave_source(admission, connection->source);
    (void)atomic_fetch_sub(&admission->count, 1);
    connection->admission = NULL;
    connection->source = NULL;
}
