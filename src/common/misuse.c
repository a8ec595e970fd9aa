/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "common/misuse.h"

#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

char *misuse_of_option(int refusal, const char *flags, char *const argv[], char why[MISUSE_WHY])
{
    const char *last = argv[optind - 1];
    if (refusal == ':')
        snprintf(why, MISUSE_WHY, "option requires an argument: %s", last);
    /* a letter that is a flag stands for the long option that was given a value */
    else if (optopt == 0 || optopt > UCHAR_MAX || (optopt != ':' && strchr(flags, optopt) != NULL))
        snprintf(why, MISUSE_WHY, "unknown or ambiguous option, or one that takes no argument: %s",
                 last);
    else
        snprintf(why, MISUSE_WHY, "unknown option -%c", optopt);
    return why;
}
