/* SPDX-License-Identifier: MIT */
/* What the daemon was told: one table of keys, and the values they have.
 * sixteen.conf(5) documents every key. */
#ifndef SERVER_CONFIG_SETTINGS_H
#define SERVER_CONFIG_SETTINGS_H

#include "common/prefix.h"
#include "common/wire.h"

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#define SETTINGS_LISTEN_MAX 64
#define SETTINGS_NAME_SIZE 64 /* of a user or a group; useradd(8) stops at 32 */

enum log_target { LOG_TO_DEFAULT, LOG_TO_STDERR, LOG_TO_SYSLOG };

/* What becomes of a peer that comes while limits.connections are held. */
enum when_full { WHEN_FULL_WAIT, WHEN_FULL_REFUSE };

/* Flat, so that it owns nothing. It is large: settings_copy(). */
struct settings {
    struct {
        size_t count;
        char text[SETTINGS_LISTEN_MAX][ENDPOINT_TEXT];
    } listen;
    char reply[WIRE_OCTETS];
    char expect[WIRE_OCTETS];
    bool strict;
    struct {
        int connections;
        int per_source; /* 0: no limit */
        int when_full;  /* enum when_full */
        int backlog;
    } limits;
    struct {
        double exchange;
        double linger;
        double drain;
        double idle_worker;
    } timeouts;
    struct {
        int to;       /* enum log_target */
        int facility; /* LOG_DAEMON and its like: syslog(3) */
        int level;    /* LOG_INFO and its like: the least grave that is logged */
    } log;
    struct {
        bool background;
        char pid_file[PATH_MAX];
        char user[SETTINGS_NAME_SIZE];
        char group[SETTINGS_NAME_SIZE];
    } daemon;
    struct {
        char file[PATH_MAX];
        double interval;
    } metrics;
    struct {
        struct prefixes allow; /* none: everyone */
        struct prefixes deny;
        struct prefixes proxies;
    } access; /* the last, for settings_copy() */
};

enum setting_type {
    SETTING_BOOL,
    SETTING_INTEGER,
    SETTING_SECONDS,
    SETTING_CHOICE,
    SETTING_MESSAGE, /* exactly WIRE_OCTETS octets, none of them NUL */
    SETTING_PATH,    /* absolute, or empty for none */
    SETTING_USER,    /* one that exists, or empty for none */
    SETTING_GROUP,
    SETTING_ENDPOINTS,
    SETTING_PREFIXES
};

struct choice {
    const char *name;
    int value;
};

/* A row of the table. */
struct setting {
    const char *key; /* "limits.connections" */
    enum setting_type type;
    size_t offset; /* of the value in struct settings */
    double min, max;
    double number;                /* the default, where the value is a number or a choice … */
    const char *text;             /* … and where it is text */
    const struct choice *choices; /* ends with a NULL name */
};

/* Room for what is wrong with a value, and what would be right. */
#define SETTING_WHY 640

/* The rows, in the order of sixteen.conf(5); NULL past the last one. */
const struct setting *settings_row(size_t index);

/* The row of `key`, or NULL. */
const struct setting *settings_find(const char *key);

/* Give every key its built-in default. */
void settings_defaults(struct settings *settings);

/* Copy it, and of the lists in `access` only what is in them: memory that nobody touched costs
 * nothing. */
void settings_copy(struct settings *to, const struct settings *from);

/* What follows from other keys: where the log goes when nothing said so. Call it
 * once file and options are in. */
void settings_resolve(struct settings *settings);

/* Store one value. Each returns true, or false with the reason in `why`, in the
 * form "must be …, not …", and the old value kept. A type that the row doesn't
 * have is such a reason. */
bool setting_store_bool(const struct setting *row, struct settings *settings, bool value,
                        char why[SETTING_WHY]);
bool setting_store_integer(const struct setting *row, struct settings *settings, long long value,
                           char why[SETTING_WHY]);
bool setting_store_float(const struct setting *row, struct settings *settings, double value,
                         char why[SETTING_WHY]);
bool setting_store_text(const struct setting *row, struct settings *settings, const char *value,
                        char why[SETTING_WHY]);
bool setting_store_texts(const struct setting *row, struct settings *settings,
                         const char *const *values, size_t count, char why[SETTING_WHY]);

/* How many texts the row's array has room for; 0 where it has no array. */
size_t setting_texts_max(const struct setting *row);

/* Whether `value` can be one of the texts of the row's array: an address to listen at, a prefix.
 * If not, `why` says what is wrong. */
bool setting_judge_text(const struct setting *row, const char *value, char why[SETTING_WHY]);

/* Say in `why` that the row's value must be something else than `got`. Returns
 * false, for the caller to return. */
bool setting_refuse(const struct setting *row, const char *got, char why[SETTING_WHY]);

/* Whether both have the same value for the row. */
bool settings_same(const struct setting *row, const struct settings *a, const struct settings *b);

/* The name that `value` has among the choices of `key`, or "". */
const char *settings_choice_name(const char *key, int value);

/* Print every key with its value, in the file's own syntax: settings_print.c. */
void settings_print(const struct settings *settings, FILE *out);

#endif
