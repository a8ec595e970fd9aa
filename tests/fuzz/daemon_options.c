/* SPDX-License-Identifier: MIT */
/* sixteend's command line: refused with a reason, or without a word it makes settings
 * that a file could have made. */
#include <config.h>

#include "fuzz.h"

#include "server/config/options.h"

#include <getopt.h>
#include <stdlib.h>
#include <string.h>

static void judge(const struct options *options)
{
    must(options->listen_count <= SETTINGS_LISTEN_MAX);
    must(strlen(options->pid_file) < sizeof options->pid_file);
    must(options->pid_file[0] == '\0' || options->pid_file[0] == '/');
    must(strlen(options->config) < sizeof options->config);
    must(options->config[0] == '\0' || options->config[0] == '/');
    must(!options->to_stderr || options->place != RUN_BACKGROUND);
}

static void judge_settings(const struct options *options, const struct settings *settings)
{
    must(settings->log.to != LOG_TO_DEFAULT);
    must(!options->to_stderr || settings->log.to == LOG_TO_STDERR);
    must(options->listen_count == 0 || settings->listen.count == options->listen_count);
    must_read_back(settings);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct options options;
    static struct settings settings;
    char *argv[WORDS_MAX + 2];
    char why[SETTING_WHY] = "";
    struct ear ear;
    uint8_t background;

    take(&data, &size, &background, 1);
    int argc = words(data, size, "sixteend", argv);
    settings_defaults(&settings);
    settings.daemon.background = background % 2 != 0;
    optind = 0; /* getopt_long(3) begins anew */
    hear(&ear, &stderr);
    bool taken = options_parse(&options, argc, argv) == 0;
    char *said = heard(&ear);
    must(lines_of(said, strlen(said)) == (taken ? 0 : 1));
    must(taken == (*said == '\0'));
    free(said);
    if (!taken)
        return 0;
    judge(&options);
    if (options_apply(&options, &settings, why) == 0 &&
        options_apply_log(&options, &settings, why) == 0)
        judge_settings(&options, &settings);
    else
        must(*why != '\0' && strnlen(why, sizeof why) < sizeof why);
    return 0;
}
