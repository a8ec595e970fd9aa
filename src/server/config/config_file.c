/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "server/config/config_file.h"

#include "common/descriptor.h"
#include "common/text.h"
#include "server/config/config_scan.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <libconfig.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_MAX 1048576
#define KEY_MAX 128
#define TEXTS_MAX PREFIXES_MAX /* no array has more */

/* What a walk over the parsed file carries. */
struct reading {
    const char *path;
    unsigned line; /* of what is looked at */
    struct settings *settings;
    char *complaint;
};

__attribute__((format(printf, 2, 3))) static bool complain(struct reading *reading,
                                                           const char *format, ...)
{
    int used =
        snprintf(reading->complaint, SETTINGS_COMPLAINT, "%s:%u: ", reading->path, reading->line);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(reading->complaint + used, SETTINGS_COMPLAINT - (size_t)used, format, arguments);
    va_end(arguments);
    return false;
}

/* The names that the table has right below `prefix`, which is "" or ends in a dot. */
static void list_keys(const char *prefix, char *names, size_t size)
{
    const char *last = "";
    size_t last_length = 0;

    names[0] = '\0';
    for (size_t i = 0; settings_row(i) != NULL; i++) {
        const char *key = settings_row(i)->key;
        if (strncmp(key, prefix, strlen(prefix)) != 0)
            continue;
        key += strlen(prefix);
        size_t length = strcspn(key, ".");
        if (length == last_length && strncmp(key, last, length) == 0)
            continue;
        text_append(names, size, "%s%.*s", names[0] != '\0' ? ", " : "", (int)length, key);
        last = key;
        last_length = length;
    }
}

static bool unknown_key(struct reading *reading, const config_setting_t *node, const char *prefix)
{
    char names[256];
    char quoted[QUOTE_SIZE(40)];
    const char *name = config_setting_name(node);
    list_keys(prefix, names, sizeof names);
    quote(name, strnlen(name, 40), quoted, sizeof quoted);
    return complain(reading, "unknown key %s; known %s%.*s: %s", quoted,
                    *prefix != '\0' ? "in " : "here", *prefix != '\0' ? (int)strlen(prefix) - 1 : 0,
                    prefix, names);
}

static bool store_array(struct reading *reading, const struct setting *row,
                        const config_setting_t *node, char *why)
{
    const char *values[TEXTS_MAX];
    size_t count = (size_t)config_setting_length(node);
    size_t most = setting_texts_max(row);
    assert(most <= TEXTS_MAX);
    for (size_t i = 0; i < count && count <= most; i++) {
        const config_setting_t *element = config_setting_get_elem(node, (unsigned)i);
        reading->line = config_setting_source_line(element);
        values[i] = config_setting_get_string(element);
        if (values[i] == NULL)
            return setting_refuse(row, "an array of something else than strings", why);
        if (!setting_judge_text(row, values[i], why))
            return false;
    }
    return setting_store_texts(row, reading->settings, values, count, why);
}

static bool store(struct reading *reading, const struct setting *row, const config_setting_t *node,
                  char *why)
{
    struct settings *settings = reading->settings;
    switch (config_setting_type(node)) {
    case CONFIG_TYPE_BOOL:
        return setting_store_bool(row, settings, config_setting_get_bool(node), why);
    case CONFIG_TYPE_INT:
        return setting_store_integer(row, settings, config_setting_get_int(node), why);
    case CONFIG_TYPE_INT64:
        return setting_store_integer(row, settings, config_setting_get_int64(node), why);
    case CONFIG_TYPE_FLOAT:
        return setting_store_float(row, settings, config_setting_get_float(node), why);
    case CONFIG_TYPE_STRING:
        return setting_store_text(row, settings, config_setting_get_string(node), why);
    case CONFIG_TYPE_ARRAY: return store_array(reading, row, node, why);
    case CONFIG_TYPE_LIST: return setting_refuse(row, "a list in parentheses", why);
    default: return setting_refuse(row, "a group", why);
    }
}

static bool walk_group(struct reading *reading, const config_setting_t *group, const char *prefix);

