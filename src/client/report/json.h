/* SPDX-License-Identifier: MIT */
/* Reports as JSON, one object on each line: sixteen(1), JSON, and RFC 8259. */
#ifndef CLIENT_REPORT_JSON_H
#define CLIENT_REPORT_JSON_H

#include "client/report/report.h"

/* Print the object of one exchange, on standard output. */
void json_exchange(const struct record *record);

/* Print the object of an address that failed while another one was used. */
void json_address(const struct record *record);

/* Print the object of the summary. */
void json_summary(const struct summary *summary);

#endif
