/* SPDX-License-Identifier: MIT */
/* Print what tests must know about the C library: its first real-time signal, the stack of a
 * thread, whether malloc(3) takes memory from the heap of brk(2), whether it finds
 * internationalized names, whether syslog(3) keeps a socket here, then each error that it words in
 * another way than glibc. */
#include <config.h>

#include "../words.h"

#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

static void show(const char *here, const char *there)
{
    if (strcmp(here, there) != 0)
        printf("words\t%s\t%s\n", here, there);
}

/* A block larger than what is left of pages that are mapped already, and smaller than one that gets
 * a mapping of its own. */
static bool malloc_extends_heap(void)
{
    extern char end[]; /* of the program's data: end(3) */
    char *block = malloc(65536);
    bool is_in_heap = (uintptr_t)block >= (uintptr_t)end && (uintptr_t)block < (uintptr_t)sbrk(0);
    free(block);
    return is_in_heap;
}

/* Some keep it although no daemon reads it. */
static bool syslog_keeps_socket(void)
{
    int before = dup(STDOUT_FILENO);
    close(before);
    openlog("c_library", LOG_NDELAY, LOG_DAEMON);
    int after = dup(STDOUT_FILENO);
    close(after);
    closelog();
    return after != before;
}

int main(void)
{
    pthread_attr_t attributes;
    size_t stack = 0;
    if (pthread_attr_init(&attributes) != 0 || pthread_attr_getstacksize(&attributes, &stack) != 0)
        return 1;
    printf("SIGRTMIN\t%d\nstack\t%zu\n", SIGRTMIN, stack);
    if (malloc_extends_heap())
        puts("heap\t1");
    if (syslog_keeps_socket())
        puts("syslog\t1");
#ifdef AI_IDN
    puts("idn\t1");
#endif
    for (size_t i = 0; i < sizeof glibc_strerror / sizeof *glibc_strerror; i++)
        show(strerror(glibc_strerror[i].number), glibc_strerror[i].text);
    for (size_t i = 0; i < sizeof glibc_gai_strerror / sizeof *glibc_gai_strerror; i++)
        show(gai_strerror(glibc_gai_strerror[i].number), glibc_gai_strerror[i].text);
    return 0;
}
