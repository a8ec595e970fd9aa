/* SPDX-License-Identifier: MIT */
/* A closed-loop load generator: so many connections at once, each replaced by the next as
 * soon as its exchange is over. Every reply is checked, and the end of file behind it.
 *
 *   load [-c CONNECTIONS] [-t THREADS] [-d SECONDS] [-w WARM-UP] [-H FILE] HOST PORT
 *     -c   connections at once (16)       -t   threads that share them (1)
 *     -d   seconds to measure (3)         -w   seconds before that, not counted (0.5)
 *     -H   write the latencies to FILE: "microseconds,exchanges" per bucket
 *
 * HOST is an IPv4 address; in 127.0.0.0/8 each connection comes from another address of
 * that network, so that neither ephemeral ports nor TIME_WAIT run out.
 *
 * Prints one line of key=value; times are microseconds from before connect(2) to the end
 * of file. all= counts every exchange of the run, those of the warm-up too and those that
 * were under way at the end, which are waited for: what the server's work is divided by.
 * unanswered= counts those that were not over a second later. Errors: refused, reset, wrong
 * (not the 16 octets, then end of file), late (5 s without an end), local (no socket could be
 * had). */
#include <config.h>

#include "common/checked.h"
#include "common/deadline.h"
#include "common/histogram.h"
#include "common/wire.h"
#include "sources.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sysexits.h>
#include <unistd.h>

#define SECOND INT64_C(1000000000)
#define LATE (5 * SECOND)
#define LAST_WAIT (1 * SECOND) /* for what is under way at the end */

enum { OK, REFUSED, RESET, WRONG, OVERDUE, LOCAL, RESULTS };

struct connection {
    int fd;
    int64_t begun;
    size_t count;
    char octets[WIRE_OCTETS + 1];
};

struct worker {
    pthread_t thread;
    int connections;
    uint32_t source; /* the next address to come from */
    int epoll;
    struct connection *list;
    int open;     /* how many of them are under way */
    uint64_t all; /* exchanges, whether measured or not */
    uint64_t results[RESULTS];
    struct histogram latencies;
};

static struct sockaddr_in server = {.sin_family = AF_INET};
static bool spread;
static int64_t measure_from, measure_until;

static void watch(const struct worker *worker, struct connection *connection, int operation,
                  uint32_t events)
{
    struct epoll_event event = {.events = events, .data.ptr = connection};
    if (epoll_ctl(worker->epoll, operation, connection->fd, &event) != 0) {
        perror("load: epoll_ctl");
        exit(EX_OSERR);
    }
}

/* Count the end of a connection, if it falls into the time measured. */
static void end(struct worker *worker, struct connection *connection, int result)
{
    int64_t now = clock_nanoseconds();
    if (connection->fd >= 0) {
        close(connection->fd);
        worker->open--;
    }
    connection->fd = -1;
    worker->all += result == OK;
    if (now < measure_from || now >= measure_until)
        return;
    worker->results[result]++;
    if (result == OK)
        histogram_add(&worker->latencies, (uint64_t)(now - connection->begun));
}

static int result_of(int error)
{
    return error == ECONNREFUSED ? REFUSED : RESET;
}

/* Begin an exchange; false if that failed at once. */
static bool begin(struct worker *worker, struct connection *connection)
{
    connection->count = 0;
    connection->begun = clock_nanoseconds();
    connection->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (connection->fd < 0) {
        end(worker, connection, LOCAL);
        return false;
    }
    worker->open++;
    if (spread && bind_source(connection->fd, worker->source++) != 0)
        perror("load: bind");
    if (connect(connection->fd, (const struct sockaddr *)&server, sizeof server) != 0 &&
        errno != EINPROGRESS) {
        end(worker, connection, errno == EADDRNOTAVAIL ? LOCAL : result_of(errno));
        return false;
    }
    /* Over loopback the handshake is done by now; else EAGAIN, and EPOLLOUT tells. */
    if (send(connection->fd, WIRE_GREETING, WIRE_OCTETS, MSG_NOSIGNAL) == WIRE_OCTETS) {
        watch(worker, connection, EPOLL_CTL_ADD, EPOLLIN | EPOLLRDHUP);
    } else if (errno == EAGAIN) {
        watch(worker, connection, EPOLL_CTL_ADD, EPOLLOUT);
    } else {
        end(worker, connection, result_of(errno));
        return false;
    }
    return true;
}

