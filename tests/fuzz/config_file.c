/* SPDX-License-Identifier: MIT */
/* A configuration file: either nothing changes and the complaint names a line of it, or
 * what was read is printed so that it is read again. */
#include <config.h>

#include "fuzz.h"

#include "server/config/config_file.h"

#include <stdlib.h>
#include <string.h>

/* "fuzz.conf:LINE: ", and words that fit on one line. */
static void judge_complaint(const char *complaint, unsigned lines)
{
    static const char path[] = "fuzz.conf:";
    char *end;
    must(strncmp(complaint, path, sizeof path - 1) == 0);
    unsigned long line = strtoul(complaint + sizeof path - 1, &end, 10);
    must(line >= 1 && line <= lines);
    must(strncmp(end, ": ", 2) == 0 && end[2] != '\0');
    for (const char *at = end; *at != '\0'; at++)
        must((unsigned char)*at >= 0x20 && *at != 0x7f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct settings settings;
    static struct settings before;
    char complaint[SETTINGS_COMPLAINT];

    settings_defaults(&before);
    settings = before;
    char *text = text_of(data, size, "\n");
    if (config_file_parse("fuzz.conf", text, size + 1, &settings, complaint)) {
        must_read_back(&settings);
    } else {
        must(same_settings(&settings, &before));
        must(strlen(complaint) < sizeof complaint);
        judge_complaint(complaint, lines_of(text, size + 1));
    }
    free(text);
    return 0;
}
