/* SPDX-License-Identifier: MIT */
/* What the fuzz targets share. Each defines LLVMFuzzerTestOneInput(), which libFuzzer
 * calls with octets it made up and replay.c with the files of the corpus. */
#ifndef FUZZ_FUZZ_H
#define FUZZ_FUZZ_H

#include "server/config/settings.h"

#include <stdint.h>
#include <stdio.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What holds for every input; abort where it does not. */
#define must(so) ((so) ? (void)0 : broken(__FILE__, __LINE__, #so))
_Noreturn void broken(const char *file, int line, const char *what);

/* A copy of the octets with `end` and a NUL behind them and no more room than that, so
 * that a sanitizer sees who reads on; to be freed. */
char *text_of(const uint8_t *data, size_t size, const char *end);

/* Take up to `count` octets off the input, into `to`; what lacks is zero. */
void take(const uint8_t **data, size_t *size, void *to, size_t count);

/* The program's name and the words of the input, which are parted by NUL or end of line;
 * the input is kept for them until the next call. */
#define WORDS_MAX 100
int words(const uint8_t *data, size_t size, const char *program, char *argv[WORDS_MAX + 2]);

/* Whether `text` is printable ASCII. */
bool is_printable(const char *text);

/* How many lines the text has, each of them ended. */
unsigned lines_of(const char *text, size_t length);

/* What is written to a stream between hear() and heard(), which returns it, to be freed. */
struct ear {
    FILE **stream;
    FILE *kept;
    char *text;
    size_t length;
};
void hear(struct ear *ear, FILE **stream);
char *heard(struct ear *ear);

/* Whether both began as the defaults and have the same values now. */
bool same_settings(const struct settings *a, const struct settings *b);

/* What settings_print() writes of `settings`, which began as the defaults, once they are
 * resolved, is read as the same. */
void must_read_back(const struct settings *settings);

#endif
