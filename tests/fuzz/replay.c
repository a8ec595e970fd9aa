/* SPDX-License-Identifier: MIT */
/* Run a fuzz target without libFuzzer, on the named files or on its corpus. A file that breaks it
 * ends the program; its name is the last one printed. */
#include <config.h>

#include "fuzz.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#define INPUT_MAX 65536

/* Defined if a sanitizer looks for leaks: report them, and return whether there are any.
 * NOLINTNEXTLINE(bugprone-reserved-identifier) */
int __lsan_do_recoverable_leak_check(void) __attribute__((weak));

static void replay(const char *path)
{
    static uint8_t input[INPUT_MAX];
    FILE *file = fopen(path, "rbe");
    if (file == NULL) {
        perror(path);
        exit(EXIT_FAILURE);
    }
    size_t size = fread(input, 1, sizeof input, file);
    must(!ferror(file) && size < sizeof input);
    must(fclose(file) == 0);
    printf("# %s\n", path);

    /* without spare room, so that a sanitizer detects a read past the end */
    uint8_t *data = malloc(size > 0 ? size : 1);
    must(data != NULL);
    memcpy(data, input, size);
    (void)LLVMFuzzerTestOneInput(data, size);
    free(data);
    must(__lsan_do_recoverable_leak_check == NULL || __lsan_do_recoverable_leak_check() == 0);
}

static int is_input(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

static int replay_corpus(const char *target)
{
    char folder[PATH_MAX];
    struct dirent **entries;
    const char *source = getenv("SOURCE_DIR");
    snprintf(folder, sizeof folder, "%s/tests/fuzz/corpus/%s", source != NULL ? source : ".",
             target);
    int count = scandir(folder, &entries, is_input, alphasort);
    if (count < 0)
        printf("# %s: %s\n", folder, strerror(errno));
    for (int i = 0; i < count; i++) {
        char path[PATH_MAX + NAME_MAX + 1];
        snprintf(path, sizeof path, "%s/%s", folder, entries[i]->d_name);
        free(entries[i]);
        replay(path);
    }
    if (count >= 0)
        free(entries);
    return count;
}

int main(int argc, char *argv[])
{
    setvbuf(stdout, NULL, _IOLBF, 0);
    for (int i = 1; i < argc; i++)
        replay(argv[i]);
    int count = argc > 1 ? argc - 1 : replay_corpus(program_invocation_short_name);
    printf("%s 1 - %s: %d inputs\n1..1\n", count > 0 ? "ok" : "not ok",
           program_invocation_short_name, count);
    return count > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
