/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "client/driver.h"

#include "client/schedule.h"
#include "common/deadline.h"

#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#define ENDS 64                 /* that are looked at before others may begin, … */
#define BEGINNINGS (2 * ENDS)   /* … and the other way round: more, or the places never fill */
#define PAUSE INT64_C(10000000) /* before the next try, where this host can't begin one */

int driver_prepare(struct driver *driver, struct load *load, unsigned index)
{
    const struct load_plan *plan = &load->plan;
    struct epoll_event wake = {.events = EPOLLIN | EPOLLET};

    driver->load = load;
    driver->index = index;
    driver->places = plan->parallel / load->drivers + (index < plan->parallel % load->drivers);
    driver->first = NEVER;
    TAILQ_INIT(&driver->idle);
    TAILQ_INIT(&driver->live);
    driver->epoll = epoll_create1(EPOLL_CLOEXEC);
    driver->flights = calloc(driver->places, sizeof *driver->flights);
    driver->tallies = calloc(plan->server_count, sizeof *driver->tallies);
    if (driver->epoll < 0 || driver->flights == NULL || driver->tallies == NULL)
        return -1;
    for (unsigned i = 0; i < driver->places; i++)
        TAILQ_INSERT_TAIL(&driver->idle, &driver->flights[i], link);
    return epoll_ctl(driver->epoll, EPOLL_CTL_ADD, load->wake, &wake);
}

void driver_release(struct driver *driver)
{
    if (driver->epoll >= 0)
        close(driver->epoll);
    free(driver->flights);
    free(driver->tallies);
}

static bool is_open_loop(const struct driver *driver)
{
    return driver->load->plan.rate > 0;
}

/* The number of the next exchange, among those of all drivers. */
static uint64_t next_number(const struct driver *driver)
{
    return driver->index + driver->begun * driver->load->drivers;
}

/* When the next exchange is due, whatever else keeps it. */
static int64_t next_due(const struct driver *driver)
{
    struct load *load = driver->load;
    uint64_t count = load->plan.count;
    uint64_t before = is_open_loop(driver) ? next_number(driver) : atomic_load(&load->claimed);
    if (count > 0 && before >= count)
        return NEVER;
    return is_open_loop(driver) ? load->began + schedule_due(load->plan.rate, before) : 0;
}

/* When the next exchange may begin, at the instant `now`. */
static int64_t next_start(const struct driver *driver, int64_t now)
{
    int64_t at = next_due(driver);
    if (at < driver->pause)
        at = driver->pause;
    if (at < now)
        at = now;
    return at < atomic_load(&driver->load->end) ? at : NEVER;
}

static void add_one(_Atomic uint64_t *counter)
{
    uint64_t count = atomic_load_explicit(counter, memory_order_relaxed);
    atomic_store_explicit(counter, count + 1, memory_order_relaxed);
}

static void count(struct driver *driver, const struct flight *flight, int64_t end)
{
    bool is_right = verdict_class(&flight->verdict) == CLASS_RIGHT;
    tally_add(&driver->tallies[flight->server], &flight->verdict, end - flight->scheduled);
    driver->timely += is_right && end < atomic_load(&driver->load->end);
    if (is_right && is_open_loop(driver))
        times_add(&driver->service, (uint64_t)(end - flight->began));
    if (!is_right)
        add_one(&driver->errors);
    add_one(&driver->done);
}

/* One is over, at the instant `now`. */
static void land(struct driver *driver, struct flight *flight, int64_t now)
{
    if (flight->fd >= 0)
        close(flight->fd);
    TAILQ_REMOVE(&driver->live, flight, link);
    TAILQ_INSERT_HEAD(&driver->idle, flight, link);
    driver->last = now;
    count(driver, flight, flight->verdict.result == RESULT_SILENT ? flight->heard : now);
}

/* Of a closed loop's count the drivers take one after the other, so that none ends before the
 * rest. */
static bool claim(struct driver *driver)
{
    struct load *load = driver->load;
    if (is_open_loop(driver) || load->plan.count == 0)
        return true;
    return atomic_fetch_add(&load->claimed, 1) < load->plan.count;
}

