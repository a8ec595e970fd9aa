/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "common/text.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* One way to quote. */
struct quoting {
    char mark;
    const char *names;  /* octet, name; octet, name; … */
    const char *number; /* what two hexadecimal digits follow */
};

static char *quote_octet(const struct quoting *quoting, unsigned char octet, char *to)
{
    static const char hex[] = "0123456789abcdef";

    for (const char *s = quoting->names; *s != '\0'; s += 2) {
        if (octet == (unsigned char)*s) {
            *to++ = '\\';
            *to++ = s[1];
            return to;
        }
    }
    if (octet >= 0x20 && octet < 0x7f) {
        *to++ = (char)octet;
        return to;
    }
    to = stpcpy(to, quoting->number);
    *to++ = hex[octet >> 4];
    *to++ = hex[octet & 15];
    return to;
}

static char *quote_as(const struct quoting *quoting, const void *octets, size_t count, char *text,
                      size_t size)
{
    assert(size >= QUOTE_SIZE(count));
    (void)size;
    char *to = text;
    *to++ = quoting->mark;
    for (size_t i = 0; i < count; i++)
        to = quote_octet(quoting, ((const unsigned char *)octets)[i], to);
    *to++ = quoting->mark;
    *to = '\0';
    return text;
}

char *quote(const void *octets, size_t count, char *text, size_t size)
{
    static const struct quoting json = {'"', "\\\\\"\"", "\\u00"};
    return quote_as(&json, octets, count, text, size);
}

char *quote_repr(const void *octets, size_t count, char *text, size_t size)
{
    static const struct quoting repr = {'\'', "\\\\''\tt\nn\rr", "\\x"};
    return quote_as(&repr, octets, count, text, size);
}

char *quote_cut(const char *text, size_t length, char quoted[QUOTE_CUT_SIZE])
{
    quote_repr(text, length < QUOTE_CUT ? length : QUOTE_CUT, quoted, QUOTE_CUT_SIZE);
    if (length > QUOTE_CUT)
        text_append(quoted, QUOTE_CUT_SIZE, "...");
    return quoted;
}

void text_append(char *text, size_t size, const char *format, ...)
{
    size_t used = strlen(text);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text + used, size - used, format, arguments);
    va_end(arguments);
}
