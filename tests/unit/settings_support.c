/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "server/config/listen_addresses.h"
#include "settings_support.h"

#include <stdlib.h>
#include <string.h>

struct settings *new_settings(void)
{
    struct settings *settings = settings_create();
    need(settings != NULL, "memory");
    return settings;
}

void set_prefixes(struct prefixes *prefixes, const char *const *texts, size_t count)
{
    char error[ERROR_SIZE];
    struct prefix *list = calloc(count + 1, sizeof *list);
    need(list != NULL, "memory");
    for (size_t i = 0; i < count; i++)
        need(prefix_parse(texts[i], &list[i], error), "a valid prefix");
    free(prefixes->list);
    *prefixes = prefixes_of(list, count);
}

void set_listen(struct settings *settings, const char *const *texts, size_t count)
{
    char message[ERROR_SIZE];
    for (size_t i = 0; i < count; i++)
        need(endpoint_parse(texts[i], &settings->listen.list[i]) == NULL, "a valid address");
    settings->listen.count = count;
    for (size_t i = 0; i < SETTINGS_LISTEN_MAX; i++)
        free(settings->addresses[i].list);
    memset(settings->addresses, 0, sizeof settings->addresses);
    need(listen_addresses_find(settings, NULL, message), message);
}

bool store_integer(const struct setting *row, struct settings *settings, long long value,
                   char error[ERROR_SIZE])
{
    return setting_store_number(row, settings, (double)value, true, error);
}

bool store_float(const struct setting *row, struct settings *settings, double value,
                 char error[ERROR_SIZE])
{
    return setting_store_number(row, settings, value, false, error);
}

void assert_listen(const struct settings *settings, size_t index, const char *text)
{
    char formatted[ENDPOINT_TEXT];
    ck_assert_uint_lt(index, settings->listen.count);
    ck_assert_str_eq(endpoint_format(&settings->listen.list[index], formatted), text);
}

void assert_same_settings(const struct settings *a, const struct settings *b)
{
    for (size_t i = 0; settings_row(i) != NULL; i++)
        ck_assert_msg(settings_same(settings_row(i), a, b), "%s", settings_row(i)->key);
}