static void begin(struct driver *driver, int64_t now)
{
    const struct load *load = driver->load;
    const struct load_plan *plan = &load->plan;
    struct flight *flight = TAILQ_FIRST(&driver->idle);
    uint64_t number = next_number(driver);

    flight->began = now;
    flight->scheduled = is_open_loop(driver) ? next_due(driver) : now;
    flight->server = (driver->index + driver->begun) % plan->server_count;
    if (driver->begun++ == 0)
        driver->first = now;
    TAILQ_REMOVE(&driver->idle, flight, link);
    TAILQ_INSERT_TAIL(&driver->live, flight, link);
    enum flight_state state =
        flight_begin(flight, &load->cargo, &plan->servers[flight->server], number, driver->epoll);
    /* An open loop has its own pace, and is to keep it. */
    if (state == FLIGHT_FAILED && !is_open_loop(driver))
        driver->pause = now + PAUSE;
    if (state != FLIGHT_ON)
        land(driver, flight, clock_nanoseconds());
}

/* Begin what is due. Returns when the next one may begin; NEVER where none will before another
 * has ended. */
static int64_t begin_due(struct driver *driver)
{
    int64_t now = 0;
    for (int i = 0; i < BEGINNINGS; i++) {
        if (TAILQ_EMPTY(&driver->idle))
            return NEVER;
        now = clock_nanoseconds();
        int64_t start = next_start(driver, now);
        if (start > now)
            return start;
        if (claim(driver))
            begin(driver, now);
    }
    return now;
}

static int64_t time_out_of(const struct driver *driver, const struct flight *flight)
{
    return deadline_after(flight->began, driver->load->cargo.question->timeout).at;
}

/* In whole milliseconds, and no shorter. */
static int milliseconds(int64_t wait)
{
    int64_t whole = wait / 1000000 + (wait % 1000000 > 0);
    return whole < INT_MAX ? (int)whole : INT_MAX;
}

/* Wait until an event is there, or `until`. Returns how many events there are. */
static int await(const struct driver *driver, int64_t until, struct epoll_event events[ENDS])
{
    struct pollfd ready = {.fd = driver->epoll, .events = POLLIN};
    int64_t left = deadline_left((struct deadline){until}, clock_nanoseconds());
    /* The starts of an open loop are to be punctual, and epoll_wait() knows only milliseconds. */
    if (is_open_loop(driver) && left > 0) {
        struct timespec time = timespec_from(left);
        if (ppoll(&ready, 1, &time, NULL) == 0)
            return 0;
        left = 0;
    }
    return epoll_wait(driver->epoll, events, ENDS, milliseconds(left));
}

static void go_on(struct driver *driver, const struct epoll_event *event)
{
    struct flight *flight = event->data.ptr;
    if (flight == NULL) /* load->wake */
        return;
    int64_t now = clock_nanoseconds();
    if (flight_go_on(flight, &driver->load->cargo, event->events, now) != FLIGHT_ON)
        land(driver, flight, now);
}

static void expire(struct driver *driver)
{
    struct flight *flight;
    int64_t now = clock_nanoseconds();
    while ((flight = TAILQ_FIRST(&driver->live)) != NULL && time_out_of(driver, flight) <= now) {
        flight_expire(flight);
        land(driver, flight, now);
    }
}

/* Whoever has the whole reply got what can be had; the others are judged by who knows all. */
static void cut(struct driver *driver)
{
    struct flight *flight;
    struct flight *next;
    int64_t now = clock_nanoseconds();
    for (flight = TAILQ_FIRST(&driver->live); flight != NULL; flight = next) {
        next = TAILQ_NEXT(flight, link);
        driver->last = now;
        if (flight->verdict.phase == PHASE_CLOSE) {
            flight_expire(flight);
            land(driver, flight, now);
        } else {
            close(flight->fd);
        }
    }
}

/* Those of an open loop that were due before its end. */
static uint64_t count_not_begun(const struct driver *driver)
{
    const struct load *load = driver->load;
    uint64_t due = schedule_before(load->plan.rate, atomic_load(&load->end) - load->began);
    if (load->plan.count > 0 && due > load->plan.count)
        due = load->plan.count;
    uint64_t next = next_number(driver);
    return next < due ? (due - next - 1) / load->drivers + 1 : 0;
}

void driver_run(struct driver *driver)
{
    struct epoll_event events[ENDS];
    while (!atomic_load(&driver->load->cut)) {
        int64_t until = begin_due(driver);
        struct flight *oldest = TAILQ_FIRST(&driver->live);
        if (oldest == NULL && until == NEVER)
            break;
        if (oldest != NULL && time_out_of(driver, oldest) < until)
            until = time_out_of(driver, oldest);
        int ready = await(driver, until, events);
        for (int i = 0; i < ready; i++)
            go_on(driver, &events[i]);
        expire(driver);
    }
    cut(driver);
    if (is_open_loop(driver))
        driver->not_begun = count_not_begun(driver);
}
