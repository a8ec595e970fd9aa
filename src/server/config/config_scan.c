/* SPDX-License-Identifier: MIT */
/* What is refused here, libconfig 1.5 would misread. It drops the upper half of integers beyond 32
 * bits, drops \x00 from strings, leaves unknown escapes as they are, and stops at a NUL octet;
 * @include follows the working directory and can make its scanner call exit(3); and it leaks a
 * string that is not a value. Octets that belong to no token, which it would call a syntax error,
 * are named for what they show. */
#include <config.h>

#include "server/config/config_scan.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define DIGITS "0123456789"

/* The first fault that was found, if any. */
struct fault {
    const char *wrong;
    const char *advice;
};

static bool starts(const char *at, const char *with)
{
    return strncmp(at, with, strlen(with)) == 0;
}

static const char *found(struct fault *fault, const char *at, const char *wrong, const char *advice)
{
    *fault = (struct fault){wrong, advice};
    return at;
}

/* `at` is a backslash. Returns the end of the escape. */
static const char *scan_escape(const char *at, struct fault *fault)
{
    if ((at[1] == 'x' || at[1] == 'X') && isxdigit((unsigned char)at[2]) &&
        isxdigit((unsigned char)at[3])) {
        if (at[2] == '0' && at[3] == '0')
            return found(fault, at, "\\x00", "it cannot be part of a string; use any other octet");
        return at + 4;
    }
    if (at[1] != '\0' && strchr("\\\"nrtf", at[1]) != NULL)
        return at + 2;
    return found(fault, at, "an unknown escape",
                 "write \\\\ for a backslash; known are \\\\ \\\" \\n \\r \\t \\f and \\xNN");
}

/* `at` is the opening quote. Returns the place after the closing one. */
static const char *scan_string(const char *at, struct fault *fault)
{
    const char *quote = at++;
    while (*at != '"' && fault->wrong == NULL) {
        if (*at == '\0')
            return found(fault, quote, "an unterminated string", "the closing quote is missing");
        at = *at == '\\' ? scan_escape(at, fault) : at + 1;
    }
    return fault->wrong == NULL ? at + 1 : at;
}

static const char *skip_comment(const char *at, struct fault *fault)
{
    if (at[1] != '*')
        return at + strcspn(at, "\n");
    const char *end = strstr(at + 2, "*/");
    if (end != NULL)
        return end + 2;
    return found(fault, at, "an unterminated comment", "the */ is missing");
}

/* Return the length of an exponent at `at`, "e" and digits with or without a sign, or 0. */
static size_t exponent(const char *at)
{
    size_t sign = at[0] != '\0' && (at[1] == '+' || at[1] == '-') ? 2 : 1;
    if (*at != 'e' && *at != 'E')
        return 0;
    size_t digits = strspn(at + sign, DIGITS);
    return digits > 0 ? sign + digits : 0;
}

/* `at` is a digit or a point that begins a number. Returns its end exactly as libconfig sees it.
 * Floats are not checked. */
static const char *scan_number(const char *at, struct fault *fault)
{
    bool hex = at[0] == '0' && (at[1] == 'x' || at[1] == 'X') && isxdigit((unsigned char)at[2]);
    const char *end_of_digits = at + strspn(at, DIGITS);
    char *end;

    if (!hex && *end_of_digits == '.') {
        end_of_digits += 1 + strspn(end_of_digits + 1, DIGITS);
        return end_of_digits + exponent(end_of_digits);
    }
    if (!hex && exponent(end_of_digits) > 0)
        return end_of_digits + exponent(end_of_digits);
    errno = 0;
    unsigned long long value = strtoull(at, &end, hex ? 16 : 10);
    if (errno == ERANGE || value > INT32_MAX)
        return found(fault, at, "an integer beyond 32 bits", "the largest is 2147483647");
    return end;
}

static bool is_comment(const char *at)
{
    return *at == '#' || starts(at, "//") || starts(at, "/*");
}

/* No key needs more brackets. Further ones are only counted. */
#define DEPTH_MAX 8

/* More than there are keys. libconfig compares each setting with all that precede it, so that a
 * file with a hundred thousand would hold up a reload for a minute. */
#define ASSIGNMENTS_MAX 1000

/* What precedes a token. */
struct context {
    size_t assignments;            /* how many settings there are */
    const char *at;                /* the last token ... */
    char last;                     /* ... and its first character */
    char bracket;                  /* the last bracket */
    bool is_key;                   /* the last token is `key` */
    const char *key;               /* the last name that is not a value */
    const char *setting;           /* the key before the last "=" or ":" */
    size_t depth;                  /* how many brackets are open */
    const char *opened[DEPTH_MAX]; /* the setting of each of these */
};

/* Whether a value can be here: after a key, or as an element. */
static bool takes_value(const struct context *context)
{
    if (context->last == ',')
        return context->bracket == '[' || context->bracket == '(';
    return context->last != '\0' && strchr("=:[(", context->last) != NULL;
}

/* Whether a string can be here: as a value, or after another string, which it continues. */
static bool takes_string(const struct context *context)
{
    return takes_value(context) || context->last == '"';
}

static bool is_name(const char *at)
{
    return isalpha((unsigned char)*at) || *at == '*';
}

