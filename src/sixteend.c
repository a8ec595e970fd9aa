/* SPDX-License-Identifier: MIT */
/* sixteend: read the command line and the configuration, then run the daemon: service.c. */

#include <config.h>

#include "common/command_line.h"
#include "common/descriptor.h"
#include "server/config/options.h"
#include "server/log/log.h"
#include "server/process/service.h"
#include "server/process/signals.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

static int flush(void)
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
    return flush();
}

/* Say why there is no start: in the log, if it is known to go to standard error. */
static void complain(const struct options *options, const char *message)
{
    if (options->mode == MODE_RUN && (options->run_in == RUN_FOREGROUND || options->to_stderr))
        log_line(LOG_CRIT, "%s", message);
    else
        command_line_complain("sixteend", "%s", message);
}

int main(int argc, char *argv[])
{
    static struct options options; /* a thread that reads again can last until exit(3) has ended */
    struct settings *settings;
    char message[ERROR_SIZE];

    command_line_keep_output();
    (void)signal(SIGXFSZ, SIG_IGN); /* at a limit of size, write(2) fails instead */
    int opened = descriptors_open_standard();
    int error = errno;
    if (options_parse(&options, argc, argv, message) != 0) {
        command_line_complain("sixteend", "%s", message);
        return EX_USAGE;
    }
    if (options.mode == MODE_HELP) {
        options_help(stdout);
        return flush();
    }
    if (options.mode == MODE_VERSION) {
        options_version();
        return flush();
    }
    if (options.mode == MODE_RUN && opened != 0) {
        command_line_complain("sixteend", "cannot open /dev/null: %s", strerror(error));
        return EX_OSERR;
    }
    /* The start can wait for a disk and for names. Process 1 of a container gets only signals that
     * it handles. */
    if (options.mode == MODE_RUN)
        signals_prepare();
    if (getpid() == 1)
        signals_let_end(EX_OK);
    int status = options_load(&options, NULL, &settings, message);
    if (status != EX_OK) {
        complain(&options, message);
        return status;
    }
    if (options.mode != MODE_RUN)
        return check(&options, settings);
    return service_run(&options, settings);
}
