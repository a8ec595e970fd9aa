/* SPDX-License-Identifier: MIT */
/* Needs no privileges: with IP_RECVERR or IPV6_RECVERR the kernel ends the handshake at an ICMP
 * message that quotes its SYN, and puts that message and its sender into the error queue of the
 * socket (ip(7), since Linux 5.8). */
#include <config.h>

#include "client/path/hop.h"

#include "client/exchange/socket.h"
#include "client/path/icmp_word.h"
#include "common/deadline.h"

#include <errno.h>
#include <linux/errqueue.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

/* What the kernel puts into the error queue; the address is that of the sender. */
struct report {
    struct sock_extended_err error;
    struct sockaddr_in6 from;
};

/* Let the packets pass `number` hops, and close(2) reset the connection: the server needs no
 * end of file, and nothing is left in TIME-WAIT. Returns false and errno if that fails. */
static bool prepare(int fd, int family, int number)
{
    const int on = 1;
    bool is_in = family == AF_INET;
    int level = is_in ? IPPROTO_IP : IPPROTO_IPV6;

    return socket_reset_at_close(fd) == 0 &&
           setsockopt(fd, level, is_in ? IP_TTL : IPV6_UNICAST_HOPS, &number, sizeof number) == 0 &&
           setsockopt(fd, level, is_in ? IP_RECVERR : IPV6_RECVERR, &on, sizeof on) == 0;
}

void hop_ask(struct hop *hop, int number, const struct source *source, const struct address *server)
{
    int family = server->u.any.sa_family;

    hop->asked++;
    hop->began = clock_nanoseconds();
    hop->fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (hop->fd >= 0 && prepare(hop->fd, family, number) && source_bind(source, hop->fd, 0) == 0 &&
        (connect(hop->fd, &server->u.any, server->length) == 0 || errno == EINPROGRESS))
        return;
    hop->error = errno;
    hop->answer = HOP_FAILED;
    hop->is_known = true;
    hop_close(hop);
}

/* Take the ICMP message. Returns whether there is one. */
static bool take_icmp(struct hop *hop)
{
    union {
        struct cmsghdr header;
        char room[CMSG_SPACE(sizeof(struct report)) + 256];
    } control;
    struct msghdr message = {.msg_control = &control, .msg_controllen = sizeof control};
    struct report report = {.error = {.ee_origin = SO_EE_ORIGIN_NONE}};
    const struct cmsghdr *header = NULL;

    if (recvmsg(hop->fd, &message, MSG_ERRQUEUE) >= 0)
        header = CMSG_FIRSTHDR(&message);
    size_t length = header != NULL ? header->cmsg_len - CMSG_LEN(0) : 0;
    if (length > 0)
        memcpy(&report, CMSG_DATA(header), length < sizeof report ? length : sizeof report);
    bool is_in = report.error.ee_origin == SO_EE_ORIGIN_ICMP;
    if (!is_in && report.error.ee_origin != SO_EE_ORIGIN_ICMP6)
        return false;
    hop->from.length = is_in ? sizeof hop->from.u.in : sizeof hop->from.u.in6;
    memcpy(&hop->from.u, &report.from, hop->from.length);
    address_set_port(&hop->from, 0);
    hop->type = report.error.ee_type;
    hop->code = report.error.ee_code;
    hop->answer =
        icmp_is_expiry(is_in ? AF_INET : AF_INET6, hop->type) ? HOP_EXPIRED : HOP_REJECTED;
    return true;
}

void hop_read(struct hop *hop, const struct address *server, int64_t now)
{
    hop->took = now - hop->began;
    hop->is_known = true;
    if (take_icmp(hop)) {
        hop_close(hop);
        return;
    }
    int error = socket_error(hop->fd);
    if (error == ECONNREFUSED || (error == 0 && socket_is_self_connected(hop->fd)))
        hop->answer = HOP_REFUSED;
    else if (error == 0 || error == ECONNRESET || error == EPIPE) /* reset after the handshake */
        hop->answer = HOP_CONNECTED;
    else
        hop->answer = error == ETIMEDOUT ? HOP_SILENT : HOP_UNNAMED;
    if (hop->answer == HOP_REFUSED || hop->answer == HOP_CONNECTED) {
        hop->from = *server;
        address_set_port(&hop->from, 0);
    }
    hop_close(hop);
}

void hop_close(struct hop *hop)
{
    if (hop->fd >= 0)
        close(hop->fd);
    hop->fd = -1;
}

char *hop_address(const struct address *address, char text[ADDRESS_TEXT])
{
    address_format(address, text);
    *strrchr(text, ':') = '\0';
    size_t length = strlen(text);
    if (text[0] == '[') {
        memmove(text, text + 1, length - 2);
        text[length - 2] = '\0';
    }
    return text;
}
