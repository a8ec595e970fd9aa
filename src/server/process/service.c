/* SPDX-License-Identifier: MIT */
/* The daemon's life: start, reload, stop. All of it runs in the main thread.
 *
 * The order of start() matters, and its comments say why. For a reload (HUP) a thread reads the
 * configuration (config_reader.c), and then new listeners are opened; if any of this fails, nothing
 * has changed and the log says why. The next HUP waits until then. USR1 logs the statistics.
 * Between signals the daemon passes new metrics to the metrics writer, renews its status, and
 * notifies the watchdog.
 *
 * The stop (TERM, INT) first drains: the listeners let no new connection in, and the main loop
 * serves what is queued (except on sockets that a service manager passed) and active, for at most
 * timeouts.drain; a second TERM or INT ends that at once. Then stop() undoes the start. */
#include <config.h>

#include "server/process/service.h"

#include "common/deadline.h"
#include "common/descriptor.h"
#include "common/text.h"
#include "server/config/listen_addresses.h"
#include "server/connection/loop.h"
#include "server/log/log.h"
#include "server/log/metrics_writer.h"
#include "server/process/background.h"
#include "server/process/config_reader.h"
#include "server/process/passed_sockets.h"
#include "server/process/pid_file.h"
#include "server/process/privileges.h"
#include "server/process/rlimits.h"
#include "server/process/seccomp.h"
#include "server/process/signals.h"
#include "server/process/systemd.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

/* The shortest time that the log writer gets at the end, and what it gets if the start failed, in
 * seconds. */
#define LOG_STOP_LEAST 0.5
#define LOG_STOP_FAILED 2.0

/* How long the start waits for room at the terminal, in milliseconds. */
#define TERMINAL_PATIENCE 200

/* How long the stop waits for the disk of the metrics file, in seconds. */
#define METRICS_STOP 1.0

/* HUP and USR1 are each acted upon at most once in this time, in nanoseconds, so that they delay
 * neither each other nor TERM and what the main loop does, however often they come. */
#define REQUEST_PAUSE INT64_C(20000000)

/* A file that takes longer to read is on a disk that hangs, in nanoseconds: a second. */
#define READ_PATIENCE INT64_C(1000000000)

/* When READY=1 is sent again that the service manager could not take, in seconds. */
#define NOTIFY_AGAIN 1.0

#define STATUS_SIZE 400

struct service {
    const struct options *options;
    struct settings *settings;
    int sockets; /* that the service manager passed */
    struct listeners listeners;
    struct loop *loop;
    struct file_writer *metrics_writer; /* or NULL, while it was not needed */
    struct config_reader *reader;       /* of the reload, or NULL if there is none */
    int64_t patience; /* when a disk that does not answer the reader is reported, or NEVER */
    int pid_file;
    int signal_fd;
    int64_t watchdog; /* when the watchdog must be notified next */
    int64_t renewal;  /* when status and metrics must be renewed next */
    int64_t requests; /* when HUP and USR1 are acted upon again, or NEVER if they are now */
    bool started;     /* the start succeeded */
    bool stopping;
    bool asked;   /* a signal asked for the stop */
    bool hurried; /* a second one came */
    int status;   /* to exit with */
};

static void configure_log(const struct settings *settings)
{
    log_configure(settings->log.to == LOG_TO_SYSLOG, settings->log.facility, settings->log.level);
}

static size_t count_listeners(const struct service *service, const struct settings *settings)
{
    size_t count = (size_t)service->sockets;
    for (size_t i = 0; service->sockets == 0 && i < settings->listen.count; i++)
        count += settings->addresses[i].count;
    return count;
}

/* The functions below return an exit status, and log why they fail. */

static int count_sockets(struct service *service)
{
    service->sockets = systemd_count_sockets();
    if (service->sockets > 0 && service->settings->daemon.background) {
        log_line(LOG_CRIT, "LISTEN_FDS passes sockets, but a daemon in the background cannot take "
                           "them over; use --foreground");
        return EX_CONFIG;
    }
    int ready_fd = service->options->ready_fd;
    if (ready_fd != 0 && ready_fd < SYSTEMD_FIRST_FD + service->sockets) {
        log_line(LOG_CRIT, "--ready-fd: descriptor %d is a socket of LISTEN_FDS", ready_fd);
        return EX_USAGE;
    }
    return service->sockets >= 0 ? EX_OK : EX_CONFIG;
}

/* Passed sockets replace `listen`. */
static int find_addresses(struct service *service)
{
    char message[ERROR_SIZE];
    if (service->sockets > 0 || listen_addresses_find(service->settings, NULL, message))
        return EX_OK;
    log_line(LOG_CRIT, "%s", message);
    return EX_UNAVAILABLE;
}

