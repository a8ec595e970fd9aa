/* SPDX-License-Identifier: MIT */
/* Hold connections that have sent a part of the message, until standard input ends.
 *
 *   hold [-n OCTETS] CONNECTIONS HOST PORT
 *   hold -p CONNECTIONS
 *     -n   octets that each connection sends (8)
 *     -p   hold the other ends too, in a child that never reads: this shows what the pairs of
 *          sockets alone cost
 *
 * The connections come from the addresses of 127.1.0.0/24 in turn, so that ports do not run out,
 * and are opened one after the other, so that no queue of the server overflows.
 *
 * Prints "begun=TIME open=TIME": when the first connection was started and when the last had sent,
 * in seconds of CLOCK_MONOTONIC. */
#include <config.h>

#include "client/exchange/source.h"
#include "common/deadline.h"
#include "common/wire.h"

#include <arpa/inet.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

_Noreturn static void die(const char *what)
{
    perror(what);
    exit(EX_OSERR);
}

static int open_socket(void)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        die("hold: socket");
    return fd;
}

/* Open a listener and store its address in `server`. */
static int listen_here(struct sockaddr_in *server)
{
    const struct sockaddr_in any_port = {.sin_family = AF_INET,
                                         .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof *server;
    int fd = open_socket();
    if (bind(fd, (const struct sockaddr *)&any_port, sizeof any_port) != 0 ||
        listen(fd, 4096) != 0 || getsockname(fd, (struct sockaddr *)server, &length) != 0)
        die("hold: listen");
    return fd;
}

/* Start a child that accepts `count` connections and holds them until it is killed. */
static pid_t hold_other_ends(int listener, int count)
{
    pid_t pid = fork();
    if (pid < 0)
        die("hold: fork");
    if (pid > 0) {
        close(listener);
        return pid;
    }
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL); /* also if the parent dies unexpectedly */
    while (count-- > 0)
        if (accept4(listener, NULL, NULL, SOCK_CLOEXEC) < 0)
            die("hold: accept");
    pause();
    _exit(EX_OK);
}

static void open_one(const struct source *source, const struct sockaddr_in *server, int number,
                     size_t octets)
{
    int fd = open_socket();
    if (source_bind(source, fd, (uint64_t)number) != 0)
        die("hold: bind");
    if (connect(fd, (const struct sockaddr *)server, sizeof *server) != 0)
        die("hold: connect");
    if (send(fd, WIRE_GREETING, octets, MSG_NOSIGNAL) != (ssize_t)octets)
        die("hold: send");
}

static double seconds_of(int64_t nanoseconds)
{
    return (double)nanoseconds / 1e9;
}

static int usage(void)
{
    fputs("usage: hold [-n OCTETS] CONNECTIONS HOST PORT\n       hold -p CONNECTIONS\n", stderr);
    return EX_USAGE;
}

int main(int argc, char *argv[])
{
    struct sockaddr_in server = {.sin_family = AF_INET};
    struct source source;
    char why[SOURCE_WHY];
    size_t octets = 8;
    bool pairs = false;
    pid_t other = 0;
    int option;
    char nothing;

    while ((option = getopt(argc, argv, "n:p")) != -1) {
        switch (option) {
        case 'n': octets = (size_t)atoi(optarg); break;
        case 'p': pairs = true; break;
        default: return usage();
        }
    }
    if (optind + (pairs ? 1 : 3) != argc || octets > WIRE_OCTETS)
        return usage();
    int count = atoi(argv[optind]);
    if (pairs)
        other = hold_other_ends(listen_here(&server), count);
    else if (inet_pton(AF_INET, argv[optind + 1], &server.sin_addr) != 1)
        return usage();
    else
        server.sin_port = htons((uint16_t)atoi(argv[optind + 2]));

    (void)source_parse("127.1.0.0/24", &source, why);
    int64_t begun = clock_nanoseconds();
    for (int i = 0; i < count; i++)
        open_one(&source, &server, i, octets);
    printf("begun=%.6f open=%.6f\n", seconds_of(begun), seconds_of(clock_nanoseconds()));
    fflush(stdout);
    while (read(STDIN_FILENO, &nothing, 1) > 0)
        continue;
    if (pairs) {
        kill(other, SIGKILL);
        waitpid(other, NULL, 0);
    }
    return EX_OK;
}
