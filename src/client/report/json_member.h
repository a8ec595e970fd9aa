/* SPDX-License-Identifier: MIT */
/* Prints members of JSON objects, each after a comma, on standard output: RFC 8259. */
#ifndef CLIENT_REPORT_JSON_MEMBER_H
#define CLIENT_REPORT_JSON_MEMBER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Print octets as a string, without a name or a comma. A very long one is cut. */
void json_string(const void *octets, size_t count);

/* Print a text; null if it is NULL. */
void json_text(const char *name, const char *text);

/* Print a number with three decimals, or more if these would show it as 0; null if it is less than
 * 0. */
void json_number(const char *name, double number);

/* Print a count; null if it is not known. */
void json_count(const char *name, bool is_known, uint64_t count);

#endif
