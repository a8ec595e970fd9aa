/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "client/inquiry.h"

#include "client/json.h"
#include "client/load.h"
#include "common/checked.h"

#include <errno.h>
#include <netdb.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

struct inquiry {
    const struct client_options *options;
    int64_t started;
    struct deadline end; /* of everything */
    pthread_t starter;   /* who is told when it is over, and by which signal */
    int signal;
    atomic_bool over;
    atomic_int phase; /* of the exchange under way */
    bool accepted;    /* the thread's own: without --all, whether an address has accepted … */

    pthread_mutex_t lock;    /* protects all that follows, and the output */
    struct address *servers; /* NULL until the name is resolved */
    size_t server_count;
    int64_t resolving;      /* nanoseconds that it took; -1 until then */
    size_t asked;           /* … and which one was asked last */
    int64_t begun;          /* the first exchange; 0: none has */
    int64_t ended;          /* the last one that did */
    int64_t under_way;      /* the beginning of the one that is; 0: none is */
    struct tally *counting; /* where it counts */
    struct tally *tallies;  /* with --all one for each address, else `first` */
    struct tally first;
    struct probe failure; /* the first that was not right */
    bool has_failure;
    struct load *load; /* while there is one */
    bool stopping;     /* it was told to end */
    struct load_result result;
};

static void lock(struct inquiry *inquiry)
{
    CHECKED(pthread_mutex_lock(&inquiry->lock));
}

static void unlock(struct inquiry *inquiry)
{
    CHECKED(pthread_mutex_unlock(&inquiry->lock));
}

static void keep_failure(struct inquiry *inquiry, const struct probe *probe)
{
    if (inquiry->has_failure)
        return;
    inquiry->failure = *probe;
    inquiry->has_failure = true;
}

/* Of a name that is not resolved there is no summary as text. */
static bool is_told(const struct client_options *options, const struct verdict *verdict)
{
    if (options->format == FORMAT_PLUGIN)
        return false;
    if (options->format == FORMAT_JSON && options->mode == CLIENT_LOAD)
        return false;
    if (!options->quiet)
        return true;
    if (options->mode == CLIENT_REPEATED)
        return options->format == FORMAT_TEXT && verdict->phase == PHASE_RESOLVE;
    return verdict_class(verdict) != CLASS_RIGHT;
}

static void report(struct inquiry *inquiry, const struct probe *probe, uint64_t sequence)
{
    const struct client_options *options = inquiry->options;
    const struct exchange_report report = {options, probe, sequence, inquiry->resolving};

    if (verdict_class(&probe->verdict) != CLASS_RIGHT)
        keep_failure(inquiry, probe);
    if (!is_told(options, &probe->verdict))
        return;
    if (options->format == FORMAT_JSON)
        json_exchange(&report);
    else if (options->mode == CLIENT_LOAD)
        report_failure(&report);
    else if (options->mode == CLIENT_ONCE && !options->all)
        report_in_words(&report);
    else
        report_in_line(&report);
}

/* An exchange has ended: count and tell it. One that only the end of everything has ended may be
 * neither. */
static void note(struct inquiry *inquiry, const struct probe *probe, uint64_t sequence)
{
    const struct verdict *verdict = &probe->verdict;

    lock(inquiry);
    uint64_t before = inquiry->counting->unfinished;
    inquiry->under_way = 0;
    inquiry->ended = clock_nanoseconds();
    if (verdict->result == RESULT_TIMEOUT && probe->timeout < inquiry->options->question.timeout)
        tally_cut(inquiry->counting, verdict->phase, verdict->count, probe->took);
    else
        tally_add(inquiry->counting, verdict, probe->took);
    if (inquiry->counting->unfinished == before)
        report(inquiry, probe, sequence);
    unlock(inquiry);
}

