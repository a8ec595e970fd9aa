/* SPDX-License-Identifier: MIT */
/* Between the events of its loop, the main thread handles signals, look-ups and the time limit of
 * the run. Except in a load, it also makes the exchanges and reports each of them, so it blocks if
 * the reader of the output stops reading. SIGALRM then ends the process soon after a signal or the
 * time limit. */
#include <config.h>

#include "client/run.h"

#include "client/exchange/resolver.h"
#include "client/options/status.h"
#include "client/report/json.h"
#include "client/report/plugin.h"
#include "client/report/progress.h"
#include "client/report/text.h"
#include "client/results.h"
#include "common/deadline.h"

#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/time.h>
#include <unistd.h>

#define PATIENCE 2 /* seconds for the reader of the output, after a signal or the time limit */
#define PROGRESS_EVERY INT64_C(500000000)
#define PLACES_MAX 1000 /* exchanges of a watch that can be open at once */

struct run {
    struct engine engine;
    const struct client_options *options;
    struct target target;
    struct resolver *resolver;
    int64_t looked_up; /* when the last look-up began */
    struct verdict unresolved;
    int64_t started;
    int64_t end; /* of the run */
    struct progress progress;
    int64_t shown;
    struct results results;
    int signals; /* how many signals to stop were handled */
};

static volatile sig_atomic_t stop_signals;
static volatile sig_atomic_t last_signal;
static volatile sig_atomic_t show_signals;
static int signal_wake;

static void on_signal(int signal)
{
    int error = errno;
    if (signal == SIGQUIT) {
        show_signals = 1;
    } else {
        stop_signals++;
        last_signal = signal;
        (void)alarm(PATIENCE);
    }
    (void)eventfd_write(signal_wake, 1);
    errno = error;
}

static void handle_unless_ignored(int signal)
{
    struct sigaction now;
    const struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    if (sigaction(signal, NULL, &now) == 0 && now.sa_handler != SIG_IGN)
        (void)sigaction(signal, &action, NULL);
}

static void handle_signals(struct run *run)
{
    signal_wake = run->engine.wake;
    handle_unless_ignored(SIGINT);
    handle_unless_ignored(SIGTERM);
    if (run->options->mode != CLIENT_ONCE)
        handle_unless_ignored(SIGQUIT);
}

/* Let SIGALRM end the process PATIENCE seconds after the instant. */
static void guard(int64_t instant)
{
    struct itimerval timer = {.it_value = {0}};
    if (instant != NEVER) {
        timer.it_value =
            timeval_from(deadline_left((struct deadline){instant}, clock_nanoseconds()));
        timer.it_value.tv_sec += PATIENCE;
    }
    (void)setitimer(ITIMER_REAL, &timer, NULL);
}

/* Called in the threads of a load. */
static void on_end(void *context, unsigned loop, const struct exchange *exchange)
{
    struct run *run = context;
    if (results_add(&run->results, loop, exchange) != 0)
        engine_lack_memory(&run->engine);
    else if (run->options->mode != CLIENT_LOAD && ferror(stdout))
        engine_cut(&run->engine);
}

/* ---- The name ---- */

static int look_up(struct run *run, int64_t now)
{
    run->looked_up = now;
    run->resolver = resolver_start(&run->target.endpoint, run->options->family, run->engine.wake);
    return run->resolver != NULL ? 0 : -1;
}

static void report_change(const struct run *run)
{
    char text[ADDRESS_TEXT];
    char name[ENDPOINT_TEXT];
    fprintf(stderr, "sixteen: the addresses of %s have changed; they are now",
            endpoint_format(&run->target.endpoint, name));
    for (size_t i = 0; i < run->target.count; i++)
        fprintf(stderr, "%s %s", i > 0 ? "," : "",
                address_format(&run->target.order[i]->address, text));
    fputs("\n", stderr);
}

/* A watch continues with the addresses that it has. */
static void report_failed_look_up(const struct run *run)
{
    char name[ENDPOINT_TEXT];
    char why[VERDICT_WHY];
    if (run->target.count > 0)
        fprintf(stderr, "sixteen: cannot look up %s again: %s; its addresses stay in use\n",
                endpoint_format(&run->target.endpoint, name),
                verdict_why(&run->unresolved, 0, why));
}

