/* SPDX-License-Identifier: MIT */
/* The codes of ICMP in words, and what a path and its exchange show together. tests/system/path.t
 * has real routers; here is what they seldom do. */
#include <config.h>

#include "client/path/conclusion.h"
#include "client/path/icmp_word.h"
#include "support.h"

#include <errno.h>
#include <string.h>

/* ---- Words ---- */

static const struct {
    int family, type, code;
    const char *word;
} words[] = {
    {AF_INET, 3, 0, "network unreachable"},
    {AF_INET, 3, 1, "host unreachable"},
    {AF_INET, 3, 2, "protocol unreachable"},
    {AF_INET, 3, 3, "port unreachable"},
    {AF_INET, 3, 4, "packet too big"},
    {AF_INET, 3, 5, "source route failed"},
    {AF_INET, 3, 6, "network unknown"},
    {AF_INET, 3, 7, "host unknown"},
    {AF_INET, 3, 8, "source host isolated"},
    {AF_INET, 3, 9, "network administratively prohibited"},
    {AF_INET, 3, 10, "host administratively prohibited"},
    {AF_INET, 3, 11, "network unreachable for this type of service"},
    {AF_INET, 3, 12, "host unreachable for this type of service"},
    {AF_INET, 3, 13, "administratively prohibited"},
    {AF_INET, 3, 14, "host precedence violation"},
    {AF_INET, 3, 15, "precedence too low"},
    {AF_INET, 3, 16, "ICMP type 3, code 16"},
    {AF_INET, 3, 255, "ICMP type 3, code 255"},
    {AF_INET, 12, 1, "parameter problem, code 1"},
    {AF_INET, 1, 1, "ICMP type 1, code 1"},
    {AF_INET6, 1, 0, "no route to the destination"},
    {AF_INET6, 1, 1, "administratively prohibited"},
    {AF_INET6, 1, 2, "beyond the scope of the source address"},
    {AF_INET6, 1, 3, "address unreachable"},
    {AF_INET6, 1, 4, "port unreachable"},
    {AF_INET6, 1, 5, "source address failed the ingress or egress policy"},
    {AF_INET6, 1, 6, "reject route to the destination"},
    {AF_INET6, 1, 7, "error in the source routing header"},
    {AF_INET6, 1, 8, "headers too long"},
    {AF_INET6, 1, 9, "ICMPv6 type 1, code 9"},
    {AF_INET6, 4, 0, "parameter problem, code 0"},
    {AF_INET6, 12, 1, "ICMPv6 type 12, code 1"},
};

START_TEST(each_code_has_words)
{
    char word[ICMP_WORD];
    ck_assert_str_eq(icmp_word(words[_i].family, words[_i].type, words[_i].code, word),
                     words[_i].word);
    ck_assert(!icmp_is_expiry(words[_i].family, words[_i].type));
}
END_TEST

START_TEST(each_family_has_its_own_expiry)
{
    ck_assert(icmp_is_expiry(AF_INET, 11));
    ck_assert(icmp_is_expiry(AF_INET6, 3));
    ck_assert(!icmp_is_expiry(AF_INET6, 11));
}
END_TEST

START_TEST(an_address_has_no_port)
{
    static const char *const rows[][2] = {
        {"192.0.2.1", "192.0.2.1"}, {"2001:db8::1", "2001:db8::1"}, {"::", "::"}};
    char text[ADDRESS_TEXT];
    struct address address = numeric_address(rows[_i][0], "1060");
    ck_assert_str_eq(hop_address(&address, text), rows[_i][1]);
}
END_TEST

/* ---- Conclusions ---- */

