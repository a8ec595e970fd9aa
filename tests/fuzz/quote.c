/* SPDX-License-Identifier: MIT */
/* Octets that are quoted in either way are printable, fit, and are read back as they were. */
#include <config.h>

#include "fuzz.h"

#include "common/text.h"

#include <stdlib.h>
#include <string.h>

static unsigned hex(char digit)
{
    const char *digits = "0123456789abcdef";
    const char *at = strchr(digits, digit);
    must(digit != '\0' && at != NULL);
    return (unsigned)(at - digits);
}

static const struct way {
    char *(*quote)(const void *octets, size_t count, char *text, size_t size);
    char mark;
    const char *names, *octets; /* what may follow a backslash, and its octets */
    const char *number;         /* what hexadecimal digits follow */
} ways[] = {{quote, '"', "\\\"", "\\\"", "\\u00"},
            {quote_repr, '\'', "\\'tnr", "\\'\t\n\r", "\\x"}};

/* The octet that begins at `*at`. */
static unsigned next(const struct way *way, const char **at)
{
    must(**at != way->mark);
    if (**at != '\\')
        return (unsigned char)*(*at)++;
    size_t length = strlen(way->number);
    if (strncmp(*at, way->number, length) == 0) {
        *at += length + 2;
        return hex((*at)[-2]) << 4 | hex((*at)[-1]);
    }
    const char *found = strchr(way->names, (*at)[1]);
    must((*at)[1] != '\0' && found != NULL);
    *at += 2;
    return (unsigned char)way->octets[found - way->names];
}

static void try(const struct way *way, const uint8_t *data, size_t size)
{
    char *text = malloc(QUOTE_SIZE(size));
    must(text != NULL);
    must(way->quote(data, size, text, QUOTE_SIZE(size)) == text);
    must(is_printable(text) && text[0] == way->mark);
    const char *at = text + 1;
    for (size_t i = 0; i < size; i++)
        must(next(way, &at) == data[i]);
    must(at[0] == way->mark && at[1] == '\0');
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++)
        try(&ways[i], data, size);
    return 0;
}
