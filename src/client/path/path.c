/* SPDX-License-Identifier: MIT */
/* Routers limit how many ICMP messages they send, and packets are lost, so a silent hop is tried
 * again after a pause. A path ends where AHEAD hops in a row do not answer: after a firewall that
 * drops packets, no later hop would answer either. AHEAD also limits how many handshakes are open,
 * and how many of them the server sees. */
#include <config.h>

#include "client/path/path.h"

#include "client/path/path_report.h"
#include "common/deadline.h"

#include <poll.h>
#include <sys/eventfd.h>

#define AHEAD 10
#define ASKS 3
#define PAUSE INT64_C(500000000) /* before the next one */

static void measure(struct path *path)
{
    path->answered = 0;
    for (unsigned i = 0; i < PATH_HOPS; i++) {
        if (path->hops[i].answer != HOP_SILENT)
            path->answered = i + 1;
        if (path->hops[i].answer >= HOP_REJECTED) {
            path->length = i + 1;
            return;
        }
    }
    path->length = path->answered + AHEAD < PATH_HOPS ? path->answered + AHEAD : PATH_HOPS;
}

static void ask(struct path *path, unsigned number)
{
    struct hop *hop = &path->hops[number - 1];
    const struct client_options *options = path->options;

    hop_ask(hop, (int)number, &options->question.source, &path->server);
    hop->next = deadline_after(hop->began, options->hop_wait).at;
    if (path->local.length == 0 && hop->fd >= 0) {
        (void)address_of_socket(hop->fd, &path->local);
        address_set_port(&path->local, 0);
    }
}

/* End a handshake that has lasted too long. Returns when to continue; NEVER if the hop is known. */
static int64_t continue_hop(struct hop *hop, int64_t now)
{
    if (hop->fd >= 0 && now >= hop->next) {
        hop_close(hop);
        hop->next = now + PAUSE;
        hop->is_known = hop->asked == ASKS;
    }
    return hop->is_known ? NEVER : hop->next;
}

/* End the handshakes that have lasted too long, and begin one: its answer can arrive before the
 * next handshake begins, and then has its true time. Returns when to continue; NEVER if all hops
 * are known. */
static int64_t continue_all(struct path *path, int64_t now)
{
    int64_t next = NEVER;
    unsigned due = 0;
    for (unsigned number = path->length; number >= 1; number--) {
        struct hop *hop = &path->hops[number - 1];
        int64_t at = continue_hop(hop, now);
        next = sooner(next, at);
        if (at <= now && hop->fd < 0)
            due = number;
    }
    if (due > 0)
        ask(path, due);
    return next;
}

static void await(struct path *path, int wake, int64_t until)
{
    struct pollfd files[PATH_HOPS + 1] = {{.fd = wake, .events = POLLIN}};
    eventfd_t count;
    int64_t left = deadline_left((struct deadline){until}, clock_nanoseconds());

    for (unsigned i = 0; i < PATH_HOPS; i++)
        files[i + 1] = (struct pollfd){.fd = path->hops[i].fd, .events = POLLOUT};
    if (poll(files, PATH_HOPS + 1, poll_timeout_from(left)) <= 0)
        return;
    int64_t now = clock_nanoseconds();
    if (files[0].revents != 0)
        (void)eventfd_read(wake, &count);
    for (unsigned i = 0; i < PATH_HOPS; i++)
        if (files[i + 1].revents != 0)
            hop_read(&path->hops[i], &path->server, now);
}

static void close_from(struct path *path, unsigned hops)
{
    for (; hops < PATH_HOPS; hops++)
        hop_close(&path->hops[hops]);
}

void path_trace(struct path *path, struct engine *engine, const struct client_options *options,
                const struct target *target)
{
    *path = (struct path){
        .options = options, .endpoint = &target->endpoint, .server = target->order[0]->address};
    for (unsigned i = 0; i < PATH_HOPS; i++)
        path->hops[i].fd = -1;
    path_report_begin(path);
    while (!atomic_load(&engine->is_cut)) {
        measure(path);
        close_from(path, path->length);
        path_report_hops(path, false);
        int64_t next = continue_all(path, clock_nanoseconds());
        if (next == NEVER)
            break;
        await(path, engine->wake,
              sooner(next, engine->hooks.turn(engine->hooks.context, clock_nanoseconds())));
    }
    measure(path);
    path_report_hops(path, true);
    close_from(path, 0);
}
