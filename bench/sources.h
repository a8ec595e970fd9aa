/* SPDX-License-Identifier: MIT */
/* What lets one process make very many connections over loopback. */
#ifndef BENCH_SOURCES_H
#define BENCH_SOURCES_H

#include <stdint.h>

/* Let the socket come from one of 200 addresses of 127.1.0.0/16, which `number` chooses. The
 * port is chosen at connect(2). Returns 0, or -1 and errno. */
int bind_source(int fd, uint32_t number);

/* Raise the soft limit on descriptors to the hard one: getrlimit(2). */
void raise_descriptors(void);

#endif
