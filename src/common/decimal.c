/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "common/decimal.h"

#include <math.h>
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

/* strtod(3) alone would take "inf", "nan", "0x10", and space before the number. */
bool read_decimal(const char *text, size_t length, double *number)
{
    char *end;
    if (length == 0 || strspn(text, "+-.0123456789Ee") != length)
        return false;
    *number = strtod(text, &end);
    return end == text + length && isfinite(*number);
}
