/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "client/probe.h"

#include "common/deadline.h"
#include "common/transfer.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

static enum probe_result fail(struct probe *probe, int error)
{
    probe->error = error;
    return PROBE_FAILED;
}

/* connect(2) starts the three-way handshake and can fail in many ways; without
 * O_NONBLOCK it would wait minutes for a host that is not there. Returns 0, ETIME
 * when the deadline passed, or the error number of the handshake. */
static int connect_by(int fd, const struct address *server, struct deadline deadline)
{
    struct pollfd handshake = {.fd = fd, .events = POLLOUT};
    int error = 0;
    socklen_t length = sizeof error;

    if (connect(fd, &server->u.any, server->length) == 0)
        return 0;
    if (errno != EINPROGRESS && errno != EINTR)
        return errno;
    int ready;
    do {
        struct timespec left = timespec_from(deadline_left(deadline, clock_nanoseconds()));
        ready = ppoll(&handshake, 1, &left, NULL);
    } while (ready < 0 && errno == EINTR);
    if (ready == 0)
        return ETIME;
    if (ready < 0 || getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length) != 0)
        return errno;
    return error;
}

/* Whether the fault is this host's: no local port or address, or no memory, is left. */
static bool is_local(int error)
{
    return error == EADDRNOTAVAIL || error == ENOBUFS || error == ENOMEM;
}

static enum probe_result begin(struct probe *probe, int fd, struct deadline deadline)
{
    probe->phase = PHASE_CONNECT;
    int error = connect_by(fd, &probe->server, deadline);
    if (error == ETIME)
        return PROBE_TIMEOUT;
    if (error != 0) {
        probe->error = error;
        return is_local(error) ? PROBE_LOCAL : PROBE_FAILED;
    }
    if (fcntl(fd, F_SETFL, 0) != 0 || address_of_socket(fd, &probe->local) != 0)
        return fail(probe, errno);
    return PROBE_RIGHT;
}

/* After sixteen octets the end of file must come: one octet more is wrong, silence
 * is right but remarkable. */
static enum probe_result finish(struct probe *probe, int fd, struct deadline deadline)
{
    size_t more = probe->count - WIRE_OCTETS;
    enum transfer_status status = TRANSFER_DONE;

    probe->phase = PHASE_CLOSE;
    if (more == 0)
        status = recv_all(fd, probe->octets + WIRE_OCTETS, 1, 1, 0, deadline, &more);
    probe->count = WIRE_OCTETS + more;
    switch (status) {
    case TRANSFER_DONE: return PROBE_MORE;
    case TRANSFER_TIMEOUT: return PROBE_SILENT;
    case TRANSFER_EOF: return PROBE_RIGHT;
    default: return fail(probe, errno);
    }
}

static enum probe_result receive(struct probe *probe, const char *expect, int fd,
                                 struct deadline deadline)
{
    probe->phase = PHASE_RECEIVE;
    switch (recv_all(fd, probe->octets, WIRE_OCTETS, sizeof probe->octets, 0, deadline,
                     &probe->count)) {
    case TRANSFER_DONE: break;
    case TRANSFER_EOF: return PROBE_EOF;
    case TRANSFER_TIMEOUT: return PROBE_TIMEOUT;
    default: return fail(probe, errno);
    }
    if (memcmp(probe->octets, expect, WIRE_OCTETS) != 0)
        return PROBE_DIFFERS;
    return finish(probe, fd, deadline);
}

static enum probe_result exchange(struct probe *probe, const char *message, const char *expect,
                                  int fd, struct deadline deadline)
{
    size_t sent;

    enum probe_result begun = begin(probe, fd, deadline);
    if (begun != PROBE_RIGHT)
        return begun;
    probe->phase = PHASE_SEND;
    switch (send_all(fd, message, WIRE_OCTETS, 0, deadline, &sent)) {
    case TRANSFER_DONE: return receive(probe, expect, fd, deadline);
    case TRANSFER_TIMEOUT: return PROBE_TIMEOUT;
    default: return fail(probe, errno);
    }
}

void probe_run(struct probe *probe, const struct address *server, const char *message,
               const char *expect, double seconds)
{
    *probe = (struct probe){.server = *server, .phase = PHASE_CONNECT};
    int fd = socket(server->u.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) {
        probe->result = errno == EAFNOSUPPORT ? PROBE_FAILED : PROBE_LOCAL;
        probe->error = errno;
        return;
    }
    struct deadline deadline = deadline_after(clock_nanoseconds(), seconds);
    probe->result = exchange(probe, message, expect, fd, deadline);
    close(fd);
}

bool probe_is_right(const struct probe *probe)
{
    return probe->result == PROBE_RIGHT || probe->result == PROBE_SILENT;
}