static const char *skip_name(const char *at)
{
    while (isalnum((unsigned char)*at) || (*at != '\0' && strchr("_-*", *at) != NULL))
        at++;
    return at;
}

static void note_bracket(struct context *context, char bracket)
{
    context->bracket = bracket;
    if (strchr("])}", bracket) != NULL) {
        context->depth -= context->depth > 0;
        return;
    }
    if (context->depth < DEPTH_MAX)
        context->opened[context->depth] = context->setting;
    context->depth++;
}

static void note(struct context *context, const char *at)
{
    if (isspace((unsigned char)*at) || is_comment(at))
        return;
    context->is_key = is_name(at) && !takes_value(context);
    if (context->is_key)
        context->key = at;
    if (*at == '=' || *at == ':') {
        context->setting = context->key;
        context->assignments++;
    }
    if (strchr("[](){}", *at) != NULL)
        note_bracket(context, *at);
    context->at = at;
    context->last = *at;
}

/* Return where the innermost setting begins that the end of the text leaves unfinished, or NULL. */
static const char *unfinished(const struct context *context)
{
    if (context->last == '=' || context->last == ':')
        return context->setting;
    if (context->is_key)
        return context->key;
    if (context->depth == 0)
        return NULL;
    return context->opened[(context->depth < DEPTH_MAX ? context->depth : DEPTH_MAX) - 1];
}

/* Whether a setting begins here. */
static bool begins_setting(const char *at)
{
    if (!is_name(at))
        return false;
    at = skip_name(at);
    at += strspn(at, " \t\r\n\f\v");
    return *at == '=' || *at == ':';
}

/* Return where an unfinished setting begins, if this token, on a later line than the last, shows
 * that there is one; otherwise NULL. libconfig would name this line. */
static const char *left_unfinished(const struct context *context, const char *at)
{
    bool no_value = context->is_key || context->last == '=' || context->last == ':';
    bool ends = no_value && *at != '\0' && strchr(";,])}", *at) != NULL;
    if (!ends && !((no_value || context->bracket == '[') && begins_setting(at)))
        return NULL;
    bool on_later_line = memchr(context->at, '\n', (size_t)(at - context->at)) != NULL;
    return on_later_line ? unfinished(context) : NULL;
}

/* Step over an octet that is no part of any token, unless it shows that this is not the text it
 * must be. */
static const char *scan_octet(const char *at, struct fault *fault)
{
    unsigned char octet = (unsigned char)*at;
    if (starts(at, "\xef\xbb\xbf"))
        return found(fault, at, "a byte-order mark", "save the file as UTF-8 without one");
    if (starts(at, "\xff\xfe") || starts(at, "\xfe\xff"))
        return found(fault, at, "a byte-order mark of UTF-16", "save the file as UTF-8");
    if (octet >= 0x7f || (octet < ' ' && !isspace(octet)))
        return found(fault, at, "an octet that is not printable ASCII",
                     "only strings and comments can have others; is this a text file?");
    return at + 1;
}

/* Step over one token, unless it is wrong. */
static const char *scan_token(const char *at, const struct context *context, struct fault *fault)
{
    const char *begun = left_unfinished(context, at);
    if (begun != NULL)
        return found(fault, begun, "an unfinished setting", "its value is missing or does not end");
    if (*at == '"' && !takes_string(context))
        return found(fault, at, "a misplaced string",
                     "a string can only be a value, KEY = \"VALUE\";, or an element of an array");
    if (*at == '"')
        return scan_string(at, fault);
    if (is_comment(at))
        return skip_comment(at, fault);
    if (starts(at, "@include"))
        return found(fault, at, "@include", "it is not supported; write everything into one file");
    if (isdigit((unsigned char)*at) || *at == '.')
        return scan_number(at, fault);
    if (is_name(at))
        return skip_name(at);
    return scan_octet(at, fault);
}

/* Editors that write UTF-32 write a byte-order mark; its NUL octets would end the text. */
static bool is_utf32(const char *text, size_t length)
{
    return length >= 4 &&
           (memcmp(text, "\xff\xfe\0\0", 4) == 0 || memcmp(text, "\0\0\xfe\xff", 4) == 0);
}

static unsigned line_of(const char *text, const char *at)
{
    unsigned line = 1;
    for (; text < at; text++)
        line += *text == '\n';
    return line;
}

const char *config_scan(const char *text, size_t length, unsigned *line, const char **advice)
{
    struct fault fault = {NULL, NULL};
    struct context context = {0};
    const char *at = text;

    if (is_utf32(text, length))
        fault = (struct fault){"a byte-order mark of UTF-32", "save the file as UTF-8"};
    while (*at != '\0' && fault.wrong == NULL) {
        const char *token = at;
        at = scan_token(token, &context, &fault);
        note(&context, token);
        if (fault.wrong == NULL && context.assignments > ASSIGNMENTS_MAX)
            at = found(&fault, token, "the 1001st setting", "sixteen.conf(5) has every key");
    }
    if (fault.wrong == NULL && at < text + length)
        fault = (struct fault){"a NUL octet", "this is not a text file"};
    const char *begun = unfinished(&context);
    *line = line_of(text, fault.wrong == NULL && begun != NULL ? begun : at);
    *advice = fault.advice;
    return fault.wrong;
}
