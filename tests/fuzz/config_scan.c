/* SPDX-License-Identifier: MIT */
/* The scan of a configuration's text before libconfig reads it. */
#include <config.h>

#include "fuzz.h"

#include "server/config/config_scan.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    unsigned line = 0;
    const char *advice = NULL;
    char *text = text_of(data, size, "");
    const char *wrong = config_scan(text, size, &line, &advice);
    must(line >= 1 && line <= lines_of(text, size) + 1);
    if (wrong != NULL)
        must(advice != NULL && *wrong != '\0');
    else
        must(strlen(text) == size);
    free(text);
    return 0;
}
