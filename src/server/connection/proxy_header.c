/* SPDX-License-Identifier: MIT */
/* The acceptor decides from the peer's address alone whether a header must come, so a peer that
 * access.proxies does not list cannot claim another address. The admission then only checks for a
 * free slot. The worker reads the header and asks the admission again, for the client that the
 * header names.
 *
 * A proxy that closes before its first octet is a `probe`, because balancers that only test the
 * port would fill the log; one octet that begins no header is `malformed`. A header without
 * addresses leaves the connection to the proxy itself, which the access lists must then allow:
 * otherwise UNKNOWN would admit clients that no list names. TLVs are skipped unread, as the
 * specification allows.
 *
 * The header has a buffer of its own, so that connections without a proxy do not pay for it. One
 * recv(2) takes header and payload together if both are there. */
#include <config.h>

#include "server/connection/proxy_header.h"

#include "server/connection/admission.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define V1_SIGNATURE "PROXY "
#define V1_MAX 107 /* of a line with its CRLF: section 2.1 */
#define V2_SIGNATURE "\r\n\r\n\0\r\nQUIT\n"
#define V2_FIXED 16 /* octets before the addresses: section 2.2 */

/* Octets 13 and 14 of version 2. */
enum { V2_VERSION = 2, V2_LOCAL = 0, V2_PROXY = 1 };
enum { V2_UNSPEC, V2_INET, V2_INET6, V2_UNIX };
enum { V2_STREAM = 1, V2_DGRAM = 2 };

/* `length` octets of the header show what is wrong. */
static enum proxy_header_status malformed(struct proxy_header *header, size_t length,
                                          const char *reason)
{
    header->length = length;
    header->reason = reason;
    return PROXY_MALFORMED;
}

static enum proxy_header_status more(struct proxy_header *header, size_t length)
{
    header->length = length;
    return PROXY_MORE;
}

/* Whether one of them is a prefix of the other. */
static bool matches(const unsigned char *octets, size_t count, const char *signature, size_t length)
{
    return memcmp(octets, signature, count < length ? count : length) == 0;
}

/* Host and port are as on the wire. */
static void set_address(struct address *address, int family, const void *host, const void *port)
{
    if (family == AF_INET) {
        *address = (struct address){.length = sizeof address->u.in, .u.in.sin_family = AF_INET};
        memcpy(&address->u.in.sin_addr, host, sizeof address->u.in.sin_addr);
        memcpy(&address->u.in.sin_port, port, sizeof address->u.in.sin_port);
    } else {
        *address = (struct address){.length = sizeof address->u.in6, .u.in6.sin6_family = AF_INET6};
        memcpy(&address->u.in6.sin6_addr, host, sizeof address->u.in6.sin6_addr);
        memcpy(&address->u.in6.sin6_port, port, sizeof address->u.in6.sin6_port);
        address_unmap(address);
    }
}

/* End the word at its next space. Returns the next word, or an empty text. */
static char *split(char *word)
{
    char *space = word + strcspn(word, " ");
    if (*space == ' ')
        *space++ = '\0';
    return space;
}

/* What can be wrong with one end of the connection that the line describes. */
struct v1_reasons {
    const char *is_in, *is_in6, *is_neither, *port;
};

#define V1_REASONS(end)                                                       \
    {                                                                         \
        "the protocol is TCP6, but the " end " address is IPv4",              \
            "the protocol is TCP4, but the " end " address is IPv6",          \
            "the " end " address is not an IPv4 or IPv6 address as a number", \
            "the " end " port is not a number from 0 to 65535"                \
    }

static const struct v1_reasons v1_source = V1_REASONS("source");
static const struct v1_reasons v1_destination = V1_REASONS("destination");

static const char *v1_host(const struct v1_reasons *reasons, int family, const char *host,
                           struct in6_addr *number)
{
    if (inet_pton(family, host, number) == 1)
        return NULL;
    if (inet_pton(AF_INET, host, number) == 1)
        return reasons->is_in;
    return inet_pton(AF_INET6, host, number) == 1 ? reasons->is_in6 : reasons->is_neither;
}

static const char *v1_port(const struct v1_reasons *reasons, const char *port, in_port_t *number)
{
    bool leading_zero = port[0] == '0' && port[1] != '\0';
    if (!port_is_number(port) || leading_zero)
        return reasons->port;
    *number = htons(port_number(port));
    return NULL;
}

/* The words after the protocol. */
enum { V1_SOURCE, V1_DESTINATION, V1_SOURCE_PORT, V1_DESTINATION_PORT, V1_WORDS };

