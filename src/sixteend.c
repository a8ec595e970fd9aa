/* SPDX-License-Identifier: MIT */
/* sixteend: the daemon's life, top to bottom. */

#include <config.h>

#include "common/command_line.h"
#include "server/config/options.h"
#include "server/config/settings.h"
#include "server/log/log.h"
#include "server/process/background.h"
#include "server/process/service.h"
#include "server/process/signals.h"
#include "server/process/systemd.h"

#include <stdio.h>
#include <sysexits.h>

static int run(const struct options *options, struct settings *settings)
{
    int passed = systemd_count_sockets();
    if (passed < 0)
        return EX_CONFIG;
    if (settings->daemon.background && passed > 0) {
        log_line(LOG_CRIT, "LISTEN_FDS passes sockets, which only the foreground can take over: "
                           "give --foreground");
        return EX_CONFIG;
    }
    if (background_prepare(passed) != 0) {
        log_errno(LOG_CRIT, "cannot change to the root directory");
        return EX_OSERR;
    }
    if (settings->daemon.background && background_begin() != 0) {
        log_errno(LOG_CRIT, "cannot go to the background");
        background_finish(EX_OSERR);
        return EX_OSERR;
    }
    signals_block();
    log_to_terminal();
    int status = service_run(options, settings, passed);
    background_finish(status);
    return status;
}

/* Everything asked for is on standard output, or why not on standard error. */
static int told(void)
{
    return command_line_flush("sixteend") == 0 ? EX_OK : EX_OSERR;
}

static int check(const struct options *options, struct settings *settings)
{
    if (options->mode == MODE_TEST)
        printf("sixteend: %s: configuration OK\n", options_file_name(options));
    else
        settings_print(settings, stdout);
    settings_unref(settings);
    return told();
}

int main(int argc, char *argv[])
{
    struct options options;
    struct settings *settings;
    char message[ERROR_SIZE];

    if (background_open_standard() != 0) {
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
    int status = options_load(&options, NULL, &settings, message);
    if (status != EX_OK) {
        fprintf(stderr, "sixteend: %s\n", message);
        return status;
    }
    options_remember_file(&options);
    if (options.mode != MODE_RUN)
        return check(&options, settings);
    return run(&options, settings);
}
