/* SPDX-License-Identifier: MIT */
/* The list of open exchanges is sorted by their next instants. Nearly all of these are deadlines,
 * which have the order in which the exchanges began, so a search from the end of the list is short.
 * One timerfd serves the earliest instant: ppoll(2) and epoll_wait(2) can be late by a thousandth
 * of the time that they wait. */
#include <config.h>

#include "client/exchange/event_loop.h"

#include "client/exchange/engine.h"
#include "common/deadline.h"

#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>

#define EVENTS 64               /* handled before exchanges begin */
#define STARTS (2 * EVENTS)     /* begun before events are handled; if fewer, places stay free */
#define PAUSE INT64_C(10000000) /* before the next try if this host cannot begin an exchange */

int event_loop_open(struct event_loop *loop, struct engine *engine, unsigned index)
{
    struct epoll_event wake = {.events = EPOLLIN | EPOLLET};

    loop->engine = engine;
    loop->index = index;
    loop->armed = NEVER;
    loop->places = &loop->own_places;
    TAILQ_INIT(&loop->idle);
    TAILQ_INIT(&loop->open);
    loop->epoll = epoll_create1(EPOLL_CLOEXEC);
    loop->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    if (loop->epoll < 0 || loop->timer < 0 ||
        epoll_ctl(loop->epoll, EPOLL_CTL_ADD, engine->wake, &wake) != 0)
        return -1;
    wake.data.ptr = loop;
    return epoll_ctl(loop->epoll, EPOLL_CTL_ADD, loop->timer, &wake);
}

static void insert(struct event_loop *loop, struct exchange *exchange)
{
    struct exchange *before = TAILQ_LAST(&loop->open, exchanges);
    while (before != NULL && before->next > exchange->next)
        before = TAILQ_PREV(before, exchanges, link);
    if (before != NULL)
        TAILQ_INSERT_AFTER(&loop->open, before, exchange, link);
    else
        TAILQ_INSERT_HEAD(&loop->open, exchange, link);
}

static void end(struct event_loop *loop, struct exchange *exchange)
{
    const struct engine *engine = loop->engine;

    exchange_close(exchange);
    TAILQ_INSERT_HEAD(&loop->idle, exchange, link);
    atomic_fetch_add(loop->places, 1);
    engine->hooks.ended(engine->hooks.context, loop->index, exchange);
}

/* Put an exchange that has changed where it belongs: it is over, or its next instant can differ. */
static void settle(struct event_loop *loop, struct exchange *exchange, int64_t before)
{
    if (!exchange->is_over && exchange->next == before)
        return;
    TAILQ_REMOVE(&loop->open, exchange, link);
    if (exchange->is_over)
        end(loop, exchange);
    else
        insert(loop, exchange);
}

static void handle(struct event_loop *loop, const struct epoll_event *event)
{
    struct attempt *attempt = event->data.ptr;
    if (event->data.ptr == loop)
        loop->armed = NEVER;
    if (event->data.ptr == loop || attempt == NULL || attempt->fd < 0)
        return;
    int64_t before = attempt->exchange->next;
    exchange_event(attempt, event->events, clock_nanoseconds());
    settle(loop, attempt->exchange, before);
}

static void handle_instants(struct event_loop *loop)
{
    struct exchange *exchange;
    int64_t now = clock_nanoseconds();
    while ((exchange = TAILQ_FIRST(&loop->open)) != NULL && exchange->next <= now) {
        exchange_continue(exchange, now);
        settle(loop, exchange, INT64_MIN);
    }
}

static void cut(struct event_loop *loop)
{
    struct exchange *exchange;
    int64_t now = clock_nanoseconds();
    while ((exchange = TAILQ_FIRST(&loop->open)) != NULL) {
        exchange_cut(exchange, now);
        settle(loop, exchange, exchange->next);
    }
}

/* Take an idle exchange that has room for the addresses of the target, or a new one. */
static struct exchange *take_exchange(struct event_loop *loop, size_t room)
{
    struct exchange *exchange = TAILQ_FIRST(&loop->idle);
    if (exchange != NULL) {
        TAILQ_REMOVE(&loop->idle, exchange, link);
        if (exchange->room >= room)
            return exchange;
        free(exchange);
    }
    return exchange_new(room);
}

static bool take_place(struct event_loop *loop)
{
    if (atomic_fetch_sub(loop->places, 1) >= 1)
        return true;
    atomic_fetch_add(loop->places, 1);
    return false;
}

/* Begin one exchange. If this host cannot, the next one would fail at once too, so a loop without a
 * rate pauses. */
static void begin(struct event_loop *loop, uint64_t number, int64_t due, struct target *target,
                  struct server *server)
{
    const struct engine *engine = loop->engine;
    struct exchange *exchange = take_exchange(loop, target->count > 0 ? target->count : 1);
    int64_t now = clock_nanoseconds();

