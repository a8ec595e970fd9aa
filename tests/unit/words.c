/* SPDX-License-Identifier: MIT */
/* For the library under test, strerror(3) and gai_strerror(3) say what they say in glibc. */
#include <config.h>

#include "../words.h"

#include "support.h"

#include <stdio.h>
#include <string.h>

/* The names that --wrap gives to the replacements and to the real functions.
 * NOLINTBEGIN(bugprone-reserved-identifier) */
char *__real_strerror(int number);
char *__wrap_strerror(int number);
const char *__real_gai_strerror(int number);
const char *__wrap_gai_strerror(int number);

static const char *find(const struct words *words, size_t count, int number)
{
    for (size_t i = 0; i < count; i++)
        if (words[i].number == number)
            return words[i].text;
    return NULL;
}

char *__wrap_strerror(int number)
{
    const char *text = find(glibc_strerror, COUNT(glibc_strerror), number);
    static _Thread_local char copy[64]; /* which the caller could change */
    if (text == NULL)
        return __real_strerror(number);
    snprintf(copy, sizeof copy, "%s", text);
    return copy;
}

const char *__wrap_gai_strerror(int number)
{
    const char *text = find(glibc_gai_strerror, COUNT(glibc_gai_strerror), number);
    return text != NULL ? text : __real_gai_strerror(number);
}
/* NOLINTEND(bugprone-reserved-identifier) */
