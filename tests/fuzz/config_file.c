/* SPDX-License-Identifier: MIT */
/* A configuration file: it is refused with a message that names one of its lines, or the settings
 * read from it can be printed and read again. */
#include <config.h>

#include "fuzz.h"

#include "server/config/config_file.h"

#include <stdlib.h>
#include <string.h>

/* "fuzz.conf:LINE: " and a text of one line. */
static void judge_message(const char *message, unsigned lines)
{
    static const char path[] = "fuzz.conf:";
    char *end;
    must(strncmp(message, path, sizeof path - 1) == 0);
    unsigned long line = strtoul(message + sizeof path - 1, &end, 10);
    must(line >= 1 && line <= lines);
    must(strncmp(end, ": ", 2) == 0 && end[2] != '\0');
    for (const char *at = end; *at != '\0'; at++)
        must((unsigned char)*at >= 0x20 && *at != 0x7f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct settings *settings = new_settings();
    char message[ERROR_SIZE];

    char *text = text_of(data, size, "\n");
    if (config_file_parse("fuzz.conf", text, size + 1, settings, message)) {
        must_read_back(settings);
    } else {
        must(strnlen(message, sizeof message) < sizeof message);
        judge_message(message, lines_of(text, size + 1));
    }
    settings_unref(settings);
    free(text);
    return 0;
}
