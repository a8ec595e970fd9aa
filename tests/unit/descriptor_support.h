/* SPDX-License-Identifier: MIT */
/* Descriptors where a service manager passes them. */
#ifndef UNIT_DESCRIPTOR_SUPPORT_H
#define UNIT_DESCRIPTOR_SUPPORT_H

#include <stddef.h>

/* Let descriptors 3 and so on be copies of `fds`, which other programs get too; -1 is none.
 * Check has descriptors there: until descriptors_restore() nothing may be asserted. */
void descriptors_pass(const int *fds, size_t count);

/* Give back what was there. */
void descriptors_restore(void);

#endif
