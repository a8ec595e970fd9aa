/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "fuzz.h"

#include "server/config/config_file.h"

#include <stdlib.h>
#include <string.h>

void broken(const char *file, int line, const char *what)
{
    (void)fflush(NULL);
    dprintf(2, "%s:%d: not so: %s\n", file, line, what);
    abort();
}

char *text_of(const uint8_t *data, size_t size, const char *end)
{
    size_t behind = strlen(end) + 1;
    char *text = malloc(size + behind);
    must(text != NULL);
    if (size > 0)
        memcpy(text, data, size);
    memcpy(text + size, end, behind);
    return text;
}

void take(const uint8_t **data, size_t *size, void *to, size_t count)
{
    size_t taken = count < *size ? count : *size;
    memset(to, 0, count);
    if (taken > 0)
        memcpy(to, *data, taken);
    *data += taken;
    *size -= taken;
}

int words(const uint8_t *data, size_t size, const char *program, char *argv[WORDS_MAX + 2])
{
    static char name[32];
    static char *text;
    int count = 0;

    free(text);
    text = text_of(data, size, "");
    snprintf(name, sizeof name, "%s", program);
    argv[count++] = name;
    char *end = text + size;
    for (char *at = text; at < end && count <= WORDS_MAX; at += strlen(at) + 1) {
        argv[count++] = at;
        at[strcspn(at, "\n")] = '\0';
    }
    argv[count] = NULL;
    return count;
}

bool is_printable(const char *text)
{
    while (*text >= 0x20 && *text < 0x7f)
        text++;
    return *text == '\0';
}

unsigned lines_of(const char *text, size_t length)
{
    unsigned lines = 0;
    for (size_t i = 0; i < length; i++)
        lines += text[i] == '\n';
    return lines;
}

void hear(struct ear *ear, FILE **stream)
{
    *ear = (struct ear){.stream = stream, .kept = *stream};
    *stream = open_memstream(&ear->text, &ear->length);
    must(*stream != NULL);
}

char *heard(struct ear *ear)
{
    must(fclose(*ear->stream) == 0);
    *ear->stream = ear->kept;
    return ear->text;
}

bool same_settings(const struct settings *a, const struct settings *b)
{
    /* one was copied from the other, or both from the defaults, and the padding with it:
     * NOLINTNEXTLINE(bugprone-suspicious-memory-comparison) */
    return memcmp(a, b, sizeof *a) == 0;
}

void must_read_back(const struct settings *settings)
{
    static struct settings printed;
    static struct settings again;
    char complaint[SETTINGS_COMPLAINT];
    char *text;
    size_t length;
    FILE *out = open_memstream(&text, &length);
    must(out != NULL);
    printed = *settings;
    settings_resolve(&printed);
    settings_print(&printed, out);
    must(fclose(out) == 0);
    settings_defaults(&again);
    must(config_file_parse("printed", text, length, &again, complaint));
    must(same_settings(&again, &printed));
    free(text);
}
