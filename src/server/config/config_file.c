/* SPDX-License-Identifier: MIT */
/* The text is read into memory, because config_scan.c must check it before libconfig parses it.
 * Then each value is stored by the table of keys. */
#include <config.h>

#include "server/config/config_file.h"

#include "common/descriptor.h"
#include "common/text.h"
#include "server/config/config_scan.h"

#include <errno.h>
#include <fcntl.h>
#include <libconfig.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define FILE_MAX 1048576
#define KEY_MAX 128
#define TEXTS_MAX PREFIXES_MAX /* no array has more */

/* The state of a walk over the parsed file. */
struct reading {
    const char *path;
    unsigned line; /* of the current node */
    struct settings *settings;
    char *message;
};

__attribute__((format(printf, 2, 3))) static bool complain(struct reading *reading,
                                                           const char *format, ...)
{
    int used = snprintf(reading->message, ERROR_SIZE, "%s:%u: ", reading->path, reading->line);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(reading->message + used, ERROR_SIZE - (size_t)used, format, arguments);
    va_end(arguments);
    return false;
}

/* List the names directly below `prefix` in the table. `prefix` is empty or ends in a dot. */
static void list_keys(const char *prefix, char *names, size_t size)
{
    const char *last = "";
    names[0] = '\0';
    for (size_t i = 0; settings_row(i) != NULL; i++) {
        const char *key = settings_row(i)->key;
        if (strncmp(key, prefix, strlen(prefix)) != 0)
            continue;
        key += strlen(prefix);
        size_t length = strcspn(key, ".");
        if (strncmp(key, last, length + 1) == 0)
            continue; /* of the same group */
        text_append(names, size, "%s%.*s", names[0] != '\0' ? ", " : "", (int)length, key);
        last = key;
    }
}

static bool unknown_key(struct reading *reading, const config_setting_t *node, const char *prefix)
{
    char names[256];
    char quoted[QUOTE_CUT_SIZE];
    const char *name = config_setting_name(node);
    list_keys(prefix, names, sizeof names);
    return complain(reading, "unknown key %s; known %s%.*s: %s",
                    quote_cut(name, strlen(name), quoted), *prefix != '\0' ? "in " : "here",
                    *prefix != '\0' ? (int)strlen(prefix) - 1 : 0, prefix, names);
}

static bool store_array(struct reading *reading, const struct setting *row,
                        const config_setting_t *node, char *error)
{
    const char *values[TEXTS_MAX] = {NULL}; /* with LTO, GCC 12 warns that none may be set */
    size_t wrong;
    size_t count = (size_t)config_setting_length(node);
    bool takes_array = row->type == SETTING_ENDPOINTS || row->type == SETTING_PREFIXES;
    if (!takes_array || count > TEXTS_MAX)
        return setting_refuse(row, error, "an array of %zu", count);
    for (size_t i = 0; i < count; i++) {
        const config_setting_t *element = config_setting_get_elem(node, (unsigned)i);
        values[i] = config_setting_get_string(element);
        if (values[i] == NULL) {
            reading->line = config_setting_source_line(element);
            return setting_refuse(row, error, "an array with an element that is not a string");
        }
    }
    if (setting_store_texts(row, reading->settings, values, count, &wrong, error))
        return true;
    if (wrong < count)
        reading->line = config_setting_source_line(config_setting_get_elem(node, (unsigned)wrong));
    return false;
}

static bool store(struct reading *reading, const struct setting *row, const config_setting_t *node,
                  char *error)
{
    struct settings *settings = reading->settings;
    switch (config_setting_type(node)) {
    case CONFIG_TYPE_BOOL:
        return setting_store_bool(row, settings, config_setting_get_bool(node), error);
    case CONFIG_TYPE_INT:
        return setting_store_number(row, settings, config_setting_get_int(node), true, error);
    case CONFIG_TYPE_INT64:
        return setting_store_number(row, settings, (double)config_setting_get_int64(node), true,
                                    error);
    case CONFIG_TYPE_FLOAT:
        return setting_store_number(row, settings, config_setting_get_float(node), false, error);
    case CONFIG_TYPE_STRING:
        return setting_store_text(row, settings, config_setting_get_string(node), error);
    case CONFIG_TYPE_ARRAY: return store_array(reading, row, node, error);
    case CONFIG_TYPE_LIST: return setting_refuse(row, error, "a list in parentheses");
    default: return setting_refuse(row, error, "a group");
    }
}

static bool walk_group(struct reading *reading, const config_setting_t *group, const char *prefix);

