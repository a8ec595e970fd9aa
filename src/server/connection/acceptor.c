/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "server/connection/acceptor.h"

#include "server/connection/accept_error.h"
#include "server/log/log.h"
#include "server/log/stats.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MS INT64_C(1000000)
#define PACE_FIRST (1 * MS)
#define PACE_LAST (100 * MS)

/* So many connections of one listener, then a look at the others and at signals. */
#define BATCH 64

static const struct settings *settings_of(const struct intake *intake)
{
    return &intake->snapshot->settings;
}

static bool refuses(const struct intake *intake)
{
    return settings_of(intake)->limits.when_full == WHEN_FULL_REFUSE;
}

int64_t intake_warn(struct intake *intake)
{
    struct warning *warnings = intake->warnings;
    unsigned long count;
    int64_t wait = NEVER;

    if (warning_due(&warnings[LIMIT_RESOURCES], &count, &wait))
        log_line(LOG_WARNING, "cannot accept, pausing: %s count=%lu", strerror(intake->error),
                 count);
    if (warning_due(&warnings[LIMIT_CONNECTIONS], &count, &wait))
        log_line(LOG_WARNING, "limits.connections is reached; further peers %s count=%lu",
                 refuses(intake) ? "are refused" : "wait to be accepted", count);
    return sooner(wait, admission_warn(intake->admission));
}

/* Out of some resource: leave the listeners alone for a while that doubles with
 * each failure. accept(2) did not take the connection off the queue, so poll(2)
 * would report it again at once. */
static enum intake_verdict pace(struct intake *intake)
{
    intake->pace *= 2;
    if (intake->pace < PACE_FIRST)
        intake->pace = PACE_FIRST;
    if (intake->pace > PACE_LAST)
        intake->pace = PACE_LAST;
    intake->resume = clock_nanoseconds() + intake->pace;
    return INTAKE_PAUSE;
}

void intake_lacks(struct intake *intake, int error)
{
    intake->error = error;
    warning_count(&intake->warnings[LIMIT_RESOURCES]);
}

static enum intake_verdict pause_accepting(struct intake *intake, int error)
{
    intake_lacks(intake, error);
    return pace(intake);
}

static enum intake_verdict judge_accept_error(struct intake *intake, int error)
{
    if (error == EAGAIN)
        return INTAKE_EMPTY;
    size_t index = accept_error_find(error);
    stats_accept_error(index);
    switch (accept_errors[index].remedy) {
    case REMEDY_GO_ON: return INTAKE_GO_ON;
    case REMEDY_SHED:
        return linger_shed(intake->linger) ? INTAKE_GO_ON : pause_accepting(intake, error);
    case REMEDY_STOP: log_line(LOG_CRIT, "accept: %s", strerror(error)); return INTAKE_BROKEN;
    default: return pause_accepting(intake, error);
    }
}

/* In the words of the first sixteen program. */
static void tell_steps(const struct conversation *conversation)
{
    char peer[ADDRESS_TEXT];
    char local[ADDRESS_TEXT];
    address_format(&conversation->peer, peer);
    address_format(&conversation->local, local);
    log_line(LOG_DEBUG, "We have accepted a connection from %s", peer);
    log_line(LOG_DEBUG, "Socket connects %s and %s", local, peer);
}

/* The peer's address is the one that accept4() gave: after an early reset
 * getpeername(2) fails. */
static void begin(struct conversation *conversation, const struct intake *intake,
                  const struct listener *listener, int fd, const struct address *peer)
{
    int64_t now = clock_nanoseconds();
    *conversation = (struct conversation){
        .snapshot = intake->snapshot,
        .fd = fd,
        .peer = *peer,
        .local = listener->bound,
        .accepted = now,
        .deadline = deadline_after(now, settings_of(intake)->timeouts.exchange)};
    address_unmap(&conversation->peer);
    conversation->proxied =
        prefixes_match(&settings_of(intake)->access.proxies, &conversation->peer) >= 0;
    if (listener->wildcard)
        (void)address_of_socket(fd, &conversation->local);
}