/* The hops before the last one are routers with the addresses 10.0.0.1, 10.0.0.2, ... */
static const struct {
    unsigned routers;
    struct hop last; /* silent: none */
    struct verdict verdict;
    enum status status;
    int hop;
    const char *word;
    const char *text;
} endings[] = {
    {3,
     {.answer = HOP_SILENT},
     {RESULT_FAILED, PHASE_CONNECT, EHOSTUNREACH, 0},
     STATUS_WRONG,
     3,
     "rejected",
     "rejected somewhere after hop 3 (10.0.0.3): No route to host"},
    {0,
     {.answer = HOP_SILENT},
     {RESULT_FAILED, PHASE_CONNECT, ENETUNREACH, 0},
     STATUS_WRONG,
     0,
     "rejected",
     "rejected somewhere after this host (10.0.0.99): Network is unreachable"},
    {0,
     {.answer = HOP_SILENT},
     {RESULT_TIMEOUT, PHASE_CONNECT, 0, 0},
     STATUS_WRONG,
     0,
     "silent",
     "no SYN gets past this host (10.0.0.99): nothing after it answers"},
    {0,
     {.answer = HOP_SILENT},
     {RESULT_FAILED, PHASE_CONNECT, ETIMEDOUT, 0}, /* the kernel's limit came before -W */
     STATUS_WRONG,
     0,
     "silent",
     "no SYN gets past this host (10.0.0.99): nothing after it answers"},
    {0,
     {.answer = HOP_FAILED, .error = ENETUNREACH},
     {RESULT_FAILED, PHASE_CONNECT, ENETUNREACH, 0},
     STATUS_WRONG,
     0,
     "rejected",
     "this host (10.0.0.99) rejects it: Network is unreachable"},
    {0,
     {.answer = HOP_FAILED, .error = ENOPROTOOPT}, /* without IP_RECVERR */
     {RESULT_RIGHT, PHASE_CLOSE, 0, 0},
     STATUS_LOCAL,
     -1,
     "local",
     "this kernel does not name the router that answers; --path requires Linux 5.8"},
    {0,
     {.answer = HOP_FAILED, .error = EMFILE},
     {RESULT_LOCAL, PHASE_CONNECT, EMFILE, 0},
     STATUS_LOCAL,
     -1,
     "local",
     "failed on this host: Too many open files"},
    {2,
     {.answer = HOP_CONNECTED},
     {RESULT_LOCAL, PHASE_CONNECT, EADDRNOTAVAIL, 0},
     STATUS_LOCAL,
     -1,
     "local",
     "failed on this host: Cannot assign requested address"},
    {2,
     {.answer = HOP_CONNECTED},
     {RESULT_CUT, PHASE_RECEIVE, EINTR, 0},
     STATUS_WRONG,
     -1,
     "unfinished",
     "interrupted"},
    {2,
     {.answer = HOP_CONNECTED},
     {RESULT_FAILED, PHASE_RECEIVE, ECONNRESET, 0},
     STATUS_WRONG,
     3,
     "unanswered",
     "connected at hop 3, but the message is not answered: Connection reset by peer"},
    {2,
     {.answer = HOP_SILENT},
     {RESULT_EOF, PHASE_RECEIVE, 0, 5},
     STATUS_WRONG,
     -1,
     "wrong",
     "connected, but the reply is wrong: the server closed the connection after 5 of 16 octets"},
};

START_TEST(each_ending_has_a_conclusion)
{
    static struct path path;
    static struct tally total;
    struct record failure = {.verdict = endings[_i].verdict, .waited = INT64_C(1000000000)};
    struct summary summary = {.total = &total, .failure = &failure};
    struct conclusion conclusion;

    path.server = numeric_address("192.0.2.1", "1060");
    path.local = numeric_address("10.0.0.99", "0");
    path.answered = path.length = endings[_i].routers;
    for (unsigned i = 0; i < path.length; i++) {
        path.hops[i].answer = HOP_EXPIRED;
        path.hops[i].from = numeric_address("10.0.0.0", "0");
        path.hops[i].from.u.in.sin_addr.s_addr |= htonl(i + 1);
    }
    path.hops[path.length++] = endings[_i].last;
    path.answered += endings[_i].last.answer != HOP_SILENT;
    path_conclude(&path, &summary, &conclusion);
    ck_assert_str_eq(conclusion.text, endings[_i].text);
    ck_assert_str_eq(conclusion.word, endings[_i].word);
    ck_assert_int_eq(conclusion.status, endings[_i].status);
    ck_assert_int_eq(conclusion.hop, endings[_i].hop);
}
END_TEST

Suite *path_suite(void)
{
    Suite *suite = suite_create("path");
    TCase *tcase = add_case(suite, "path", NULL);
    tcase_add_loop_test(tcase, each_code_has_words, 0, COUNT(words));
    tcase_add_test(tcase, each_family_has_its_own_expiry);
    tcase_add_loop_test(tcase, an_address_has_no_port, 0, 3);
    tcase_add_loop_test(tcase, each_ending_has_a_conclusion, 0, COUNT(endings));
    return suite;
}
