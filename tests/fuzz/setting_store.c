/* SPDX-License-Identifier: MIT */
/* A value for any row of the table: stored so that it is printed and read again, or
 * refused with a reason and nothing changed. */
#include <config.h>

#include "fuzz.h"

#include <stdlib.h>
#include <string.h>

/* The row of the key on the first line. */
static const struct setting *take_row(const uint8_t **data, size_t *size)
{
    const uint8_t *end = *size > 0 ? memchr(*data, '\n', *size) : NULL;
    if (end == NULL)
        return NULL;
    size_t length = (size_t)(end - *data);
    char *key = text_of(*data, length, "");
    const struct setting *row = settings_find(key);
    free(key);
    *data = end + 1;
    *size -= length + 1;
    return row;
}

static bool store(const struct setting *row, struct settings *settings, const uint8_t *data,
                  size_t size, char why[SETTING_WHY])
{
    char *argv[WORDS_MAX + 2];
    const char *values[WORDS_MAX + 1];
    uint8_t type;
    union {
        long long integer;
        double number;
    } value;

    take(&data, &size, &type, 1);
    if (type % 5 == 0 || type % 5 == 1) {
        size_t count = (size_t)words(data, size, "", argv) - 1;
        for (size_t i = 0; i <= count; i++)
            values[i] = argv[i + 1];
        if (type % 5 == 0)
            return setting_store_texts(row, settings, values, count, why);
        return setting_store_text(row, settings, count > 0 ? values[0] : "", why);
    }
    take(&data, &size, &value, sizeof value);
    if (type % 5 == 2)
        return setting_store_integer(row, settings, value.integer, why);
    if (type % 5 == 3)
        return setting_store_float(row, settings, value.number, why);
    return setting_store_bool(row, settings, value.integer % 2 != 0, why);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct settings settings;
    static struct settings before;
    char why[SETTING_WHY];

    settings_defaults(&before);
    settings = before;
    const struct setting *row = take_row(&data, &size);
    if (row == NULL)
        return 0;
    if (store(row, &settings, data, size, why)) {
        must_read_back(&settings);
    } else {
        must(same_settings(&settings, &before));
        must(strlen(why) < sizeof why && *why != '\0' && is_printable(why));
    }
    return 0;
}
