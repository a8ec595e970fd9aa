/* SPDX-License-Identifier: MIT */
/* An address as text: what is taken apart makes the same text when put together. */
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
    snprintf(again, sizeof again, strchr(host, ':') != NULL ? "[%s]:%s" : "%s:%s",
             *host != '\0' ? host : "*", endpoint->port);
    must(strcmp(again, text) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct endpoint endpoint;
    char why[SETTING_WHY];
    char *text = text_of(data, size, "");

    const char *wrong = endpoint_parse(text, &endpoint);
    if (wrong == NULL)
        judge_endpoint(&endpoint, text);
    else
        must(*wrong != '\0');
    must(setting_judge_text(settings_find("listen"), text, why) == (wrong == NULL));
    must(wrong == NULL || is_printable(why));
    if (port_is_plausible(text))
        judge_port(text);
    free(text);
    return 0;
}