static int leave_environment(const struct service *service)
{
    if (background_prepare(service->sockets, service->options->ready_fd) != 0) {
        log_errno(LOG_CRIT, "cannot change to the root directory");
        return EX_OSERR;
    }
    if (service->settings->daemon.background && background_begin() != 0) {
        log_errno(LOG_CRIT, "cannot go to the background");
        return EX_OSERR;
    }
    return EX_OK;
}

/* In the foreground there is a pid file only with --pid-file. */
static int lock_pid_file(struct service *service)
{
    const struct settings *settings = service->settings;
    if (settings->daemon.pid_file[0] == '\0' ||
        (!settings->daemon.background && service->options->pid_file[0] == '\0'))
        return EX_OK;
    service->pid_file = pid_file_take(settings->daemon.pid_file);
    if (service->pid_file >= 0)
        return EX_OK;
    return errno == EWOULDBLOCK ? EX_UNAVAILABLE : EX_OSERR;
}

/* Passed sockets replace `listen`, which must not go unnoticed if the administrator has set it. */
static void compare_sockets(const struct service *service, const struct settings *settings)
{
    if (service->sockets > 0 && (service->options->listen.count > 0 ||
                                 setting_is_in_file(settings_find("listen"), settings)))
        passed_sockets_compare(&service->listeners, settings);
}

static int open_listeners(struct service *service)
{
    struct listeners *listeners = &service->listeners;
    if (service->sockets > 0) {
        if (passed_sockets_adopt(listeners, SYSTEMD_FIRST_FD, service->sockets) != 0)
            return EX_CONFIG;
        compare_sockets(service, service->settings);
        return EX_OK;
    }
    if (listeners_open(listeners, service->settings) != 0)
        return EX_UNAVAILABLE;
    privileges_give_sockets(service->settings, listeners);
    return EX_OK;
}

static struct stats *read_stats(struct service *service)
{
    static struct stats stats; /* large; the main thread's */
    stats_read(&stats);
    stats.connections_limit = service->settings->limits.connections;
    loop_add_stats(service->loop, &stats);
    return &stats;
}

/* The one line that a start into the background writes to the terminal, unless that hangs. */
static void print_ready(struct service *service)
{
    static char line[(size_t)STATS_LISTENERS * ADDRESS_TEXT + 256]; /* large */
    const struct stats *stats = read_stats(service);
    for (size_t i = 0; i < stats->listeners; i++)
        text_append(line, sizeof line, "%s %s", i == 0 ? "sixteend: listening at" : ",",
                    stats->listener[i].address);
    text_append(
        line, sizeof line, "; process %ld; logging to syslog, facility %s\n", (long)getpid(),
        settings_choice_name(settings_find("log.facility"), service->settings->log.facility));
    (void)write_text_when_ready(STDOUT_FILENO, line, TERMINAL_PATIENCE);
}

/* Root could read the file; the user that the daemon is now has to read it at each reload. */
static void check_file(const struct service *service)
{
    const char *file = service->options->config;
    if (file[0] != '\0' && config_file_check_readable(file) != 0)
        log_line(LOG_WARNING,
                 "cannot read %s after dropping privileges, so every reload will be refused: %s; "
                 "let the daemon's user read the file and its directories",
                 file, strerror(errno));
}

/* The first time, start the thread that writes the file. */
static void write_metrics(struct service *service, const struct stats *stats)
{
    const char *file = service->settings->metrics.file;
    if (file[0] == '\0')
        return;
    if (service->metrics_writer == NULL)
        service->metrics_writer = metrics_writer_create();
    if (service->metrics_writer != NULL)
        metrics_writer_put(service->metrics_writer, file, stats);
    else
        log_errno(LOG_WARNING, "metrics.file: cannot start the metrics writer");
}

/* Renew status and metrics; with `ready`, tell the service manager that the daemon is. */
static void renew(struct service *service, bool ready)
{
    char status[STATUS_SIZE];
    if (service->settings->metrics.file[0] == '\0' && !notify_wanted()) {
        service->renewal = NEVER;
        return;
    }
    const struct stats *stats = read_stats(service);
    write_metrics(service, stats);
    stats_status(stats, status, sizeof status);
    if (ready)
        notify_ready(status);
    else
        notify_status(status);
    double wait = notify_is_pending() ? NOTIFY_AGAIN : service->settings->metrics.interval;
    service->renewal = deadline_after(clock_nanoseconds(), wait).at;
}

/* The process does not wait for a disk that hangs. */
static void drop_reload(struct service *service)
{
    if (service->reader != NULL)
        log_line(LOG_NOTICE, "the reload that is under way is dropped");
    config_reader_abandon(service->reader);
    service->reader = NULL;
    service->patience = NEVER;
}

