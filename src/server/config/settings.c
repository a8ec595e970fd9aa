/* SPDX-License-Identifier: MIT */
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
#define AT(member) offsetof(struct settings, member)
static const struct setting table[] = {
    /* key                   type               where                   min    max      default */
    {"listen",               SETTING_ENDPOINTS, AT(listen),             0,     0,       0, NULL, NULL},
    {"reply",                SETTING_MESSAGE,   AT(reply),              0,     0,       0, WIRE_REPLY, NULL},
    {"expect",               SETTING_MESSAGE,   AT(expect),             0,     0,       0, WIRE_GREETING, NULL},
    {"strict",               SETTING_BOOL,      AT(strict),             0,     1,       false, NULL, NULL},
    {"limits.connections",   SETTING_INTEGER,   AT(limits.connections), 1,     1000000, 1024, NULL, NULL},
    {"limits.per_source",    SETTING_INTEGER,   AT(limits.per_source),  0,     1000000, 0, NULL, NULL},
    {"limits.when_full",     SETTING_CHOICE,    AT(limits.when_full),   0,     0,       WHEN_FULL_WAIT, NULL, policies},
    {"limits.backlog",       SETTING_INTEGER,   AT(limits.backlog),     1,     65535,   4096, NULL, NULL},
    {"timeouts.exchange",    SETTING_SECONDS,   AT(timeouts.exchange),  0.01,  86400,   10.0, NULL, NULL},
    {"timeouts.linger",      SETTING_SECONDS,   AT(timeouts.linger),    0.01,  3600,    2.0, NULL, NULL},
    {"timeouts.drain",       SETTING_SECONDS,   AT(timeouts.drain),     0,     86400,   30.0, NULL, NULL},
    {"timeouts.idle_worker", SETTING_SECONDS,   AT(timeouts.idle_worker), 0.01, 86400,  60.0, NULL, NULL},
    {"access.allow",         SETTING_PREFIXES,  AT(access.allow),       0,     0,       0, NULL, NULL},
    {"access.deny",          SETTING_PREFIXES,  AT(access.deny),        0,     0,       0, NULL, NULL},
    {"access.proxies",       SETTING_PREFIXES,  AT(access.proxies),     0,     0,       0, NULL, NULL},
    {"log.to",               SETTING_CHOICE,    AT(log.to),             0,     0,       LOG_TO_DEFAULT, NULL, targets},
    {"log.facility",         SETTING_CHOICE,    AT(log.facility),       0,     0,       LOG_DAEMON, NULL, facilities},
    {"log.level",            SETTING_CHOICE,    AT(log.level),          0,     0,       LOG_INFO, NULL, levels},
    {"daemon.background",    SETTING_BOOL,      AT(daemon.background),  0,     1,       false, NULL, NULL},
    {"daemon.pid_file",      SETTING_PATH,      AT(daemon.pid_file),    0,     0,       0, "", NULL},
    {"daemon.user",          SETTING_USER,      AT(daemon.user),        0,     0,       0, "", NULL},
    {"daemon.group",         SETTING_GROUP,     AT(daemon.group),       0,     0,       0, "", NULL},
    {"metrics.file",         SETTING_PATH,      AT(metrics.file),       0,     0,       0, "", NULL},
    {"metrics.interval",     SETTING_SECONDS,   AT(metrics.interval),   0.1,   86400,   15.0, NULL, NULL},
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

static void *value_of(const struct setting *row, struct settings *settings)
{
    return (char *)settings + row->offset;
}

/* The room that text has in struct settings. */
static size_t text_size(enum setting_type type)
{
    return type == SETTING_PATH ? PATH_MAX : SETTINGS_NAME_SIZE;
}

static void expectation(const struct setting *row, char *text, size_t size)
{
    switch (row->type) {
    case SETTING_BOOL: snprintf(text, size, "true or false"); break;
    case SETTING_INTEGER:
        snprintf(text, size, "a whole number from %.0f to %.0f", row->min, row->max);
        break;
    case SETTING_SECONDS:
        snprintf(text, size, "a number of seconds from %g to %g, like %.1f", row->min, row->max,
                 row->number);
        break;
    case SETTING_CHOICE:
        snprintf(text, size, "one of");
        for (const struct choice *c = row->choices; c->name != NULL; c++) {
            size_t used = strlen(text);
            snprintf(text + used, size - used, "%s \"%s\"", c == row->choices ? "" : ",", c->name);
        }
        break;
    case SETTING_MESSAGE:
        snprintf(text, size, "a string of exactly %d octets, like \"%s\"", WIRE_OCTETS, row->text);
        break;
    case SETTING_PATH: snprintf(text, size, "an absolute path, or \"\" for none"); break;
    case SETTING_USER: snprintf(text, size, "the name of a user that exists, or \"\""); break;
    case SETTING_GROUP: snprintf(text, size, "the name of a group that exists, or \"\""); break;
    case SETTING_ENDPOINTS:
        snprintf(text, size, "an array of 1 to %d addresses, like [ \"%s\", \"%s\" ]",
                 SETTINGS_LISTEN_MAX, default_listen[0], default_listen[1]);
        break;
    case SETTING_PREFIXES:
        snprintf(text, size,
                 "an array of at most %d prefixes, like [ \"192.0.2.0/24\", \"2001:db8::/32\" ]",
                 PREFIXES_MAX);
        break;
    }
}

bool setting_refuse(const struct setting *row, const char *got, char why[SETTING_WHY])
{
    char expected[320];
    expectation(row, expected, sizeof expected);
    snprintf(why, SETTING_WHY, "must be %s, not %s", expected, got);
    return false;
}

__attribute__((format(printf, 3, 4))) static bool
refuse_value(const struct setting *row, char why[SETTING_WHY], const char *format, ...)
{
    char got[256];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(got, sizeof got, format, arguments);
    va_end(arguments);
    return setting_refuse(row, got, why);
}

/* A refused text, quoted and cut to a length that a line bears. */
static bool refuse_text(const struct setting *row, const char *value, char why[SETTING_WHY])
{
    char quoted[QUOTE_SIZE(40)];
    size_t length = strlen(value);
    quote(value, length < 40 ? length : 40, quoted, sizeof quoted);
    if (row->type == SETTING_MESSAGE)
        return refuse_value(row, why, "%s%s of %zu", quoted, length > 40 ? "..." : "", length);
    return refuse_value(row, why, "%s%s", quoted, length > 40 ? "..." : "");
}

bool setting_store_bool(const struct setting *row, struct settings *settings, bool value,
                        char why[SETTING_WHY])
{
    if (row->type != SETTING_BOOL)
        return setting_refuse(row, value ? "true" : "false", why);
    *(bool *)value_of(row, settings) = value;
    return true;
}

bool setting_store_integer(const struct setting *row, struct settings *settings, long long value,
                           char why[SETTING_WHY])
{
    if (row->type == SETTING_SECONDS)
        return setting_store_float(row, settings, (double)value, why);
    if (row->type != SETTING_INTEGER || (double)value < row->min || (double)value > row->max)
        return refuse_value(row, why, "%lld", value);
    *(int *)value_of(row, settings) = (int)value;
    return true;
}

bool setting_store_float(const struct setting *row, struct settings *settings, double value,
                         char why[SETTING_WHY])
{
    if (row->type != SETTING_SECONDS || !(value >= row->min && value <= row->max))
        return refuse_value(row, why, "%g", value);
    *(double *)value_of(row, settings) = value;
    return true;
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

static bool is_text(enum setting_type type)
{
    return type == SETTING_PATH || type == SETTING_USER || type == SETTING_GROUP;
}

/* Sets errno where it could not be found out. */
static bool text_is_right(const struct setting *row, const char *value)
{
    uid_t uid;
    gid_t gid;
    errno = 0;
    if (!is_text(row->type) || strlen(value) >= text_size(row->type))
        return false;
    if (value[0] == '\0')
        return true;
    if (row->type == SETTING_PATH)
        return value[0] == '/';
    if (row->type == SETTING_USER)
        return user_look_up(value, &uid, &gid) == 0;
    return group_look_up(value, &gid) == 0;
}

bool setting_store_text(const struct setting *row, struct settings *settings, const char *value,
                        char why[SETTING_WHY])
{
    if (row->type == SETTING_CHOICE)
        return store_choice(row, settings, value) || refuse_text(row, value, why);
    if (row->type == SETTING_MESSAGE) {
        if (strlen(value) != WIRE_OCTETS)
            return refuse_text(row, value, why);
        memcpy(value_of(row, settings), value, WIRE_OCTETS);
        return true;
    }
    if (!text_is_right(row, value)) {
        if (errno == 0)
            return refuse_text(row, value, why);
        snprintf(why, SETTING_WHY, "cannot be looked up: %s", strerror(errno));
        return false;
    }
    snprintf(value_of(row, settings), text_size(row->type), "%s", value);
    return true;
}

size_t setting_texts_max(const struct setting *row)
{
    switch (row->type) {
    case SETTING_ENDPOINTS: return SETTINGS_LISTEN_MAX;
    case SETTING_PREFIXES: return PREFIXES_MAX;
    default: return 0;
    }
}

bool setting_judge_text(const struct setting *row, const char *value, char why[SETTING_WHY])
{
    struct endpoint endpoint;
    struct prefix prefix;
    char wrong_prefix[PREFIX_WHY];
    char quoted[QUOTE_SIZE(40)];
    const char *wrong = NULL;

    if (row->type == SETTING_ENDPOINTS)
        wrong = endpoint_parse(value, &endpoint);
    else if (!prefix_parse(value, &prefix, wrong_prefix))
        wrong = wrong_prefix;
    if (wrong == NULL)
        return true;
    quote(value, strnlen(value, 40), quoted, sizeof quoted);
    snprintf(why, SETTING_WHY, "%s: %s", quoted, wrong);
    return false;
}

static void store_endpoints(struct settings *settings, const char *const *values, size_t count)
{
    for (size_t i = 0; i < count; i++)
        snprintf(settings->listen.text[i], sizeof settings->listen.text[i], "%s", values[i]);
    settings->listen.count = count;
}

bool setting_store_texts(const struct setting *row, struct settings *settings,
                         const char *const *values, size_t count, char why[SETTING_WHY])
{
    size_t least = row->type == SETTING_PREFIXES ? 0 : 1;
    if (count < least || count > setting_texts_max(row))
        return refuse_value(row, why, "an array of %zu", count);
    for (size_t i = 0; i < count; i++)
        if (!setting_judge_text(row, values[i], why))
            return false;
    if (row->type == SETTING_ENDPOINTS)
        store_endpoints(settings, values, count);
    else if (row->type == SETTING_PREFIXES)
        prefixes_store(value_of(row, settings), values, count);
    return true;
}

static void set_default(const struct setting *row, struct settings *settings)
{
    char why[SETTING_WHY];
    void *value = value_of(row, settings);
    switch (row->type) {
    case SETTING_BOOL: *(bool *)value = row->number != 0; break;
    case SETTING_INTEGER:
    case SETTING_CHOICE: *(int *)value = (int)row->number; break;
    case SETTING_SECONDS: *(double *)value = row->number; break;
    case SETTING_MESSAGE: memcpy(value, row->text, WIRE_OCTETS); break;
    case SETTING_PATH:
    case SETTING_USER:
    case SETTING_GROUP: snprintf(value, text_size(row->type), "%s", row->text); break;
    case SETTING_ENDPOINTS:
        setting_store_texts(row, settings, default_listen,
                            sizeof default_listen / sizeof *default_listen, why);
        break;
    case SETTING_PREFIXES: ((struct prefixes *)value)->count = 0; break;
    }
}

void settings_defaults(struct settings *settings)
{
    *settings = (struct settings){0};
    for (size_t i = 0; settings_row(i) != NULL; i++)
        set_default(&table[i], settings);
}

static void copy_prefixes(struct prefixes *to, const struct prefixes *from)
{
    to->count = from->count;
    memcpy(to->list, from->list, from->count * sizeof *from->list);
}

void settings_copy(struct settings *to, const struct settings *from)
{
    memcpy(to, from, offsetof(struct settings, access));
    copy_prefixes(&to->access.allow, &from->access.allow);
    copy_prefixes(&to->access.deny, &from->access.deny);
    copy_prefixes(&to->access.proxies, &from->access.proxies);
}

void settings_resolve(struct settings *settings)
{
    if (settings->log.to == LOG_TO_DEFAULT)
        settings->log.to = settings->daemon.background ? LOG_TO_SYSLOG : LOG_TO_STDERR;
}

static bool same_endpoints(const struct settings *a, const struct settings *b)
{
    if (a->listen.count != b->listen.count)
        return false;
    for (size_t i = 0; i < a->listen.count; i++)
        if (strcmp(a->listen.text[i], b->listen.text[i]) != 0)
            return false;
    return true;
}

static bool same_prefixes(const struct prefixes *a, const struct prefixes *b)
{
    return a->count == b->count && memcmp(a->list, b->list, a->count * sizeof *a->list) == 0;
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
    case SETTING_ENDPOINTS: return same_endpoints(a, b);
    case SETTING_PREFIXES: return same_prefixes(left, right);
    default: return strcmp(left, right) == 0;
    }
}

const char *settings_choice_name(const char *key, int value)
{
    const struct setting *row = settings_find(key);
    assert(row != NULL && row->choices != NULL);
    const struct choice *choice = row->choices;
    while (choice->name != NULL && choice->value != value)
        choice++;
    return choice->name != NULL ? choice->name : "";
}
