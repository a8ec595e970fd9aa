/* SPDX-License-Identifier: MIT */
/* Settings for tests. */
#ifndef UNIT_SETTINGS_SUPPORT_H
#define UNIT_SETTINGS_SUPPORT_H

#include "server/config/settings.h"
#include "support.h"

/* Create settings with the defaults, with one reference. */
struct settings *new_settings(void);

/* Replace a list that settings own; set_listen() finds the addresses, too. The texts must be
 * valid. */
void set_prefixes(struct prefixes *prefixes, const char *const *texts, size_t count);
void set_listen(struct settings *settings, const char *const *texts, size_t count);

/* Store a number that was written as an integer, or with a fraction: setting_store_number(). */
bool store_integer(const struct setting *row, struct settings *settings, long long value,
                   char error[ERROR_SIZE]);
bool store_float(const struct setting *row, struct settings *settings, double value,
                 char error[ERROR_SIZE]);

/* Fail unless the text of address `index` to listen at is this one. */
void assert_listen(const struct settings *settings, size_t index, const char *text);

/* Fail unless every key has the same value in both. */
void assert_same_settings(const struct settings *a, const struct settings *b);

#endif
