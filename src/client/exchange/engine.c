/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "client/exchange/engine.h"

#include "client/exchange/thread.h"
#include "common/deadline.h"

#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <unistd.h>

#define OTHER_DESCRIPTORS 32 /* in addition to those of exchanges and loops */

static unsigned cpus_allowed(void)
{
    cpu_set_t set;
    return sched_getaffinity(0, sizeof set, &set) == 0 ? (unsigned)CPU_COUNT(&set) : 1;
}

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
    unsigned cpus = cpus_allowed();
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

int engine_run(struct engine *engine, const struct plan *plan)
{
    struct schedule *schedule = &engine->schedule;

    engine->plan = *plan;
    if (plan->count > 0 && plan->count < plan->places && !plan->each_address)
        engine->plan.places = (unsigned)plan->count;
    engine->shared_places = engine->plan.places;
    schedule->claimed = schedule->skipped = 0;
    engine->control.ended = engine->control.failed = 0;
    schedule->rate = plan->rate;
    schedule->count = plan->count;
    schedule->skips = plan->skips;
    schedule->grace = plan->question->timeout;
    raise_descriptors((rlim_t)plan->places + 2 * cpus_allowed() + OTHER_DESCRIPTORS);
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

uint64_t engine_ended(const struct engine *engine, uint64_t *failed)
{
    uint64_t ended = atomic_load_explicit(&engine->control.ended, memory_order_relaxed);
    *failed = atomic_load_explicit(&engine->control.failed, memory_order_relaxed);
    for (unsigned i = 0; engine->loops != NULL && i < engine->threads; i++) {
        ended += atomic_load_explicit(&engine->loops[i].ended, memory_order_relaxed);
        *failed += atomic_load_explicit(&engine->loops[i].failed, memory_order_relaxed);
    }
    return ended;
}
