/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "common/protocol_guess.h"

#include <stdbool.h>
#include <string.h>

/* clang-format off */
#define ROW(name, start) {name, start, sizeof(start) - 1}
static const struct {
    const char *name;
    const char *start;
    size_t length;
} protocols[] = {
    ROW("http", "GET "),    ROW("http", "HEAD "),    ROW("http", "POST "),  ROW("http", "PUT "),
    ROW("http", "DELETE "), ROW("http", "OPTIONS "), ROW("http", "PATCH "), ROW("http", "TRACE "),
    ROW("http", "CONNECT "),
    ROW("http", "PRI * HTTP/2.0"), /* RFC 9113, 3.4 */
    ROW("ssh", "SSH-"),            /* RFC 4253, 4.2 */
    ROW("proxy", "PROXY "),
    ROW("proxy", "\r\n\r\n\0"),    /* version 2: these octets are enough to tell */
};
/* clang-format on */

/* A handshake record of any version from SSL 3.0 to TLS 1.3, and in it a ClientHello: RFC 8446, 5.1
 * and 4. */
static bool is_tls(const unsigned char *octets, size_t count)
{
    return count >= 3 && octets[0] == 22 && octets[1] == 3 && octets[2] <= 4 &&
           (count < 6 || octets[5] == 1);
}

/* A request by any other method: a word in capitals, and a path. */
static bool is_request(const unsigned char *octets, size_t count)
{
    size_t word = 0;
    while (word < count && octets[word] >= 'A' && octets[word] <= 'Z')
        word++;
    return word >= 3 && count >= word + 2 && octets[word] == ' ' && octets[word + 1] == '/';
}

const char *protocol_guess(const unsigned char *octets, size_t count)
{
    for (size_t i = 0; i < sizeof protocols / sizeof *protocols; i++)
        if (count >= protocols[i].length &&
            memcmp(octets, protocols[i].start, protocols[i].length) == 0)
            return protocols[i].name;
    if (is_request(octets, count))
        return "http";
    return is_tls(octets, count) ? "tls" : NULL;
}
