/* SPDX-License-Identifier: MIT */
/* --show-config: every key with its value, in the configuration file's own syntax. */
#include <config.h>

#include "server/config/settings.h"

#include <stdlib.h>
#include <string.h>

/* Print a string as libconfig's scanner reads it. */
static void print_string(const char *text, size_t length, FILE *out)
{
    putc('"', out);
    for (size_t i = 0; i < length; i++) {
        unsigned char octet = (unsigned char)text[i];
        if (octet == '"' || octet == '\\')
            fprintf(out, "\\%c", octet);
        else if (octet < 0x20 || octet >= 0x7f)
            fprintf(out, "\\x%02x", octet);
        else
            putc(octet, out);
    }
    putc('"', out);
}

static bool reads_back(const char *text, double value)
{
    double again = strtod(text, NULL);
    return !(again < value) && !(again > value);
}

/* Print the fewest digits that read back as the same number, with a point, because libconfig takes
 * "10" for an integer; use an exponent only if nothing else reads back. */
static void print_seconds(double value, FILE *out)
{
    char text[64];
    int digits = 1;
    do
        snprintf(text, sizeof text, "%.*f", digits, value);
    while (!reads_back(text, value) && digits++ < 17);
    for (digits = 1; !reads_back(text, value) && digits <= 17; digits++)
        snprintf(text, sizeof text, "%.*e", digits, value);
    fputs(text, out);
}

static void print_endpoints(const struct settings *settings, FILE *out)
{
    char text[ENDPOINT_TEXT];
    for (size_t i = 0; i < settings->listen.count; i++) {
        fputs(i == 0 ? "[ " : ", ", out);
        endpoint_format(&settings->listen.list[i], text);
        print_string(text, strlen(text), out);
    }
    fputs(" ]", out);
}

static void print_prefixes(const struct prefixes *prefixes, FILE *out)
{
    char text[PREFIX_TEXT];
    putc('[', out);
    for (size_t i = 0; i < prefixes->count; i++)
        fprintf(out, "%s\"%s\"", i == 0 ? " " : ", ", prefix_format(&prefixes->list[i], text));
    fputs(" ]", out);
}

static void print_value(const struct setting *row, const struct settings *settings, FILE *out)
{
    const void *value = (const char *)settings + row->offset;
    switch (row->type) {
    case SETTING_BOOL: fputs(*(const bool *)value ? "true" : "false", out); break;
    case SETTING_INTEGER: fprintf(out, "%d", *(const int *)value); break;
    case SETTING_SECONDS: print_seconds(*(const double *)value, out); break;
    case SETTING_CHOICE:
        fprintf(out, "\"%s\"", settings_choice_name(row, *(const int *)value));
        break;
    case SETTING_MESSAGE: print_string(value, WIRE_OCTETS, out); break;
    case SETTING_PATH:
    case SETTING_USER:
    case SETTING_GROUP: print_string(value, strlen(value), out); break;
    case SETTING_ENDPOINTS: print_endpoints(settings, out); break;
    case SETTING_PREFIXES: print_prefixes(value, out); break;
    }
}

/* In the table the keys without a group are first, and those of a group follow each other. */
void settings_print(const struct settings *settings, FILE *out)
{
    const char *in_group = "";
    for (size_t i = 0; settings_row(i) != NULL; i++) {
        const char *key = settings_row(i)->key;
        const char *dot = strchr(key, '.');
        const char *name = dot != NULL ? dot + 1 : key;
        size_t group = (size_t)(name - key);
        if (strncmp(key, in_group, group) != 0) {
            fprintf(out, "%s%.*s:\n{\n", *in_group != '\0' ? "};\n" : "", (int)group - 1, key);
            in_group = key;
        }
        fprintf(out, "%s%s = ", group > 0 ? "    " : "", name);
        print_value(settings_row(i), settings, out);
        fputs(";\n", out);
    }
    fputs("};\n", out);
}
