/* SPDX-License-Identifier: MIT */
#include "client/load.h"
#include <config.h>
#include <errno.h>
struct load *load_start(const struct load_plan *plan)
{
    (void)plan;
    errno = ENOSYS;
    return NULL;
}
struct load_progress load_progress(const struct load *load)
{
    (void)load;
    return (struct load_progress){0};
}
void load_stop(struct load *load)
{
    (void)load;
}
void load_cut(struct load *load)
{
    (void)load;
}
void load_join(struct load *load, struct load_result *result)
{
    (void)load;
    *result = (struct load_result){0};
}
void load_free(struct load *load)
{
    (void)load;
}
