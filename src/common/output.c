/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "common/output.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

int output_finish(const char *program)
{
    errno = 0;
    if (fflush(stdout) == 0 && !ferror(stdout))
        return 0;
    fprintf(stderr, "%s: cannot write to standard output%s%s\n", program, errno != 0 ? ": " : "",
            errno != 0 ? strerror(errno) : "");
    return -1;
}
