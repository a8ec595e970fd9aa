/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "fuzz.h"

#include "server/config/config_file.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

void broken(const char *file, int line, const char *what)
{
    (void)fflush(NULL);
    dprintf(2, "%s:%d: false: %s\n", file, line, what);
    abort();
}

char *text_of(const uint8_t *data, size_t size, const char *end)
{
    size_t end_size = strlen(end) + 1;
    char *text = malloc(size + end_size);
    must(text != NULL);
    if (size > 0)
        memcpy(text, data, size);
    memcpy(text + size, end, end_size);
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

int file_of(const void *octets, size_t size)
{
    int file = memfd_create("fuzz", MFD_CLOEXEC);
    must(file >= 0 && pwrite(file, octets, size, 0) == (ssize_t)size);
    return file;
}

void capture_begin(struct capture *capture, FILE *stream)
{
    must(fflush(stream) == 0);
    *capture = (struct capture){
        .stream = stream,
        .kept = fcntl(fileno(stream), F_DUPFD_CLOEXEC, 0),
        .file = file_of("", 0),
    };
    must(capture->kept >= 0 && dup2(capture->file, fileno(stream)) >= 0);
}

char *capture_end(struct capture *capture)
{
    must(fflush(capture->stream) == 0);
    off_t length = lseek(capture->file, 0, SEEK_END);
    must(length >= 0);
    char *text = calloc((size_t)length + 1, 1);
    must(text != NULL && pread(capture->file, text, (size_t)length, 0) == length);
    must(dup2(capture->kept, fileno(capture->stream)) >= 0);
    close(capture->kept);
    close(capture->file);
    return text;
}

struct settings *new_settings(void)
{
    struct settings *settings = settings_create();
    must(settings != NULL);
    return settings;
}

bool same_settings(const struct settings *a, const struct settings *b)
{
    for (size_t i = 0; settings_row(i) != NULL; i++)
        if (!settings_same(settings_row(i), a, b))
            return false;
    return true;
}

void must_read_back(struct settings *settings)
{
    struct settings *again = new_settings();
    char message[ERROR_SIZE];
    char *text;
    size_t length;
    FILE *out = open_memstream(&text, &length);
    must(out != NULL);
    if (settings->log.to == LOG_TO_DEFAULT)
        settings->log.to = LOG_TO_STDERR;
    settings_print(settings, out);
    must(fclose(out) == 0);
    must(config_file_parse("printed", text, length, again, message));
    must(same_settings(again, settings));
    settings_unref(again);
    free(text);
}
