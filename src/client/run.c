/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "client/run.h"

#include "client/inquiry.h"
#include "client/json.h"
#include "client/plugin.h"
#include "client/progress.h"
#include "client/report.h"
#include "client/status.h"
#include "common/checked.h"

#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#define OVER SIGUSR1 /* from the inquiry */
#define PATIENCE 2   /* seconds */
#define PROGRESS_EVERY INT64_C(500000000)
#define GRACE INT64_C(100000000) /* for an exchange that ends with the time to say so itself */

/* Have it end; a load may take its time for that. Else there is not much to wait for, unless
 * whoever reads the output has stopped to: then SIGALRM ends us, because everything else waits. */
static bool stop(struct inquiry *inquiry, bool cut)
{
    (void)alarm(PATIENCE);
    bool is_to_wait = inquiry_stop(inquiry, cut);
    if (is_to_wait)
        (void)alarm(0);
    return is_to_wait;
}

static void wait_for_end(struct inquiry *inquiry, const struct client_options *options,
                         const sigset_t *signals)
{
    struct progress progress = progress_of(options);
    int64_t end = inquiry_end(inquiry).at;
    struct deadline last = {end < INT64_MAX - GRACE ? end + GRACE : INT64_MAX};

    while (!inquiry_is_over(inquiry)) {
        int64_t left = deadline_left(last, clock_nanoseconds());
        if (left == 0 && !stop(inquiry, true))
            break;
        if (left == 0)
            left = last.at = INT64_MAX;
        struct timespec wait =
            timespec_from(progress.is_shown ? sooner(left, PROGRESS_EVERY) : left);
        int signal = sigtimedwait(signals, NULL, &wait);
        if (signal == SIGQUIT || (signal < 0 && progress.is_shown))
            inquiry_show(inquiry, &progress, signal == SIGQUIT);
        if ((signal == SIGINT || signal == SIGTERM) && !stop(inquiry, false))
            break;
    }
    progress_clear(&progress);
}

/* With -c and -w, as with ping(8), fewer right ones than were wanted are not enough. */
static bool is_enough(const struct summary *summary)
{
    const struct client_options *options = summary->options;
    uint64_t each = options->mode == CLIENT_LOAD ? 1 : summary->server_count;
    return options->deadline <= 0 || summary->total->classes[CLASS_RIGHT] >= options->count * each;
}

static int report_all(const struct summary *summary)
{
    const struct client_options *options = summary->options;

    if (options->format == FORMAT_PLUGIN)
        return (int)plugin_summary(summary);
    if (options->format == FORMAT_JSON)
        json_summary(summary);
    else if (options->mode != CLIENT_ONCE && summary->server_count > 0)
        report_summary(summary);
    int status = tally_status(summary->total);
    if (status == STATUS_RIGHT && !is_enough(summary))
        status = STATUS_WRONG;
    return status;
}

/* Blocked, it would come in spite of being ignored, as it is in a shell's background. */
static void add_unless_ignored(sigset_t *signals, int signal)
{
    struct sigaction now;
    if (sigaction(signal, NULL, &now) == 0 && now.sa_handler != SIG_IGN)
        sigaddset(signals, signal);
}

/* A single exchange is left to what signals usually do; of several they bring the summary. */
static void block_signals(const struct client_options *options, sigset_t *signals)
{
    sigemptyset(signals);
    sigaddset(signals, OVER);
    if (options->mode != CLIENT_ONCE) {
        add_unless_ignored(signals, SIGINT);
        add_unless_ignored(signals, SIGTERM);
        add_unless_ignored(signals, SIGQUIT);
    }
    CHECKED(pthread_sigmask(SIG_BLOCK, signals, NULL));
}

int run(const struct client_options *options)
{
    struct summary summary;
    sigset_t signals;

    block_signals(options, &signals);
    struct inquiry *inquiry = inquiry_start(options, OVER);
    wait_for_end(inquiry, options, &signals);
    inquiry_finish(inquiry, &summary);
    return report_all(&summary);
}
