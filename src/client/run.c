/* SPDX-License-Identifier: MIT */
/* Between the events of its loop, the main thread handles signals, look-ups and the time limit of
 * the run. Except in a load, it also makes the exchanges and reports each of them, so it blocks if
 * the reader of the output stops reading. SIGALRM then ends the process. It comes one second after
 * a signal or the time limit, and every second from then on; the second one in a row without a turn
 * of the loop between them ends the process. One alone shows nothing: if the process was stopped,
 * SIGALRM can come before a turn that was due earlier. */
#include <config.h>

#include "client/run.h"

#include "client/exchange/names.h"
#include "client/metrics.h"
#include "client/options/status.h"
#include "client/path/path_report.h"
#include "client/report/interval.h"
#include "client/report/json.h"
#include "client/report/plugin.h"
#include "client/report/progress.h"
#include "client/report/text.h"
#include "client/results.h"
#include "common/command_line.h"
#include "common/deadline.h"

#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/time.h>
#include <unistd.h>

#define PATIENCE 1 /* seconds until the first SIGALRM, and until the second */
#define PROGRESS_EVERY INT64_C(500000000)
#define PLACES_MAX 1000 /* exchanges of a watch that can be open at once */

struct run {
    struct engine engine;
    const struct client_options *options;
    struct targets targets;
    struct names names;
    int64_t next_look_up; /* when to look all names up again */
    int64_t end;          /* of the run */
    struct progress progress;
    int64_t shown;
    struct interval interval; /* since the last report */
    int64_t next_report;
    struct results results;
    struct metrics metrics;
    struct path path;
    int signals; /* how many signals to stop were handled */
};

static volatile sig_atomic_t stop_signals;
static volatile sig_atomic_t last_signal;
static volatile sig_atomic_t show_signals;
static volatile sig_atomic_t has_turned; /* since the last SIGALRM */
static int signal_wake;

static void on_alarm(int number)
{
    if (has_turned == 0) {
        (void)signal(number, SIG_DFL);
        (void)raise(number);
    }
    has_turned = 0;
    (void)alarm(PATIENCE);
}

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
    const struct sigaction late = {.sa_handler = on_alarm, .sa_flags = SA_RESTART};
    (void)sigaction(SIGALRM, &late, NULL);
    signal_wake = run->engine.wake;
    handle_unless_ignored(SIGINT);
    handle_unless_ignored(SIGTERM);
    if (run->options->mode != CLIENT_ONCE)
        handle_unless_ignored(SIGQUIT);
}

/* Let the first SIGALRM come PATIENCE seconds after the instant. */
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

static void on_skip(void *context, uint64_t number)
{
    struct run *run = context;
    results_skip(&run->results, number);
}

/* ---- Names ---- */

/* A watch of several targets looks a name that has no address up at each start. */
static void on_unresolved(void *context, struct target *target)
{
    struct run *run = context;
    names_look_up(&run->names, target);
}

static void report_change(const struct run *run, const struct target *target)
{
    char text[ADDRESS_TEXT];
    char name[ENDPOINT_TEXT];
    report_begin(run->options, wall_nanoseconds());
    fprintf(stderr, "the addresses of %s have changed; they are now",
            endpoint_format(&target->endpoint, name));
    for (size_t i = 0; i < target->count; i++)
        fprintf(stderr, "%s %s", i > 0 ? "," : "",
                address_format(&target->order[i]->address, text));
    fputs("\n", stderr);
}

/* A watch continues with the addresses that it has. */
static void report_failed_look_up(const struct run *run, const struct target *target)
{
    char name[ENDPOINT_TEXT];
    char why[VERDICT_WHY];
    if (target->count == 0)
        return;
    report_begin(run->options, wall_nanoseconds());
    fprintf(stderr, "cannot look up %s again: %s; its addresses stay in use\n",
            endpoint_format(&target->endpoint, name), verdict_why(&target->unresolved, 0, why));
}

static void take_addresses(struct run *run)
{
    struct target *target;
    bool changed;

    while ((target = names_take(&run->names, &changed)) != NULL) {
        if (target->unresolved.result != RESULT_RIGHT)
            report_failed_look_up(run, target);
        else if (changed)
            report_change(run, target);
        event_loop_resolved(&run->engine.control, target);
    }
    if (run->names.under_way == 0 && !run->engine.plan.is_load)
        atomic_store(&run->engine.pending, 0);
}

static void look_up_all(struct run *run, int64_t now)
{
    run->next_look_up = NEVER;
    if (run->options->mode == CLIENT_REPEATED)
        run->next_look_up = deadline_after(now, run->options->resolve).at;
    for (size_t i = 0; i < run->targets.count; i++)
        names_look_up(&run->names, &run->targets.list[i]);
}

