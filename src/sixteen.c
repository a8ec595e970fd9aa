/* SPDX-License-Identifier: MIT */
/* sixteen, or check_sixteen: read the command line, then make the exchanges that it asks for:
 * run.c. */

#include <config.h>

#include "client/options/check_options.h"
#include "client/options/options.h"
#include "client/options/status.h"
#include "client/report/plugin.h"
#include "client/run.h"
#include "common/command_line.h"
#include "common/descriptor.h"

#include <locale.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

/* The program's second name, by which monitoring systems call it. */
static bool is_check(const char *path)
{
    const char *slash = strrchr(path, '/');
    return strcmp(slash != NULL ? slash + 1 : path, "check_sixteen") == 0;
}

static int misused(const struct client_options *options, const char *why)
{
    if (options->format == FORMAT_PLUGIN)
        return (int)plugin_unknown(why);
    fprintf(stderr, "sixteen: %s\n", why);
    return STATUS_LOCAL;
}

static int act(const struct client_options *options)
{
    switch (options->mode) {
    case CLIENT_HELP: client_options_help(stdout); return STATUS_RIGHT;
    case CLIENT_VERSION: command_line_version("sixteen"); return STATUS_RIGHT;
    default: return run(options);
    }
}

/* The guidelines for monitoring plugins want UNKNOWN after --help and --version. */
static int check(const struct client_options *options)
{
    switch (options->mode) {
    case CLIENT_HELP: check_options_help(stdout); return PLUGIN_UNKNOWN;
    case CLIENT_VERSION: puts("check_sixteen " PACKAGE_VERSION); return PLUGIN_UNKNOWN;
    default: return run(options);
    }
}

int main(int argc, char *argv[])
{
    static struct client_options options;
    char why[CLIENT_OPTIONS_WHY];
    bool checks = argc > 0 && is_check(argv[0]);

    command_line_keep_output();
    (void)signal(SIGXFSZ, SIG_IGN); /* at a limit of size, write(2) fails instead */
    (void)descriptors_open_standard();
    /* The encoding of host names; numbers stay as they are. */
    if (setlocale(LC_CTYPE, "") == NULL || MB_CUR_MAX == 1)
        (void)setlocale(LC_CTYPE, "C.UTF-8");
    int status = (checks ? check_options_parse : client_options_parse)(&options, argc, argv, why);
    if (status != 0)
        status = misused(&options, why);
    else
        status = checks ? check(&options) : act(&options);
    if (command_line_flush(checks ? "check_sixteen" : "sixteen") == 0)
        return status;
    return options.format == FORMAT_PLUGIN ? (int)PLUGIN_UNKNOWN : (int)STATUS_LOCAL;
}
