/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "common/environment.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>

long long environment_number(const char *name)
{
    const char *text = getenv(name);
    char *end;
    if (text == NULL || !isdigit((unsigned char)*text))
        return -1;
    errno = 0;
    long long number = strtoll(text, &end, 10);
    return errno == 0 && *end == '\0' ? number : -1;
}
