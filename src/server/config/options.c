/* SPDX-License-Identifier: MIT */
/* The first half parses the command line, the second half makes settings of defaults, file and
 * options. */
#include <config.h>

#include "server/config/options.h"

#include "common/command_line.h"
#include "common/number.h"
#include "common/text.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <libconfig.h>
#include <string.h>
#include <sysexits.h>
#include <syslog.h>
#include <unistd.h>

#define DEFAULT_FILE SYSCONFDIR "/sixteen.conf"

enum { OPTION_READY_FD = 256 };

static const char flags[] = "-:c:fdl:p:evtThV";

static const struct option long_options[] = {{"config", required_argument, NULL, 'c'},
                                             {"foreground", no_argument, NULL, 'f'},
                                             {"daemon", no_argument, NULL, 'd'},
                                             {"listen", required_argument, NULL, 'l'},
                                             {"pid-file", required_argument, NULL, 'p'},
                                             {"ready-fd", required_argument, NULL, OPTION_READY_FD},
                                             {"stderr", no_argument, NULL, 'e'},
                                             {"verbose", no_argument, NULL, 'v'},
                                             {"test", no_argument, NULL, 't'},
                                             {"show-config", no_argument, NULL, 'T'},
                                             {"help", no_argument, NULL, 'h'},
                                             {"version", no_argument, NULL, 'V'},
                                             {NULL, 0, NULL, 0}};

void options_help(FILE *out)
{
    fputs("usage: sixteend [-c FILE] [-f | -d] [-l ADDRESS]... [-p FILE] [-e] [-v] [-t | -T]\n"
          "                [--ready-fd N]\n"
          "Answer sixteen octets with sixteen octets over TCP.\n"
          "\n"
          "  -c, --config FILE     read the configuration from FILE; the default is\n"
          "                        " SYSCONFDIR "/sixteen.conf if it exists\n"
          "  -f, --foreground      stay in the foreground\n"
          "  -d, --daemon          run in the background\n"
          "  -l, --listen ADDRESS  listen at ADDRESS instead of the configured ones:\n"
          "                        127.0.0.1:1060, [::1]:1060, *:1060; repeatable\n"
          "  -p, --pid-file FILE   lock FILE and write the process ID to it\n"
          "      --ready-fd N      write a newline to descriptor N when ready\n"
          "  -e, --stderr          log to standard error\n"
          "  -v, --verbose         log every step\n"
          "  -t, --test            check the configuration and exit\n"
          "  -T, --show-config     print the effective configuration and exit\n"
          "  -h, --help            print this help and exit\n"
          "  -V, --version         print the version and exit\n"
          "\n"
          "See sixteend(8), and sixteen.conf(5) for the configuration file.\n",
          out);
}

void options_version(void)
{
    command_line_version("sixteend");
    printf("libconfig: %d.%d.%d\n"
           "configuration file: " DEFAULT_FILE "\n",
           LIBCONFIG_VER_MAJOR, LIBCONFIG_VER_MINOR, LIBCONFIG_VER_REVISION);
}

/* Each function below returns 0, or -1 with what is wrong in `message`. */

static int usage(char *message, const char *text, const char *argument)
{
    snprintf(message, ERROR_SIZE, "%s%s; see sixteend --help", text, argument);
    return -1;
}

static int add_listen(struct options *options, const char *text, char *message)
{
    if (options->listen.count == SETTINGS_LISTEN_MAX) {
        snprintf(message, ERROR_SIZE, "too many --listen options (at most %d); see sixteend --help",
                 SETTINGS_LISTEN_MAX);
        return -1;
    }
    const char *reason = endpoint_parse(text, &options->listen.list[options->listen.count]);
    if (reason != NULL) {
        snprintf(message, ERROR_SIZE, "--listen %s: %s", text, reason);
        return -1;
    }
    options->listen.count++;
    return 0;
}

/* Make the path absolute, because the daemon leaves the working directory. */
static int set_path(char to[PATH_MAX], const char *option, const char *path, char *message)
{
    char here[PATH_MAX] = "";
    if (path[0] != '/' && getcwd(here, sizeof here) == NULL) {
        snprintf(message, ERROR_SIZE, "%s %s: cannot get the working directory: %s", option, path,
                 strerror(errno));
        return -1;
    }
    int length = snprintf(to, PATH_MAX, "%s%s%s", here, here[0] != '\0' ? "/" : "", path);
    if (path[0] == '\0' || length >= PATH_MAX)
        return usage(message, option, ": the path is empty or too long");
    return 0;
}