/* Return the number of places. A watch has as many as exchanges can be open at its interval. */
static unsigned places_of(const struct client_options *options)
{
    if (options->mode == CLIENT_LOAD)
        return options->parallel;
    if (options->mode == CLIENT_ONCE || options->interval == 0)
        return 1;
    return (unsigned)fmin(PLACES_MAX, options->timeout / options->interval + 2);
}

/* Take the result of a look-up, if it has ended. With --all each address has its own places. */
static void take_addresses(struct run *run)
{
    struct resolution resolution;
    int64_t before = (int64_t)run->target.count;

    if (run->resolver == NULL || !resolver_end(run->resolver, &resolution))
        return;
    run->resolver = NULL;
    atomic_store(&run->engine.pending, 0);
    run->unresolved = (struct verdict){
        .result = resolution.result, .phase = PHASE_RESOLVE, .error = resolution.error};
    if (resolution.result != RESULT_RIGHT) {
        report_failed_look_up(run);
        return;
    }
    run->results.resolving = resolution.took;
    int changed = target_update(&run->target, resolution.list, resolution.count);
    free(resolution.list);
    if (changed < 0 && run->target.count == 0)
        run->unresolved = (struct verdict){RESULT_LOCAL, PHASE_RESOLVE, ENOMEM, 0};
    if (changed > 0)
        report_change(run);
    if (changed > 0 && run->engine.plan.each_address)
        atomic_fetch_add(run->engine.control.places,
                         places_of(run->options) * ((int64_t)run->target.count - before));
}

/* During a watch, look the name up again if it is time. Returns when the next look-up is due. */
static int64_t look_up_again(struct run *run, int64_t now)
{
    if (run->options->mode != CLIENT_REPEATED || run->target.count == 0 || run->resolver != NULL)
        return NEVER;
    int64_t at = deadline_after(run->looked_up, run->options->resolve).at;
    if (now >= at)
        (void)look_up(run, now);
    return now >= at ? NEVER : at;
}

/* ---- Between the events ---- */

static void show(struct run *run, int64_t now, bool stays)
{
    static struct tally total;
    uint64_t failed;

    run->shown = now;
    if (run->options->mode == CLIENT_LOAD) {
        uint64_t ended = engine_ended(&run->engine, &failed);
        progress_show(&run->progress, ended, failed, now - run->engine.schedule.began, stays);
    } else if (stays) {
        results_total(&run->results, &total);
        report_counts(&total);
    }
}

/* At the first signal the open exchanges of a load go on to their end; all others are cut. */
static void handle_stop(struct run *run, int64_t now)
{
    bool lets_end = run->options->mode == CLIENT_LOAD && run->engine.plan.is_load;
    run->signals = stop_signals;
    run->results.is_interrupted = true;
    if (lets_end && run->signals == 1) {
        engine_stop(&run->engine, now);
        guard(run->end);
    } else {
        engine_cut(&run->engine);
    }
}

static int64_t turn(void *context, int64_t now)
{
    struct run *run = context;
    int64_t next = run->end;

    take_addresses(run);
    if (stop_signals > run->signals)
        handle_stop(run, now);
    if (now >= run->end)
        engine_cut(&run->engine);
    if (show_signals != 0) {
        show_signals = 0;
        show(run, now, true);
    }
    if (run->progress.is_shown && run->engine.plan.is_load) {
        if (now - run->shown >= PROGRESS_EVERY)
            show(run, now, false);
        next = sooner(next, run->shown + PROGRESS_EVERY);
    }
    return sooner(next, look_up_again(run, now));
}

/* ---- The whole ---- */

static bool find_addresses(struct run *run)
{
    if (look_up(run, run->started) != 0) {
        results_fail(&run->results, RESULT_LOCAL, PHASE_RESOLVE, errno, run->started);
        return false;
    }
    engine_wait(&run->engine);
    if (run->target.count > 0 && clock_nanoseconds() < run->end)
        return true;
    if (run->signals > 0)
        results_fail(&run->results, RESULT_CUT, PHASE_RESOLVE, EINTR, run->started);
    else if (run->resolver != NULL || run->target.count > 0)
        results_fail(&run->results, RESULT_TIMEOUT, PHASE_RESOLVE, 0, run->started);
    else
        results_fail(&run->results, run->unresolved.result, PHASE_RESOLVE, run->unresolved.error,
                     run->started);
    return false;
}