/* ---- Between the events ---- */

static void show(struct run *run, int64_t now, bool stays)
{
    static struct tally total;

    run->shown = now;
    results_total(&run->results, &total);
    uint64_t ended = total.sent + total.classes[CLASS_LOCAL] + total.classes[CLASS_UNFINISHED];
    if (run->options->mode == CLIENT_LOAD)
        progress_show(&run->progress, ended, ended - total.classes[CLASS_RIGHT],
                      run->engine.plan.is_load ? now - run->engine.schedule.began : 0, stays);
    else
        report_counts(run->options, &total);
}

/* Report the interval that ends, if it is time. Returns when the next one ends. */
static int64_t report_interval(struct run *run, int64_t now)
{
    double seconds = run->options->report;
    if (seconds <= 0 || run->interval.began == 0)
        return NEVER;
    if (now < run->next_report)
        return run->next_report;
    progress_clear(&run->progress);
    results_total(&run->results, &run->interval.total);
    interval_report(&run->interval, now);
    while (run->next_report <= now)
        run->next_report = deadline_after(run->next_report, seconds).at;
    return run->next_report;
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

    has_turned = 1;
    take_addresses(run);
    if (stop_signals > run->signals)
        handle_stop(run, now);
    if (now >= run->end)
        engine_cut(&run->engine);
    if (show_signals != 0) {
        show_signals = 0;
        show(run, now, true);
    }
    next = sooner(next, report_interval(run, now));
    next = sooner(next, metrics_turn(&run->metrics, now));
    if (run->progress.is_shown && run->engine.plan.is_load) {
        if (now - run->shown >= PROGRESS_EVERY)
            show(run, now, false);
        next = sooner(next, run->shown + PROGRESS_EVERY);
    }
    if (now >= run->next_look_up)
        look_up_all(run, now);
    return sooner(next, run->next_look_up);
}

/* ---- The whole ---- */

/* Look the names up. A single name is waited for, so that its look-up delays no exchange; in a
 * table, each exchange waits for its own name. Returns false, and reports it, if there is no
 * address. */
static bool find_addresses(struct run *run)
{
    const struct target *target = &run->targets.list[0];

    look_up_all(run, run->results.started);
    if (run->options->is_table)
        return true;
    engine_wait(&run->engine);
    if (target->count > 0 && clock_nanoseconds() < run->end)
        return true;
    struct verdict verdict = target->unresolved;
    if (run->signals > 0)
        verdict = (struct verdict){RESULT_CUT, PHASE_RESOLVE, EINTR, 0};
    else if (target->state != NAME_RESTS || target->count > 0)
        verdict = (struct verdict){RESULT_TIMEOUT, PHASE_RESOLVE, 0, 0};
    results_fail(&run->results, &verdict, run->results.started);
    return false;
}

/* Return the number of places. Those of a watch bound what a very short interval can open. */
static unsigned places_of(const struct client_options *options)
{
    if (options->mode == CLIENT_LOAD)
        return (unsigned)options->parallel;
    if (options->mode == CLIENT_ONCE || options->interval == 0)
        return 1;
    return PLACES_MAX * (unsigned)options->server_count;
}

static void plan_exchanges(struct run *run, struct plan *plan)
{
    const struct client_options *options = run->options;
    bool is_load = options->mode == CLIENT_LOAD;
    bool is_watch = options->mode == CLIENT_REPEATED && options->interval > 0;

    *plan = (struct plan){.question = &options->question,
                          .targets = &run->targets,
                          .rate = is_watch ? 1 / options->interval : options->rate,
                          .skips = is_watch,
                          .count = options->count,
                          .duration = options->duration,
                          .places = places_of(options),
                          .each_address = options->all && !is_load,
                          .alternates = options->all && is_load,
                          .is_load = is_load};
}

/* Return whether all starts took place, every target replied and, with -c and -w as with ping(8),
 * enough replies were right. */
static bool is_enough(const struct summary *summary)
{
    const struct client_options *options = summary->options;
    uint64_t each = options->all && options->mode != CLIENT_LOAD ? summary->server_count
                                                                 : summary->target_count;
    for (size_t i = 0; i < summary->target_count; i++)
        if (summary->targets[i].tally->classes[CLASS_RIGHT] == 0)
            return false;
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
    else if (options->is_table ||
             (options->mode != CLIENT_ONCE && (summary->server_count > 0 || summary->load != NULL)))
        report_summary(summary);
    int status = tally_status(summary->total);
    return status == STATUS_RIGHT && !is_enough(summary) ? STATUS_WRONG : status;
}

