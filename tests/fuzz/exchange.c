/* SPDX-License-Identifier: MIT */
/* A peer that sends some octets and ends its stream in some way: the outcome, and what it gets. */
#include <config.h>

#include "fuzz.h"

#include "server/connection/exchange.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define OCTETS_MAX 4096 /* a socket takes that many at once */

enum ending { HALF_CLOSE, CLOSE, STAY };

/* STAY is rare, because it takes time. */
static enum ending ending_of(uint8_t choice)
{
    if (choice >= 0xf0)
        return STAY;
    return choice % 2 == 0 ? HALF_CLOSE : CLOSE;
}

struct peer {
    int fd;
    enum ending ending;
    const uint8_t *octets;
    size_t count;
    size_t first; /* octets that come before the connection is tried */
};

static void end(struct peer *peer)
{
    if (peer->ending == HALF_CLOSE)
        must(shutdown(peer->fd, SHUT_WR) == 0);
    if (peer->ending == CLOSE) {
        must(close(peer->fd) == 0);
        peer->fd = -1;
    }
}

static void put(const struct peer *peer, const uint8_t *octets, size_t count)
{
    must(count == 0 || write(peer->fd, octets, count) == (ssize_t)count);
}

static void hold(struct connection *connection, struct peer *peer)
{
    put(peer, peer->octets, peer->first);
    if (peer->first == peer->count)
        end(peer);
    if (exchange_run(connection, MSG_DONTWAIT))
        return;
    if (peer->first < peer->count) {
        put(peer, peer->octets + peer->first, peer->count - peer->first);
        end(peer);
    }
    (void)exchange_run(connection, 0);
}

static enum outcome expected(const struct connection *connection, const struct peer *peer,
                             size_t came)
{
    const struct settings *settings = connection->settings;
    if (came < WIRE_OCTETS && peer->ending == STAY)
        return OUTCOME_SLOW;
    if (came < WIRE_OCTETS)
        return came == 0 ? OUTCOME_PROBE : OUTCOME_SHORT;
    if (settings->strict && memcmp(peer->octets, settings->expect, WIRE_OCTETS) != 0)
        return OUTCOME_MISMATCH;
    if (peer->fd < 0)
        return OUTCOME_RESET;
    return came > WIRE_OCTETS ? OUTCOME_EXCESS : OUTCOME_OK;
}

/* The peer gets exactly the reply and end of file, or nothing. */
static void judge_reply(const struct connection *connection, const struct peer *peer)
{
    char reply[WIRE_OCTETS + 1];
    if (peer->fd < 0)
        return;
    ssize_t got = recv(peer->fd, reply, sizeof reply, MSG_DONTWAIT);
    if (!connection->half_closed) {
        must(got < 0 && errno == EAGAIN);
        return;
    }
    must(got == WIRE_OCTETS && memcmp(reply, connection->settings->reply, WIRE_OCTETS) == 0);
    must(recv(peer->fd, reply, sizeof reply, MSG_DONTWAIT) == 0);
}

static void judge(const struct connection *connection, const struct peer *peer)
{
    enum outcome outcome = connection->outcome;
    size_t came = peer->first >= WIRE_OCTETS ? peer->first : peer->count;
    if (came > sizeof connection->octets)
        came = sizeof connection->octets;
    must(outcome == expected(connection, peer, came));
    must(outcome == OUTCOME_SLOW || connection->count == came);
    must(connection->count <= came);
    must(connection->half_closed == (outcome == OUTCOME_OK || outcome == OUTCOME_EXCESS));
    must(memcmp(connection->octets, peer->octets, connection->count) == 0);
    judge_reply(connection, peer);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct settings *settings = new_settings();
    uint8_t choices[2];
    int fds[2];

    take(&data, &size, choices, sizeof choices);
    size_t count = size < OCTETS_MAX ? size : OCTETS_MAX;
    settings->strict = choices[0] & 4;
    must(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) == 0);
    struct peer peer = {.fd = fds[1],
                        .ending = ending_of(choices[0]),
                        .octets = data,
                        .count = count,
                        .first = choices[1] < count ? choices[1] : count};
    bool waits = peer.ending == STAY && count < WIRE_OCTETS;
    int64_t now = clock_nanoseconds();
    struct connection connection = {.settings = settings,
                                    .fd = fds[0],
                                    .accepted = now,
                                    .deadline = deadline_after(now, waits ? 0.001 : 60)};
    hold(&connection, &peer);
    judge(&connection, &peer);
    must(close(connection.fd) == 0);
    if (peer.fd >= 0)
        must(close(peer.fd) == 0);
    settings_unref(settings);
    return 0;
}
