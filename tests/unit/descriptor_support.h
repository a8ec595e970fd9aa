/* SPDX-License-Identifier: MIT */
/* Descriptors where a service manager passes them. */
#ifndef UNIT_DESCRIPTOR_SUPPORT_H
#define UNIT_DESCRIPTOR_SUPPORT_H

#include <stddef.h>

/* Make descriptors 3, 4 and so on copies of `fds`, without FD_CLOEXEC; close those for which `fds`
 * has -1. Check uses descriptors there: nothing may be asserted before descriptors_restore(). */
void descriptors_pass(const int *fds, size_t count);

/* Restore the descriptors that were there. */
void descriptors_restore(void);

#endif
