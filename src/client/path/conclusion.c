/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "client/path/conclusion.h"

#include "client/path/icmp_word.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define PLACE (ADDRESS_TEXT + 40) /* room for "hop 12 (2001:db8::1)" */

__attribute__((format(printf, 3, 4))) static void say(struct conclusion *conclusion,
                                                      const char *word, const char *format, ...)
{
    va_list arguments;
    conclusion->word = word;
    va_start(arguments, format);
    vsnprintf(conclusion->text, sizeof conclusion->text, format, arguments);
    va_end(arguments);
}

static void place(struct conclusion *conclusion, unsigned number, const struct address *from)
{
    conclusion->hop = (int)number;
    conclusion->from = *from;
}

static const struct hop *last_of(const struct path *path)
{
    return &path->hops[path->length - 1];
}

/* Write the place of the conclusion. Returns `text`. */
static char *put_place(const struct conclusion *conclusion, char text[PLACE])
{
    char address[ADDRESS_TEXT];
    int length = conclusion->hop == 0 ? snprintf(text, PLACE, "this host")
                                      : snprintf(text, PLACE, "hop %d", conclusion->hop);
    if (conclusion->from.length > 0)
        snprintf(text + length, PLACE - (size_t)length, " (%s)",
                 hop_address(&conclusion->from, address));
    return text;
}

/* A router checks the hop limit before its filter rules, so router N rejects the packets that have
 * a limit of N + 1. */
static void reject(const struct path *path, struct conclusion *conclusion)
{
    const struct hop *last = last_of(path);
    struct address server = path->server;
    unsigned number = path->length;
    char text[PLACE];
    char word[ICMP_WORD];

    address_set_port(&server, 0);
    if (address_equals(&last->from, &path->local))
        number = 0;
    for (unsigned i = 1; i < number; i++)
        if (address_equals(&path->hops[i - 1].from, &last->from))
            number = i;
    place(conclusion, number, &last->from);
    put_place(conclusion, text);
    icmp_word(last->from.u.any.sa_family, last->type, last->code, word);
    if (address_equals(&last->from, &server))
        say(conclusion, "rejected", "%s, the host, rejects it: %s", text, word);
    else if (number > 1 && number == path->length && path->hops[number - 2].answer == HOP_SILENT)
        say(conclusion, "rejected", "%s, or the silent one before it, rejects it: %s", text, word);
    else
        say(conclusion, "rejected", "%s rejects it: %s", text, word);
}

/* No hop has ended the path. The exchange has no hop limit and can have got further. */
static void end_in_silence(const struct path *path, const struct verdict *verdict,
                           struct conclusion *conclusion)
{
    char text[PLACE];

    place(conclusion, path->answered,
          path->answered > 0 ? &path->hops[path->answered - 1].from : &path->local);
    put_place(conclusion, text);
    if (verdict->error == ECONNREFUSED)
        say(conclusion, "refused",
            "refused somewhere after %s, by the host or by a firewall before it; their resets "
            "look the same",
            text);
    else if (path->answered == PATH_HOPS)
        say(conclusion, "far",
            "the host is not within %d hops; if their addresses repeat, routers pass packets in a "
            "loop",
            PATH_HOPS);
    else if (verdict->error != 0 && verdict->error != ETIMEDOUT)
        say(conclusion, "rejected", "rejected somewhere after %s: %s", text,
            strerror(verdict->error));
    else
        say(conclusion, "silent", "no SYN gets past %s: nothing after it answers", text);
}

/* The handshake of the exchange failed. */
static void end_before(const struct path *path, const struct record *failure,
                       struct conclusion *conclusion)
{
    const struct hop *last = last_of(path);
    char text[PLACE];
    char why[VERDICT_WHY];

    place(conclusion, path->length, &last->from);
    switch (last->answer) {
    case HOP_REJECTED: reject(path, conclusion); break;
    case HOP_FAILED:
        place(conclusion, 0, &path->local);
        say(conclusion, "rejected", "%s rejects it: %s", put_place(conclusion, text),
            strerror(last->error));
        break;
    case HOP_REFUSED:
        say(conclusion, "refused",
            "refused at hop %u, by the host or by a firewall before it; their resets look the same",
            path->length);
        break;
    case HOP_CONNECTED:
        say(conclusion, "unsteady",
            "a handshake at hop %u connected, but that of the exchange did not: %s", path->length,
            verdict_why(&failure->verdict, (double)failure->waited / 1e9, why));
        break;
    default: end_in_silence(path, &failure->verdict, conclusion);
    }
}

static void end_connected(const struct path *path, const struct record *failure,
                          struct conclusion *conclusion)
{
    const struct hop *last = last_of(path);
    char at[20] = "";
    char why[VERDICT_WHY];

    if (last->answer == HOP_CONNECTED) {
        place(conclusion, path->length, &last->from);
        snprintf(at, sizeof at, " at hop %u", path->length);
    }
    verdict_why(&failure->verdict, (double)failure->waited / 1e9, why);
    if (verdict_class(&failure->verdict) == CLASS_WRONG)
        say(conclusion, "wrong", "connected%s, but the reply is wrong: %s", at, why);
    else
        say(conclusion, "unanswered", "connected%s, but the message is not answered: %s", at, why);
}

static void end_well(const struct path *path, struct conclusion *conclusion)
{
    char text[ADDRESS_TEXT];
    const struct hop *last = last_of(path);

    address_format(&path->server, text);
    conclusion->status = STATUS_RIGHT;
    if (last->answer == HOP_CONNECTED) {
        place(conclusion, path->length, &last->from);
        say(conclusion, "ok", "all well: %s is at hop %u", text, path->length);
    } else {
        say(conclusion, "ok", "all well, but no handshake with a hop limit reached %s", text);
    }
}

static void end_locally(int error, struct conclusion *conclusion)
{
    conclusion->status = STATUS_LOCAL;
    say(conclusion, "local", "failed on this host: %s", strerror(error));
}

void path_conclude(const struct path *path, const struct summary *summary,
                   struct conclusion *conclusion)
{
    const struct hop *last = last_of(path);
    const struct record *failure = summary->failure;

    *conclusion = (struct conclusion){.status = STATUS_WRONG, .hop = -1};
    /* Without IP_RECVERR the kernel does not even take the request. */
    if (last->answer == HOP_UNNAMED || (last->answer == HOP_FAILED && last->error == ENOPROTOOPT)) {
        conclusion->status = STATUS_LOCAL;
        say(conclusion, "local",
            "this kernel does not name the router that answers; --path requires Linux 5.8");
    } else if (last->answer == HOP_FAILED && error_is_local(last->error)) {
        end_locally(last->error, conclusion);
    } else if (summary->total->classes[CLASS_RIGHT] > 0) {
        end_well(path, conclusion);
    } else if (failure == NULL || failure->verdict.result == RESULT_CUT) {
        say(conclusion, "unfinished", "interrupted");
    } else if (failure->verdict.result == RESULT_LOCAL) {
        end_locally(failure->verdict.error, conclusion);
    } else if (verdict_is_connected(&failure->verdict)) {
        end_connected(path, failure, conclusion);
    } else {
        end_before(path, failure, conclusion);
    }
}
