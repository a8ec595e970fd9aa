/* SPDX-License-Identifier: MIT */
/* An address as text: a valid one is written as it was read. */
#include <config.h>

#include "fuzz.h"

#include <stdlib.h>
#include <string.h>

static void judge_port(const char *port)
{
    must(*port != '\0');
    if (strspn(port, "0123456789") == strlen(port))
        must(strtoul(port, NULL, 10) <= 65535);
    must(is_printable(port) && strpbrk(port, " :[]") == NULL);
}

static void judge_endpoint(const struct endpoint *endpoint, const char *text)
{
    char again[ENDPOINT_TEXT];
    const char *host = endpoint->host;
    must(strnlen(host, sizeof endpoint->host) < sizeof endpoint->host);
    must(strnlen(endpoint->port, sizeof endpoint->port) < sizeof endpoint->port);
    must(port_is_plausible(endpoint->port));
    must(strlen(text) < ENDPOINT_TEXT);
    must(endpoint_format(endpoint, again) == again && strcmp(again, text) == 0);
}

/* The key takes the same texts. */
static void judge_setting(const char *text, bool valid)
{
    struct settings *settings = new_settings();
    char error[ERROR_SIZE];
    char stored[ENDPOINT_TEXT];
    size_t wrong;
    if (setting_store_texts(settings_find("listen"), settings, &text, 1, &wrong, error)) {
        must(valid && settings->listen.count == 1);
        must(strcmp(endpoint_format(&settings->listen.list[0], stored), text) == 0);
    } else {
        must(!valid && wrong == 0 && is_printable(error));
    }
    settings_unref(settings);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct endpoint endpoint;
    char *text = text_of(data, size, "");

    const char *wrong = endpoint_parse(text, &endpoint);
    if (wrong == NULL)
        judge_endpoint(&endpoint, text);
    else
        must(*wrong != '\0');
    judge_setting(text, wrong == NULL);
    if (port_is_plausible(text))
        judge_port(text);
    free(text);
    return 0;
}