static bool walk_node(struct reading *reading, const config_setting_t *node, const char *prefix)
{
    char key[KEY_MAX];
    char group[KEY_MAX + 1];
    char why[SETTING_WHY];
    char below[2];

    reading->line = config_setting_source_line(node);
    if ((size_t)snprintf(key, sizeof key, "%s%s", prefix, config_setting_name(node)) >= sizeof key)
        return unknown_key(reading, node, prefix);
    const struct setting *row = settings_find(key);
    if (row != NULL)
        return store(reading, row, node, why) || complain(reading, "%s %s", key, why);

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
        return "a setting is written KEY = VALUE; and the last element of an array has no comma "
               "behind it";
    if (strcmp(error, "duplicate setting name") == 0)
        return "each key is set once";
    return "";
}

/* The text at fault is known by its line but not by its key: show the line. */
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

/* `line`, or the last one before it that is not blank: libconfig finds out at the end of
 * the file that something is missing. */
static unsigned line_with_text(const char *text, unsigned line)
{
    unsigned last = 1;
    for (unsigned i = 1; i <= line; i++) {
        if (text[strspn(text, " \t\r\n")] == '\0')
            break;
        if (text[strspn(text, " \t\r")] != '\n')
            last = i;
        text += strcspn(text, "\n");
        text += *text == '\n';
    }
    return last;
}

static bool not_parsed(struct reading *reading, const config_t *config, const char *text)
{
    const char *error = config_error_text(config);
    if (error == NULL)
        error = "something that cannot be parsed";
    reading->line = line_with_text(text, (unsigned)config_error_line(config));
    return complain_of_line(reading, text, error, advice(error));
}

static bool parse(struct reading *reading, config_t *config, const char *text)
{
    if (!config_read_string(config, text))
        return not_parsed(reading, config, text);
    return walk_group(reading, config_root_setting(config), "");
}

bool config_file_parse(const char *path, const char *text, size_t length, struct settings *settings,
                       char complaint[SETTINGS_COMPLAINT])
{
    static struct settings draft; /* the main thread's; it is large */
    struct reading reading = {path, 1, &draft, complaint};
    const char *advice;
    const char *wrong = config_scan(text, length, &reading.line, &advice);
    if (wrong != NULL)
        return complain_of_line(&reading, text, wrong, advice);
    settings_copy(&draft, settings);

    config_t config;
    config_init(&config);
    bool right = parse(&reading, &config, text);
    config_destroy(&config);
    if (right)
        settings_copy(settings, &draft);
    return right;
}

/* Open what can be read to its end at once: not a FIFO, which would have a running daemon
 * wait for somebody to write to it. */
static FILE *open_file(const char *path)
{
    struct stat about;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return NULL;
    FILE *file = NULL;
    if (fstat(fd, &about) == 0) {
        if (S_ISFIFO(about.st_mode))
            errno = ESPIPE;
        else
            file = fdopen(fd, "r");
    }
    if (file == NULL)
        close_after_error(fd);
    return file;
}

/* The whole of `path`, with an end of line, since libconfig knows no comment without
 * one, and a NUL behind it; to be freed. NULL and errno on failure. */
static char *read_file(const char *path, size_t *length)
{
    FILE *file = open_file(path);
    if (file == NULL)
        return NULL;
    char *text = malloc(FILE_MAX + 2);
    if (text != NULL) {
        *length = fread(text, 1, FILE_MAX + 1, file);
        int error = ferror(file) ? errno : *length > FILE_MAX ? EFBIG : 0;
        if (error != 0) {
            free(text);
            text = NULL;
            errno = error;
        } else {
            text[(*length)++] = '\n';
            text[*length] = '\0';
        }
    }
    int kept = errno;
    fclose(file);
    errno = kept;
    return text;
}

bool config_file_read(const char *path, struct settings *settings,
                      char complaint[SETTINGS_COMPLAINT])
{
    size_t length;
    char *text = read_file(path, &length);
    if (text == NULL) {
        snprintf(complaint, SETTINGS_COMPLAINT, "%s: cannot be read: %s", path,
                 errno == ESPIPE ? "it must be a file, not a pipe" : strerror(errno));
        return false;
    }
    bool right = config_file_parse(path, text, length, settings, complaint);
    free(text);
    return right;
}
