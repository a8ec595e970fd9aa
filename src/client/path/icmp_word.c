/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "client/path/icmp_word.h"

#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <netinet/ip_icmp.h>
#include <stddef.h>
#include <stdio.h>

/* Of "destination unreachable": RFC 792, RFC 1122, 3.2.2.1, and RFC 1812, 5.2.7.1. */
static const char *const words[] = {"network unreachable",
                                    "host unreachable",
                                    "protocol unreachable",
                                    "port unreachable",
                                    "packet too big",
                                    "source route failed",
                                    "network unknown",
                                    "host unknown",
                                    "source host isolated",
                                    "network administratively prohibited",
                                    "host administratively prohibited",
                                    "network unreachable for this type of service",
                                    "host unreachable for this type of service",
                                    "administratively prohibited",
                                    "host precedence violation",
                                    "precedence too low"};

/* RFC 4443, 3.1; RFC 6554, 3; RFC 8883, 3.1. */
static const char *const words6[] = {"no route to the destination",
                                     "administratively prohibited",
                                     "beyond the scope of the source address",
                                     "address unreachable",
                                     "port unreachable",
                                     "source address failed the ingress or egress policy",
                                     "reject route to the destination",
                                     "error in the source routing header",
                                     "headers too long"};

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

bool icmp_is_expiry(int family, int type)
{
    return type == (family == AF_INET ? ICMP_TIME_EXCEEDED : ICMP6_TIME_EXCEEDED);
}

char *icmp_word(int family, int type, int code, char word[ICMP_WORD])
{
    bool is_in = family == AF_INET;
    size_t count = is_in ? COUNT(words) : COUNT(words6);

    if (type == (is_in ? ICMP_DEST_UNREACH : ICMP6_DST_UNREACH) && code >= 0 &&
        (size_t)code < count)
        snprintf(word, ICMP_WORD, "%s", is_in ? words[code] : words6[code]);
    else if (type == (is_in ? ICMP_PARAMETERPROB : ICMP6_PARAM_PROB))
        snprintf(word, ICMP_WORD, "parameter problem, code %d", code);
    else
        snprintf(word, ICMP_WORD, "%s type %d, code %d", is_in ? "ICMP" : "ICMPv6", type, code);
    return word;
}
