/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "server/settings_scan.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static bool starts(const char *at, const char *with)
{
    return strncmp(at, with, strlen(with)) == 0;
}

static bool is_name(char c)
{
    return isalnum((unsigned char)c) || c == '_' || c == '-' || c == '*';
}

/* `at` is the opening quote; returns what follows the closing one. */
static const char *scan_string(const char *at, const char **wrong)
{
    const char *quote = at++;
    while (*at != '"') {
        if (*at == '\0') {
            *wrong = "a string that does not end; the closing quote is missing";
            return quote;
        }
        if (*at == '\\' && (starts(at + 1, "x00") || starts(at + 1, "X00"))) {
            *wrong = "\\x00 cannot be part of a string; use any other octet";
            return at;
        }
        if (*at == '\\' && at[1] != '\0')
            at++;
        at++;
    }
    return at + 1;
}

static const char *skip_comment(const char *at, const char **wrong)
{
    if (at[1] != '*')
        return at + strcspn(at, "\n");
    const char *end = strstr(at + 2, "*/");
    if (end != NULL)
        return end + 2;
    *wrong = "a comment that does not end; the */ is missing";
    return at;
}

/* `at` is a digit that begins a number; returns what follows it. A number with a
 * point or an exponent is a float, which needs no look. */
static const char *scan_number(const char *at, const char **wrong)
{
    bool hex = at[0] == '0' && (at[1] == 'x' || at[1] == 'X');
    char *end;
    errno = 0;
    unsigned long long value = strtoull(at, &end, hex ? 16 : 10);
    bool floating = !hex && *end != '\0' && strchr(".eE", *end) != NULL;
    if (!floating && (errno == ERANGE || value > INT32_MAX)) {
        *wrong = "an integer beyond 32 bits; the largest is 2147483647";
        return at;
    }
    return end + strspn(end, ".eE+-0123456789L");
}

/* Step over one token; where it is wrong, stay. */
static const char *scan_token(const char *at, const char **wrong)
{
    if (*at == '"')
        return scan_string(at, wrong);
    if (*at == '#')
        return at + strcspn(at, "\n");
    if (starts(at, "//") || starts(at, "/*"))
        return skip_comment(at, wrong);
    if (starts(at, "@include")) {
        *wrong = "@include is not supported; write everything into one file";
        return at;
    }
    if (isdigit((unsigned char)*at))
        return scan_number(at, wrong);
    if (isalpha((unsigned char)*at) || *at == '*') {
        while (is_name(*at))
            at++;
        return at;
    }
    return at + 1;
}

static unsigned line_of(const char *text, const char *at)
{
    unsigned line = 1;
    for (; text < at; text++)
        line += *text == '\n';
    return line;
}

const char *settings_scan(const char *text, size_t length, unsigned *line)
{
    const char *wrong = NULL;
    const char *at = text;

    while (*at != '\0' && wrong == NULL)
        at = scan_token(at, &wrong);
    if (wrong == NULL && at < text + length)
        wrong = "a NUL octet; this is not a text file";
    *line = line_of(text, at);
    return wrong;
}