/* A failure without an exchange, told as one that came no further. */
static void fail(struct inquiry *inquiry, enum result result, enum phase phase, int error)
{
    int64_t now = clock_nanoseconds();
    int64_t began = phase == PHASE_RESOLVE ? inquiry->started : now;
    struct probe probe = {.verdict = {.result = result, .phase = phase, .error = error},
                          .timeout = inquiry->options->deadline,
                          .began = began,
                          .took = now - began,
                          .marks = {-1, -1, -1, -1, -1}};
    if (inquiry->servers != NULL)
        probe.server = inquiry->servers[inquiry->asked];
    tally_add(inquiry->counting, &probe.verdict, 0);
    report(inquiry, &probe, 1);
}

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
    lock(inquiry);
    inquiry->under_way = now;
    inquiry->counting = tally;
    inquiry->asked = server;
    atomic_store(&inquiry->phase, PHASE_CONNECT);
    if (inquiry->begun == 0)
        inquiry->begun = now;
    unlock(inquiry);
    probe_run(probe, &inquiry->servers[server], &question, sequence);
    return true;
}

/* Tell of an address that is not asked again, because there is another. */
static void pass_over(struct inquiry *inquiry, const struct probe *probe, uint64_t sequence)
{
    const struct client_options *options = inquiry->options;
    const struct exchange_report report = {options, probe, sequence, inquiry->resolving};

    if (options->format == FORMAT_PLUGIN)
        return;
    lock(inquiry);
    report_failure(&report);
    unlock(inquiry);
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
            pass_over(inquiry, probe, sequence);
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
            note(inquiry, &probe, sequence);
        return;
    }
    for (size_t i = 0; i < inquiry->server_count; i++)
        if (ask(inquiry, &probe, i, &inquiry->tallies[i], sequence))
            note(inquiry, &probe, sequence);
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

    lock(inquiry);
    inquiry->begun = clock_nanoseconds();
    inquiry->load = load;
    unlock(inquiry);
    load_join(load, &result);
    lock(inquiry);
    inquiry->load = NULL;
    inquiry->result = result;
    unlock(inquiry);
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
        note(inquiry, &probe, 1);
    lock(inquiry);
    inquiry->under_way = 0;
    unlock(inquiry);
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
    lock(inquiry);
    fail(inquiry, RESULT_LOCAL, PHASE_CONNECT, error);
    unlock(inquiry);
}

/* What came of resolving the name, and the error number if it failed. */
static enum result resolve(struct inquiry *inquiry, int *error)
{
    const struct client_options *options = inquiry->options;
    struct address *servers = NULL;
    size_t count = 0;
    int64_t begun = clock_nanoseconds();

    errno = 0;
    int failure = endpoint_resolve(&options->server, options->family, 0, &servers, &count);
    if (failure == EAI_SYSTEM && errno == 0) /* the C library does that */
        failure = EAI_AGAIN;
    bool is_local = failure == EAI_MEMORY || failure == EAI_SYSTEM;
    *error = failure == EAI_SYSTEM ? errno : failure == EAI_MEMORY ? ENOMEM : failure;
    if (failure != 0)
        return is_local ? RESULT_LOCAL : RESULT_UNRESOLVED;
    struct tally *tallies = options->all ? calloc(count, sizeof *tallies) : &inquiry->first;
    if (tallies == NULL) {
        *error = ENOMEM;
        free(servers);
        return RESULT_LOCAL;
    }
    lock(inquiry);
    inquiry->resolving = clock_nanoseconds() - begun;
    inquiry->servers = servers;
    inquiry->server_count = count;
    inquiry->counting = inquiry->tallies = tallies;
    unlock(inquiry);
    return RESULT_RIGHT;
}

static void *work(void *argument)
{
    struct inquiry *inquiry = argument;
    int error;
    enum result result = resolve(inquiry, &error);

    if (result == RESULT_RIGHT && inquiry->options->mode == CLIENT_LOAD)
        make_load(inquiry);
    else if (result == RESULT_RIGHT)
        ask_repeatedly(inquiry);
    lock(inquiry);
    if (result != RESULT_RIGHT)
        fail(inquiry, result, PHASE_RESOLVE, error);
    inquiry->over = true;
    unlock(inquiry);
    CHECKED(pthread_kill(inquiry->starter, inquiry->signal));
    return NULL;
}

struct inquiry *inquiry_start(const struct client_options *options, int over)
{
    static struct inquiry inquiry = {.lock = PTHREAD_MUTEX_INITIALIZER};
    pthread_attr_t detached;
    pthread_t thread;

