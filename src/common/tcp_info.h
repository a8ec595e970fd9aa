/* SPDX-License-Identifier: MIT */
/* What the kernel knows about a TCP socket. */
#ifndef COMMON_TCP_INFO_H
#define COMMON_TCP_INFO_H

#include <netinet/tcp.h>
#include <sys/socket.h>

/* Read TCP_INFO, tcp(7), of the socket `fd`. Returns how many octets of it the kernel has filled
 * in: fewer if it is older, 0 if it knows nothing. The others are 0. */
socklen_t tcp_info_read(int fd, struct tcp_info *info);

#endif
