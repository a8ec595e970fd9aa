/* SPDX-License-Identifier: MIT */
/* A source as text, and a number: a socket is bound to what the text names; to an address of a
 * prefix. */
#include <config.h>

#include "fuzz.h"

#include "client/exchange/source.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void judge_address(const struct prefix *prefix, const struct address *bound)
{
    struct prefix around = prefix_of(bound, prefix->length);
    struct prefix host = prefix_of(bound, UINT16_MAX);
    must(prefix_compare(&around, prefix) == 0);
    if (prefix->length + 1 < host.length)
        must(memcmp(host.octets, prefix->octets, sizeof host.octets) != 0);
}

/* Whether bind(2) leaves the port to connect(2). The kernel of an emulator may not know that. */
static bool leaves_port(int fd)
{
    int on;
    socklen_t size = sizeof on;
    return getsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, &size) == 0;
}

/* Bind to any address, as if the host had it. The host may have no IPv6. */
static void judge_bind(const char *text, const struct source *source, uint64_t number)
{
    const int on = 1;
    struct prefix prefix;
    struct address bound = {.length = sizeof bound.u};
    char why[ERROR_SIZE];
    int fd = socket(source_family(source), SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return;
    must(setsockopt(fd, IPPROTO_IP, IP_FREEBIND, &on, sizeof on) == 0);
    if (source_bind(source, fd, number) == 0) {
        /* not unmapped: ::/1 has v4-mapped ones too */
        must(getsockname(fd, &bound.u.any, &bound.length) == 0);
        must(bound.u.any.sa_family == source_family(source));
        must(bound.u.in.sin_port == 0 || !leaves_port(fd));
        if (prefix_parse(text, &prefix, why))
            judge_address(&prefix, &bound);
    }
    close(fd);
}

static void judge(const char *text, const struct source *source, uint64_t number)
{
    if (source_family(source) == AF_UNSPEC) {
        must(source->interface[0] != '\0' && strcmp(source->interface, text) == 0);
        must(source->first.length == 0);
    } else {
        must(source->interface[0] == '\0' && source->count > 0);
        judge_bind(text, source, number);
    }
}

static bool is_link_local(const struct prefix *prefix)
{
    return prefix->family == AF_INET6 && prefix->octets[0] == 0xfe &&
           (prefix->octets[1] & 0xc0) == 0x80;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct source source;
    struct prefix prefix;
    uint64_t number;
    char why[SOURCE_WHY];
    take(&data, &size, &number, sizeof number);
    char *text = text_of(data, size, "");
    bool taken = source_parse(text, &source, why);
    if (taken)
        judge(text, &source, number);
    else
        must(*why != '\0' && strlen(why) < sizeof why && is_printable(why));
    must(taken || !prefix_parse(text, &prefix, why) || is_link_local(&prefix));
    free(text);
    return 0;
}
