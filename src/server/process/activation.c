/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "server/process/activation.h"

#include "common/number.h"
#include "server/log/log.h"

#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

int activation_count(void)
{
    if (getenv("LISTEN_FDS") == NULL || environment_number("LISTEN_PID") != getpid())
        return 0;
    long long count = environment_number("LISTEN_FDS");
    if (count < 0 || count > INT_MAX - ACTIVATION_FIRST) {
        log_line(LOG_CRIT, "LISTEN_FDS is no number of sockets");
        return -1;
    }
    for (int fd = ACTIVATION_FIRST; fd < ACTIVATION_FIRST + count; fd++) {
        if (fcntl(fd, F_SETFD, FD_CLOEXEC) != 0) {
            log_errno(LOG_CRIT, "LISTEN_FDS: descriptor %d", fd);
            return -1;
        }
    }
    return (int)count;
}
