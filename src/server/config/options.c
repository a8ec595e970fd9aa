/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "server/config/options.h"

#include "common/command_line.h"

#include <errno.h>
#include <getopt.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

static const char flags[] = ":c:fdl:p:evtThV";

static const struct option long_options[] = {
    {"config", required_argument, NULL, 'c'},   {"foreground", no_argument, NULL, 'f'},
    {"daemon", no_argument, NULL, 'd'},         {"listen", required_argument, NULL, 'l'},
    {"pid-file", required_argument, NULL, 'p'}, {"stderr", no_argument, NULL, 'e'},
    {"verbose", no_argument, NULL, 'v'},        {"test", no_argument, NULL, 't'},
    {"show-config", no_argument, NULL, 'T'},    {"help", no_argument, NULL, 'h'},
    {"version", no_argument, NULL, 'V'},        {NULL, 0, NULL, 0}};

void options_help(FILE *out)
{
    fputs("usage: sixteend [-c FILE] [-f | -d] [-l ADDRESS]... [-p FILE] [-e] [-v] [-t | -T]\n"
          "Answer sixteen octets with sixteen octets over TCP.\n"
          "\n"
          "  -c, --config FILE     read FILE; without it " SYSCONFDIR "/sixteen.conf\n"
          "                        if that exists, else the built-in defaults\n"
          "  -f, --foreground      stay in the foreground\n"
          "  -d, --daemon          go to the background\n"
          "  -l, --listen ADDRESS  listen here instead; may be repeated:\n"
          "                        127.0.0.1:1060, [::1]:1060, *:1060\n"
          "  -p, --pid-file FILE   lock it and write the process id there\n"
          "  -e, --stderr          log to standard error\n"
          "  -v, --verbose         log every step\n"
          "  -t, --test            check the configuration and exit\n"
          "  -T, --show-config     print the effective configuration and exit\n"
          "  -h, --help            print this and exit\n"
          "  -V, --version         print the version and exit\n"
          "\n"
          "sixteend(8) tells more, sixteen.conf(5) tells of the file.\n",
          out);
}

static int usage(const char *text, const char *argument)
{
    fprintf(stderr, "sixteend: %s%s; see sixteend --help\n", text, argument);
    return -1;
}

static int add_listen(struct options *options, const char *text)
{
    struct endpoint endpoint;
    const char *wrong = endpoint_parse(text, &endpoint);
    if (wrong != NULL) {
        fprintf(stderr, "sixteend: --listen %s: %s\n", text, wrong);
        return -1;
    }
    if (options->listen_count == SETTINGS_LISTEN_MAX)
        return usage("too many times --listen", "");
    options->listen[options->listen_count++] = text;
    return 0;
}

/* Make the path absolute: a daemon leaves the working directory. */
static int set_path(char to[PATH_MAX], const char *option, const char *path)
{
    char here[PATH_MAX] = "";
    if (path[0] != '/' && getcwd(here, sizeof here) == NULL) {
        fprintf(stderr, "sixteend: %s %s: no working directory: %s\n", option, path,
                strerror(errno));
        return -1;
    }
    int length = snprintf(to, PATH_MAX, "%s%s%s", here, here[0] != '\0' ? "/" : "", path);
    if (path[0] == '\0' || length >= PATH_MAX)
        return usage(option, " needs a path of sensible length");
    return 0;
}

static int set_run_in(struct options *options, int place)
{
    if (options->place != RUN_DEFAULT && (int)options->place != place)
        return usage("--foreground and --daemon exclude each other", "");
    options->place = place == RUN_FOREGROUND ? RUN_FOREGROUND : RUN_BACKGROUND;
    return 0;
}

static int set_mode(struct options *options, enum mode mode)
{
    if (options->mode != MODE_RUN && options->mode != mode)
        return usage("--test, --show-config, --help and --version exclude each other", "");
    options->mode = mode;
    return 0;
}

static int take(struct options *options, int flag, char *argv[])
{
    char why[ERROR_SIZE];
    switch (flag) {
    case 'c': return set_path(options->config, "--config", optarg);
    case 'f': return set_run_in(options, RUN_FOREGROUND);
    case 'd': return set_run_in(options, RUN_BACKGROUND);
    case 'l': return add_listen(options, optarg);
    case 'p': return set_path(options->pid_file, "--pid-file", optarg);
    case 'e': options->to_stderr = true; return 0;
    case 'v': options->verbose = true; return 0;
    case 't': return set_mode(options, MODE_TEST);
    case 'T': return set_mode(options, MODE_SHOW);
    case 'h': return set_mode(options, MODE_HELP);
    case 'V': return set_mode(options, MODE_VERSION);
    default: return usage(command_line_error(flag, flags, argv, why), "");
    }
}

int options_parse(struct options *options, int argc, char *argv[])
{
    int flag;

    *options = (struct options){0};
    while ((flag = getopt_long(argc, argv, flags, long_options, NULL)) != -1)
        if (take(options, flag, argv) != 0)
            return -1;
    if (optind < argc)
        return usage("an argument that is no option: ", argv[optind]);
    if (options->to_stderr && options->place == RUN_BACKGROUND)
        return usage("--stderr and --daemon exclude each other: "
                     "in the background there is no standard error",
                     "");
    return 0;
}

int options_apply(const struct options *options, struct settings *settings, char why[SETTING_WHY])
{
    char wrong[SETTING_WHY];

    if (options->place != RUN_DEFAULT)
        settings->daemon.background = options->place == RUN_BACKGROUND;
    if (options->listen_count > 0 &&
        !setting_store_texts(settings_find("listen"), settings, options->listen,
                             options->listen_count, wrong)) {
        snprintf(why, SETTING_WHY, "--listen %.500s; see sixteend --help", wrong);
        return -1;
    }
    if (options->pid_file[0] != '\0')
        snprintf(settings->daemon.pid_file, sizeof settings->daemon.pid_file, "%s",
                 options->pid_file);
    if (options->verbose)
        settings->log.level = LOG_DEBUG;
    return 0;
}

int options_apply_log(const struct options *options, struct settings *settings,
                      char why[SETTING_WHY])
{
    if (options->to_stderr && settings->daemon.background) {
        snprintf(why, SETTING_WHY,
                 "--stderr needs --foreground, because the file says background = true; "
                 "see sixteend --help");
        return -1;
    }
    if (options->to_stderr)
        settings->log.to = LOG_TO_STDERR;
    settings_resolve(settings);
    return 0;
}
