/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "server/process/service.h"

#include "server/config/options.h"
#include "server/connection/loop.h"
#include "server/log/log.h"
#include "server/log/prometheus.h"
#include "server/process/background.h"
#include "server/process/pid_file.h"
#include "server/process/privileges.h"
#include "server/process/rlimits.h"
#include "server/process/seccomp.h"
#include "server/process/signals.h"
#include "server/process/systemd.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

/* A log that is alive has the last lines by then. */
#define LOG_LEAST 0.5

#define STATUS_SIZE 400

/* What the daemon holds while it lives. */
struct service {
    const struct options *options;
    struct settings *settings;
    struct listeners listeners;
    struct loop *loop;
    int pid_file;
    int signal_fd;
    int64_t started;  /* seconds since 1970 */
    int64_t watchdog; /* when the watchdog is to be told next; NEVER: never … */
    int64_t report;   /* … and the status and metrics to be renewed */
    bool stopping;
    bool hurried; /* a second signal came */
    int status;   /* to exit with */
};

static const struct settings *settings_of(const struct service *service)
{
    return service->settings;
}

/* The one line that a start into the background tells the terminal. */
static void tell_terminal(const struct service *service)
{
    char text[LISTENERS_MAX * ADDRESS_TEXT];
    printf("sixteend: listening at %s; process %ld; logging to syslog, facility %s\n",
           listeners_format(&service->listeners, text, sizeof text), (long)getpid(),
           settings_choice_name("log.facility", settings_of(service)->log.facility));
    fflush(stdout);
}

static bool wants_pid_file(const struct service *service)
{
    const struct settings *settings = settings_of(service);
    return settings->daemon.pid_file[0] != '\0' &&
           (settings->daemon.background || service->options->pid_file[0] != '\0');
}

/* From the service manager, or by ourselves. */
static int open_listeners(struct service *service, int passed)
{
    if (passed > 0)
        return listeners_adopt(&service->listeners, SYSTEMD_FIRST_FD, passed) == 0 ? EX_OK
                                                                                   : EX_CONFIG;
    return listeners_open(&service->listeners, settings_of(service)) == 0 ? EX_OK : EX_UNAVAILABLE;
}

/* What needs root or can fail for want of something; then give root up. */
static int open_everything(struct service *service, int passed)
{
    const struct settings *settings = settings_of(service);

    if (wants_pid_file(service) &&
        (service->pid_file = pid_file_take(settings->daemon.pid_file)) < 0)
        return errno == EWOULDBLOCK ? EX_UNAVAILABLE : EX_OSERR;
    int status = open_listeners(service, passed);
    if (status != EX_OK)
        return status;
    service->signal_fd = signals_open();
    if (service->signal_fd < 0) {
        log_errno(LOG_CRIT, "cannot take signals");
        return EX_OSERR;
    }
    service->loop = loop_create(&service->listeners, service->settings, service->signal_fd);
    if (service->loop == NULL)
        return EX_OSERR;
    if (notify_open() != 0)
        return EX_OSERR;
    return privileges_drop(settings) == 0 ? EX_OK : EX_OSERR;
}

static const struct stats *read_stats(struct service *service)
{
    static struct stats stats; /* large; the main thread's */
    stats_read(&stats);
    stats.started = service->started;
    loop_add_stats(service->loop, &stats);
    return &stats;
}

static void write_metrics(const struct service *service, const struct stats *stats)
{
    const char *file = settings_of(service)->metrics.file;
    if (file[0] == '\0')
        return;
    char *text = prometheus_format(stats, file);
    if (text != NULL)
        log_metrics(text);
    else
        log_errno(LOG_WARNING, "metrics.file: cannot format the metrics");
}

/* Renew what is renewed every metrics.interval. */
static void renew(struct service *service, int64_t now)
{
    const struct settings *settings = settings_of(service);
    if (settings->metrics.file[0] == '\0' && !notify_wanted()) {
        service->report = NEVER;
        return;
    }
    char status[STATUS_SIZE];
    const struct stats *stats = read_stats(service);
    write_metrics(service, stats);
    notify_status(stats_status(stats, status, sizeof status));
    service->report = deadline_after(now, settings->metrics.interval).at;
}

/* Do what it is time for. */
static void tick(struct service *service)
{
    int64_t now = clock_nanoseconds();
    if (service->watchdog <= now) {
        notify_watchdog();
        service->watchdog = now + notify_watchdog_interval();
    }
    if (service->report <= now)
        renew(service, now);
}