/* The exchange goes to the address to which the path was traced. */
static void trace_path(struct run *run)
{
    struct target *target = &run->targets.list[0];
    target->count = 1;
    path_trace(&run->path, &run->engine, run->options, target);
}

/* Report the end of the path, if there is one. Returns the exit status. */
static int report_path(const struct path *path, const struct summary *summary, int status)
{
    struct conclusion conclusion;
    if (path->server.length == 0)
        return status;
    path_conclude(path, summary, &conclusion);
    path_report_end(path, &conclusion);
    return (int)conclusion.status;
}

static int fail_to_report(const struct client_options *options, int error)
{
    if (options->format == FORMAT_PLUGIN)
        return (int)plugin_unknown(strerror(error));
    fprintf(stderr, "sixteen: cannot compute the summary: %s\n", strerror(error));
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
    if (plan.is_load && !plan.alternates && run->targets.list[0].count > 1)
        find_server(run, &plan);
    int64_t now = clock_nanoseconds();
    run->interval = (struct interval){.options = run->options, .began = now, .last = now};
    run->next_report = deadline_after(now, run->options->report).at;
    if (engine_run(&run->engine, &plan) != 0)
        results_fail(&run->results, &(struct verdict){RESULT_LOCAL, PHASE_CONNECT, errno, 0},
                     clock_nanoseconds());
    else if (run->engine.lacks_memory)
        results_fail(&run->results, &(struct verdict){RESULT_LOCAL, PHASE_CONNECT, ENOMEM, 0},
                     run->results.started);
    progress_clear(&run->progress);
    if (run->options->report > 0) {
        results_total(&run->results, &run->interval.total);
        interval_finish(&run->interval, clock_nanoseconds());
    }
}

/* The reports do not wait for the disk of the metrics file. Return the exit status. */
static int end_metrics(struct run *run, int status)
{
    if (run->metrics.file == NULL)
        return status;
    command_line_flush_early();
    guard(NEVER);
    return !metrics_close(&run->metrics) && status == STATUS_RIGHT ? STATUS_LOCAL : status;
}

int run(const struct client_options *options)
{
    static struct run run;
    static struct summary summary; /* refers to memory that is not freed */
    const struct engine_hooks hooks = {&run, on_end, on_skip, turn, on_unresolved};

    run.options = options;
    run.results =
        (struct results){.options = options, .engine = &run.engine, .targets = &run.targets};
    run.progress = progress_of(options);
    run.shown = run.results.started = clock_nanoseconds();
    run.results.time = wall_nanoseconds();
    run.end = options->deadline > 0 ? deadline_after(run.shown, options->deadline).at : NEVER;
    if (targets_open(&run.targets, options->servers, options->server_count) != 0 ||
        results_open(&run.results,
                     options->mode == CLIENT_LOAD ? engine_threads(places_of(options)) : 1) != 0)
        return fail_to_report(options, errno);
    if (metrics_open(&run.metrics, &run.results) != 0)
        return STATUS_LOCAL;
    if (engine_open(&run.engine, &hooks) != 0) {
        const struct verdict verdict = {RESULT_LOCAL, PHASE_RESOLVE, errno, 0};
        if (errno == ENOSYS)
            command_line_complain("sixteen", "this kernel lacks eventfd, epoll or timerfd");
        results_fail(&run.results, &verdict, run.results.started);
    } else {
        names_open(&run.names, &run.targets, options->family, run.engine.wake);
        handle_signals(&run);
        run.engine.schedule.end = run.end;
        guard(run.end);
        bool is_found = find_addresses(&run);
        if (is_found && options->path)
            trace_path(&run);
        if (is_found)
            make_exchanges(&run);
    }
    if (run.signals > 0)
        guard(clock_nanoseconds());
    bool is_complete = results_sum_up(&run.results, &summary) == 0;
    if (is_complete)
        metrics_put(&run.metrics);
    int status = is_complete ? report_path(&run.path, &summary, report_all(&summary))
                             : fail_to_report(options, errno);
    status = end_metrics(&run, status);
    if (run.signals > 0 && options->mode == CLIENT_ONCE && options->format != FORMAT_PLUGIN) {
        (void)fflush(stdout);
        (void)signal(last_signal, SIG_DFL);
        (void)raise(last_signal);
    }
    command_line_flush_early(); /* while SIGALRM can end it: a reader can stop reading */
    guard(NEVER);
    return status;
}
