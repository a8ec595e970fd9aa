/* SPDX-License-Identifier: MIT */
/* A number is written as printf(3) writes it. */
#include <config.h>

#include "fuzz.h"

#include "common/number.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    unsigned long long value;
    char text[21];
    char expected[32];
    take(&data, &size, &value, sizeof value);
    must(put_decimal(text, value) == text + strlen(text));
    snprintf(expected, sizeof expected, "%llu", value);
    must(strcmp(text, expected) == 0);
    return 0;
}
