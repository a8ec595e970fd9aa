/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "common/decimal.h"

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
