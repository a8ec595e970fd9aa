/* SPDX-License-Identifier: MIT */
#ifndef CLIENT_OPTIONS_STATUS_H
#define CLIENT_OPTIONS_STATUS_H

/* What sixteen(1) exits with. */
enum status {
    STATUS_RIGHT = 0, /* every reply was right */
    STATUS_WRONG = 1, /* some reply was wrong or missing */
    STATUS_LOCAL = 2  /* usage, or a failure of this host */
};

#endif