/* Begin the next exchange while there is time, whatever becomes of the first tries. */
static void begin_next(struct worker *worker, struct connection *connection)
{
    if (clock_nanoseconds() >= measure_until)
        return;
    for (int tries = 0; tries < 3 && !begin(worker, connection); tries++)
        continue;
}

static void progress(struct worker *worker, struct connection *connection, uint32_t events)
{
    if (events & EPOLLOUT) {
        if (send(connection->fd, WIRE_GREETING, WIRE_OCTETS, MSG_NOSIGNAL) == WIRE_OCTETS) {
            watch(worker, connection, EPOLL_CTL_MOD, EPOLLIN | EPOLLRDHUP);
            return;
        }
        end(worker, connection, result_of(errno));
        begin_next(worker, connection);
        return;
    }
    size_t room = sizeof connection->octets - connection->count;
    ssize_t got = recv(connection->fd, connection->octets + connection->count, room, 0);
    if (got < 0 && errno == EAGAIN)
        return;
    if (got < 0) {
        end(worker, connection, result_of(errno));
    } else {
        connection->count += (size_t)got;
        /* Once the peer's FIN is in, less than asked for is all there is. */
        bool over = got == 0 || ((events & EPOLLRDHUP) && (size_t)got < room);
        if (!over && connection->count <= WIRE_OCTETS)
            return;
        bool right = over && connection->count == WIRE_OCTETS &&
                     memcmp(connection->octets, WIRE_REPLY, WIRE_OCTETS) == 0;
        end(worker, connection, right ? OK : WRONG);
    }
    begin_next(worker, connection);
}

/* End those that take too long, and try again where none could be begun. */
static void look_around(struct worker *worker)
{
    int64_t now = clock_nanoseconds();
    for (int i = 0; i < worker->connections; i++) {
        struct connection *connection = &worker->list[i];
        if (connection->fd >= 0 && now - connection->begun > LATE)
            end(worker, connection, OVERDUE);
        if (connection->fd < 0)
            begin_next(worker, connection);
    }
}

static void *work(void *argument)
{
    struct worker *worker = argument;
    struct epoll_event events[128];
    int64_t look = clock_nanoseconds();

    for (int64_t now = look;
         now < measure_until || (worker->open > 0 && now < measure_until + LAST_WAIT);
         now = clock_nanoseconds()) {
        if (now >= look) {
            look_around(worker);
            look = now + SECOND / 4;
        }
        int count = epoll_wait(worker->epoll, events, sizeof events / sizeof *events, 100);
        for (int i = 0; i < count; i++)
            progress(worker, events[i].data.ptr, events[i].events);
    }
    for (int i = 0; i < worker->connections; i++)
        if (worker->list[i].fd >= 0)
            close(worker->list[i].fd);
    return NULL;
}

static void prepare(struct worker *worker, int connections, uint32_t seed)
{
    worker->connections = connections;
    worker->source = seed;
    worker->epoll = epoll_create1(EPOLL_CLOEXEC);
    worker->list = calloc((size_t)connections, sizeof *worker->list);
    if (worker->epoll < 0 || worker->list == NULL) {
        perror("load");
        exit(EX_OSERR);
    }
    for (int i = 0; i < connections; i++)
        worker->list[i].fd = -1;
}

