/* SPDX-License-Identifier: MIT */
/* What access lists add to an accept: nanoseconds for one look-up in all three lists, by the number
 * of prefixes in each list.
 *
 *   access [PREFIXES...]     (0 1 10 100 1000 4096)
 *
 * The prefixes are random: half are IPv4, from /8 to /32, and half IPv6, from /16 to /64. The
 * addresses are random too; every other one lies in one of the prefixes. Prints the median of 9
 * rounds, in which the sizes take turns. */
#include <config.h>

#include "common/deadline.h"
#include "common/prefix.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ROUNDS 9
#define MIDDLE 4
#define LOOKUPS 200000
#define ADDRESSES 4096
#define SIZES_MAX 16

struct lists {
    size_t size;
    struct prefixes allow, deny, proxies;
    struct address addresses[ADDRESSES];
    int64_t took[ROUNDS];
};

static uint64_t state = 1;

static uint32_t random_bits(void)
{
    state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(state >> 32);
}

static void random_octets(unsigned char octets[16])
{
    for (size_t i = 0; i < 16; i++)
        octets[i] = (unsigned char)random_bits();
}

static struct prefix random_prefix(sa_family_t family)
{
    struct prefix prefix = {.family = family};
    prefix.length =
        (uint16_t)(family == AF_INET ? 8 + random_bits() % 25 : 16 + random_bits() % 49);
    random_octets(prefix.octets);
    for (unsigned bit = prefix.length; bit < 8 * sizeof prefix.octets; bit++)
        prefix.octets[bit / 8] &= (unsigned char)~(0x80 >> bit % 8);
    return prefix;
}

static void fill(struct prefixes *prefixes, size_t size)
{
    struct prefix *list = calloc(size + 1, sizeof *list);
    if (list == NULL) {
        perror("access");
        exit(EXIT_FAILURE);
    }
    for (size_t i = 0; i < size; i++)
        list[i] = random_prefix(i % 2 == 0 ? AF_INET : AF_INET6);
    free(prefixes->list);
    *prefixes = prefixes_of(list, size);
}

static void choose_address(const struct prefixes *prefixes, struct address *address)
{
    unsigned char octets[16];
    sa_family_t family = random_bits() % 2 == 0 ? AF_INET : AF_INET6;
    random_octets(octets);
    if (prefixes->count > 0 && random_bits() % 2 == 0) {
        const struct prefix *prefix = &prefixes->list[random_bits() % prefixes->count];
        family = prefix->family;
        memcpy(octets, prefix->octets, prefix->length / 8);
    }
    *address = (struct address){.u.any.sa_family = family};
    if (family == AF_INET)
        memcpy(&address->u.in.sin_addr, octets, sizeof address->u.in.sin_addr);
    else
        memcpy(&address->u.in6.sin6_addr, octets, sizeof address->u.in6.sin6_addr);
}

static int64_t measure(const struct lists *lists)
{
    static volatile int sink;
    int sum = 0;
    int64_t begun = clock_nanoseconds();
    for (size_t i = 0; i < LOOKUPS; i++) {
        const struct address *address = &lists->addresses[i % ADDRESSES];
        sum += prefixes_match(&lists->proxies, address) + prefixes_match(&lists->deny, address) +
               prefixes_match(&lists->allow, address);
    }
    sink = sum;
    (void)sink;
    return clock_nanoseconds() - begun;
}

static int compare(const void *a, const void *b)
{
    const int64_t *left = a;
    const int64_t *right = b;
    return (*left > *right) - (*left < *right);
}

static void prepare(struct lists *lists, size_t size)
{
    lists->size = size < PREFIXES_MAX ? size : PREFIXES_MAX;
    fill(&lists->allow, lists->size);
    fill(&lists->deny, lists->size);
    fill(&lists->proxies, lists->size);
    for (size_t i = 0; i < ADDRESSES; i++)
        choose_address(i % 2 == 0 ? &lists->allow : &lists->deny, &lists->addresses[i]);
}

int main(int argc, char *argv[])
{
    static struct lists lists[SIZES_MAX];
    static const size_t usual[] = {0, 1, 10, 100, 1000, 4096};
    size_t count = argc > 1 ? (size_t)argc - 1 : sizeof usual / sizeof *usual;
    if (count > SIZES_MAX)
        count = SIZES_MAX;
    for (size_t i = 0; i < count; i++)
        prepare(&lists[i], argc > 1 ? strtoul(argv[i + 1], NULL, 10) : usual[i]);
    for (size_t round = 0; round < ROUNDS; round++)
        for (size_t i = 0; i < count; i++)
            lists[i].took[round] = measure(&lists[i]);
    for (size_t i = 0; i < count; i++) {
        qsort(lists[i].took, ROUNDS, sizeof *lists[i].took, compare);
        printf("prefixes=%zu ns=%.0f\n", lists[i].size, (double)lists[i].took[MIDDLE] / LOOKUPS);
    }
    return 0;
}
