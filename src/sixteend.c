/* SPDX-License-Identifier: MIT */
/* sixteend: the daemon's life, top to bottom. */

#include <config.h>

#include "common/output.h"
#include "server/acceptor.h"
#include "server/daemonize.h"
#include "server/listener.h"
#include "server/log.h"
#include "server/options.h"
#include "server/pid_file.h"
#include "server/privileges.h"
#include "server/resources.h"
#include "server/settings.h"
#include "server/settings_file.h"
#include "server/signals.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#define DEFAULT_FILE SYSCONFDIR "/sixteen.conf"

/* A log that is alive has the last lines by then; one that hangs puts off no end. */
#define LOG_SECONDS 2.0

static const char *name_of_configuration(const struct options *options)
{
    return options->config != NULL ? options->config : "the built-in configuration";
}

/* Defaults, then the file, then the options. Returns an exit status. */
static int configure(struct options *options, struct settings *settings)
{
    char complaint[SETTINGS_COMPLAINT];

    settings_defaults(settings);
    if (options->config == NULL && (access(DEFAULT_FILE, F_OK) == 0 || errno != ENOENT))
        options->config = DEFAULT_FILE;
    if (options->config != NULL && !settings_read(options->config, settings, complaint)) {
        fprintf(stderr, "sixteend: %s\n", complaint);
        return EX_CONFIG;
    }
    if (options_apply(options, settings) != 0)
        return EX_USAGE;
    if (settings->daemon.background && settings->log.to == LOG_TO_STDERR) {
        fprintf(stderr,
                "sixteend: %s: log.to must be \"syslog\" in the background, not \"stderr\"; "
                "or let daemon.background be false, or give --foreground\n",
                name_of_configuration(options));
        return EX_CONFIG;
    }
    return EX_OK;
}

/* The one line that a start into the background tells the terminal. */
static void tell_terminal(const struct listeners *listeners, const struct settings *settings)
{
    char text[ADDRESS_TEXT];
    printf("sixteend: listening at ");
    for (size_t i = 0; i < listeners->count; i++)
        printf("%s%s", i > 0 ? ", " : "", address_format(&listeners->list[i].bound, text));
    printf("; process %ld; logging to syslog, facility %s\n", (long)getpid(),
           settings_choice_name("log.facility", settings->log.facility));
    fflush(stdout);
}

/* What the daemon holds while it lives. */
struct held {
    int pid_file;
    struct listeners listeners;
    struct acceptor *acceptor;
};

/* What needs root or can fail for want of something; then give root up. */
static int open_everything(struct held *held, const struct settings *settings, bool wants_pid_file)
{
    if (wants_pid_file && (held->pid_file = pid_file_take(settings->daemon.pid_file)) < 0)
        return errno == EWOULDBLOCK ? EX_UNAVAILABLE : EX_OSERR;
    if (listeners_open(&held->listeners, settings) != 0)
        return EX_UNAVAILABLE;
    held->acceptor = acceptor_create(&held->listeners, settings);
    if (held->acceptor == NULL)
        return EX_OSERR;
    return privileges_drop(settings) == 0 ? EX_OK : EX_OSERR;
}

static int serve(const struct settings *settings, bool wants_pid_file)
{
    struct held held = {.pid_file = -1};

    resources_prepare(settings);
    int status = open_everything(&held, settings, wants_pid_file);
    if (status == EX_OK && log_start() != 0)
        status = EX_OSERR;
    if (status == EX_OK) {
        if (settings->daemon.background)
            tell_terminal(&held.listeners, settings);
        log_line(LOG_NOTICE, "sixteend %s is up, process %ld", VERSION, (long)getpid());
        daemonize_finish(EX_OK);
        status = acceptor_run(held.acceptor) == 0 ? EX_OK : EX_OSERR;
    }
    acceptor_destroy(held.acceptor);
    listeners_close(&held.listeners);
    pid_file_release(settings->daemon.pid_file, held.pid_file);
    log_line(LOG_NOTICE, "sixteend ends with status %d", status);
    log_finish(LOG_SECONDS);
    return status;
}

static int run(const struct options *options, const struct settings *settings)
{
    bool wants_pid_file = settings->daemon.pid_file[0] != '\0' &&
                          (settings->daemon.background || options->pid_file[0] != '\0');

    if (settings->daemon.background && daemonize_begin() != 0) {
        log_errno(LOG_CRIT, "cannot go to the background");
        daemonize_finish(EX_OSERR);
        return EX_OSERR;
    }
    signals_block();
    log_to_terminal();
    log_open(settings);
    int status = serve(settings, wants_pid_file);
    daemonize_finish(status);
    return status;
}

/* Everything asked for is on standard output, or why not on standard error. */
static int told(void)
{
    return output_finish("sixteend") == 0 ? EX_OK : EX_OSERR;
}

int main(int argc, char *argv[])
{
    static struct settings settings;
    struct options options;

    if (daemonize_check_descriptors() != 0) {
        perror("sixteend: /dev/null");
        return EX_OSERR;
    }
    if (options_parse(&options, argc, argv) != 0)
        return EX_USAGE;
    if (options.mode == MODE_HELP) {
        options_help(stdout);
        return told();
    }
    if (options.mode == MODE_VERSION) {
        puts(PACKAGE_STRING);
        return told();
    }
    int status = configure(&options, &settings);
    if (status != EX_OK)
        return status;
    switch (options.mode) {
    case MODE_TEST:
        printf("sixteend: %s is right\n", name_of_configuration(&options));
        return told();
    case MODE_SHOW: settings_print(&settings, stdout); return told();
    default: return run(&options, &settings);
    }
}