static int set_ready_fd(int *to, const char *text, char *message)
{
    unsigned long long fd;
    if (!read_whole(text, INT_MAX, &fd) || fd <= STDERR_FILENO)
        return usage(message, "--ready-fd must be the number of a descriptor from 3 on, not ",
                     text);
    *to = (int)fd;
    return 0;
}

/* The descriptor must be open for writing before the daemon opens its own. */
static int check_ready_fd(int fd, char *message)
{
    int mode = fcntl(fd, F_GETFL);
    if (mode >= 0 && (mode & O_ACCMODE) == O_RDONLY)
        errno = EBADF;
    else if (mode >= 0)
        return 0;
    snprintf(message, ERROR_SIZE, "--ready-fd: cannot write to descriptor %d: %s", fd,
             strerror(errno));
    return -1;
}

/* Set what only one of the options `names` can set. */
static int set_once(int *to, int value, const char *names, char *message)
{
    if (*to != 0 && *to != value)
        return usage(message, names, " are mutually exclusive");
    *to = value;
    return 0;
}

static int apply_flag(struct options *options, int flag, const struct command_line *line,
                      char *message)
{
    static const char runs[] = "--foreground and --daemon";
    static const char modes[] = "--test, --show-config, --help and --version";
    char error[ERROR_SIZE];
    switch (flag) {
    case 'c': return set_path(options->config, "--config", optarg, message);
    case 'f': return set_once(&options->run_in, RUN_FOREGROUND, runs, message);
    case 'd': return set_once(&options->run_in, RUN_BACKGROUND, runs, message);
    case 'l': return add_listen(options, optarg, message);
    case 'p': return set_path(options->pid_file, "--pid-file", optarg, message);
    case OPTION_READY_FD: return set_ready_fd(&options->ready_fd, optarg, message);
    case 'e': options->to_stderr = true; return 0;
    case 'v': options->verbose = true; return 0;
    case 't': return set_once(&options->mode, MODE_TEST, modes, message);
    case 'T': return set_once(&options->mode, MODE_SHOW, modes, message);
    case 'h': return set_once(&options->mode, MODE_HELP, modes, message);
    case 'V': return set_once(&options->mode, MODE_VERSION, modes, message);
    case OPERAND: return usage(message, "unexpected argument: ", optarg);
    default: return usage(message, command_line_error(line, flag, error), "");
    }
}

/* Return the file to read, or NULL for none. */
static const char *file_of(const struct options *options)
{
    if (options->config[0] != '\0')
        return options->config;
    return access(DEFAULT_FILE, F_OK) == 0 || errno != ENOENT ? DEFAULT_FILE : NULL;
}

int options_parse(struct options *options, int argc, char *argv[], char message[ERROR_SIZE])
{
    struct command_line line = {.argc = argc, .argv = argv};
    int flag;

    *options = (struct options){0};
    message[0] = '\0';
    while ((flag = command_line_next(&line, flags, long_options)) != -1)
        if (apply_flag(options, flag, &line, message) != 0)
            return -1;
    if (options->to_stderr && options->run_in == RUN_BACKGROUND)
        return usage(message,
                     "--stderr and --daemon are mutually exclusive: "
                     "a daemon in the background has no standard error",
                     "");
    if (options->ready_fd != 0 && options->run_in == RUN_BACKGROUND)
        return usage(message,
                     "--ready-fd and --daemon are mutually exclusive: "
                     "a daemon in the background is ready when the command returns",
                     "");
    if (options->ready_fd != 0 && options->mode == MODE_RUN &&
        check_ready_fd(options->ready_fd, message) != 0)
        return -1;
    const char *file = file_of(options);
    if (file != NULL && file != options->config)
        snprintf(options->config, sizeof options->config, "%s", file);
    return 0;
}

const char *options_file_name(const struct options *options)
{
    const char *file = file_of(options);
    return file != NULL ? file : "the built-in defaults";
}

static void apply(const struct options *options, struct settings *settings)
{
    if (options->run_in != RUN_DEFAULT)
        settings->daemon.background = options->run_in == RUN_BACKGROUND;
    if (options->pid_file[0] != '\0')
        snprintf(settings->daemon.pid_file, sizeof settings->daemon.pid_file, "%s",
                 options->pid_file);
    if (options->verbose)
        settings->log.level = LOG_DEBUG;
    if (options->listen.count > 0)
        settings->listen = options->listen;
}

