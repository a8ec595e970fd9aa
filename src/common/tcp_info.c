/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "common/tcp_info.h"

#include <netinet/in.h>

socklen_t tcp_info_read(int fd, struct tcp_info *info)
{
    socklen_t size = sizeof *info;
    *info = (struct tcp_info){0};
    return getsockopt(fd, IPPROTO_TCP, TCP_INFO, info, &size) == 0 ? size : 0;
}
