/* SPDX-License-Identifier: MIT */
/* The same reports as JSON, an object a line: sixteen(1), JSON, and RFC 8259. */
#ifndef CLIENT_JSON_H
#define CLIENT_JSON_H

#include "client/report.h"

/* Print the object of one exchange, on standard output. */
void json_exchange(const struct exchange_report *report);

/* Print the object that sums up. */
void json_summary(const struct summary *summary);

#endif
