/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "client/load.h"

#include "client/driver.h"
#include "common/checked.h"
#include "common/deadline.h"

#include <assert.h>
#include <errno.h>
#include <math.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#define OTHER_DESCRIPTORS 32 /* beside sockets and epolls */

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

/* Header and message in one piece, for one send(2). */
static void pack(struct cargo *cargo, const struct question *question)
{
    assert(question->header_length <= PROXY_HEADER_SIZE);
    cargo->question = question;
    cargo->length = question->header_length + WIRE_OCTETS;
    if (question->header_length > 0)
        memcpy(cargo->octets, question->header, question->header_length);
    memcpy(cargo->octets + question->header_length, question->message, WIRE_OCTETS);
}

/* Every driver is told to, so that every one can be released; the first error counts. */
static bool prepare(struct load *load)
{
    load->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    int error = load->wake < 0 ? errno : 0;
    pack(&load->cargo, load->plan.question);
    for (unsigned i = 0; i < load->drivers; i++)
        if (driver_prepare(&load->driver[i], load, i) != 0 && error == 0)
            error = errno;
    errno = error;
    return error == 0;
}

static void *drive(void *argument)
{
    struct driver *driver = argument;
    struct load *load = driver->load;

    (void)prctl(PR_SET_TIMERSLACK, 1UL, 0UL, 0UL, 0UL);
    CHECKED(pthread_mutex_lock(&load->gate));
    CHECKED(pthread_mutex_unlock(&load->gate));
    driver_run(driver);
    return NULL;
}

static void join(struct load *load, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        CHECKED(pthread_join(load->driver[i].thread, NULL));
}

/* The gate keeps the first threads from beginning while the others are made. */
static bool launch(struct load *load)
{
    double duration = load->plan.duration;
    unsigned made = 0;
    int error = 0;

    CHECKED(pthread_mutex_lock(&load->gate));
    while (made < load->drivers && error == 0) {
        error = pthread_create(&load->driver[made].thread, NULL, drive, &load->driver[made]);
        made += error == 0;
    }
    load->began = clock_nanoseconds();
    load->end = duration > 0 ? deadline_after(load->began, duration).at : INT64_MAX;
    load->cut = error != 0;
    CHECKED(pthread_mutex_unlock(&load->gate));
    if (error != 0)
        join(load, made);
    errno = error;
    return error == 0;
}

static struct load *make(const struct load_plan *plan)
{
    unsigned parallel = plan->parallel;
    if (plan->count > 0 && plan->count < parallel)
        parallel = (unsigned)plan->count;
    unsigned drivers = cpus_allowed();
    if (drivers > parallel)
        drivers = parallel;
    size_t size = sizeof(struct load) + drivers * sizeof(struct driver);
    struct load *load = aligned_alloc(_Alignof(struct load), size);
    if (load != NULL) {
        memset(load, 0, size);
        load->plan = *plan;
        load->plan.parallel = parallel;
        load->drivers = drivers;
        CHECKED(pthread_mutex_init(&load->gate, NULL));
    }
    return load;
}

struct load *load_start(const struct load_plan *plan)
{
    struct load *load = make(plan);
    if (load != NULL) {
        raise_descriptors((rlim_t)load->plan.parallel + load->drivers + OTHER_DESCRIPTORS);
        if (!prepare(load) || !launch(load)) {
            int error = errno;
            load_free(load);
            errno = error;
            load = NULL;
        }
    }
    return load;
}

struct load_progress load_progress(const struct load *load)
{
    struct load_progress progress = {0};
    for (unsigned i = 0; i < load->drivers; i++) {
        const struct driver *driver = &load->driver[i];
        progress.done += atomic_load_explicit(&driver->done, memory_order_relaxed);
        progress.errors += atomic_load_explicit(&driver->errors, memory_order_relaxed);
    }
    return progress;
}

void load_stop(struct load *load)
{
    int64_t now = clock_nanoseconds();
    if (now < atomic_load(&load->end))
        atomic_store(&load->end, now);
    (void)eventfd_write(load->wake, 1);
}

void load_cut(struct load *load)
{
    atomic_store(&load->cut, true);
    load_stop(load);
}

/* Only the sum of all tells whether one that was cut took longer than each right one. */
static void count_those_cut(const struct driver *driver, struct tally *tallies)
{
    for (const struct flight *flight = TAILQ_FIRST(&driver->live); flight != NULL;
         flight = TAILQ_NEXT(flight, link))
        tally_cut(&tallies[flight->server], flight->verdict.phase, flight->verdict.count,
                  driver->last - flight->scheduled);
}

/* Add up in the first driver's tallies what each has counted. */
static void add_up(struct load *load, struct load_result *result)
{
    int64_t first = INT64_MAX;
    int64_t last = 0;
    uint64_t timely = 0;
    uint64_t begun = 0;
    result->tallies = load->driver[0].tallies;
    for (unsigned i = 0; i < load->drivers; i++) {
        const struct driver *driver = &load->driver[i];
        for (size_t s = 0; i > 0 && s < load->plan.server_count; s++)
            tally_merge(&result->tallies[s], &driver->tallies[s]);
        times_merge(&result->service, &driver->service);
        result->not_begun += driver->not_begun;
        timely += driver->timely;
        begun += driver->begun;
        first = driver->first < first ? driver->first : first;
        last = driver->last > last ? driver->last : last;
    }
    for (unsigned i = 0; i < load->drivers; i++)
        count_those_cut(&load->driver[i], result->tallies);
    result->elapsed = last > first ? last - first : 0;
    int64_t until = last < load->end ? last : load->end;
    double seconds = (double)(until - first) / 1e9;
    /* Behind each start of an open loop there is the time to the next. */
    if (load->plan.rate > 0)
        seconds = fmax(seconds, (double)begun / load->plan.rate);
    result->rate = seconds > 0 ? (double)timely / seconds : 0;
    load->driver[0].tallies = NULL;
}

void load_join(struct load *load, struct load_result *result)
{
    join(load, load->drivers);
    *result = (struct load_result){.threads = load->drivers};
    add_up(load, result);
}

void load_free(struct load *load)
{
    for (unsigned i = 0; i < load->drivers; i++)
        driver_release(&load->driver[i]);
    if (load->wake >= 0)
        close(load->wake);
    free(load);
}
