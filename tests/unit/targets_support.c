/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "targets_support.h"

#include <stdio.h>
#include <stdlib.h>

void targets_begin(struct targets *targets, size_t count)
{
    struct endpoint *endpoints = calloc(count, sizeof *endpoints);
    need(endpoints != NULL, "endpoints");
    for (size_t i = 0; i < count; i++) {
        struct endpoint *endpoint = &endpoints[i];
        if (i == 0)
            snprintf(endpoint->host, sizeof endpoint->host, "example.net");
        else
            snprintf(endpoint->host, sizeof endpoint->host, "%zu.example.net", i);
    }
    *targets = (struct targets){.count = 0};
    need(targets_open(targets, endpoints, count) == 0, "targets");
    free(endpoints);
}

void targets_end(struct targets *targets)
{
    for (size_t i = 0; i < targets->count; i++)
        free(targets->list[i].order);
    for (size_t i = 0; i < targets->server_count; i++)
        free(targets->servers[i]);
    free(targets->list);
    free(targets->servers);
    *targets = (struct targets){.count = 0};
}