static void drain(struct service *service)
{
    if (!service->stopping) {
        log_line(LOG_NOTICE, "stopping");
        notify_stopping();
    }
    service->stopping = true;
    drop_reload(service);
    loop_drain(service->loop, service->hurried ? 0 : service->settings->timeouts.drain);
}

static void report_ready(struct service *service)
{
    service->started = true;
    if (notify_watchdog_interval() != NEVER)
        service->watchdog = clock_nanoseconds() + notify_watchdog_interval();
    if (service->settings->daemon.background)
        print_ready(service);
    log_line(LOG_NOTICE, "sixteend %s ready, process %ld", VERSION, (long)getpid());
    log_ready();
    if (background_finish(EX_OK) != 0) { /* the command ended before it could say that it worked */
        log_line(LOG_NOTICE, "the command that started this daemon was interrupted");
        service->hurried = true;
        drain(service);
    }
    renew(service, true);
    if (service->options->ready_fd != 0)
        notify_ready_fd(service->options->ready_fd);
}

/* The start, in its order. */
static int start(struct service *service)
{
    const struct settings *settings = service->settings;
    int status;

    /* From here on lines are queued, and nothing waits for the log. */
    configure_log(settings);
    if (log_open() != 0)
        return EX_OSERR;

    /* Look up names while a signal still ends the process at once, and before the fork. Fork
     * before there is anything to inherit. */
    if ((status = count_sockets(service)) != EX_OK || (status = find_addresses(service)) != EX_OK ||
        (status = leave_environment(service)) != EX_OK)
        return status;

    service->signal_fd = signals_open(); /* before the first thread, which inherits the mask */
    if (service->signal_fd < 0) {
        log_errno(LOG_CRIT, "cannot open a signalfd");
        return EX_OSERR;
    }
    rlimits_prepare(
        settings,
        count_listeners(service, settings)); /* as root; threads inherit the scheduling policy */

    /* The pid file comes first: a second daemon reports the running one, not a port in use. */
    if ((status = lock_pid_file(service)) != EX_OK || (status = open_listeners(service)) != EX_OK)
        return status;
    service->loop = loop_create(&service->listeners, service->signal_fd);
    if (service->loop == NULL)
        return EX_OSERR;

    /* Everything that needs root is open by now. The log writer is the first thread, and inherits
     * the filter. */
    if (notify_open() != 0 || privileges_drop(settings) != 0 || seccomp_enter() != 0 ||
        log_start() != 0 || loop_start(service->loop, service->settings) != 0)
        return EX_OSERR;

    check_file(service);
    report_ready(service);
    return EX_OK;
}

static void do_timers(struct service *service)
{
    int64_t now = clock_nanoseconds();
    if (service->watchdog <= now) {
        loop_check(service->loop);
        service->watchdog = now + notify_watchdog_interval();
    }
    if (service->renewal <= now)
        renew(service, false);
    if (service->requests <= now) {
        signals_resume(service->signal_fd);
        if (service->reader != NULL)
            signals_defer(service->signal_fd, SIGHUP);
        service->requests = NEVER;
    }
    if (service->patience <= now) {
        log_line(LOG_WARNING, "cannot read the configuration yet: its disk does not answer");
        service->patience = NEVER;
    }
}

/* Take what was read. Returns settings whose listeners are open, or NULL with the reason logged. */
static struct settings *take_settings(struct service *service)
{
    char warning[ERROR_SIZE];
    char message[ERROR_SIZE];
    struct settings *fresh;

    int status = config_reader_finish(service->reader, &fresh, warning);
    service->reader = NULL;
    service->patience = NEVER;
    if (status != EX_OK) {
        log_line(LOG_ERR, "%s", warning);
        return NULL;
    }
    if (service->sockets == 0 && !listen_addresses_find(fresh, service->settings, message))
        log_line(LOG_ERR, "%s", message);
    else if (listeners_change(&service->listeners, service->settings, fresh) == 0) {
        if (warning[0] != '\0')
            log_line(LOG_WARNING, "%s", warning);
        return fresh;
    }
    settings_unref(fresh);
    return NULL;
}

static void refuse_reload(struct service *service)
{
    stats_reload(false);
    log_line(LOG_ERR, "reload refused; the running configuration stays in effect");
    write_metrics(service, read_stats(service));
    notify_ready("Reload refused; see the log. The running configuration stays in effect");
    if (notify_is_pending())
        service->renewal = 0;
}

