/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "client/report/instant.h"

#include "common/text.h"

#include <inttypes.h>
#include <time.h>

char *instant_format(int64_t instant, char text[INSTANT_TEXT])
{
    struct tm parts;
    int64_t part = (instant % 1000000000 + 1000000000) % 1000000000; /* also before 1970 */
    time_t seconds = (instant - part) / 1000000000;
    text[0] = '\0';
    (void)strftime(text, INSTANT_TEXT, "%Y-%m-%dT%H:%M:%S", gmtime_r(&seconds, &parts));
    text_append(text, INSTANT_TEXT, ".%06" PRId64 "Z", part / 1000);
    return text;
}
