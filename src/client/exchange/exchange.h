/* SPDX-License-Identifier: MIT */
/* One exchange as a state machine: connect, send the message, receive the reply until end of file,
 * judge it; or only connect. It never blocks. The event loop calls it at each event of epoll(7) and
 * at each instant that it asks for. */
#ifndef CLIENT_EXCHANGE_EXCHANGE_H
#define CLIENT_EXCHANGE_EXCHANGE_H

#include "common/tail_queue.h"

#include "client/exchange/script.h"
#include "client/exchange/source.h"
#include "client/exchange/target.h"
#include "client/exchange/tcp_state.h"
#include "client/exchange/verdict.h"

/* What all exchanges of a run share. */
struct question {
    struct script script;
    char expect[WIRE_OCTETS];
    char message[WIRE_OCTETS];
    int64_t timeout;     /* nanoseconds for an exchange */
    int64_t end_timeout; /* nanoseconds for the end of file after a correct reply */
    struct source source;
    bool names_ends; /* ask for the local address of each connection, and for TCP's state of it even
                        if it was quick */
    bool keeps_server; /* use an address that accepts until it fails */
    bool connects;     /* only connect: `script` is empty, and a connection is right */
};

/* The instants that every report has. */
enum mark { MARK_CONNECTED, MARK_SENT, MARK_FIRST, MARK_LAST, MARK_END, MARKS };

/* An attempt to connect to one address. */
struct attempt {
    struct exchange *exchange;
    struct server *server;
    int64_t began;
    int fd;               /* -1: not open */
    int error;            /* errno; 0 if the attempt did not fail */
    struct tcp_state tcp; /* before it was closed */
    struct address local; /* its length is 0 if it is not known */
    bool is_local;        /* the error says nothing about the server: see error_is_local() */
};

struct exchange {
    TAILQ_ENTRY(exchange) link;
    const struct question *question;
    struct target *target;
    int epoll;
    uint64_t number;      /* from 0; it chooses among the addresses of the source */
    int64_t scheduled;    /* when it was due, on clock_nanoseconds() */
    int64_t began;        /* when it began */
    int64_t time;         /* the same instant on wall_nanoseconds() */
    int64_t next;         /* when to call exchange_continue(); at the latest the deadline */
    int64_t marks[MARKS]; /* nanoseconds since `began`; -1: not reached */
    int64_t took;         /* nanoseconds to the end of file; without one, to the last octet of a
                             correct reply; without a correct reply, to the verdict */
    int64_t waited;       /* nanoseconds to the verdict, or the limit that expired */
    struct verdict verdict;
    bool is_over;             /* `verdict` is complete */
    bool has_reached_network; /* connect(2) did not fail at once */
    size_t sent;
    unsigned char octets[WIRE_OCTETS + 1]; /* the reply; one more shows that it is too long */
    struct attempt *final; /* the one that connected; until then, the last one begun; if none can
                              be, the first, with the server `nowhere` */
    size_t room;           /* of `attempts` */
    size_t candidates;     /* attempts that can be made */
    size_t tried;          /* attempts that have begun */
    struct attempt attempts[];
};

TAILQ_HEAD(exchanges, exchange);

/* Allocate an exchange that can try `room` addresses, at least one; the caller frees it. Returns
 * NULL if memory is short. */
struct exchange *exchange_new(size_t room);

/* Begin at the instant `now`. Connect to `server`; if it is NULL, try the addresses of `target` one
 * after the other (RFC 8305, section 5). If it has none, the exchange fails, or waits for the
 * look-up of the name that is under way. The sockets are added to `epoll` with the attempt as data.
 * The caller sets `question`, `number` and `scheduled` before. */
void exchange_begin(struct exchange *exchange, struct target *target, struct server *server,
                    int epoll, int64_t now);

/* Continue after `events` of the attempt. `now` is the time now, here and below. */
void exchange_event(struct attempt *attempt, uint32_t events, int64_t now);

/* Continue because the instant `next` has passed. */
void exchange_continue(struct exchange *exchange, int64_t now);

/* End the exchange, which waits for the look-up of its target, because this has failed. */
void exchange_fail(struct exchange *exchange, int64_t now);

/* End the exchange because the run ends. */
void exchange_cut(struct exchange *exchange, int64_t now);

/* Close all sockets of the exchange. */
void exchange_close(struct exchange *exchange);

#endif
