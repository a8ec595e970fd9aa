/* SPDX-License-Identifier: MIT */
/* A server that answers the prober with any octets: the verdict and its report. */
#include <config.h>

#include "fuzz.h"

#include "client/json.h"
#include "client/probe.h"
#include "client/report.h"
#include "common/checked.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define OCTETS_MAX 4096 /* a socket takes that many at once */

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
    /* the prober may have timed out and gone */
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

static enum result expected(const struct server *server)
{
    if (server->count < WIRE_OCTETS)
        return server->stays ? RESULT_TIMEOUT : RESULT_EOF;
    if (memcmp(server->octets, WIRE_REPLY, WIRE_OCTETS) != 0)
        return RESULT_DIFFERS;
    if (server->count > WIRE_OCTETS)
        return RESULT_MORE;
    return server->stays ? RESULT_SILENT : RESULT_RIGHT;
}

static void judge(const struct probe *probe, const struct server *server)
{
    if (server->stays && probe->verdict.result == RESULT_TIMEOUT)
        return; /* the machine was slow */
    size_t count = server->count < sizeof probe->octets ? server->count : sizeof probe->octets;
    must(probe->verdict.result == expected(server));
    must(probe->verdict.count == count && memcmp(probe->octets, server->octets, count) == 0);
    must((verdict_class(&probe->verdict) == CLASS_RIGHT) ==
         (probe->verdict.result == RESULT_RIGHT || probe->verdict.result == RESULT_SILENT));
}

static void judge_report(const struct probe *probe, void tell(const struct exchange_report *))
{
    const struct client_options options = {.question.expect = WIRE_REPLY};
    const struct exchange_report report = {.options = &options, .probe = probe};
    struct capture out;
    struct capture error;
    capture_begin(&out, &stdout);
    capture_begin(&error, &stderr);
    tell(&report);
    char *texts[] = {capture_end(&error), capture_end(&out)};
    must(tell != report_in_words ||
         (texts[0][0] == '\0') == (probe->verdict.result == RESULT_RIGHT));
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
    CHECKED(pthread_create(&thread, NULL, serve, &server));
    const struct question question = {
        .message = WIRE_GREETING, .expect = WIRE_REPLY, .timeout = server.stays ? 0.02 : 60};
    probe_run(&probe, &server.address, &question, 0);
    CHECKED(pthread_join(thread, NULL));
    judge(&probe, &server);
    judge_report(&probe, report_in_words);
    judge_report(&probe, report_in_line);
    judge_report(&probe, json_exchange);
    return 0;
}
