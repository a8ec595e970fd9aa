/* SPDX-License-Identifier: MIT */
/* Quoted octets are printable, fit, and are read back as they were. */
#include <config.h>

#include "fuzz.h"

#include "common/text.h"

#include <stdlib.h>
#include <string.h>

static unsigned hex(char digit)
{
    const char *digits = "0123456789abcdef";
    const char *at = strchr(digits, digit);
    must(digit != '\0' && at != NULL);
    return (unsigned)(at - digits);
}

/* The octet that begins at `*at`. */
static unsigned next(const char **at)
{
    static const char names[] = "\\'tnr";
    static const char octets[] = "\\'\t\n\r";
    must(**at != '\'');
    if (**at != '\\')
        return (unsigned char)*(*at)++;
    const char *name = *at + 1;
    if (*name == 'x') {
        *at += 4;
        return hex(name[1]) << 4 | hex(name[2]);
    }
    const char *found = strchr(names, *name);
    must(*name != '\0' && found != NULL);
    *at += 2;
    return (unsigned char)octets[found - names];
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = malloc(QUOTE_SIZE(size));
    must(text != NULL);
    must(quote(data, size, text, QUOTE_SIZE(size)) == text);
    must(is_printable(text) && text[0] == '\'');
    const char *at = text + 1;
    for (size_t i = 0; i < size; i++)
        must(next(&at) == data[i]);
    must(strcmp(at, "'") == 0);
    free(text);
    return 0;
}