    inquiry.options = options;
    inquiry.starter = pthread_self();
    inquiry.signal = over;
    inquiry.resolving = -1;
    inquiry.counting = inquiry.tallies = &inquiry.first;
    inquiry.started = clock_nanoseconds();
    inquiry.end.at =
        options->deadline > 0 ? deadline_after(inquiry.started, options->deadline).at : INT64_MAX;
    CHECKED(pthread_attr_init(&detached));
    CHECKED(pthread_attr_setdetachstate(&detached, PTHREAD_CREATE_DETACHED));
    int error = pthread_create(&thread, &detached, work, &inquiry);
    CHECKED(pthread_attr_destroy(&detached));
    if (error != 0) {
        fail(&inquiry, RESULT_LOCAL, PHASE_RESOLVE, error);
        inquiry.over = true;
    }
    return &inquiry;
}

struct deadline inquiry_end(const struct inquiry *inquiry)
{
    return inquiry->end;
}

bool inquiry_is_over(const struct inquiry *inquiry)
{
    return atomic_load(&inquiry->over);
}

bool inquiry_stop(struct inquiry *inquiry, bool cut)
{
    lock(inquiry);
    bool is_load = inquiry->load != NULL;
    if (is_load && (cut || inquiry->stopping))
        load_cut(inquiry->load);
    else if (is_load)
        load_stop(inquiry->load);
    inquiry->stopping = true;
    unlock(inquiry);
    return is_load;
}

static void fill_in(const struct inquiry *inquiry, struct summary *summary)
{
    bool has_load = inquiry->result.tallies != NULL;

    *summary = (struct summary){.options = inquiry->options,
                                .server_count = inquiry->server_count,
                                .servers = inquiry->servers,
                                .tallies = inquiry->tallies,
                                .failure = inquiry->has_failure ? &inquiry->failure : NULL};
    if (inquiry->server_count > 0 && !inquiry->options->all) {
        summary->server_count = 1;
        summary->servers = &inquiry->servers[inquiry->asked];
    }
    if (inquiry->ended > inquiry->begun)
        summary->elapsed = inquiry->ended - inquiry->begun;
    if (has_load) {
        summary->load = &inquiry->result;
        summary->tallies = inquiry->result.tallies;
        summary->elapsed = inquiry->result.elapsed;
    }
}

void inquiry_show(struct inquiry *inquiry, struct progress *progress, bool stays)
{
    static struct tally total;
    struct summary summary;

    lock(inquiry);
    if (inquiry->load != NULL)
        progress_show(progress, load_progress(inquiry->load), clock_nanoseconds() - inquiry->begun,
                      stays);
    else if (stays) {
        fill_in(inquiry, &summary);
        summary_total(&summary, &total);
        report_counts(&total);
    }
    unlock(inquiry);
}

/* The exchange under way has no more time, but does not say so itself any more. */
static void cut(struct inquiry *inquiry, int64_t now)
{
    uint64_t before = inquiry->counting->unfinished;
    const struct probe probe = {
        .server = inquiry->servers[inquiry->asked],
        .verdict = {.result = RESULT_TIMEOUT, .phase = (enum phase)atomic_load(&inquiry->phase)},
        .timeout = (double)(now - inquiry->under_way) / 1e9};

    inquiry->ended = now;
    /* of a reply that is right, only the end of file was not there yet */
    if (probe.verdict.phase == PHASE_CLOSE)
        inquiry->counting->unfinished++;
    else
        tally_cut(inquiry->counting, probe.verdict.phase, 0, now - inquiry->under_way);
    if (inquiry->counting->unfinished == before)
        keep_failure(inquiry, &probe);
}

void inquiry_finish(struct inquiry *inquiry, struct summary *summary)
{
    int64_t now = clock_nanoseconds();

    lock(inquiry); /* for good */
    if (!inquiry->over && inquiry->under_way != 0)
        cut(inquiry, now);
    else if (!inquiry->over && inquiry->servers == NULL && inquiry->end.at <= now)
        fail(inquiry, RESULT_TIMEOUT, PHASE_RESOLVE, 0);
    fill_in(inquiry, summary);
}
