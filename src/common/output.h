/* SPDX-License-Identifier: MIT */
#ifndef COMMON_OUTPUT_H
#define COMMON_OUTPUT_H

/* Write out what standard output holds; call it before exit, because a full disk must
 * not pass for an empty answer. Returns 0; or -1 when something could not be written,
 * with the reason on standard error behind the name of `program`. */
int output_finish(const char *program);

#endif
