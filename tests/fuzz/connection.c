/* SPDX-License-Identifier: MIT */
/* A connection's log line is printable and fits, and its fields are those of the manual page, each
 * once, whatever the peer sent. */
#include <config.h>

#include "fuzz.h"

#include "server/connection/connection.h"

#include <stdlib.h>
#include <string.h>

static void take_address(const uint8_t **data, size_t *size, struct address *address)
{
    static const sa_family_t families[] = {AF_INET, AF_INET6, AF_UNIX};
    uint8_t family;
    take(data, size, &family, 1);
    take(data, size, &address->u.in6, sizeof address->u.in6);
    address->u.any.sa_family = families[family % 3];
}

/* Return the end of a value that is bare, or a JSON string. */
static const char *value_end(const char *at)
{
    if (*at != '"')
        return at + strcspn(at, " \"");
    for (at++; *at != '"'; at++) {
        must(*at != '\0');
        if (*at == '\\')
            must(*++at == '"' || *at == '\\' || strncmp(at, "u00", 3) == 0);
    }
    return at + 1;
}

static void judge_fields(const char *line)
{
    static const char *const names[] = {"outcome", "peer",    "local",  "via",
                                        "octets",  "message", "us",     "retrans",
                                        "looks",   "header",  "reason", "error"};
    size_t next = 0; /* they come in this order */
    for (const char *at = line; *at != '\0'; at += *at == ' ') {
        size_t length = strcspn(at, "=");
        while (next < sizeof names / sizeof *names &&
               (strlen(names[next]) != length || strncmp(at, names[next], length) != 0))
            next++;
        must(next++ < sizeof names / sizeof *names);
        at = value_end(at + length + 1);
        must(*at == ' ' || *at == '\0');
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct connection connection = {0};
    uint8_t small[2];
    uint32_t elapsed;

    take(&data, &size, small, sizeof small);
    connection.count = small[0] % (WIRE_OCTETS + 2);
    connection.outcome = small[1] % (OUTCOME_FAILED + 1);
    take(&data, &size, connection.octets, sizeof connection.octets);
    take(&data, &size, &connection.error, sizeof connection.error);
    take(&data, &size, &elapsed, sizeof elapsed);
    connection.retrans = elapsed % 3 == 0 ? elapsed : 0;
    connection.decided = connection.accepted + (int64_t)elapsed * 1000000;
    take_address(&data, &size, &connection.peer);
    take_address(&data, &size, &connection.local);
    static struct proxy_buffer proxy; /* it is large */
    proxy = (struct proxy_buffer){.header.reason = "there is no PROXY header"};
    take(&data, &size, small, sizeof small);
    proxy.header.has_addresses = small[0] % 2 != 0;
    proxy.status = small[0] % (PROXY_MALFORMED + 1);
    take_address(&data, &size, &proxy.address);
    proxy.count = size < sizeof proxy.octets ? size : sizeof proxy.octets;
    proxy.header.length = proxy.count / (small[0] % 3 + 1);
    take(&data, &size, proxy.octets, proxy.count);
    if (connection.outcome == OUTCOME_MALFORMED || small[1] % 2 != 0)
        connection.proxy = &proxy;

    char *line = malloc(CONNECTION_LINE);
    must(line != NULL);
    must(connection_format(&connection, line) == line);
    must(strlen(line) < CONNECTION_LINE && is_printable(line));
    judge_fields(line);
    const char *name = outcome_name(connection.outcome);
    must(strncmp(line, "outcome=", 8) == 0 && strncmp(line + 8, name, strlen(name)) == 0);
    free(line);
    return 0;
}
