/* SPDX-License-Identifier: MIT */
/* Helpers of the fuzz targets. Each target defines LLVMFuzzerTestOneInput(), which libFuzzer calls
 * with generated octets and replay.c with the files of the corpus. */
#ifndef FUZZ_FUZZ_H
#define FUZZ_FUZZ_H

#include "server/config/settings.h"

#include <stdint.h>
#include <stdio.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Abort unless the condition, which must hold for every input, is true. */
#define must(condition) ((condition) ? (void)0 : broken(__FILE__, __LINE__, #condition))
_Noreturn void broken(const char *file, int line, const char *what);

/* Return a copy of the octets with `end` and a NUL after them, without spare room, so that a
 * sanitizer detects a read past the end. The caller frees it. */
char *text_of(const uint8_t *data, size_t size, const char *end);

/* Move up to `count` octets of the input to `to`; the rest of `to` is zero. */
void take(const uint8_t **data, size_t *size, void *to, size_t count);

/* Fill in `argv` with the program's name and the words of the input, which end with NUL or end of
 * line. They are valid until the next call. Returns their number. */
#define WORDS_MAX 100
int words(const uint8_t *data, size_t size, const char *program, char *argv[WORDS_MAX + 2]);

/* Whether `text` is printable ASCII. */
bool is_printable(const char *text);

/* Return the number of ends of line in the text. */
unsigned lines_of(const char *text, size_t length);

/* Create a file in memory with these octets, and return its descriptor. */
int file_of(const void *octets, size_t size);

/* Capture what is written to a stream. capture_end() returns it, and the caller frees it. */
struct capture {
    FILE *stream;
    int kept;
    int file;
};
void capture_begin(struct capture *capture, FILE *stream);
char *capture_end(struct capture *capture);

/* Create settings with the defaults. */
struct settings *new_settings(void);

/* Whether every key has the same value in both. */
bool same_settings(const struct settings *a, const struct settings *b);

/* Resolve the settings, and abort unless what settings_print() writes is read as the same. */
void must_read_back(struct settings *settings);

#endif