/* Load the configuration anew. Returns NULL with the reason logged on failure. */
static struct settings *load_again(struct service *service)
{
    char message[ERROR_SIZE];
    struct settings *settings;

    if (options_load(service->options, settings_of(service), &settings, message) != EX_OK) {
        log_line(LOG_ERR, "%s", message);
        return NULL;
    }
    if (message[0] != '\0')
        log_line(LOG_WARNING, "%s", message);
    if (listeners_change(&service->listeners, settings_of(service), settings) == 0)
        return settings;
    settings_unref(settings);
    return NULL;
}

static void configure_log(const struct settings *settings)
{
    log_configure(settings->log.to == LOG_TO_SYSLOG, settings->log.facility, settings->log.level);
}

static void reload(struct service *service)
{
    notify_reloading();
    struct settings *settings = load_again(service);
    stats_reload(settings != NULL);
    if (settings != NULL) {
        loop_apply(service->loop, settings);
        configure_log(settings);
        settings_unref(service->settings);
        service->settings = settings;
        rlimits_raise(settings);
        service->report = 0;
        log_line(LOG_NOTICE, "reloaded %s", options_file_name(service->options));
        notify_ready("Reloaded");
    } else {
        log_line(LOG_ERR, "reload refused; everything stays as it was");
        notify_ready("Reload refused; the log says why. Everything stays as it was");
    }
}

static void stop(struct service *service)
{
    if (service->stopping) {
        service->hurried = true;
        loop_drain(service->loop, 0);
        return;
    }
    service->stopping = true;
    log_line(LOG_NOTICE, "stopping");
    notify_stopping();
    loop_drain(service->loop, settings_of(service)->timeouts.drain);
}

static void take_signals(struct service *service)
{
    int number;
    while ((number = signals_take(service->signal_fd)) != 0) {
        if (number == SIGUSR1)
            stats_log(read_stats(service));
        else if (number != SIGHUP)
            stop(service);
        else if (!service->stopping)
            reload(service);
    }
}

/* The acceptor can't go on: let those who are there end. */
static void break_off(struct service *service)
{
    service->status = EX_OSERR;
    listeners_close(&service->listeners);
    stop(service);
}

static void live(struct service *service)
{
    for (;;) {
        int64_t next = service->watchdog < service->report ? service->watchdog : service->report;
        switch (loop_run(service->loop, next)) {
        case LOOP_TIMER: tick(service); break;
        case LOOP_SIGNAL: take_signals(service); break;
        case LOOP_FAILED: break_off(service); break;
        case LOOP_DRAINED: return;
        }
    }
}

/* Up: say so to everybody who waits for it. */
static void come_up(struct service *service)
{
    service->started = time(NULL);
    if (notify_watchdog_interval() != NEVER)
        service->watchdog = clock_nanoseconds() + notify_watchdog_interval();
    if (settings_of(service)->daemon.background)
        tell_terminal(service);
    log_line(LOG_NOTICE, "sixteend %s is up, process %ld", VERSION, (long)getpid());
    background_finish(EX_OK);
    notify_ready("Up");
}

static void leave_traces(struct service *service)
{
    const struct stats *stats = read_stats(service);
    stats_log(stats);
    write_metrics(service, stats);
}

static int end(struct service *service)
{
    double seconds = settings_of(service)->timeouts.drain;

    loop_destroy(service->loop);
    listeners_close(&service->listeners);
    if (service->signal_fd >= 0)
        close(service->signal_fd);
    pid_file_release(settings_of(service)->daemon.pid_file, service->pid_file);
    log_line(LOG_NOTICE, "sixteend ends with status %d", service->status);
    settings_unref(service->settings);
    notify_close();
    signals_let_end(service->status);
    log_stop(service->hurried || seconds < LOG_LEAST ? LOG_LEAST : seconds);
    return service->status;
}

int service_run(const struct options *options, struct settings *settings, int passed)
{
    static struct service service; /* it is large */
    service = (struct service){.options = options,
                               .pid_file = -1,
                               .signal_fd = -1,
                               .watchdog = NEVER,
                               .settings = settings};
    configure_log(settings);
    rlimits_prepare(settings);
    service.status = open_everything(&service, passed);
    if (service.status == EX_OK && (seccomp_enter() != 0 || log_start(prometheus_write) != 0))
        service.status = EX_OSERR;
    if (service.status == EX_OK) {
        come_up(&service);
        live(&service);
        leave_traces(&service);
    }
    return end(&service);
}
