/* SPDX-License-Identifier: MIT */
/* What the kernel knows about a TCP connection: tcp(7), TCP_INFO. It distinguishes a
 * lost segment from a slow server. */
#ifndef CLIENT_EXCHANGE_TCP_STATE_H
#define CLIENT_EXCHANGE_TCP_STATE_H

#include <stdbool.h>
#include <stdint.h>

/* All zero: the kernel was not asked. */
struct tcp_state {
    uint32_t rtt;                 /* microseconds, smoothed; 0: not known */
    uint32_t mss;                 /* octets; 0: not known */
    uint32_t retransmissions;     /* segments that were sent again after the handshake */
    uint32_t syn_retransmissions; /* SYNs that were sent again */
    bool is_asked;                /* the kernel was asked … */
    bool is_known;                /* … and answered */
};

/* An exchange that takes no longer has no retransmission, in nanoseconds: the shortest timer for
 * one is 200 ms, and the first for a SYN is 1 s. */
#define TCP_STATE_QUICK INT64_C(100000000)

/* Read the state of a connection; unless it `is_connected`, the handshake is not complete, has
 * failed, or has just ended, and what was sent again were SYNs. */
void tcp_state_read(struct tcp_state *state, int fd, bool is_connected);

/* Write "1 SYN and 2 segments sent again"; empty if both are 0. Returns `text`. */
#define TCP_STATE_TEXT 100
char *tcp_state_format(uint64_t syns, uint64_t segments, char text[TCP_STATE_TEXT]);

#endif
