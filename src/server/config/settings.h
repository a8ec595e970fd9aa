/* SPDX-License-Identifier: MIT */
/* The settings: one table of keys, and their values. sixteen.conf(5) documents every key. */
#ifndef SERVER_CONFIG_SETTINGS_H
#define SERVER_CONFIG_SETTINGS_H

#include "common/prefix.h"
#include "common/wire.h"

#include <limits.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#define SETTINGS_LISTEN_MAX 64

/* LOG_TO_DEFAULT is replaced by one of the others when the file and the options are applied. */
enum log_target { LOG_TO_DEFAULT, LOG_TO_STDERR, LOG_TO_SYSLOG };

/* What happens to a new connection while limits.connections are active. */
enum when_full { WHEN_FULL_WAIT, WHEN_FULL_REFUSE };

/* The addresses to listen at. */
struct endpoints {
    size_t count;
    struct endpoint list[SETTINGS_LISTEN_MAX];
};

/* The socket addresses that an endpoint stands for. */
struct addresses {
    size_t count;
    struct address *list; /* from malloc(3) */
};

struct settings {
    atomic_size_t references;
    uint64_t in_file; /* a bit for each row of the table that the file sets */
    struct endpoints listen;
    struct addresses addresses[SETTINGS_LISTEN_MAX]; /* of each of these: listen_addresses.h */
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
        struct prefixes allow; /* empty: every peer */
        struct prefixes deny;
        struct prefixes proxies;
    } access;
    struct {
        int to;       /* enum log_target */
        int facility; /* LOG_DAEMON and the like: syslog(3) */
        int level;    /* the lowest severity that is logged: LOG_INFO and the like */
    } log;
    struct {
        bool background;
        char pid_file[PATH_MAX];
        char user[PATH_MAX];
        char group[PATH_MAX];
        uid_t uid;         /* of the user, if there is one */
        gid_t gid_of_user; /* its group */
        gid_t gid;         /* of the group, if there is one */
        bool as_text;      /* do not look up the user and the group, which can wait for a server */
    } daemon;
    struct {
        char file[PATH_MAX];
        double interval;
    } metrics;
};

/* Create settings in which every key has its default. The caller has the only reference, and can
 * change them until it shares them. Returns NULL and errno on failure. */
struct settings *settings_create(void);

/* Take one more reference. Any thread that has one can call this. Returns `settings`. */
struct settings *settings_ref(struct settings *settings);

/* Drop a reference; the last one frees the settings. NULL is ignored. */
void settings_unref(struct settings *settings);

enum setting_type {
    SETTING_BOOL,
    SETTING_INTEGER,
    SETTING_SECONDS,
    SETTING_CHOICE,
    SETTING_MESSAGE, /* exactly WIRE_OCTETS octets, none of them NUL */
    SETTING_PATH,    /* absolute, or empty for none */
    SETTING_USER,    /* of an existing user, which is looked up; or empty for none */
    SETTING_GROUP,
    SETTING_ENDPOINTS,
    SETTING_PREFIXES
};

struct choice {
    const char *name;
    int value;
};

/* A row of the table of keys. */
struct setting {
    const char *key; /* "limits.connections" */
    enum setting_type type;
    bool fixed;    /* a change takes effect at the next restart; set for daemon.* */
    size_t offset; /* of the value in struct settings */
    double min, max;
    double number;                /* the default of a number or a choice */
    const char *text;             /* the default of a message; other texts are empty */
    const struct choice *choices; /* ends with a NULL name */
};

/* Return row `index`, in the order of sixteen.conf(5); NULL after the last one. */
const struct setting *settings_row(size_t index);

/* Return the row of `key`, or NULL. */
const struct setting *settings_find(const char *key);

/* Note that the file sets a key, and ask whether it does. */
void setting_note_in_file(const struct setting *row, struct settings *settings);
bool setting_is_in_file(const struct setting *row, const struct settings *settings);

/* Store one value. Each returns true; or false with what is wrong in `error`, such as "must be …,
 * not …", and the old value kept. A value of another type than the row's is such an error.
 * `is_whole` says that a number was written as an integer, which seconds can be too. */
bool setting_store_bool(const struct setting *row, struct settings *settings, bool value,
                        char error[ERROR_SIZE]);
bool setting_store_number(const struct setting *row, struct settings *settings, double value,
                          bool is_whole, char error[ERROR_SIZE]);
bool setting_store_text(const struct setting *row, struct settings *settings, const char *value,
                        char error[ERROR_SIZE]);

/* Store an array. On failure `*wrong` is the index of the wrong element, or `count` if the array as
 * a whole is wrong. */
bool setting_store_texts(const struct setting *row, struct settings *settings,
                         const char *const *values, size_t count, size_t *wrong,
                         char error[ERROR_SIZE]);

/* Write in `error` that the row's value must be something else than what `format` describes.
 * Returns false, for the caller to return. */
bool setting_refuse(const struct setting *row, char error[ERROR_SIZE], const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Whether both settings have the same value for the row. */
bool settings_same(const struct setting *row, const struct settings *a, const struct settings *b);

/* Return the name of `value` among the choices of the row, or "". */
const char *settings_choice_name(const struct setting *row, int value);

/* Print every key with its value, in the file's own syntax: settings_print.c. */
void settings_print(const struct settings *settings, FILE *out);

#endif
