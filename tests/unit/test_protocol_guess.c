/* SPDX-License-Identifier: MIT */
/* What a message looks like, from as few octets as can tell. */
#include <config.h>

#include "common/protocol_guess.h"
#include "support.h"

#include <string.h>

static const struct {
    const char *octets;
    size_t count;
    size_t enough; /* the number of octets that identify it */
    const char *name;
} samples[] = {
#define SAMPLE(octets, enough, name)             \
    {                                            \
        octets, sizeof(octets) - 1, enough, name \
    }
    SAMPLE("\x16\3\1\2\0\1\0\1\xfc\3\3abcde", 3, "tls"),
    SAMPLE("\x16\3\3\0\xf4\1\0\0\xf0\3\3abcde", 3, "tls"),
    SAMPLE("GET / HTTP/1.1\r\n", 4, "http"),
    SAMPLE("HEAD /x HTTP/1.0", 5, "http"),
    SAMPLE("POST /a HTTP/1.1", 5, "http"),
    SAMPLE("PUT /a HTTP/1.1\r", 4, "http"),
    SAMPLE("DELETE /a HTTP/1", 7, "http"),
    SAMPLE("OPTIONS * HTTP/1", 8, "http"),
    SAMPLE("PATCH /a HTTP/1.", 6, "http"),
    SAMPLE("TRACE /a HTTP/1.", 6, "http"),
    SAMPLE("CONNECT a:1 HTTP", 8, "http"),
    SAMPLE("PURGE / HTTP/1.1", 7, "http"),
    SAMPLE("ACL /x HTTP/1.1\r", 5, "http"),
    SAMPLE("PRI * HTTP/2.0\r\n", 14, "http"),
    SAMPLE("SSH-2.0-OpenSSH_", 4, "ssh"),
    SAMPLE("PROXY TCP4 192.0", 6, "proxy"),
    SAMPLE("\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c", 5, "proxy"),
};

START_TEST(each_is_known_once_enough_has_come)
{
    for (size_t count = 0; count <= samples[_i].count; count++) {
        const char *guess = protocol_guess((const unsigned char *)samples[_i].octets, count);
        ck_assert_pstr_eq(guess, count < samples[_i].enough ? NULL : samples[_i].name);
    }
}
END_TEST

static const char *const others[] = {
    WIRE_GREETING,        WIRE_REPLY,         "",
    "get / HTTP/1.1\r\n", "GETTING THERE...", "A / B / C / D / ",
    "PURGE* HTTP/1.1\r",  "Purge / HTTP/1.1", "\r\n\r\nhello, server",
    "proxy TCP4 1.2.3",   "PROXYING 1 2 3 4", "ssh-2.0-OpenSSH",
    "\x16\3\5\2\x01\1",   "\x15\3\3\x01\2\2", "\x16\3\3\x01\4\2" /* a ServerHello */};

START_TEST(others_look_like_none)
{
    ck_assert_pstr_eq(protocol_guess((const unsigned char *)others[_i], strlen(others[_i])), NULL);
}
END_TEST

Suite *protocol_guess_suite(void)
{
    Suite *suite = suite_create("protocol_guess");
    TCase *tcase = add_case(suite, "protocol_guess", NULL);
    tcase_add_loop_test(tcase, each_is_known_once_enough_has_come, 0, COUNT(samples));
    tcase_add_loop_test(tcase, others_look_like_none, 0, COUNT(others));
    return suite;
}
