/* SPDX-License-Identifier: MIT */
/* One exchange of a load: never blocks, and goes on with each event that epoll(7) has for it. */
#ifndef CLIENT_FLIGHT_H
#define CLIENT_FLIGHT_H

#include "client/probe.h"
#include "client/proxy_header.h"

#include <sys/queue.h>

/* What every exchange of a load is about. */
struct cargo {
    const struct question *question;
    char octets[PROXY_HEADER_SIZE + WIRE_OCTETS]; /* the header, if there is one, and the message */
    size_t length;
};

struct flight {
    TAILQ_ENTRY(flight) link;
    int fd;        /* -1: none could be had */
    size_t server; /* its number among those asked */
    size_t sent;
    struct verdict verdict; /* its phase and count tell how far it has come */
    char octets[WIRE_OCTETS + 1];
    int64_t scheduled; /* clock_nanoseconds(): when it was to begin, … */
    int64_t began;     /* … when it began, … */
    int64_t heard;     /* … and when its last octets came */
};

TAILQ_HEAD(flights, flight);

enum flight_state {
    FLIGHT_ON,    /* it waits for an event */
    FLIGHT_OVER,  /* `verdict` is complete */
    FLIGHT_FAILED /* so is it; this host let nothing out: the next would fare no better at once */
};

/* Make a socket, connect it to `server`, send, and have `epoll` tell of what comes: the data of its
 * events is the flight. `number` chooses among the addresses of the source. */
enum flight_state flight_begin(struct flight *flight, const struct cargo *cargo,
                               const struct address *server, uint64_t number, int epoll);

/* Go on after `events`, which were there at the instant `now`. */
enum flight_state flight_go_on(struct flight *flight, const struct cargo *cargo, uint32_t events,
                               int64_t now);

/* Complete the verdict of one whose time is up. */
void flight_expire(struct flight *flight);

#endif
