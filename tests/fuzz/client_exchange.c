/* SPDX-License-Identifier: MIT */
/* A server that answers the client with any octets, in two parts: the verdict and its reports. */
#include <config.h>

#include "fuzz.h"

#include "client/results.h"
#include "common/deadline.h"

#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define OCTETS_MAX 4096 /* a socket takes that many at once */
#define TIMEOUT INT64_C(60000000000)

static int listening = -1;
static int epoll;
static struct targets targets;
static struct server *server;
static struct question question = {.timeout = TIMEOUT, .end_timeout = NEVER};

/* What the server does. */
struct answer {
    const uint8_t *octets;
    size_t count;
    size_t first; /* octets of the first part, of two */
    bool stays;   /* does not end its stream */
};

/* A socket of the local domain, whose name the kernel chooses. */
static void open_server(void)
{
    const struct misbehaviour behave = {BEHAVE, 0};
    static const struct endpoint name = {.host = "example.net"};
    struct address address = {.u.any.sa_family = AF_UNIX, .length = sizeof address.u};
    epoll = epoll_create1(EPOLL_CLOEXEC);
    listening = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    must(epoll >= 0 && listening >= 0);
    must(bind(listening, &address.u.any, sizeof(sa_family_t)) == 0);
    must(listen(listening, 1) == 0);
    must(getsockname(listening, &address.u.any, &address.length) == 0);
    memcpy(question.message, WIRE_GREETING, WIRE_OCTETS);
    memcpy(question.expect, WIRE_REPLY, WIRE_OCTETS);
    script_write(&question.script, NULL, 0, question.message, &behave);
    must(targets_open(&targets, &name, 1) == 0);
    must(target_update(&targets, targets.list, &address, 1) == 0);
    server = targets.list->order[0];
}

static void handle(const struct exchange *exchange)
{
    struct epoll_event event;
    while (!exchange->is_over && epoll_wait(epoll, &event, 1, 0) == 1)
        exchange_event(event.data.ptr, event.events, clock_nanoseconds());
}

/* Everything happens at once, but for the end of the time. */
static void talk(struct exchange *exchange, const struct answer *answer)
{
    char message[WIRE_OCTETS];
    exchange->question = &question;
    exchange->number = 0;
    exchange->scheduled = clock_nanoseconds();
    exchange_begin(exchange, targets.list, server, epoll, clock_nanoseconds());
    int fd = accept4(listening, NULL, NULL, SOCK_CLOEXEC);
    must(fd >= 0 && recv(fd, message, WIRE_OCTETS, MSG_WAITALL) == WIRE_OCTETS);
    must(memcmp(message, WIRE_GREETING, WIRE_OCTETS) == 0);
    (void)send(fd, answer->octets, answer->first, MSG_NOSIGNAL);
    handle(exchange);
    (void)send(fd, answer->octets + answer->first, answer->count - answer->first, MSG_NOSIGNAL);
    if (!answer->stays)
        (void)shutdown(fd, SHUT_WR);
    handle(exchange);
    must(exchange->is_over || answer->stays);
    if (!exchange->is_over)
        exchange_continue(exchange, exchange->next);
    must(exchange->is_over);
    exchange_close(exchange);
    must(close(fd) == 0);
}

static enum result expected(const struct answer *answer)
{
    if (answer->count < WIRE_OCTETS)
        return answer->stays ? RESULT_TIMEOUT : RESULT_EOF;
    if (memcmp(answer->octets, WIRE_REPLY, WIRE_OCTETS) != 0)
        return RESULT_DIFFERS;
    if (answer->count > WIRE_OCTETS)
        return RESULT_MORE;
    return answer->stays ? RESULT_SILENT : RESULT_RIGHT;
}

static void judge(const struct exchange *exchange, const struct answer *answer)
{
    const struct verdict *verdict = &exchange->verdict;
    size_t room = sizeof exchange->octets;
    must(verdict->result == expected(answer));
    must(verdict->count == (answer->count < room ? answer->count : room));
    must(memcmp(exchange->octets, answer->octets, verdict->count) == 0);
    must((verdict_class(verdict) == CLASS_RIGHT) ==
         (verdict->result == RESULT_RIGHT || verdict->result == RESULT_SILENT));
    for (int i = MARK_CONNECTED; i < MARKS; i++)
        must(exchange->marks[i] <= TIMEOUT && exchange->marks[i] <= exchange->took);
}

/* Report in words, in a line, and as JSON. */
static void judge_reports(const struct exchange *exchange)
{
    static struct client_options options[] = {
        {.mode = CLIENT_ONCE},
        {.mode = CLIENT_REPEATED},
        {.mode = CLIENT_REPEATED, .format = FORMAT_JSON},
    };
    static struct engine engine = {.schedule.end = NEVER};
    static struct results results[3];

    for (int i = 0; i < 3; i++) {
        struct capture captures[2];
        if (results[i].options == NULL) {
            memcpy(options[i].question.expect, WIRE_REPLY, WIRE_OCTETS);
            results[i] =
                (struct results){.options = &options[i], .engine = &engine, .targets = &targets};
            must(results_open(&results[i], 1) == 0);
        }
        capture_begin(&captures[0], stdout);
        capture_begin(&captures[1], stderr);
        must(results_add(&results[i], 0, exchange) == 0);
        char *texts[] = {capture_end(&captures[0]), capture_end(&captures[1])};
        must((texts[1][0] == '\0') == (i > 0 || exchange->verdict.result == RESULT_RIGHT));
        for (int j = 0; j < 2; j++) {
            for (const char *at = texts[j]; *at != '\0'; at++)
                must(*at == '\n' || (*at >= 0x20 && *at < 0x7f));
            must(i == 0 || lines_of(texts[j], strlen(texts[j])) == (j == 0));
            free(texts[j]);
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct exchange *exchange;
    struct answer answer;
    uint8_t flags;

    if (listening < 0) {
        open_server();
        exchange = exchange_new(1);
    }
    must(exchange != NULL);
    take(&data, &size, &flags, 1);
    answer.octets = data;
    answer.count = size < OCTETS_MAX ? size : OCTETS_MAX;
    answer.stays = flags >= 0x80;
    answer.first = flags & 0x0f;
    if (answer.first > answer.count)
        answer.first = answer.count;
    talk(exchange, &answer);
    judge(exchange, &answer);
    judge_reports(exchange);
    return 0;
}