static void report(const struct worker *sum, double seconds)
{
    static const double percents[] = {50, 99, 99.9, 100};
    static const char *const names[] = {"p50", "p99", "p999", "max"};
    struct rusage usage;
    const uint64_t *results = sum->results;

    getrusage(RUSAGE_SELF, &usage);
    printf("seconds=%.3f exchanges=%llu all=%llu rate=%.1f", seconds,
           (unsigned long long)results[OK], (unsigned long long)sum->all,
           (double)results[OK] / seconds);
    for (size_t i = 0; i < sizeof percents / sizeof *percents; i++)
        printf(" %s=%.1f", names[i],
               (double)histogram_percentile(&sum->latencies, percents[i]) / 1000);
    printf(" unanswered=%d refused=%llu reset=%llu wrong=%llu late=%llu local=%llu cpu=%.3f\n",
           sum->open, (unsigned long long)results[REFUSED], (unsigned long long)results[RESET],
           (unsigned long long)results[WRONG], (unsigned long long)results[OVERDUE],
           (unsigned long long)results[LOCAL],
           (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
               (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6);
}

static void write_histogram(const struct histogram *histogram, const char *name)
{
    FILE *file = fopen(name, "w");
    for (size_t i = 0; file != NULL && i < HISTOGRAM_BUCKETS; i++)
        if (histogram->counts[i] > 0)
            fprintf(file, "%.3f,%llu\n", (double)histogram_bound(i) / 1000,
                    (unsigned long long)histogram->counts[i]);
    if (file == NULL || fclose(file) != 0) {
        perror(name);
        exit(EX_CANTCREAT);
    }
}

int main(int argc, char *argv[])
{
    int connections = 16;
    int threads = 1;
    double seconds = 3;
    double warm_up = 0.5;
    const char *histogram = NULL;
    int option;

    while ((option = getopt(argc, argv, "c:t:d:w:H:")) != -1) {
        switch (option) {
        case 'c': connections = atoi(optarg); break;
        case 't': threads = atoi(optarg); break;
        case 'd': seconds = strtod(optarg, NULL); break;
        case 'w': warm_up = strtod(optarg, NULL); break;
        case 'H': histogram = optarg; break;
        default: return EX_USAGE;
        }
    }
    if (optind + 2 != argc || connections < 1 || threads < 1 ||
        inet_pton(AF_INET, argv[optind], &server.sin_addr) != 1) {
        fputs("usage: load [-c CONNECTIONS] [-t THREADS] [-d SECONDS] [-w WARM-UP] [-H FILE] "
              "HOST PORT\n",
              stderr);
        return EX_USAGE;
    }
    if (threads > connections)
        threads = connections;
    server.sin_port = htons((uint16_t)atoi(argv[optind + 1]));
    spread = ntohl(server.sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
    raise_descriptors();

    struct worker *workers = calloc((size_t)threads + 1, sizeof *workers);
    if (workers == NULL) {
        perror("load");
        return EX_OSERR;
    }
    int64_t now = clock_nanoseconds();
    measure_from = deadline_after(now, warm_up).at;
    measure_until = deadline_after(measure_from, seconds).at;
    for (int i = 0; i < threads; i++) {
        prepare(&workers[i], connections / threads + (i < connections % threads),
                (uint32_t)now + (uint32_t)i * 0x9e3779b9);
        CHECKED(pthread_create(&workers[i].thread, NULL, work, &workers[i]));
    }
    struct worker *sum = &workers[threads];
    for (int i = 0; i < threads; i++) {
        CHECKED(pthread_join(workers[i].thread, NULL));
        histogram_merge(&sum->latencies, &workers[i].latencies);
        sum->all += workers[i].all;
        sum->open += workers[i].open;
        for (int r = 0; r < RESULTS; r++)
            sum->results[r] += workers[i].results[r];
        close(workers[i].epoll);
        free(workers[i].list);
    }
    report(sum, seconds);
    if (histogram != NULL)
        write_histogram(&sum->latencies, histogram);
    free(workers);
    return fflush(stdout) == 0 ? EX_OK : EX_IOERR;
}