static const char *const v1_missing[] = {
    [V1_SOURCE] = "the source address is missing",
    [V1_DESTINATION] = "the destination address is missing",
    [V1_SOURCE_PORT] = "the source port is missing",
    [V1_DESTINATION_PORT] = "the destination port is missing",
};

/* Split the words after the protocol. Returns NULL, or which of them is missing. */
static const char *v1_split(char *words, char *word[V1_WORDS])
{
    for (size_t i = 0; i < V1_WORDS; i++) {
        word[i] = words;
        if (i < V1_DESTINATION_PORT)
            words = split(words);
        if (strcspn(word[i], " ") == 0)
            return v1_missing[i];
    }
    return strchr(words, ' ') != NULL ? "the line continues after the destination port" : NULL;
}

/* Parse the line between "PROXY " and its CRLF. Like those before, returns NULL, or what is
 * wrong. */
static const char *v1_words(char *protocol, struct proxy_header *header)
{
    char *word[V1_WORDS];
    struct in6_addr hosts[2];
    in_port_t ports[2];
    char *words = split(protocol);
    if (strcmp(protocol, "UNKNOWN") == 0)
        return NULL;
    int family = strcmp(protocol, "TCP4") == 0 ? AF_INET : AF_INET6;
    if (family == AF_INET6 && strcmp(protocol, "TCP6") != 0)
        return "the protocol is not TCP4, TCP6 or UNKNOWN";
    const char *wrong;
    if ((wrong = v1_split(words, word)) != NULL ||
        (wrong = v1_host(&v1_source, family, word[V1_SOURCE], &hosts[0])) != NULL ||
        (wrong = v1_host(&v1_destination, family, word[V1_DESTINATION], &hosts[1])) != NULL ||
        (wrong = v1_port(&v1_source, word[V1_SOURCE_PORT], &ports[0])) != NULL ||
        (wrong = v1_port(&v1_destination, word[V1_DESTINATION_PORT], &ports[1])) != NULL)
        return wrong;
    set_address(&header->source, family, &hosts[0], &ports[0]);
    set_address(&header->destination, family, &hosts[1], &ports[1]);
    header->has_addresses = true;
    return NULL;
}

static enum proxy_header_status v1(const unsigned char *octets, size_t count,
                                   struct proxy_header *header)
{
    char line[V1_MAX + 1];
    size_t seen = count < V1_MAX ? count : V1_MAX;
    size_t end = 0;
    while (end < seen && octets[end] != '\r' && octets[end] != '\n' && octets[end] != '\0')
        end++;
    if (end >= V1_MAX - 1) /* the last place for the LF */
        return malformed(header, seen, "the line does not end within 107 octets");
    if (end == seen || (end + 1 == seen && octets[end] == '\r'))
        return more(header, seen + 1);
    if (octets[end] != '\r' || octets[end + 1] != '\n')
        return malformed(header, octets[end] == '\r' ? end + 2 : end + 1,
                         "the line does not end in CR LF");
    memcpy(line, octets, end);
    line[end] = '\0';
    const char *wrong = v1_words(line + strlen(V1_SIGNATURE), header);
    if (wrong != NULL)
        return malformed(header, end, wrong);
    header->length = end + 2;
    return PROXY_COMPLETE;
}

static enum proxy_header_status v2_addresses(const unsigned char *octets, int family,
                                             struct proxy_header *header)
{
    const unsigned char *block = octets + V2_FIXED;
    size_t host = family == AF_INET ? sizeof(struct in_addr) : sizeof(struct in6_addr);
    const unsigned char *ports = block + 2 * host;
    size_t port = sizeof(in_port_t);
    if (header->length < V2_FIXED + 2 * (host + port))
        return malformed(header, header->length, "the header is too short for its addresses");
    set_address(&header->source, family, block, ports);
    set_address(&header->destination, family, block + host, ports + port);
    header->has_addresses = true;
    return PROXY_COMPLETE;
}

/* Parse a header whose fixed part is complete. */
static enum proxy_header_status v2(const unsigned char *octets, size_t count,
                                   struct proxy_header *header)
{
    unsigned command = octets[12] & 15;
    unsigned family = octets[13] >> 4;
    unsigned protocol = octets[13] & 15;

