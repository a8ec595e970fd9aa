/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "client/exchange/engine.h"

#include "common/deadline.h"
#include "common/processors.h"
#include "common/thread.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <unistd.h>

#define NS_PER_SECOND 1e9
#define SPACING 1e6          /* nanoseconds from one start of a round to the next */
#define OTHER_DESCRIPTORS 32 /* in addition to those of exchanges and loops */

static void raise_descriptors(rlim_t needed)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= needed)
        return;
    limit.rlim_cur = needed < limit.rlim_max ? needed : limit.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &limit);
}

int engine_open(struct engine *engine, const struct engine_hooks *hooks)
{
    memset(engine, 0, sizeof *engine);
    engine->hooks = *hooks;
    engine->schedule.end = NEVER;
    engine->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    return engine->wake < 0 ? -1 : event_loop_open(&engine->control, engine, 0);
}

void engine_wait(struct engine *engine)
{
    atomic_store(&engine->pending, 1);
    event_loop_run(&engine->control);
}

static void *work(void *argument)
{
    struct event_loop *loop = argument;
    struct engine *engine = loop->engine;
    event_loop_run(loop);
    atomic_fetch_sub(&engine->pending, 1);
    (void)eventfd_write(engine->wake, 1);
    return NULL;
}

/* In a closed loop each thread has its share of the places. In an open loop all threads share all
 * places, so that any thread that has time begins what is due. */
static void share_places(struct engine *engine, struct event_loop *loop)
{
    unsigned places = engine->plan.places;
    unsigned threads = engine->threads;
    if (engine->plan.rate > 0)
        loop->places = &engine->shared_places;
    else
        loop->own_places = places / threads + (loop->index < places % threads);
    loop->begins = true;
}

static void join(struct engine *engine, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        CHECKED(pthread_join(engine->loops[i].thread, NULL));
}

static int start_threads(struct engine *engine)
{
    unsigned started = 0;
    int error = 0;

    atomic_store(&engine->pending, engine->threads);
    while (started < engine->threads && error == 0) {
        struct event_loop *loop = &engine->loops[started];
        error = thread_start(&loop->thread, work, loop);
        started += error == 0;
    }
    if (error == 0)
        return 0;
    engine_cut(engine);
    join(engine, started);
    errno = error;
    return -1;
}

static int open_loops(struct engine *engine)
{
    size_t size = engine->threads * sizeof(struct event_loop);
    engine->loops = aligned_alloc(_Alignof(struct event_loop), size);
    if (engine->loops == NULL)
        return -1;
    memset(engine->loops, 0, size);
    for (unsigned i = 0; i < engine->threads; i++) {
        if (event_loop_open(&engine->loops[i], engine, i) != 0)
            return -1;
        share_places(engine, &engine->loops[i]);
    }
    return 0;
}

unsigned engine_threads(unsigned places)
{
    unsigned cpus = processors_usable();
    return cpus < places ? cpus : places;
}

static int run_load(struct engine *engine)
{
    engine->control.begins = false;
    engine->threads = engine_threads(engine->plan.places);
    if (open_loops(engine) != 0)
        return -1;
    engine->schedule.began = clock_nanoseconds();
    if (engine->plan.duration > 0)
        engine->schedule.end = sooner(
            engine->schedule.end, deadline_after(engine->schedule.began, engine->plan.duration).at);
    if (start_threads(engine) != 0)
        return -1;
    event_loop_run(&engine->control);
    join(engine, engine->threads);
    return 0;
}

/* The starts of a round follow each other quickly, but not all at once: a burst delays its own
 * exchanges, and can fill queues on the path. */
static int64_t spacing_of(const struct plan *plan)
{
    double even = NS_PER_SECOND / plan->rate / (double)plan->targets->count;
    return plan->rate > 0 ? (int64_t)fmax(1, fmin(SPACING, even)) : 0;
}

int engine_run(struct engine *engine, const struct plan *plan)
{
    struct schedule *schedule = &engine->schedule;

    engine->plan = *plan;
    schedule->claimed = 0;
    schedule->rate = plan->rate;
    schedule->targets = plan->targets->count;
    schedule->spacing = spacing_of(plan);
    schedule->count = plan->count * plan->targets->count;
    if (plan->count > 0 && schedule->count < plan->places && !plan->each_address)
        engine->plan.places = (unsigned)schedule->count;
    engine->shared_places = engine->plan.places;
    schedule->skips = plan->skips;
    schedule->grace = plan->question->timeout;
    raise_descriptors((rlim_t)plan->places + 2 * processors_usable() + OTHER_DESCRIPTORS);
    if (plan->is_load) {
        int status = run_load(engine);
        if (status != 0)
            schedule->end = schedule->began; /* nothing was due */
        return status;
    }
    engine->threads = 1;
    schedule->began = clock_nanoseconds();
    share_places(engine, &engine->control);
    event_loop_run(&engine->control);
    return 0;
}

void engine_stop(struct engine *engine, int64_t now)
{
    if (now < atomic_load(&engine->schedule.end))
        atomic_store(&engine->schedule.end, now);
    (void)eventfd_write(engine->wake, 1);
}

void engine_cut(struct engine *engine)
{
    atomic_store(&engine->is_cut, true);
    engine_stop(engine, clock_nanoseconds());
}

void engine_lack_memory(struct engine *engine)
{
    atomic_store(&engine->lacks_memory, true);
    engine_cut(engine);
}
