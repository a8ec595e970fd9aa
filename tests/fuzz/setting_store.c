/* SPDX-License-Identifier: MIT */
/* A value for any row of the table: stored so that it can be printed and read again, or refused
 * with a reason and the old value kept. */
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

static bool store_texts(const struct setting *row, struct settings *settings,
                        const char *const *values, size_t count, char error[ERROR_SIZE])
{
    size_t wrong;
    bool stored = setting_store_texts(row, settings, values, count, &wrong, error);
    must(stored || wrong <= count);
    return stored;
}

static bool store(const struct setting *row, struct settings *settings, const uint8_t *data,
                  size_t size, char error[ERROR_SIZE])
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
            return store_texts(row, settings, values, count, error);
        return setting_store_text(row, settings, count > 0 ? values[0] : "", error);
    }
    take(&data, &size, &value, sizeof value);
    if (type % 5 == 2)
        return setting_store_number(row, settings, (double)value.integer, true, error);
    if (type % 5 == 3)
        return setting_store_number(row, settings, value.number, false, error);
    return setting_store_bool(row, settings, value.integer % 2 != 0, error);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char error[ERROR_SIZE];

    const struct setting *row = take_row(&data, &size);
    if (row == NULL)
        return 0;
    struct settings *settings = new_settings();
    struct settings *before = new_settings();
    if (store(row, settings, data, size, error)) {
        must_read_back(settings);
    } else {
        must(same_settings(settings, before));
        must(strnlen(error, sizeof error) < sizeof error && *error != '\0' && is_printable(error));
    }
    settings_unref(settings);
    settings_unref(before);
    return 0;
}