    if (octets[12] >> 4 != V2_VERSION)
        return malformed(header, 13, "the version is not 2");
    if (command != V2_LOCAL && command != V2_PROXY)
        return malformed(header, 13, "the command is neither LOCAL nor PROXY");
    if (command == V2_PROXY && (family > V2_UNIX || protocol > V2_DGRAM))
        return malformed(header, 14, "the address family or protocol is unknown");
    header->length = V2_FIXED + ((size_t)octets[14] << 8 | octets[15]);
    if (header->length > PROXY_HEADER_MAX)
        return malformed(header, V2_FIXED, "the header is longer than 4096 octets");
    if (count < header->length)
        return PROXY_MORE;
    if (command == V2_PROXY && (family == V2_INET || family == V2_INET6) && protocol == V2_STREAM)
        return v2_addresses(octets, family == V2_INET ? AF_INET : AF_INET6, header);
    return PROXY_COMPLETE;
}

enum proxy_header_status proxy_header_parse(const unsigned char *octets, size_t count,
                                            struct proxy_header *header)
{
    *header = (struct proxy_header){0};
    if (count == 0)
        return more(header, 1);
    if (matches(octets, count, V2_SIGNATURE, sizeof V2_SIGNATURE - 1))
        return count < V2_FIXED ? more(header, V2_FIXED) : v2(octets, count, header);
    if (matches(octets, count, V1_SIGNATURE, sizeof V1_SIGNATURE - 1))
        return v1(octets, count, header);
    return malformed(header, count < WIRE_OCTETS ? count : WIRE_OCTETS, "there is no PROXY header");
}

bool proxy_header_is_partial(const struct connection *connection)
{
    const struct proxy_buffer *buffer = connection->proxy;
    return buffer != NULL && !buffer->complete && buffer->count > 0;
}

static void refuse(struct connection *connection, enum outcome outcome)
{
    connection->refused = true;
    connection->outcome = outcome;
}

/* The octets are written before they are read, so they are left uninitialized. */
static struct proxy_buffer *create_buffer(void)
{
    struct proxy_buffer *buffer = malloc(sizeof *buffer);
    if (buffer != NULL)
        memset(buffer, 0, offsetof(struct proxy_buffer, octets));
    return buffer;
}

/* Hand on the payload that came with the header. One octet too many is enough to see excess. */
static void take_payload(struct connection *connection, size_t header_length)
{
    const struct proxy_buffer *buffer = connection->proxy;
    size_t payload = buffer->count - header_length;
    size_t room = sizeof connection->octets;
    connection->count = payload < room ? payload : room;
    memcpy(connection->octets, buffer->octets + header_length, connection->count);
}

static enum transfer_status complete(struct connection *connection,
                                     const struct proxy_header *header)
{
    struct proxy_buffer *buffer = connection->proxy;
    buffer->complete = true;
    buffer->address = connection->peer;
    buffer->has_addresses = header->has_addresses;
    if (header->has_addresses) {
        connection->peer = header->source;
        connection->local = header->destination;
    }
    connection_log_step(connection, STEP_PROXIED);
    if (admission_enter_again(connection))
        take_payload(connection, header->length);
    else
        connection->refused = true;
    return TRANSFER_DONE;
}

static enum transfer_status receive(struct connection *connection, size_t want, int flags)
{
    struct proxy_buffer *buffer = connection->proxy;
    size_t more;
    enum transfer_status status =
        recv_all(connection->fd, buffer->octets + buffer->count, want - buffer->count,
                 sizeof buffer->octets - buffer->count, flags, connection->deadline, &more);
    buffer->count += more;
    return status;
}

enum transfer_status proxy_header_receive(struct connection *connection, int flags)
{
    struct proxy_header header;
    enum proxy_header_status parsed;
    enum transfer_status status = TRANSFER_DONE;

    if (!connection->proxied)
        return TRANSFER_DONE;
    if (connection->proxy == NULL && (connection->proxy = create_buffer()) == NULL)
        return TRANSFER_FAILED;
    struct proxy_buffer *buffer = connection->proxy;
    if (buffer->complete)
        return TRANSFER_DONE;
    while ((parsed = proxy_header_parse(buffer->octets, buffer->count, &header)) == PROXY_MORE &&
           status == TRANSFER_DONE)
        status = receive(connection, header.length, flags);
    if (parsed == PROXY_COMPLETE)
        return complete(connection, &header);
    if (parsed == PROXY_MORE) {
        if (status != TRANSFER_EOF || buffer->count == 0 || atomic_load(&connection->cut))
            return status;
        (void)malformed(&header, buffer->count, "the connection ended inside the header");
    }
    buffer->shown = header.length;
    buffer->reason = header.reason;
    refuse(connection, OUTCOME_MALFORMED);
    return TRANSFER_DONE;
}
