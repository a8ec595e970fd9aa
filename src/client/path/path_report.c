/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "client/path/path_report.h"

#include "client/path/icmp_word.h"
#include "client/report/json_member.h"
#include "common/command_line.h"

#include <stdio.h>
#include <string.h>

static bool is_json(const struct path *path)
{
    return path->options->format == FORMAT_JSON;
}

/* Write why the path ends at a hop. Returns NULL if it does not, or connects. */
static const char *reason(const struct hop *hop, char word[ICMP_WORD])
{
    switch (hop->answer) {
    case HOP_REJECTED: return icmp_word(hop->from.u.any.sa_family, hop->type, hop->code, word);
    case HOP_REFUSED: return "Connection refused";
    case HOP_UNNAMED: return "an ICMP message from an unknown sender";
    case HOP_FAILED: return strerror(hop->error);
    default: return NULL;
    }
}

static void put_hop(unsigned number, const struct hop *hop)
{
    static const char *const words[] = {"",   "",  "  rejected: ", "  refused", "  connected",
                                        "  ", "  "};
    char text[ADDRESS_TEXT];
    char word[ICMP_WORD];
    const char *why = hop->answer == HOP_REFUSED ? NULL : reason(hop, word);

    printf("%2u  %s", number, hop->from.length > 0 ? hop_address(&hop->from, text) : "*");
    if (hop->from.length > 0)
        printf("  %.3f ms", (double)hop->took / 1e6);
    printf("%s%s\n", words[hop->answer], why != NULL ? why : "");
}

static void put_address(const struct address *address)
{
    char text[ADDRESS_TEXT];
    json_text("address", address->length > 0 ? hop_address(address, text) : NULL);
}

static void put_object(unsigned number, const struct hop *hop)
{
    static const char *const words[] = {"silent",    "expired", "rejected", "refused",
                                        "connected", "unnamed", "failed"};
    bool is_icmp = hop->answer == HOP_EXPIRED || hop->answer == HOP_REJECTED;
    char word[ICMP_WORD];

    printf("{\"type\":\"hop\",\"hop\":%u", number);
    put_address(&hop->from);
    json_number("us", hop->from.length > 0 ? (double)hop->took / 1e3 : -1);
    printf(",\"asked\":%u,\"answer\":\"%s\"", hop->asked, words[hop->answer]);
    json_count("icmp_type", is_icmp, (uint64_t)hop->type);
    json_count("icmp_code", is_icmp, (uint64_t)hop->code);
    json_text("error", reason(hop, word));
    puts("}");
}

void path_report_begin(const struct path *path)
{
    char name[ENDPOINT_TEXT];
    char text[ADDRESS_TEXT];
    if (is_json(path) || path->options->quiet)
        return;
    printf("path to %s (%s), at most %d hops\n", endpoint_format(path->endpoint, name),
           hop_address(&path->server, text), PATH_HOPS);
    command_line_flush_early();
}

void path_report_hops(struct path *path, bool is_over)
{
    if (path->options->quiet)
        return;
    while (path->reported < path->length) {
        unsigned number = path->reported + 1;
        const struct hop *hop = &path->hops[path->reported];
        bool is_tail = number > path->answered; /* all the others are silent as well */
        if (!hop->is_known || (is_tail && !is_over))
            break;
        path->reported = number;
        if (is_json(path))
            put_object(number, hop);
        else if (!is_tail)
            put_hop(number, hop);
        else if (number == path->length)
            printf("%2u-%u  *\n", path->answered + 1, number);
        command_line_flush_early();
    }
}

void path_report_end(const struct path *path, const struct conclusion *conclusion)
{
    char name[ENDPOINT_TEXT];
    char text[ADDRESS_TEXT];
    bool is_right = conclusion->status == STATUS_RIGHT;

    if (is_json(path)) {
        printf("{\"type\":\"path\"");
        json_text("target", endpoint_format(path->endpoint, name));
        json_text("host", path->endpoint->host);
        json_text("local", address_format(&path->server, text));
        json_text("verdict", conclusion->word);
        json_count("hop", conclusion->hop >= 0, (uint64_t)conclusion->hop);
        put_address(&conclusion->from);
        json_text("text", conclusion->text);
        puts("}");
    } else if (!is_right || !path->options->quiet) {
        printf("verdict: %s\n", conclusion->text);
    }
}
