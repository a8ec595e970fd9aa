/* SPDX-License-Identifier: MIT */
/* What a path and the exchange at its end show together. */
#ifndef CLIENT_PATH_CONCLUSION_H
#define CLIENT_PATH_CONCLUSION_H

#include "client/options/status.h"
#include "client/path/path.h"
#include "client/report/report.h"

#define CONCLUSION_TEXT 500

struct conclusion {
    const char *word; /* sixteen(1), PATH */
    enum status status;
    int hop;             /* where the path ends; 0: this host; -1: not known */
    struct address from; /* of that hop, without a port; its length is 0 if it is not known */
    char text[CONCLUSION_TEXT];
};

/* Conclude from the path, and from the summary of the exchange. */
void path_conclude(const struct path *path, const struct summary *summary,
                   struct conclusion *conclusion);

#endif
