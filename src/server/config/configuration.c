/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "server/config/configuration.h"

#include "server/log/log.h"

#include <errno.h>
#include <sysexits.h>
#include <unistd.h>

#define DEFAULT_FILE SYSCONFDIR "/sixteen.conf"

/* The file to read, or NULL for none. */
static const char *file_of(const struct options *options)
{
    if (options->config[0] != '\0')
        return options->config;
    return access(DEFAULT_FILE, F_OK) == 0 || errno != ENOENT ? DEFAULT_FILE : NULL;
}

const char *options_file_name(const struct options *options)
{
    const char *file = file_of(options);
    return file != NULL ? file : "the built-in configuration";
}

/* What a running daemon can't change stays as it was, with a warning. */
static void keep_what_is_fixed(const struct settings *running, struct settings *settings)
{
    static const char *const fixed[] = {"daemon.background", "daemon.pid_file", "daemon.user",
                                        "daemon.group"};
    for (size_t i = 0; i < sizeof fixed / sizeof *fixed; i++)
        if (!settings_same(settings_find(fixed[i]), running, settings))
            log_line(LOG_WARNING, "%s changes at a restart only", fixed[i]);
    settings->daemon = running->daemon;
}

/* Where the log goes depends on whether the daemon is in the background. */
static int settle_log(const struct options *options, struct settings *settings,
                      char complaint[SETTINGS_COMPLAINT])
{
    if (options_apply_log(options, settings, complaint) != 0)
        return EX_USAGE;
    if (settings->daemon.background && settings->log.to == LOG_TO_STDERR) {
        snprintf(complaint, SETTINGS_COMPLAINT,
                 "%s: log.to must be \"syslog\" in the background, not \"stderr\"; "
                 "or let daemon.background be false, or give --foreground",
                 options_file_name(options));
        return EX_CONFIG;
    }
    return EX_OK;
}

int options_load(const struct options *options, const struct settings *running,
                 struct settings *settings, char complaint[SETTINGS_COMPLAINT])
{
    const char *file = file_of(options);

    settings_defaults(settings);
    if (file != NULL && !config_file_read(file, settings, complaint))
        return EX_CONFIG;
    if (options_apply(options, settings, complaint) != 0)
        return EX_USAGE;
    if (running != NULL)
        keep_what_is_fixed(running, settings);
    return settle_log(options, settings, complaint);
}

void options_remember_file(struct options *options)
{
    const char *file = file_of(options);
    if (file != NULL && file != options->config)
        snprintf(options->config, sizeof options->config, "%s", file);
}
