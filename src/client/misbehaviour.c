/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "client/misbehaviour.h"

#include "common/number.h"
#include "common/wire.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#define PACE_DEFAULT 0.5
#define PACE_MAX 3600.0
#define PART 5           /* octets, of a message that is not whole */
#define BEFORE_RESET 0.1 /* seconds */

static const char *parse_pace(const char *text, struct misbehaviour *misbehaviour)
{
    double *pace = &misbehaviour->pace;
    if (*text != '\0' && (*text != ':' || !read_decimal(text + 1, strlen(text + 1), pace) ||
                          *pace < 0 || *pace > PACE_MAX))
        return "drip takes a number of seconds between octets, from 0 to 3600, like drip:0.5";
    return NULL;
}

const char *misbehaviour_parse(const char *text, struct misbehaviour *misbehaviour)
{
    static const char *const names[] = {[MISBEHAVE_SHORT] = "short",
                                        [MISBEHAVE_EXCESS] = "excess",
                                        [MISBEHAVE_SILENT] = "silent",
                                        [MISBEHAVE_RESET] = "reset",
                                        [MISBEHAVE_HALF_CLOSE] = "half-close"};

    *misbehaviour = (struct misbehaviour){MISBEHAVE_DRIP, PACE_DEFAULT};
    if (strncmp(text, "drip", 4) == 0)
        return parse_pace(text + 4, misbehaviour);
    for (int kind = MISBEHAVE_SHORT; kind <= MISBEHAVE_HALF_CLOSE; kind++) {
        misbehaviour->kind = (enum misbehaviour_kind)kind;
        if (strcmp(text, names[kind]) == 0)
            return NULL;
    }
    return "unknown kind; use drip, short, excess, silent, reset or half-close";
}

/* Wait until the instant, but no longer than the deadline, or until the peer says something or ends
 * its stream: whether it did. */
static bool peer_speaks_until(int fd, struct deadline instant, struct deadline deadline)
{
    struct pollfd peer = {.fd = fd, .events = POLLIN};
    struct deadline end = instant.at < deadline.at ? instant : deadline;
    int ready;
    do {
        struct timespec wait = timespec_from(deadline_left(end, clock_nanoseconds()));
        ready = ppoll(&peer, 1, &wait, NULL);
    } while (ready < 0 && errno == EINTR);
    return ready > 0;
}

static enum transfer_status drip(double pace, int fd, const char *message, struct deadline deadline)
{
    enum transfer_status status = TRANSFER_DONE;
    int64_t begun = clock_nanoseconds();
    size_t sent;

    for (int i = 0; i < WIRE_OCTETS && status == TRANSFER_DONE; i++) {
        if (peer_speaks_until(fd, deadline_after(begun, pace * i), deadline))
            return TRANSFER_EOF;
        status = send_all(fd, message + i, 1, 0, deadline, &sent);
    }
    return status;
}

/* Let the peer read the part first: what a reset overtakes may be thrown away. */
static enum transfer_status reset(int fd, const char *message, struct deadline deadline)
{
    const struct linger hard = {.l_onoff = 1, .l_linger = 0};
    size_t sent;
    enum transfer_status status = send_all(fd, message, PART, 0, deadline, &sent);

    if (status != TRANSFER_DONE)
        return status;
    (void)peer_speaks_until(fd, deadline_after(clock_nanoseconds(), BEFORE_RESET), deadline);
    return setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof hard) == 0 ? TRANSFER_DONE
                                                                          : TRANSFER_FAILED;
}

static enum transfer_status half_close(enum transfer_status status, int fd)
{
    if (status == TRANSFER_DONE && shutdown(fd, SHUT_WR) != 0)
        return TRANSFER_FAILED;
    return status;
}

enum transfer_status misbehaviour_send(const struct misbehaviour *misbehaviour, int fd,
                                       const char *message, struct deadline deadline)
{
    char twice[2 * WIRE_OCTETS];
    size_t sent;

    switch (misbehaviour->kind) {
    case MISBEHAVE_DRIP: return drip(misbehaviour->pace, fd, message, deadline);
    case MISBEHAVE_SHORT: return half_close(send_all(fd, message, PART, 0, deadline, &sent), fd);
    case MISBEHAVE_EXCESS:
        memcpy(twice, message, WIRE_OCTETS);
        memcpy(twice + WIRE_OCTETS, message, WIRE_OCTETS);
        return send_all(fd, twice, sizeof twice, 0, deadline, &sent);
    case MISBEHAVE_SILENT: return TRANSFER_DONE;
    case MISBEHAVE_RESET: return reset(fd, message, deadline);
    case MISBEHAVE_HALF_CLOSE:
        return half_close(send_all(fd, message, WIRE_OCTETS, 0, deadline, &sent), fd);
    case BEHAVE: break;
    }
    return send_all(fd, message, WIRE_OCTETS, 0, deadline, &sent);
}

bool misbehaviour_earns_reply(const struct misbehaviour *misbehaviour)
{
    return misbehaviour->kind != MISBEHAVE_SHORT && misbehaviour->kind != MISBEHAVE_SILENT &&
           misbehaviour->kind != MISBEHAVE_RESET;
}