/* Keep daemon.*, which a running daemon cannot change, and name the changed keys in a warning. */
static void keep_fixed(const struct settings *running, struct settings *settings,
                       char message[ERROR_SIZE])
{
    for (size_t i = 0; settings_row(i) != NULL; i++)
        if (settings_row(i)->fixed && !settings_same(settings_row(i), running, settings))
            text_append(message, ERROR_SIZE, "%s%s", message[0] != '\0' ? ", " : "",
                        settings_row(i)->key);
    if (message[0] != '\0')
        text_append(message, ERROR_SIZE, ": a change takes effect at the next restart");
    settings->daemon = running->daemon;
}

/* Refuse a file that sets nothing, or is gone, where the running one set something. An editor on a
 * full disk leaves an empty file, and the defaults forget access.deny. Returns false for that. */
static bool sets_something(const struct settings *running, const struct settings *settings,
                           const char *file, char message[ERROR_SIZE])
{
    if (running->in_file == 0 || settings->in_file != 0)
        return true;
    snprintf(message, ERROR_SIZE,
             "%s: %s, and the running configuration has settings from it; restart the daemon to "
             "go back to the defaults",
             file != NULL ? file : DEFAULT_FILE,
             file != NULL ? "it sets no key" : "it does not exist any more");
    return false;
}

/* Name the keys that go back to their defaults, because the file may be cut off. */
static void name_dropped(const struct settings *running, const struct settings *settings,
                         char message[ERROR_SIZE])
{
    const char *before = message[0] != '\0' ? "; " : "";
    for (size_t i = 0; settings_row(i) != NULL; i++) {
        const struct setting *row = settings_row(i);
        if (!setting_is_in_file(row, running) || setting_is_in_file(row, settings) ||
            settings_same(row, running, settings))
            continue;
        text_append(message, ERROR_SIZE, "%s%s", before, row->key);
        before = ", ";
    }
    if (strcmp(before, ", ") == 0)
        text_append(message, ERROR_SIZE, ": no longer set, so the default applies");
}

/* Decide where the log goes, which depends on whether the daemon is in the background. */
static int decide_log_target(const struct options *options, struct settings *settings,
                             char message[ERROR_SIZE])
{
    const char *needs_foreground = options->to_stderr       ? "--stderr"
                                   : options->ready_fd != 0 ? "--ready-fd"
                                                            : NULL;
    if (needs_foreground != NULL && settings->daemon.background) {
        snprintf(message, ERROR_SIZE,
                 "%s needs --foreground, because daemon.background is true; "
                 "see sixteend --help",
                 needs_foreground);
        return EX_USAGE;
    }
    if (options->to_stderr)
        settings->log.to = LOG_TO_STDERR;
    if (settings->log.to == LOG_TO_DEFAULT)
        settings->log.to = settings->daemon.background ? LOG_TO_SYSLOG : LOG_TO_STDERR;
    if (settings->daemon.background && settings->log.to == LOG_TO_STDERR) {
        snprintf(message, ERROR_SIZE,
                 "%s: log.to must be \"syslog\" in the background, not \"stderr\"; "
                 "set daemon.background = false, or use --foreground",
                 options_file_name(options));
        return EX_CONFIG;
    }
    return EX_OK;
}

int options_load(const struct options *options, const struct settings *running,
                 struct settings **loaded, char message[ERROR_SIZE])
{
    struct settings *settings = settings_create();
    message[0] = '\0';
    if (settings == NULL) {
        snprintf(message, ERROR_SIZE, "cannot store the configuration: %s", strerror(errno));
        return EX_OSERR;
    }
    settings->daemon.as_text = running != NULL;
    const char *file = file_of(options);
    int status = EX_CONFIG;
    if ((file == NULL || config_file_read(file, settings, message)) &&
        (running == NULL || sets_something(running, settings, file, message))) {
        apply(options, settings);
        if (running != NULL)
            keep_fixed(running, settings, message);
        status = decide_log_target(options, settings, message);
        if (running != NULL && status == EX_OK)
            name_dropped(running, settings, message);
    }
    if (status == EX_OK)
        *loaded = settings;
    else
        settings_unref(settings);
    return status;
}
