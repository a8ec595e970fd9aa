/* SPDX-License-Identifier: MIT */
/* A server that answers the prober with any octets: the verdict, and what is told of it. */
#include <config.h>

#include "fuzz.h"

#include "client/probe.h"
#include "client/report.h"
#include "common/checked.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define OCTETS_MAX 4096 /* a socket takes so many at once */

struct server {
    int listening;
    struct address address;
    const uint8_t *octets;
    size_t count;
    bool stays; /* does not end its stream */
};

static void *serve(void *argument)
{
    const struct server *server = argument;
    char message[WIRE_OCTETS + 1];
    int fd = accept(server->listening, NULL, NULL);
    must(fd >= 0);
    ssize_t got = recv(fd, message, WIRE_OCTETS, MSG_WAITALL);
    must(got == 0 || (got == WIRE_OCTETS && memcmp(message, WIRE_GREETING, WIRE_OCTETS) == 0));
    /* the prober may have gone, if its time was up */
    (void)send(fd, server->octets, server->count, MSG_NOSIGNAL);
    if (!server->stays)
        (void)shutdown(fd, SHUT_WR);
    (void)recv(fd, message, 1, 0);
    must(close(fd) == 0);
    return NULL;
}

/* A socket of the local domain, whose name the kernel chooses. */
static void open_server(struct server *server)
{
    server->address.u.any.sa_family = AF_UNIX;
    server->listening = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    must(server->listening >= 0);
    must(bind(server->listening, &server->address.u.any, sizeof(sa_family_t)) == 0);
    must(listen(server->listening, 1) == 0);
    server->address.length = sizeof server->address.u;
    must(getsockname(server->listening, &server->address.u.any, &server->address.length) == 0);
}

static enum probe_result earned(const struct server *server)
{
    if (server->count < WIRE_OCTETS)
        return server->stays ? PROBE_TIMEOUT : PROBE_EOF;
    if (memcmp(server->octets, WIRE_REPLY, WIRE_OCTETS) != 0)
        return PROBE_DIFFERS;
    if (server->count > WIRE_OCTETS)
        return PROBE_MORE;
    return server->stays ? PROBE_SILENT : PROBE_RIGHT;
}

static void judge(const struct probe *probe, const struct server *server)
{
    if (server->stays && probe->result == PROBE_TIMEOUT)
        return; /* the machine was slow */
    size_t count = server->count < sizeof probe->octets ? server->count : sizeof probe->octets;
    must(probe->result == earned(server));
    must(probe->count == count && memcmp(probe->octets, server->octets, count) == 0);
    must(probe_is_right(probe) == (probe->result == PROBE_RIGHT || probe->result == PROBE_SILENT));
}

static void judge_report(const struct probe *probe, double seconds)
{
    struct client_options options = {.timeout = seconds, .expect = WIRE_REPLY};
    struct ear out;
    struct ear error;
    hear(&out, &stdout);
    hear(&error, &stderr);
    report_probe(probe, &options);
    char *texts[] = {heard(&error), heard(&out)};
    must((texts[0][0] == '\0') == (probe->result == PROBE_RIGHT));
    for (int i = 0; i < 2; i++) {
        for (const char *at = texts[i]; *at != '\0'; at++)
            must(*at == '\n' || (*at >= 0x20 && *at < 0x7f));
        free(texts[i]);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct server server = {.listening = -1};
    struct probe probe;
    pthread_t thread;
    uint8_t stays;

    if (server.listening < 0)
        open_server(&server);
    take(&data, &size, &stays, 1);
    server.stays = stays >= 0xf0; /* rarely, since it takes time */
    server.octets = data;
    server.count = size < OCTETS_MAX ? size : OCTETS_MAX;
    double seconds = server.stays ? 0.02 : 60;
    CHECKED(pthread_create(&thread, NULL, serve, &server));
    probe_run(&probe, &server.address, WIRE_GREETING, WIRE_REPLY, seconds);
    CHECKED(pthread_join(thread, NULL));
    judge(&probe, &server);
    judge_report(&probe, seconds);
    return 0;
}
