/* SPDX-License-Identifier: MIT */
/* A list is a sorted array in which each prefix knows the longest other one that contains it, so a
 * match takes a binary search and a few steps. With 1,000 prefixes in each of access.allow,
 * access.deny and access.proxies, an accept takes 0.15 us more, and 0.25 us on a busy machine
 * (bench/access). */
#include <config.h>

#include "common/prefix.h"

#include "common/number.h"

#include <arpa/inet.h>
#include <endian.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint16_t bits_of(sa_family_t family)
{
    return family == AF_INET ? 8 * sizeof(struct in_addr) : 8 * sizeof(struct in6_addr);
}

/* Return eight of the octets as a number: a search compares numbers in half the time of
 * memcmp(3). */
static uint64_t half(const struct prefix *prefix, size_t index)
{
    uint64_t octets;
    memcpy(&octets, prefix->octets + index * sizeof octets, sizeof octets);
    return be64toh(octets);
}

/* The first `length` bits of 64. */
static uint64_t mask(int length)
{
    return length <= 0 ? 0 : length >= 64 ? UINT64_MAX : UINT64_MAX << (64 - length);
}

/* Clear the bits after the length. */
static void clear_rest(struct prefix *prefix)
{
    const uint64_t kept[] = {htobe64(half(prefix, 0) & mask(prefix->length)),
                             htobe64(half(prefix, 1) & mask(prefix->length - 64))};
    memcpy(prefix->octets, kept, sizeof kept);
}

static void unmap(struct prefix *prefix)
{
    struct in6_addr in6;
    memcpy(&in6, prefix->octets, sizeof in6);
    if (prefix->family != AF_INET6 || prefix->length < 96 || !IN6_IS_ADDR_V4MAPPED(&in6))
        return;
    *prefix =
        (struct prefix){.family = AF_INET, .length = (uint16_t)(prefix->length - 96), .parent = -1};
    memcpy(prefix->octets, &in6.s6_addr[12], sizeof(struct in_addr));
}

static bool parse_host(const char *text, size_t length, struct prefix *prefix)
{
    char host[INET6_ADDRSTRLEN];
    if (length >= sizeof host)
        return false;
    memcpy(host, text, length);
    host[length] = '\0';
    *prefix = (struct prefix){.parent = -1};
    prefix->family = strchr(host, ':') != NULL ? AF_INET6 : AF_INET;
    return inet_pton(prefix->family, host, prefix->octets) == 1;
}

static bool parse_length(const char *text, struct prefix *prefix)
{
    prefix->length = bits_of(prefix->family);
    if (*text == '\0')
        return true;
    unsigned long long length;
    bool leading_zero = *++text == '0' && text[1] != '\0';
    if (leading_zero || !read_whole(text, prefix->length, &length))
        return false;
    prefix->length = (uint16_t)length;
    return true;
}

bool prefix_parse(const char *text, struct prefix *prefix, char error[ERROR_SIZE])
{
    char meant[PREFIX_TEXT];
    size_t host = strcspn(text, "/");
    if (!parse_host(text, host, prefix)) {
        snprintf(error, ERROR_SIZE,
                 "not an IPv4 or IPv6 prefix; write 192.0.2.0/24, 2001:db8::/32 or one numeric "
                 "address");
        return false;
    }
    if (!parse_length(text + host, prefix)) {
        snprintf(error, ERROR_SIZE, "the prefix length must be a number from 0 to %d",
                 bits_of(prefix->family));
        return false;
    }
    struct prefix given = *prefix;
    clear_rest(prefix);
    if (memcmp(&given, prefix, sizeof given) != 0) {
        snprintf(error, ERROR_SIZE, "bits are set after the prefix length; the network is %s",
                 prefix_format(prefix, meant));
        return false;
    }
    unmap(prefix);
    return true;
}

char *prefix_format(const struct prefix *prefix, char text[PREFIX_TEXT])
{
    text[0] = '\0';
    (void)inet_ntop(prefix->family, prefix->octets, text, INET6_ADDRSTRLEN);
    put_decimal(stpcpy(text + strlen(text), "/"), prefix->length);
    return text;
}

static bool contains(const struct prefix *outer, const struct prefix *inner)
{
    return outer->family == inner->family && outer->length <= inner->length &&
           ((half(outer, 0) ^ half(inner, 0)) & mask(outer->length)) == 0 &&
           ((half(outer, 1) ^ half(inner, 1)) & mask(outer->length - 64)) == 0;
}

static int order(uint64_t left, uint64_t right)
{
    return (left > right) - (left < right);
}

int prefix_compare(const void *a, const void *b)
{
    const struct prefix *left = a;
    const struct prefix *right = b;
    int by = order(left->family, right->family);
    if (by == 0)
        by = order(half(left, 0), half(right, 0));
    if (by == 0)
        by = order(half(left, 1), half(right, 1));
    return by != 0 ? by : order(left->length, right->length);
}

/* Return the first of `place` and its parents that contains the prefix, or -1. */
static int32_t innermost(const struct prefixes *prefixes, int32_t place,
                         const struct prefix *prefix)
{
    while (place >= 0 && !contains(&prefixes->list[place], prefix))
        place = prefixes->list[place].parent;
    return place;
}

struct prefixes prefixes_of(struct prefix *list, size_t count)
{
    struct prefixes prefixes = {.list = list};
    qsort(list, count, sizeof *list, prefix_compare);
    for (size_t i = 0; i < count; i++) {
        int32_t last = (int32_t)prefixes.count - 1;
        if (last >= 0 && prefix_compare(&list[last], &list[i]) == 0)
            continue;
        list[prefixes.count] = list[i];
        list[prefixes.count++].parent = innermost(&prefixes, last, &list[i]);
    }
    return prefixes;
}

struct prefix prefix_of(const struct address *address, uint16_t length)
{
    struct prefix prefix = {.family = address->u.any.sa_family, .parent = -1};
    uint16_t most = bits_of(prefix.family);
    prefix.length = length < most ? length : most;
    if (prefix.family == AF_INET)
        memcpy(prefix.octets, &address->u.in.sin_addr, sizeof address->u.in.sin_addr);
    else if (prefix.family == AF_INET6)
        memcpy(prefix.octets, &address->u.in6.sin6_addr, sizeof address->u.in6.sin6_addr);
    clear_rest(&prefix);
    return prefix;
}

/* Every prefix that is sorted between the longest match and the address lies within that match. So
 * the longest match is the last prefix before the address, or one of its parents. */
int prefixes_match(const struct prefixes *prefixes, const struct address *address)
{
    struct prefix host = prefix_of(address, UINT16_MAX);
    size_t low = 0;
    size_t high = prefixes->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (prefix_compare(&prefixes->list[middle], &host) <= 0)
            low = middle + 1;
        else
            high = middle;
    }
    int32_t place = innermost(prefixes, (int32_t)low - 1, &host);
    return place >= 0 ? prefixes->list[place].length : -1;
}
