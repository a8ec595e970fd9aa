/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "client/asker.h"

#include "client/inquiry_state.h"
#include "common/checked.h"

#include <errno.h>
#include <netdb.h>
#include <signal.h>
#include <stdlib.h>

/* Hold an exchange, in the time that is left. False where none is. */
static bool ask(struct inquiry *inquiry, struct probe *probe, size_t server, struct tally *tally,
                uint64_t sequence)
{
    struct question question = inquiry->options->question;
    int64_t now = clock_nanoseconds();
    double left = (double)deadline_left(inquiry->end, now) / 1e9;

    if (left <= 0)
        return false;
    if (left < question.timeout)
        question.timeout = left;
    question.phase = &inquiry->phase;
    inquiry_lock(inquiry);
    inquiry->under_way = now;
    inquiry->counting = tally;
    inquiry->asked = server;
    atomic_store(&inquiry->phase, PHASE_CONNECT);
    if (inquiry->begun == 0)
        inquiry->begun = now;
    inquiry_unlock(inquiry);
    probe_run(probe, &inquiry->servers[server], &question, sequence);
    return true;
}

/* Ask the addresses in order until one lets us connect, and keep to that from then on. What
 * became of those before it is told, and not counted. False where there was no time to ask. */
static bool ask_accepting(struct inquiry *inquiry, struct probe *probe, uint64_t sequence)
{
    size_t first = inquiry->accepted ? inquiry->asked : 0;
    size_t i = first;
    bool is_last = false;
    struct probe next;

    for (; !is_last && ask(inquiry, &next, i, &inquiry->first, sequence); i++) {
        if (i > first)
            inquiry_pass_over(inquiry, probe, sequence);
        *probe = next;
        inquiry->accepted = inquiry->accepted || next.verdict.phase > PHASE_CONNECT;
        is_last = inquiry->accepted || i + 1 == inquiry->server_count;
    }
    return i > first;
}

static void ask_round(struct inquiry *inquiry, uint64_t sequence)
{
    struct probe probe = {0};
    if (!inquiry->options->all) {
        if (ask_accepting(inquiry, &probe, sequence))
            inquiry_note(inquiry, &probe, sequence);
        return;
    }
    for (size_t i = 0; i < inquiry->server_count; i++)
        if (ask(inquiry, &probe, i, &inquiry->tallies[i], sequence))
            inquiry_note(inquiry, &probe, sequence);
}

/* The next multiple of the interval: what was missed is left out. */
static int64_t next_beginning(int64_t last, int64_t interval)
{
    int64_t late = clock_nanoseconds() - last;
    return interval > 0 ? last + (late / interval + 1) * interval : last + late;
}

static void sleep_until(int64_t at)
{
    const struct timespec until = timespec_from(at);
    int error;
    do
        error = clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL);
    while (error == EINTR);
}

static void ask_repeatedly(struct inquiry *inquiry)
{
    int64_t interval = deadline_after(0, inquiry->options->interval).at;
    int64_t next = clock_nanoseconds();

    for (uint64_t sequence = 1;; sequence++) {
        ask_round(inquiry, sequence);
        if (sequence == inquiry->options->count || ferror(stdout))
            break;
        next = next_beginning(next, interval);
        if (next >= inquiry->end.at)
            break;
        sleep_until(next);
    }
}

/* Let the load run to its end. It is freed when nobody can tell it to end any more. */
static void see_through(struct inquiry *inquiry, struct load *load)
{
    struct load_result result;

    inquiry_lock(inquiry);
    inquiry->begun = clock_nanoseconds();
    inquiry->load = load;
    inquiry_unlock(inquiry);
    load_join(load, &result);
    inquiry_lock(inquiry);
    inquiry->load = NULL;
    inquiry->result = result;
    inquiry_unlock(inquiry);
    load_free(load);
}

/* A load does not go from one address to the next, so which one accepts must be known. */
static bool find_accepting(struct inquiry *inquiry)
{
    struct probe probe = {0};
    if (inquiry->options->all || inquiry->server_count == 1)
        return true;
    bool has_asked = ask_accepting(inquiry, &probe, 1);
    if (has_asked && !inquiry->accepted)
        inquiry_note(inquiry, &probe, 1);
    inquiry_lock(inquiry);
    inquiry->under_way = 0;
    inquiry_unlock(inquiry);
    return inquiry->accepted;
}

/* For how many seconds a load may begin exchanges; 0: without end. */
static double time_to_begin(const struct inquiry *inquiry)
{
    const struct client_options *options = inquiry->options;
    double left = (double)deadline_left(inquiry->end, clock_nanoseconds()) / 1e9;
    if (options->deadline <= 0 || (options->duration > 0 && options->duration < left))
        return options->duration;
    return left > 0 ? left : 1e-9;
}

static void make_load(struct inquiry *inquiry)
{
    const struct client_options *options = inquiry->options;

    if (!find_accepting(inquiry))
        return;
    const struct load_plan plan = {.parallel = options->parallel,
                                   .rate = options->rate,
                                   .count = options->count,
                                   .duration = time_to_begin(inquiry),
                                   .question = &options->question,
                                   .servers = inquiry->servers + inquiry->asked,
                                   .server_count = options->all ? inquiry->server_count : 1};
    struct load *load = load_start(&plan);
    if (load != NULL) {
        see_through(inquiry, load);
        return;
    }
    int error = errno;
    inquiry_lock(inquiry);
    inquiry_fail(inquiry, RESULT_LOCAL, PHASE_CONNECT, error);
    inquiry_unlock(inquiry);
}

/* What came of resolving the name, and the error number if it failed. */
static enum result resolve(struct inquiry *inquiry, int *error)
{
    const struct client_options *options = inquiry->options;
    struct address *servers = NULL;
    struct tally *tallies = &inquiry->first;
    size_t count = 0;
    int64_t begun = clock_nanoseconds();

    errno = 0;
    int failure = endpoint_resolve(&options->server, options->family, 0, &servers, &count);
    if (failure == EAI_SYSTEM && errno == 0) /* the C library does that */
        failure = EAI_AGAIN;
    if (failure == 0 && options->all)
        tallies = calloc(count, sizeof *tallies);
    bool is_local = tallies == NULL || failure == EAI_MEMORY || failure == EAI_SYSTEM;
    *error = failure == EAI_SYSTEM ? errno : is_local ? ENOMEM : failure;
    if (*error != 0) {
        free(servers);
        return is_local ? RESULT_LOCAL : RESULT_UNRESOLVED;
    }
    inquiry_lock(inquiry);
    inquiry->resolving = clock_nanoseconds() - begun;
    inquiry->servers = servers;
    inquiry->server_count = count;
    inquiry->counting = inquiry->tallies = tallies;
    inquiry_unlock(inquiry);
    return RESULT_RIGHT;
}

void *asker_work(void *argument)
{
    struct inquiry *inquiry = argument;
    int error;
    enum result result = resolve(inquiry, &error);

    if (result == RESULT_RIGHT && inquiry->options->mode == CLIENT_LOAD)
        make_load(inquiry);
    else if (result == RESULT_RIGHT)
        ask_repeatedly(inquiry);
    inquiry_lock(inquiry);
    if (result != RESULT_RIGHT)
        inquiry_fail(inquiry, result, PHASE_RESOLVE, error);
    inquiry->over = true;
    inquiry_unlock(inquiry);
    CHECKED(pthread_kill(inquiry->starter, inquiry->signal));
    return NULL;
}
