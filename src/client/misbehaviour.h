/* SPDX-License-Identifier: MIT */
/* What a client may do wrong, to see what a server makes of it: sixteen(1), --misbehave. */
#ifndef CLIENT_MISBEHAVIOUR_H
#define CLIENT_MISBEHAVIOUR_H

#include "common/transfer.h"

#include <stdbool.h>

enum misbehaviour_kind {
    BEHAVE,
    MISBEHAVE_DRIP,       /* one octet at a time */
    MISBEHAVE_SHORT,      /* end of file in the middle of the message */
    MISBEHAVE_EXCESS,     /* the message twice */
    MISBEHAVE_SILENT,     /* not an octet */
    MISBEHAVE_RESET,      /* a reset in the middle of the message */
    MISBEHAVE_HALF_CLOSE, /* end of file behind the message */
};

struct misbehaviour {
    enum misbehaviour_kind kind;
    double pace; /* seconds between two octets of a drip */
};

/* Read the name of a kind; "drip:0.5" has its pace with it. Returns NULL, or what is wrong with
 * the text, in words that fit behind it and a colon. */
const char *misbehaviour_parse(const char *text, struct misbehaviour *misbehaviour);

/* Send of the message of WIRE_OCTETS octets what the misbehaviour does, on the blocking socket
 * `fd`, which it may half-close or have close(2) reset. As send_all(); TRANSFER_EOF where the peer
 * did not wait for the end of a drip. */
enum transfer_status misbehaviour_send(const struct misbehaviour *misbehaviour, int fd,
                                       const char *message, struct deadline deadline);

/* Whether a server that does right replies to it. */
bool misbehaviour_earns_reply(const struct misbehaviour *misbehaviour);

#endif