/* Do not act upon this signal again for a while. */
static void pause_requests(struct service *service, int number)
{
    signals_defer(service->signal_fd, number);
    service->requests = clock_nanoseconds() + REQUEST_PAUSE;
}

static void begin_reload(struct service *service)
{
    notify_reloading();
    service->reader = config_reader_start(service->options, service->settings, service->loop);
    if (service->reader != NULL) {
        service->patience = clock_nanoseconds() + READ_PATIENCE;
        return;
    }
    log_errno(LOG_ERR, "cannot start to read the configuration");
    refuse_reload(service);
}

static void end_reload(struct service *service)
{
    struct settings *fresh = take_settings(service);
    pause_requests(service, SIGHUP);
    if (fresh == NULL) {
        refuse_reload(service);
        return;
    }
    stats_reload(true);
    loop_apply(service->loop, fresh);
    configure_log(fresh);
    compare_sockets(service, fresh);
    settings_unref(service->settings);
    service->settings = fresh;
    rlimits_raise(fresh, count_listeners(service, fresh));
    log_line(LOG_NOTICE, "reloaded %s", options_file_name(service->options));
    renew(service, true);
}

static void stop_for(struct service *service, int number)
{
    if (number != SIGTERM && number != SIGINT)
        log_line(LOG_WARNING, "signal %d: %s", number, strsignal(number));
    service->hurried = service->asked;
    service->asked = true;
    drain(service);
}

static void handle_signal(struct service *service)
{
    int number = signals_take(service->signal_fd);
    if (number == SIGHUP && !service->stopping)
        begin_reload(service);
    if (number == SIGUSR1)
        stats_log(read_stats(service));
    if (number != 0 && number != SIGHUP && number != SIGUSR1)
        stop_for(service, number);
    if (number == SIGHUP || number == SIGUSR1)
        pause_requests(service, number);
}

/* Accepting failed for good: let the active connections end. */
static void break_off(struct service *service)
{
    service->status = EX_OSERR;
    if (!service->stopping)
        drain(service);
}

static void serve(struct service *service)
{
    for (;;) {
        int64_t until = sooner(sooner(service->watchdog, service->renewal),
                               sooner(service->requests, service->patience));
        switch (loop_run(service->loop, until)) {
        case LOOP_TIMER: do_timers(service); break;
        case LOOP_ALIVE: notify_watchdog(); break;
        case LOOP_CALLED:
            if (service->reader != NULL) /* a stop can drop it after its call */
                end_reload(service);
            break;
        case LOOP_SIGNAL: handle_signal(service); break;
        case LOOP_FAILED: break_off(service); break;
        case LOOP_DRAINED: return;
        }
    }
}

/* Stop the log. Lines that are lost meanwhile go into the metrics, too. */
static void stop_log(struct service *service, struct stats *stats)
{
    double seconds = service->started ? service->settings->timeouts.drain : LOG_STOP_FAILED;
    log_line(LOG_NOTICE, "exiting with status %d", service->status);
    log_stop(service->hurried || seconds < LOG_STOP_LEAST ? LOG_STOP_LEAST : seconds);
    if (stats == NULL || stats->lines_lost == log_lost())
        return;
    stats->lines_lost = log_lost();
    service->metrics_writer = NULL;
    write_metrics(service, stats);
    (void)file_writer_stop(service->metrics_writer, METRICS_STOP);
}

/* Undo the start, as far as it came. From signals_let_end() on, TERM and INT end the process at
 * once, so that a disk or a log that hangs cannot keep it. If the metrics writer hangs, it ends
 * with the process. background_finish() acts only if the start failed. */
static void stop(struct service *service)
{
    struct stats *stats = NULL;

    if (service->started) {
        stats = read_stats(service);
        if (log_wants(LOG_NOTICE))
            stats_log(stats);
        write_metrics(service, stats);
    }
    loop_destroy(service->loop);
    listeners_close(&service->listeners);
    if (service->signal_fd >= 0)
        close(service->signal_fd);
    pid_file_release(service->settings->daemon.pid_file, service->pid_file);
    notify_close();
    signals_let_end(service->status);
    bool written = file_writer_stop(service->metrics_writer, METRICS_STOP);
    stop_log(service, written ? stats : NULL);
    settings_unref(service->settings);
    (void)background_finish(service->status);
}

int service_run(const struct options *options, struct settings *settings)
{
    static struct service service; /* large */
    service = (struct service){.options = options,
                               .settings = settings,
                               .pid_file = -1,
                               .signal_fd = -1,
                               .patience = NEVER,
                               .watchdog = NEVER,
                               .requests = NEVER};
    stats_begin();
    service.status = start(&service);
    if (service.status == EX_OK)
        serve(&service);
    stop(&service);
    return service.status;
}
