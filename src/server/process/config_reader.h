/* SPDX-License-Identifier: MIT */
/* Reads the configuration for a reload in a thread of its own, so that the main loop does not wait
 * for a disk that hangs. The main thread calls these functions. */
#ifndef SERVER_PROCESS_CONFIG_READER_H
#define SERVER_PROCESS_CONFIG_READER_H

#include "server/config/options.h"
#include "server/connection/loop.h"

struct config_reader;

/* Start options_load() with these arguments. When it has returned, loop_run() returns LOOP_CALLED.
 * `options` must last as long as the process. Returns NULL and errno on failure. */
struct config_reader *config_reader_start(const struct options *options, struct settings *running,
                                          struct loop *loop);

/* After LOOP_CALLED: return what options_load() returned, and free the reader. */
int config_reader_finish(struct config_reader *reader, struct settings **loaded,
                         char message[ERROR_SIZE]);

/* Drop what is read, and let the thread end when it can, or with the process. It does not call the
 * loop any more. NULL is ignored. */
void config_reader_abandon(struct config_reader *reader);

#endif
