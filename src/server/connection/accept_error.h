/* SPDX-License-Identifier: MIT */
/* What accept(2) fails with, and what is to be done about each. */
#ifndef SERVER_CONNECTION_ACCEPT_ERROR_H
#define SERVER_CONNECTION_ACCEPT_ERROR_H

#include <stddef.h>

enum remedy {
    REMEDY_CONTINUE, /* it concerned one connection, which is off the queue */
    REMEDY_EVICT,    /* no descriptor: those that linger give theirs up, or else pause */
    REMEDY_PAUSE,    /* the connection stays queued: try again after a while */
    REMEDY_STOP      /* a bug of ours */
};

struct accept_error {
    const char *name; /* as errno(3) has it */
    int number;
    enum remedy remedy;
};

/* So many rows, of which the last, "other", is for what is in no other. */
#define ACCEPT_ERRORS 21

/* The rows, by index. */
extern const struct accept_error accept_errors[ACCEPT_ERRORS];

/* The index of the row for an error number. */
size_t accept_error_find(int number);

#endif
