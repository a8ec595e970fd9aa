/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "sources.h"

#include <arpa/inet.h>
#include <sys/resource.h>
#include <sys/socket.h>

/* Times 28,232 ephemeral ports, enough for what is in TIME_WAIT at any rate; many more would
 * flood the kernel's cache of metrics per pair of addresses, and measure that. */
#define SOURCES 200

int bind_source(int fd, uint32_t number)
{
    const int on = 1;
    const struct sockaddr_in source = {.sin_family = AF_INET,
                                       .sin_addr.s_addr = htonl(0x7f010001 + number % SOURCES)};
    (void)setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
    return bind(fd, (const struct sockaddr *)&source, sizeof source);
}

void raise_descriptors(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &limit);
    }
}
