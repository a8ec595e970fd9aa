/* SPDX-License-Identifier: MIT */
/* The configuration file, --show-config and the reload use one table; options.c sets what the
 * command line names. A new key is a member of struct settings, a row here, an entry in
 * sixteen.conf(5) and a line in the sample file.
 *
 * Settings are reference-counted. Once they are shared they do not change: a reload creates new
 * ones, and each connection keeps the settings that it began with. The main thread has one
 * reference, each connection that was submitted to the workers another until its outcome is
 * reported. (limits.connections, timeouts.linger, timeouts.idle_worker and log.* always follow the
 * newest settings: loop_apply() and log_configure().) A thread takes a reference only while another
 * one is held, so the count never rises from 0 and taking needs no memory order. Dropping is
 * acquire and release, so that the thread that frees has seen the end of every other use. */
#include <config.h>

#include "server/config/settings.h"

#include "common/text.h"
#include "server/config/user_group.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

static const struct choice targets[] = {
    {"syslog", LOG_TO_SYSLOG}, {"stderr", LOG_TO_STDERR}, {NULL, 0}};

static const struct choice facilities[] = {{"auth", LOG_AUTH},     {"authpriv", LOG_AUTHPRIV},
                                           {"cron", LOG_CRON},     {"daemon", LOG_DAEMON},
                                           {"ftp", LOG_FTP},       {"lpr", LOG_LPR},
                                           {"mail", LOG_MAIL},     {"news", LOG_NEWS},
                                           {"syslog", LOG_SYSLOG}, {"user", LOG_USER},
                                           {"uucp", LOG_UUCP},     {"local0", LOG_LOCAL0},
                                           {"local1", LOG_LOCAL1}, {"local2", LOG_LOCAL2},
                                           {"local3", LOG_LOCAL3}, {"local4", LOG_LOCAL4},
                                           {"local5", LOG_LOCAL5}, {"local6", LOG_LOCAL6},
                                           {"local7", LOG_LOCAL7}, {NULL, 0}};

static const struct choice levels[] = {{"crit", LOG_CRIT},
                                       {"err", LOG_ERR},
                                       {"warning", LOG_WARNING},
                                       {"notice", LOG_NOTICE},
                                       {"info", LOG_INFO},
                                       {"debug", LOG_DEBUG},
                                       {NULL, 0}};

static const struct choice policies[] = {
    {"wait", WHEN_FULL_WAIT}, {"refuse", WHEN_FULL_REFUSE}, {NULL, 0}};