/* The conversation ends before a worker had it. */
static void turn_away(struct conversation *conversation, enum outcome outcome)
{
    conversation->outcome = outcome;
    conversation->decided = clock_nanoseconds();
    admission_leave(conversation);
    close(conversation->fd);
    stats_outcome(conversation);
    log_conversation(conversation);
}

/* Something lacks for it, and may for the next. */
static enum intake_verdict fail(struct intake *intake, struct conversation *conversation, int error)
{
    conversation->error = error;
    turn_away(conversation, OUTCOME_FAILED);
    return pace(intake);
}

static enum intake_verdict refuse(struct conversation *conversation, enum outcome outcome)
{
    turn_away(conversation, outcome);
    return INTAKE_GO_ON;
}

static enum intake_verdict refuse_for_all(struct intake *intake, struct conversation *conversation)
{
    warning_count(&intake->warnings[LIMIT_CONNECTIONS]);
    return refuse(conversation, OUTCOME_LIMITED);
}

/* A worker for it, with memory that it keeps. */
static enum intake_verdict give(struct intake *intake, struct conversation *conversation)
{
    struct conversation *lasting = malloc(sizeof *lasting);
    if (lasting == NULL)
        return fail(intake, conversation, ENOMEM);
    *lasting = *conversation;
    (void)snapshot_take(lasting->snapshot);
    int error = handover_give(intake->handover, lasting);
    if (error != 0) {
        snapshot_release(lasting->snapshot);
        free(lasting);
        return fail(intake, conversation, error);
    }
    intake->pace /= 2;
    intake->gave = true;
    return INTAKE_GO_ON;
}

static enum intake_verdict serve(struct intake *intake, const struct listener *listener, int fd,
                                 const struct address *peer)
{
    struct conversation conversation;
    begin(&conversation, intake, listener, fd, peer);
    if (log_wants(LOG_DEBUG))
        tell_steps(&conversation);
    switch (admission_enter(intake->admission, &conversation)) {
    case ADMISSION_DENIED: return refuse(&conversation, OUTCOME_DENIED);
    case ADMISSION_CONNECTIONS: return refuse_for_all(intake, &conversation);
    case ADMISSION_PER_SOURCE: return refuse(&conversation, OUTCOME_LIMITED);
    case ADMISSION_FAILED: return fail(intake, &conversation, ENOMEM);
    default: return give(intake, &conversation);
    }
}

static enum intake_verdict accept_one(struct intake *intake, const struct listener *listener)
{
    struct address peer;
    int fd = listener_accept(listener, &peer);
    if (fd < 0)
        return judge_accept_error(intake, errno);
    stats_accepted();
    return serve(intake, listener, fd, &peer);
}

/* Who finds no place waits in the kernel's queue, unless all are accepted and some refused. */
static bool has_place(const struct intake *intake)
{
    return refuses(intake) || handover_has_place(intake->handover);
}

enum intake_verdict intake_take(struct intake *intake, const struct listener *listener)
{
    enum intake_verdict verdict = INTAKE_GO_ON;
    for (int i = 0; i < BATCH && verdict == INTAKE_GO_ON && has_place(intake); i++)
        verdict = accept_one(intake, listener);
    handover_call(intake->handover);
    return verdict;
}

void intake_finish(struct intake *intake)
{
    for (size_t i = 0; i < LIMITS; i++)
        intake->warnings[i].last = 0;
    (void)intake_warn(intake);
    admission_finish(intake->admission);
}

bool intake_may_accept(struct intake *intake, int64_t *wait)
{
    int64_t pause = intake->resume - clock_nanoseconds();
    if (pause > 0) {
        *wait = sooner(*wait, pause);
        return false;
    }
    bool was_full = intake->full;
    intake->full = !has_place(intake);
    if (intake->full && !was_full) {
        warning_count(&intake->warnings[LIMIT_CONNECTIONS]);
        *wait = sooner(*wait, intake_warn(intake));
    }
    return !intake->full;
}