    if (exchange == NULL) {
        engine_lack_memory(loop->engine);
        atomic_fetch_add(loop->places, 1);
        return;
    }
    exchange->question = engine->plan.question;
    exchange->number = number;
    exchange->scheduled = due;
    exchange_begin(exchange, target, server, loop->epoll, now);
    if (engine->schedule.rate == 0 && exchange->is_over && !exchange->has_reached_network)
        loop->pause = now + PAUSE;
    insert(loop, exchange);
    if (exchange->is_over)
        settle(loop, exchange, exchange->next);
}

/* Begin the exchange of one start, or one with each address of its target. They have one place
 * already; the others follow even if none is free. */
static void begin_start(struct event_loop *loop, uint64_t number, int64_t due)
{
    const struct plan *plan = &loop->engine->plan;
    struct target *target = &plan->targets->list[number % plan->targets->count];

    if (target->count == 0 && target->state == NAME_RESTS)
        loop->engine->hooks.unresolved(loop->engine->hooks.context, target);
    if (!plan->each_address || target->count == 0) {
        bool alternates = plan->alternates && target->count > 0;
        begin(loop, number, due, target, alternates ? target->order[number % target->count] : NULL);
        return;
    }
    atomic_fetch_sub(loop->places, (int64_t)target->count - 1);
    for (size_t i = 0; i < target->count; i++)
        begin(loop, number, due, target, target->order[i]);
}

void event_loop_resolved(struct event_loop *loop, const struct target *target)
{
    struct exchange *exchange = TAILQ_FIRST(&loop->open);
    while (exchange != NULL) {
        struct exchange *next = TAILQ_NEXT(exchange, link);
        bool waits = exchange->target == target && exchange->verdict.phase == PHASE_RESOLVE;
        if (waits && target->count == 0) {
            exchange_fail(exchange, clock_nanoseconds());
            settle(loop, exchange, exchange->next);
        } else if (waits) {
            TAILQ_REMOVE(&loop->open, exchange, link);
            TAILQ_INSERT_HEAD(&loop->idle, exchange, link);
            begin_start(loop, exchange->number, exchange->scheduled);
        }
        exchange = next;
    }
}

/* Begin what is due. Returns the instant at which more can begin; NEVER if none can before an
 * exchange ends. */
static int64_t begin_due(struct event_loop *loop)
{
    struct engine *engine = loop->engine;
    struct schedule *schedule = &engine->schedule;
    uint64_t number;
    int64_t due;

    for (int i = 0; i < STARTS; i++) {
        int64_t now = clock_nanoseconds();
        if (loop->pause > now)
            return loop->pause;
        if (!schedule_is_due(schedule, now))
            return schedule_next(schedule, loop->index, engine->threads, now);
        bool has_place = take_place(loop);
        if (!has_place && schedule->rate == 0)
            return NEVER;
        if (!has_place && !schedule->skips)
            return schedule_next(schedule, loop->index, engine->threads, now);
        bool is_claimed = schedule_claim(schedule, now, &number, &due);
        if (is_claimed && has_place && !schedule_skips(schedule, now, due)) {
            begin_start(loop, number, due);
            continue;
        }
        atomic_fetch_add(loop->places, has_place);
        if (is_claimed)
            engine->hooks.skipped(engine->hooks.context, number);
    }
    return 0;
}

/* Wait for events, or until the instant `until`. Returns the number of events. */
static int await(struct event_loop *loop, int64_t until, struct epoll_event events[EVENTS])
{
    bool is_past = until <= clock_nanoseconds();
    if (!is_past && until < loop->armed) {
        const struct itimerspec at = {.it_value = timespec_from(until)};
        (void)timerfd_settime(loop->timer, TFD_TIMER_ABSTIME, &at, NULL);
        loop->armed = until;
    }
    return epoll_wait(loop->epoll, events, EVENTS, is_past ? 0 : -1);
}

/* Return whether the loop has nothing more to do. That of the main thread can still have to wait
 * for other threads or a look-up. */
static bool has_ended(const struct event_loop *loop, int64_t start)
{
    const struct engine *engine = loop->engine;
    if (!TAILQ_EMPTY(&loop->open) || start != NEVER)
        return false;
    return loop != &engine->control || loop->begins || atomic_load(&engine->pending) == 0;
}

void event_loop_run(struct event_loop *loop)
{
    struct engine *engine = loop->engine;
    struct epoll_event events[EVENTS];

    while (!atomic_load(&engine->is_cut)) {
        int64_t until = NEVER;
        if (loop == &engine->control)
            until = engine->hooks.turn(engine->hooks.context, clock_nanoseconds());
        int64_t start = loop->begins ? begin_due(loop) : NEVER;
        if (has_ended(loop, start))
            break;
        until = sooner(until, start);
        if (!TAILQ_EMPTY(&loop->open))
            until = sooner(until, TAILQ_FIRST(&loop->open)->next);
        int count = await(loop, until, events);
        handle_instants(loop);
        for (int i = 0; i < count; i++)
            handle(loop, &events[i]);
    }
    cut(loop);
}
