/* SPDX-License-Identifier: MIT */
/* The codes of ICMP and ICMPv6 in words. */
#ifndef CLIENT_PATH_ICMP_WORD_H
#define CLIENT_PATH_ICMP_WORD_H

#include <stdbool.h>

/* Return whether the message says that the hop limit of a packet was used up. */
bool icmp_is_expiry(int family, int type);

/* Write why a packet was rejected: "administratively prohibited" or the like; for a code that has
 * no words, its number. Returns `word`. */
#define ICMP_WORD 80
char *icmp_word(int family, int type, int code, char word[ICMP_WORD]);

#endif