static void plan_exchanges(struct run *run, struct plan *plan)
{
    const struct client_options *options = run->options;
    bool is_load = options->mode == CLIENT_LOAD;
    bool is_watch = options->mode == CLIENT_REPEATED && options->interval > 0;

    *plan = (struct plan){.question = &options->question,
                          .target = &run->target,
                          .rate = is_load    ? options->rate
                                  : is_watch ? 1 / options->interval
                                             : 0,
                          .skips = is_watch,
                          .count = options->count > 0             ? options->count
                                   : options->mode == CLIENT_ONCE ? 1
                                                                  : 0,
                          .duration = is_load ? options->duration : 0,
                          .places = places_of(options),
                          .each_address = options->all && !is_load,
                          .alternates = options->all && is_load,
                          .is_load = is_load};
    if (plan->each_address)
        plan->places *= (unsigned)run->target.count;
}

/* Return whether all starts took place and, with -c and -w as with ping(8), enough replies were
 * right. */
static bool is_enough(const struct summary *summary)
{
    const struct client_options *options = summary->options;
    uint64_t each = options->all && options->mode != CLIENT_LOAD ? summary->server_count : 1;
    return summary->not_begun == 0 &&
           (options->deadline <= 0 ||
            summary->total->classes[CLASS_RIGHT] >= options->count * each);
}

static int report_all(const struct summary *summary)
{
    const struct client_options *options = summary->options;

    if (options->format == FORMAT_PLUGIN)
        return (int)plugin_summary(summary);
    if (options->format == FORMAT_JSON)
        json_summary(summary);
    else if (options->mode != CLIENT_ONCE && (summary->server_count > 0 || summary->load != NULL))
        report_summary(summary);
    int status = tally_status(summary->total);
    return status == STATUS_RIGHT && !is_enough(summary) ? STATUS_WRONG : status;
}

static int fail_to_report(const struct client_options *options, int error)
{
    if (options->format == FORMAT_PLUGIN)
        return (int)plugin_unknown(strerror(error));
    fprintf(stderr, "sixteen: cannot sum up: %s\n", strerror(error));
    return STATUS_LOCAL;
}

/* A load keeps the address that accepts. One exchange before it finds that address, so that the
 * time that this takes is not a latency of the load. */
static void find_server(struct run *run, const struct plan *load)
{
    struct plan plan = *load;
    plan.rate = 0;
    plan.count = 1;
    plan.is_load = false;
    run->results.is_rehearsal = true;
    (void)engine_run(&run->engine, &plan);
    run->results.is_rehearsal = false;
}

static void make_exchanges(struct run *run)
{
    struct plan plan;

    plan_exchanges(run, &plan);
    if (plan.is_load && !plan.alternates && run->target.count > 1)
        find_server(run, &plan);
    if (engine_run(&run->engine, &plan) != 0)
        results_fail(&run->results, RESULT_LOCAL, PHASE_CONNECT, errno, clock_nanoseconds());
    else if (run->engine.lacks_memory)
        results_fail(&run->results, RESULT_LOCAL, PHASE_CONNECT, ENOMEM, run->started);
    progress_clear(&run->progress);
}

int run(const struct client_options *options)
{
    static struct run run;
    static struct summary summary; /* refers to memory that is not freed */
    const struct engine_hooks hooks = {&run, on_end, turn};

    run.options = options;
    run.target.endpoint = options->server;
    run.results = (struct results){
        .options = options, .engine = &run.engine, .target = &run.target, .resolving = -1};
    run.progress = progress_of(options);
    run.started = run.shown = clock_nanoseconds();
    run.end = options->deadline > 0 ? deadline_after(run.started, options->deadline).at : NEVER;
    if (results_open(&run.results,
                     options->mode == CLIENT_LOAD ? engine_threads(options->parallel) : 1) != 0)
        return fail_to_report(options, errno);
    if (engine_open(&run.engine, &hooks) != 0) {
        results_fail(&run.results, RESULT_LOCAL, PHASE_RESOLVE, errno, run.started);
    } else {
        handle_signals(&run);
        run.engine.schedule.end = run.end;
        guard(run.end);
        if (find_addresses(&run))
            make_exchanges(&run);
    }
    int status = results_sum_up(&run.results, &summary) == 0 ? report_all(&summary)
                                                             : fail_to_report(options, errno);
    if (run.signals > 0 && options->mode == CLIENT_ONCE && options->format != FORMAT_PLUGIN) {
        (void)fflush(stdout);
        (void)signal(last_signal, SIG_DFL);
        (void)raise(last_signal);
    }
    guard(NEVER);
    return status;
}