static bool walk_node(struct reading *reading, const config_setting_t *node, const char *prefix)
{
    char key[KEY_MAX];
    char group[KEY_MAX + 1];
    char error[ERROR_SIZE];
    char below[2];

    reading->line = config_setting_source_line(node);
    if ((size_t)snprintf(key, sizeof key, "%s%s", prefix, config_setting_name(node)) >= sizeof key)
        return unknown_key(reading, node, prefix);
    const struct setting *row = settings_find(key);
    if (row != NULL) {
        setting_note_in_file(row, reading->settings);
        return store(reading, row, node, error) || complain(reading, "%s %s", key, error);
    }

    snprintf(group, sizeof group, "%s.", key);
    list_keys(group, below, sizeof below);
    if (below[0] == '\0')
        return unknown_key(reading, node, prefix);
    if (config_setting_type(node) != CONFIG_TYPE_GROUP)
        return complain(reading, "%s must be a group, like %s: { … };", config_setting_name(node),
                        config_setting_name(node));
    return walk_group(reading, node, group);
}

static bool walk_group(struct reading *reading, const config_setting_t *group, const char *prefix)
{
    for (int i = 0; i < config_setting_length(group); i++)
        if (!walk_node(reading, config_setting_get_elem(group, (unsigned)i), prefix))
            return false;
    return true;
}

static const char *advice(const char *error)
{
    if (strcmp(error, "syntax error") == 0)
        return "write KEY = VALUE; and no comma after the last element of an array";
    if (strcmp(error, "duplicate setting name") == 0)
        return "set each key once";
    return "";
}

/* Show the line, because the key is not known. */
static bool complain_of_line(struct reading *reading, const char *text, const char *wrong,
                             const char *advice)
{
    for (unsigned i = 1; i < reading->line; i++)
        text = strchr(text, '\n') + 1;
    text += strspn(text, " \t");

    char quoted[QUOTE_CUT_SIZE];
    return complain(reading, "%s in %s%s%s", wrong, quote_cut(text, strcspn(text, "\n"), quoted),
                    *advice != '\0' ? "; " : "", advice);
}

/* libconfig notices only at the end of the file that something is missing. `reading->line` is where
 * the setting without an end begins. */
static bool not_parsed(struct reading *reading, const config_t *config, const char *text)
{
    const char *error = config_error_text(config);
    unsigned line = (unsigned)config_error_line(config);
    if (error == NULL)
        error = "something that cannot be parsed";
    unsigned last = 1;
    for (const char *at = text; (at = strchr(at, '\n')) != NULL; at++)
        last++;
    if (line >= last && reading->line < last)
        return complain_of_line(reading, text, "an unfinished setting",
                                "the file ends before the setting does");
    reading->line = line;
    return complain_of_line(reading, text, error, advice(error));
}

bool config_file_parse(const char *path, const char *text, size_t length, struct settings *settings,
                       char message[ERROR_SIZE])
{
    struct reading reading = {path, 1, settings, message};
    const char *advice;
    const char *wrong = config_scan(text, length, &reading.line, &advice);
    if (wrong != NULL)
        return complain_of_line(&reading, text, wrong, advice);

    config_t config;
    config_init(&config);
    bool valid = config_read_string(&config, text)
                     ? walk_group(&reading, config_root_setting(&config), "")
                     : not_parsed(&reading, &config, text);
    config_destroy(&config);
    return valid;
}

static int open_file(const char *path)
{
    return open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
}

/* Read the whole file, and add an end of line, because libconfig does not recognize a comment
 * without one, and a NUL. Returns the length without the NUL, or -1 and errno: ESPIPE for a FIFO,
 * on whose writer a reload would wait. */
static ssize_t read_file(const char *path, char text[FILE_MAX + 2])
{
    size_t length = 0;
    ssize_t more = 1;
    int fd = open_file(path);
    if (fd < 0)
        return -1;
    while (length <= FILE_MAX && more > 0) {
        more = pread(fd, text + length, FILE_MAX + 1 - length, (off_t)length);
        if (more < 0)
            return close_after_error(fd);
        length += (size_t)more;
    }
    close(fd);
    if (length > FILE_MAX) {
        errno = EFBIG;
        return -1;
    }
    text[length++] = '\n';
    text[length] = '\0';
    return (ssize_t)length;
}

bool config_file_read(const char *path, struct settings *settings, char message[ERROR_SIZE])
{
    static char text[FILE_MAX + 2]; /* large; only one thread at a time reads */
    ssize_t length = read_file(path, text);
    if (length >= 0)
        return config_file_parse(path, text, (size_t)length, settings, message);
    snprintf(message, ERROR_SIZE, "%s: cannot read: %s", path,
             errno == ESPIPE ? "it must be a regular file" : strerror(errno));
    return false;
}

int config_file_check_readable(const char *path)
{
    int fd = open_file(path);
    return fd < 0 ? -1 : close(fd);
}
