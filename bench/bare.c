/* SPDX-License-Identifier: MIT */
/* The limit to which the benchmark compares servers: a bare loop of accept, recv, send and close.
 * It keeps no promise that sixteend(8) makes: it has no deadline, so one silent peer blocks it; it
 * has no log; and its close() with unread octets can lose the reply.
 *
 *   bare [-t THREADS] [-m] [-s] [-b] PORT
 *     -t   number of threads, each with its own listener (SO_REUSEPORT)
 *     -m   MSG_MORE: reply and FIN in one segment
 *     -s   close safely, as sixteend does: shutdown, and 256 connections later recv and close; this
 *          shows what the two additional calls cost
 *     -b   SCHED_BATCH
 *
 * Prints "ready" once it listens at 127.0.0.1:PORT. */
#include <config.h>

#include "common/checked.h"
#include "common/wire.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sysexits.h>
#include <unistd.h>

#define LATER 256

static int send_flags = MSG_NOSIGNAL;
static bool safe;

_Noreturn static void die(const char *what)
{
    perror(what);
    exit(EX_OSERR);
}

static int listen_at(uint16_t port)
{
    const int on = 1;
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
        setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) != 0 ||
        bind(fd, (const struct sockaddr *)&address, sizeof address) != 0 || listen(fd, 4096) != 0)
        die("bare: listen");
    return fd;
}

/* The half-closed sockets of a thread, which it closes later. */
struct later {
    int fds[LATER];
    size_t next;
};

static void close_later(struct later *later, int fd)
{
    char octet;
    int *place = &later->fds[later->next++ % LATER];
    shutdown(fd, SHUT_WR);
    if (*place > 0) {
        (void)recv(*place, &octet, 1, MSG_DONTWAIT);
        close(*place);
    }
    *place = fd;
}

static void *serve(void *argument)
{
    const int *listener = argument;
    struct later later = {.next = 0};
    char message[WIRE_OCTETS];

    for (;;) {
        struct sockaddr_in peer;
        socklen_t length = sizeof peer;
        int fd = accept4(*listener, (struct sockaddr *)&peer, &length, SOCK_CLOEXEC);
        if (fd < 0)
            continue;
        if (recv(fd, message, sizeof message, MSG_WAITALL) == WIRE_OCTETS)
            (void)send(fd, WIRE_REPLY, WIRE_OCTETS, send_flags);
        if (safe)
            close_later(&later, fd);
        else
            close(fd);
    }
    return NULL;
}

int main(int argc, char *argv[])
{
    enum { MOST_THREADS = 64 };
    static int listeners[MOST_THREADS];
    int threads = 1;
    int option;

    while ((option = getopt(argc, argv, "t:msb")) != -1) {
        switch (option) {
        case 't': threads = atoi(optarg); break;
        case 'm': send_flags |= MSG_MORE; break;
        case 's': safe = true; break;
        case 'b':
            if (sched_setscheduler(0, SCHED_BATCH, &(struct sched_param){0}) != 0)
                die("bare: SCHED_BATCH");
            break;
        default: return EX_USAGE;
        }
    }
    if (optind + 1 != argc || threads < 1 || threads > MOST_THREADS)
        return EX_USAGE;
    for (int i = 0; i < threads; i++)
        listeners[i] = listen_at((uint16_t)atoi(argv[optind]));
    for (int i = 1; i < threads; i++) {
        pthread_t thread;
        CHECKED(pthread_create(&thread, NULL, serve, &listeners[i]));
    }
    puts("ready");
    fflush(stdout);
    serve(&listeners[0]);
    return 0;
}