/* clang-format off */
#define ROW(name, kind, ...) \
    {.key = #name, .offset = offsetof(struct settings, name), .type = SETTING_##kind, __VA_ARGS__}
static const struct setting table[] = {
    ROW(listen,               ENDPOINTS),
    ROW(reply,                MESSAGE, .text = WIRE_REPLY),
    ROW(expect,               MESSAGE, .text = WIRE_GREETING),
    ROW(strict,               BOOL,    .number = false),
    ROW(limits.connections,   INTEGER, .min = 1,    .max = 1000000, .number = 1024),
    ROW(limits.per_source,    INTEGER, .min = 0,    .max = 1000000, .number = 256),
    ROW(limits.when_full,     CHOICE,  .number = WHEN_FULL_WAIT, .choices = policies),
    ROW(limits.backlog,       INTEGER, .min = 1,    .max = 65535,   .number = 4096),
    ROW(timeouts.exchange,    SECONDS, .min = 0.01, .max = 86400,   .number = 10.0),
    ROW(timeouts.linger,      SECONDS, .min = 0.01, .max = 3600,    .number = 2.0),
    ROW(timeouts.drain,       SECONDS, .min = 0,    .max = 86400,   .number = 30.0),
    ROW(timeouts.idle_worker, SECONDS, .min = 0.01, .max = 86400,   .number = 60.0),
    ROW(access.allow,         PREFIXES),
    ROW(access.deny,          PREFIXES),
    ROW(access.proxies,       PREFIXES),
    ROW(log.to,               CHOICE,  .number = LOG_TO_DEFAULT, .choices = targets),
    ROW(log.facility,         CHOICE,  .number = LOG_DAEMON, .choices = facilities),
    ROW(log.level,            CHOICE,  .number = LOG_INFO, .choices = levels),
    ROW(daemon.background,    BOOL,    .number = false, .fixed = true),
    ROW(daemon.pid_file,      PATH,    .fixed = true),
    ROW(daemon.user,          USER,    .fixed = true),
    ROW(daemon.group,         GROUP,   .fixed = true),
    ROW(metrics.file,         PATH),
    ROW(metrics.interval,     SECONDS, .min = 0.1,  .max = 86400,   .number = 15.0),
};
/* clang-format on */

static const char *const default_listen[] = {"127.0.0.1:" WIRE_PORT, "[::1]:" WIRE_PORT};

const struct setting *settings_row(size_t index)
{
    return index < sizeof table / sizeof *table ? &table[index] : NULL;
}

const struct setting *settings_find(const char *key)
{
    for (size_t i = 0; settings_row(i) != NULL; i++)
        if (strcmp(table[i].key, key) == 0)
            return &table[i];
    return NULL;
}

static_assert(sizeof table / sizeof *table <= 64, "settings.in_file has a bit for each row");

void setting_note_in_file(const struct setting *row, struct settings *settings)
{
    settings->in_file |= UINT64_C(1) << (row - table);
}

bool setting_is_in_file(const struct setting *row, const struct settings *settings)
{
    return settings->in_file >> (row - table) & 1;
}

static void *value_of(const struct setting *row, struct settings *settings)
{
    return (char *)settings + row->offset;
}

/* Append a description of the values that the row takes. */
static void describe(const struct setting *row, char error[ERROR_SIZE])
{
    const size_t size = ERROR_SIZE;
    switch (row->type) {
    case SETTING_BOOL: text_append(error, size, "true or false"); break;
    case SETTING_INTEGER:
        text_append(error, size, "a whole number from %.0f to %.0f", row->min, row->max);
        break;
    case SETTING_SECONDS:
        text_append(error, size, "a number of seconds from %g to %g, like %.1f", row->min, row->max,
                    row->number);
        break;
    case SETTING_CHOICE:
        text_append(error, size, "one of");
        for (const struct choice *c = row->choices; c->name != NULL; c++)
            text_append(error, size, "%s \"%s\"", c == row->choices ? "" : ",", c->name);
        break;
    case SETTING_MESSAGE:
        text_append(error, size, "a string of exactly %d octets, like \"%s\"", WIRE_OCTETS,
                    row->text);
        break;
    case SETTING_PATH: text_append(error, size, "an absolute path, or \"\" for none"); break;
    case SETTING_USER: text_append(error, size, "the name of an existing user, or \"\""); break;
    case SETTING_GROUP: text_append(error, size, "the name of an existing group, or \"\""); break;
    case SETTING_ENDPOINTS:
        text_append(error, size, "an array of 1 to %d addresses, like [ \"%s\", \"%s\" ]",
                    SETTINGS_LISTEN_MAX, default_listen[0], default_listen[1]);
        break;
    case SETTING_PREFIXES:
        text_append(error, size,
                    "an array of at most %d prefixes, like [ \"192.0.2.0/24\", \"2001:db8::/32\" ]",
                    PREFIXES_MAX);
        break;
    }
}

bool setting_refuse(const struct setting *row, char error[ERROR_SIZE], const char *format, ...)
{
    char got[256];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(got, sizeof got, format, arguments);
    va_end(arguments);
    snprintf(error, ERROR_SIZE, "must be ");
    describe(row, error);
    text_append(error, ERROR_SIZE, ", not %s", got);
    return false;
}

bool setting_store_bool(const struct setting *row, struct settings *settings, bool value,
                        char error[ERROR_SIZE])
{
    if (row->type != SETTING_BOOL)
        return setting_refuse(row, error, value ? "true" : "false");
    *(bool *)value_of(row, settings) = value;
    return true;
}

bool setting_store_number(const struct setting *row, struct settings *settings, double value,
                          bool is_whole, char error[ERROR_SIZE])
{
    bool is_seconds = row->type == SETTING_SECONDS;
    bool fits = is_seconds || (is_whole && row->type == SETTING_INTEGER);
    if (!fits || !(value >= row->min && value <= row->max))
        return setting_refuse(row, error, is_whole && !is_seconds ? "%.0f" : "%g", value);
    if (is_seconds)
        *(double *)value_of(row, settings) = value;
    else
        *(int *)value_of(row, settings) = (int)value;
    return true;
}

static bool refuse_text(const struct setting *row, const char *value, char error[ERROR_SIZE])
{
    char quoted[QUOTE_CUT_SIZE];
    return setting_refuse(row, error, "%s", quote_cut(value, strlen(value), quoted));
}

static bool refuse_element(const char *value, const char *reason, char error[ERROR_SIZE])
{
    char quoted[QUOTE_CUT_SIZE];
    error[0] = '\0';
    text_append(error, ERROR_SIZE, "%s: %s", quote_cut(value, strlen(value), quoted), reason);
    return false;
}

static bool refuse_errno(const char *action, char error[ERROR_SIZE])
{
    snprintf(error, ERROR_SIZE, "cannot be %s: %s", action, strerror(errno));
    return false;
}

static bool store_choice(const struct setting *row, struct settings *settings, const char *value)
{
    for (const struct choice *c = row->choices; c->name != NULL; c++) {
        if (strcmp(c->name, value) == 0) {
            *(int *)value_of(row, settings) = c->value;
            return true;
        }
    }
    return false;
}

/* Look up a user or a group, and keep its number. Returns false and errno, which is 0 if there is
 * no such name. */
static bool look_up(const struct setting *row, struct settings *settings, const char *name)
{
    if (settings->daemon.as_text)
        return true;
    return row->type == SETTING_USER
               ? user_look_up(name, &settings->daemon.uid, &settings->daemon.gid_of_user) == 0
               : group_look_up(name, &settings->daemon.gid) == 0;
}

/* Whether a path is absolute, or a user or group exists. Sets errno if that cannot be looked up. */
static bool is_valid_name(const struct setting *row, struct settings *settings, const char *value)
{
    errno = 0;
    if (value[0] == '\0')
        return true;
    if (strlen(value) >= PATH_MAX)
        return false;
    return row->type == SETTING_PATH ? value[0] == '/' : look_up(row, settings, value);
}

bool setting_store_text(const struct setting *row, struct settings *settings, const char *value,
                        char error[ERROR_SIZE])
{
    switch (row->type) {
    case SETTING_CHOICE:
        return store_choice(row, settings, value) || refuse_text(row, value, error);
    case SETTING_MESSAGE:
        if (strlen(value) != WIRE_OCTETS) {
            (void)refuse_text(row, value, error);
            text_append(error, ERROR_SIZE, " of %zu", strlen(value));
            return false;
        }
        memcpy(value_of(row, settings), value, WIRE_OCTETS);
        return true;
    case SETTING_PATH:
    case SETTING_USER:
    case SETTING_GROUP:
        if (!is_valid_name(row, settings, value))
            return errno == 0 ? refuse_text(row, value, error) : refuse_errno("looked up", error);
        snprintf(value_of(row, settings), PATH_MAX, "%s", value);
        return true;
    default: return refuse_text(row, value, error);
    }
}

static bool store_endpoints(struct endpoints *endpoints, const char *const *values, size_t count,
                            size_t *wrong, char error[ERROR_SIZE])
{
    struct endpoints parsed = {.count = count};
    for (size_t i = 0; i < count; i++) {
        const char *reason = endpoint_parse(values[i], &parsed.list[i]);
        if (reason != NULL) {
            *wrong = i;
            return refuse_element(values[i], reason, error);
        }
    }
    *endpoints = parsed;
    return true;
}

static bool store_prefixes(struct prefixes *prefixes, const char *const *values, size_t count,
                           size_t *wrong, char error[ERROR_SIZE])
{
    char reason[ERROR_SIZE];
    struct prefix *list = calloc(count + 1, sizeof *list); /* never 0 octets: NULL is a failure */
    if (list == NULL)
        return refuse_errno("stored", error);
    for (size_t i = 0; i < count; i++) {
        if (!prefix_parse(values[i], &list[i], reason)) {
            free(list);
            *wrong = i;
            return refuse_element(values[i], reason, error);
        }
    }
    free(prefixes->list);
    *prefixes = prefixes_of(list, count);
    return true;
}

bool setting_store_texts(const struct setting *row, struct settings *settings,
                         const char *const *values, size_t count, size_t *wrong,
                         char error[ERROR_SIZE])
{
    *wrong = count;
    if (row->type == SETTING_ENDPOINTS && count >= 1 && count <= SETTINGS_LISTEN_MAX)
        return store_endpoints(&settings->listen, values, count, wrong, error);
    if (row->type == SETTING_PREFIXES && count <= PREFIXES_MAX)
        return store_prefixes(value_of(row, settings), values, count, wrong, error);
    return setting_refuse(row, error, "an array of %zu", count);
}

static void set_default(const struct setting *row, struct settings *settings)
{
    char error[ERROR_SIZE];
    size_t wrong;
    void *value = value_of(row, settings);
    switch (row->type) {
    case SETTING_BOOL: *(bool *)value = row->number != 0; break;
    case SETTING_INTEGER:
    case SETTING_CHOICE: *(int *)value = (int)row->number; break;
    case SETTING_SECONDS: *(double *)value = row->number; break;
    case SETTING_MESSAGE: memcpy(value, row->text, WIRE_OCTETS); break;
    case SETTING_ENDPOINTS:
        (void)setting_store_texts(row, settings, default_listen,
                                  sizeof default_listen / sizeof *default_listen, &wrong, error);
        break;
    default: break; /* the others are empty */
    }
}

struct settings *settings_create(void)
{
    struct settings *settings = calloc(1, sizeof *settings);
    if (settings == NULL)
        return NULL;
    settings->references = 1;
    for (size_t i = 0; settings_row(i) != NULL; i++)
        set_default(&table[i], settings);
    return settings;
}

struct settings *settings_ref(struct settings *settings)
{
    (void)atomic_fetch_add_explicit(&settings->references, 1, memory_order_relaxed);
    return settings;
}

void settings_unref(struct settings *settings)
{
    if (settings == NULL ||
        atomic_fetch_sub_explicit(&settings->references, 1, memory_order_acq_rel) != 1)
        return;
    for (size_t i = 0; i < SETTINGS_LISTEN_MAX; i++)
        free(settings->addresses[i].list);
    free(settings->access.allow.list);
    free(settings->access.deny.list);
    free(settings->access.proxies.list);
    free(settings);
}

static bool same_endpoints(const struct endpoints *a, const struct endpoints *b)
{
    return a->count == b->count && memcmp(a->list, b->list, a->count * sizeof *a->list) == 0;
}

static bool same_prefixes(const struct prefixes *a, const struct prefixes *b)
{
    return a->count == b->count &&
           (a->count == 0 || memcmp(a->list, b->list, a->count * sizeof *a->list) == 0);
}

bool settings_same(const struct setting *row, const struct settings *a, const struct settings *b)
{
    const void *left = (const char *)a + row->offset;
    const void *right = (const char *)b + row->offset;
    switch (row->type) {
    case SETTING_BOOL: return *(const bool *)left == *(const bool *)right;
    case SETTING_INTEGER:
    case SETTING_CHOICE: return *(const int *)left == *(const int *)right;
    case SETTING_SECONDS: return *(const double *)left == *(const double *)right;
    case SETTING_MESSAGE: return memcmp(left, right, WIRE_OCTETS) == 0;
    case SETTING_ENDPOINTS: return same_endpoints(left, right);
    case SETTING_PREFIXES: return same_prefixes(left, right);
    default: return strcmp(left, right) == 0;
    }
}

const char *settings_choice_name(const struct setting *row, int value)
{
    const struct choice *choice = row->choices;
    while (choice->name != NULL && choice->value != value)
        choice++;
    return choice->name != NULL ? choice->name : "";
}
