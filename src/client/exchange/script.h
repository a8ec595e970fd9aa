/* SPDX-License-Identifier: MIT */
/* What an exchange sends, and when: the message, a PROXY header before it, or what a faulty client
 * sends instead (sixteen(1), --misbehave). */
#ifndef CLIENT_EXCHANGE_SCRIPT_H
#define CLIENT_EXCHANGE_SCRIPT_H

#include "common/proxy_protocol.h"
#include "common/wire.h"

#include <stdbool.h>
#include <stdint.h>

enum misbehaviour_kind {
    BEHAVE,
    MISBEHAVE_DRIP,       /* one octet at a time */
    MISBEHAVE_SHORT,      /* end of file in the middle of the message */
    MISBEHAVE_EXCESS,     /* the message twice */
    MISBEHAVE_SILENT,     /* nothing */
    MISBEHAVE_RESET,      /* a reset in the middle of the message */
    MISBEHAVE_HALF_CLOSE, /* end of file after the message */
};

struct misbehaviour {
    enum misbehaviour_kind kind;
    double pace; /* seconds between two octets of a drip */
};

/* What follows the last octet sent. */
enum script_end { SCRIPT_END_OPEN, SCRIPT_END_HALF_CLOSE, SCRIPT_END_RESET };

struct script {
    char octets[PROXY_HEADER_SIZE + 2 * WIRE_OCTETS];
    size_t length;
    size_t at_once; /* octets that the first send(2) sends; the others follow one at a time */
    int64_t pace;   /* nanoseconds between these */
    enum script_end end;
    bool earns_reply; /* whether a correct server replies */
};

/* Read the name of a kind; "drip:0.5" includes its pace. Returns NULL; or what is wrong, in words
 * that fit after the text and a colon. */
const char *misbehaviour_parse(const char *text, struct misbehaviour *misbehaviour);

/* Write the script of an exchange: a PROXY header of `header_length` octets, which can be 0, then
 * the message of WIRE_OCTETS octets, changed by the misbehaviour. */
void script_write(struct script *script, const unsigned char *header, size_t header_length,
                  const char *message, const struct misbehaviour *misbehaviour);

/* Return how many octets are due `elapsed` nanoseconds after the connection was established. */
size_t script_due(const struct script *script, int64_t elapsed);

/* Return when octet `number`, from 0, is due, in nanoseconds after the connection was
 * established. */
int64_t script_instant(const struct script *script, size_t number);

#endif
