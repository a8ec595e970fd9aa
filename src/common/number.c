/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "common/number.h"

#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

char *put_decimal(char *to, unsigned long long value)
{
    char digits[20];
    int count = 0;
    do
        digits[count++] = (char)('0' + value % 10);
    while ((value /= 10) != 0);
    while (count > 0)
        *to++ = digits[--count];
    *to = '\0';
    return to;
}

/* strtoull(3) alone would accept a sign and leading space. It returns ULLONG_MAX on overflow. */
bool read_whole(const char *text, unsigned long long max, unsigned long long *number)
{
    char *end;
    *number = strtoull(text, &end, 10);
    return *text >= '0' && *text <= '9' && *end == '\0' && *number <= max;
}

/* strtod(3) alone would accept "inf", "nan", "0x10" and leading space. */
bool read_decimal(const char *text, size_t length, double *number)
{
    char *end;
    if (length == 0 || strspn(text, "+-.0123456789Ee") != length)
        return false;
    *number = strtod(text, &end);
    return end == text + length && isfinite(*number);
}

char *put_fixed(char *text, size_t size, double value, int decimals)
{
    snprintf(text, size, "%.*f", decimals, value);
    size_t length = strlen(text);
    if (strchr(text, '.') != NULL) {
        while (text[length - 1] == '0')
            length--;
        length -= text[length - 1] == '.';
        text[length] = '\0';
    }
    return text;
}

char *put_rate(char text[RATE_TEXT], double rate, int decimals)
{
    snprintf(text, RATE_TEXT, "%.*f", decimals, rate);
    while (rate > 0 && decimals < 20 && text[strspn(text, "0.")] == '\0')
        snprintf(text, RATE_TEXT, "%.*f", ++decimals, rate);
    return text;
}

long long environment_number(const char *name)
{
    unsigned long long number;
    const char *text = getenv(name);
    return text != NULL && read_whole(text, LLONG_MAX, &number) ? (long long)number : -1;
}
