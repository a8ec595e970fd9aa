/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "client/report/json_member.h"

#include "common/number.h"
#include "common/text.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* More than a target, an address or a reason. A longer argument of the command line is cut. */
#define TEXT_MAX 1000

void json_string(const void *octets, size_t count)
{
    char quoted[QUOTE_SIZE(TEXT_MAX)];
    fputs(quote(octets, count < TEXT_MAX ? count : TEXT_MAX, quoted, sizeof quoted), stdout);
}

void json_text(const char *name, const char *text)
{
    printf(",\"%s\":", name);
    if (text != NULL)
        json_string(text, strlen(text));
    else
        fputs("null", stdout);
}

void json_number(const char *name, double number)
{
    char text[RATE_TEXT];
    if (number >= 0)
        printf(",\"%s\":%s", name, put_rate(text, number, 3));
    else
        printf(",\"%s\":null", name);
}

void json_count(const char *name, bool is_known, uint64_t count)
{
    if (is_known)
        printf(",\"%s\":%" PRIu64, name, count);
    else
        printf(",\"%s\":null", name);
}
