/* SPDX-License-Identifier: MIT */
/* sixteend's command line: it is refused with one line, or it leads to settings that a file could
 * have made, and to the same ones at a reload. */
#include <config.h>

#include "fuzz.h"

#include "server/config/options.h"

#include <getopt.h>
#include <string.h>
#include <sys/mman.h>
#include <sysexits.h>
#include <unistd.h>

static void judge(const struct options *options)
{
    must(options->listen.count <= SETTINGS_LISTEN_MAX);
    must(strlen(options->pid_file) < sizeof options->pid_file);
    must(options->pid_file[0] == '\0' || options->pid_file[0] == '/');
    must(strlen(options->config) < sizeof options->config);
    must(options->config[0] == '\0' || options->config[0] == '/');
    must(!options->to_stderr || options->run_in != RUN_BACKGROUND);
    must(options->ready_fd == 0 || options->ready_fd > STDERR_FILENO);
    must(options->ready_fd == 0 || options->run_in != RUN_BACKGROUND);
}

/* Name a file that sets daemon.background. */
static void set_file(struct options *options, bool background)
{
    static int files[2] = {-1, -1};
    int *fd = &files[background];
    if (*fd < 0) {
        *fd = memfd_create("fuzz.conf", MFD_CLOEXEC);
        must(*fd >= 0 &&
             dprintf(*fd, "daemon: { background = %s; };\n", background ? "true" : "false") > 0);
    }
    snprintf(options->config, sizeof options->config, "/proc/self/fd/%d", *fd);
}

static void judge_settings(const struct options *options, struct settings *settings)
{
    struct settings *again = NULL;
    char message[ERROR_SIZE];
    must(settings->log.to != LOG_TO_DEFAULT);
    must(!options->to_stderr || settings->log.to == LOG_TO_STDERR);
    must(options->ready_fd == 0 || !settings->daemon.background);
    must(options->listen.count == 0 || settings->listen.count == options->listen.count);
    must(options_load(options, settings, &again, message) == EX_OK && *message == '\0');
    must(same_settings(again, settings));
    settings_unref(again);
    must_read_back(settings);
}

static void judge_load(struct options *options, bool background)
{
    struct settings *settings = NULL;
    char message[ERROR_SIZE];

    set_file(options, background);
    int status = options_load(options, NULL, &settings, message);
    if (status == EX_OK) {
        must(*message == '\0');
        judge_settings(options, settings);
        settings_unref(settings);
    } else {
        must(settings == NULL && (status == EX_USAGE || status == EX_CONFIG));
        must(*message != '\0' && strnlen(message, sizeof message) < sizeof message);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct options options;
    char *argv[WORDS_MAX + 2];
    char message[ERROR_SIZE];
    uint8_t background;

    take(&data, &size, &background, 1);
    int argc = words(data, size, "sixteend", argv);
    optind = 0; /* getopt_long(3) starts anew */
    bool taken = options_parse(&options, argc, argv, message) == 0;
    must(lines_of(message, strlen(message)) == 0);
    must(taken == (*message == '\0'));
    if (!taken)
        return 0;
    judge(&options);
    judge_load(&options, background % 2 != 0);
    return 0;
}
