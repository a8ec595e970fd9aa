/* SPDX-License-Identifier: MIT */
/* Stand in for a syslog daemon at little cost: read many datagrams with each call.
 *
 *   syslog_reader SOCKET [FILE]
 *
 * Binds SOCKET and prints "ready". Writes what it receives to FILE, if one is given. At SIGTERM,
 * prints "lines=N" and removes SOCKET. */
#include <config.h>

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sysexits.h>
#include <unistd.h>

enum { BATCH = 64, LONGEST = 1024 };

static char lines[BATCH][LONGEST];
static struct iovec places[BATCH];
static struct mmsghdr headers[BATCH];
static volatile sig_atomic_t stopped;
static int reader = -1;

_Noreturn static void die(const char *what)
{
    perror(what);
    exit(EX_OSERR);
}

/* The shutdown also ends a recvmmsg(2) that is about to begin. */
static void stop(int number)
{
    (void)number;
    stopped = 1;
    (void)shutdown(reader, SHUT_RD);
}

static int bind_at(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (strlen(path) >= sizeof address.sun_path)
        errno = ENAMETOOLONG;
    else
        snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    if (fd < 0 || address.sun_path[0] == '\0' ||
        bind(fd, (const struct sockaddr *)&address, sizeof address) != 0 || chmod(path, 0666) != 0)
        die("syslog_reader: bind");
    return fd;
}

static void prepare(void)
{
    const struct sigaction action = {.sa_handler = stop};
    sigaction(SIGTERM, &action, NULL);
    for (int i = 0; i < BATCH; i++) {
        places[i] = (struct iovec){lines[i], LONGEST};
        headers[i].msg_hdr = (struct msghdr){.msg_iov = &places[i], .msg_iovlen = 1};
    }
}

static void write_down(FILE *file, int count)
{
    for (int i = 0; i < count; i++) {
        fwrite(lines[i], 1, headers[i].msg_len, file);
        putc('\n', file);
    }
}

int main(int argc, char *argv[])
{
    unsigned long long total = 0;
    FILE *file = NULL;

    if (argc != 2 && argc != 3) {
        fputs("usage: syslog_reader SOCKET [FILE]\n", stderr);
        return EX_USAGE;
    }
    if (argc == 3 && (file = fopen(argv[2], "a")) == NULL)
        die(argv[2]);
    reader = bind_at(argv[1]);
    prepare();
    puts("ready");
    fflush(stdout);
    for (;;) {
        int count = recvmmsg(reader, headers, BATCH, MSG_WAITFORONE, NULL);
        if (stopped)
            break;
        if (count < 0)
            die("syslog_reader: recvmmsg");
        total += (unsigned int)count;
        if (file != NULL)
            write_down(file, count);
    }
    printf("lines=%llu\n", total);
    unlink(argv[1]);
    return file == NULL || fclose(file) == 0 ? EX_OK : EX_IOERR;
}
