/* SPDX-License-Identifier: MIT */
/* Either thread can be the last that needs the reader: the one that reads, if it was abandoned, or
 * else the main thread. That one frees it. `lock` protects what decides this. The thread calls the
 * loop with it held, so that it does not call one that is gone. */
#include <config.h>

#include "server/process/config_reader.h"

#include "common/checked.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

struct config_reader {
    pthread_t thread;
    const struct options *options;
    struct settings *running; /* with a reference */
    /* What options_load() returns. */
    int status;
    struct settings *loaded; /* or NULL */
    char message[ERROR_SIZE];
    pthread_mutex_t lock; /* protects the rest */
    struct loop *loop;    /* to call, or NULL if the reader was abandoned */
    bool done;
};

static void destroy(struct config_reader *reader)
{
    CHECKED(pthread_mutex_destroy(&reader->lock));
    settings_unref(reader->running);
    settings_unref(reader->loaded);
    free(reader);
}

static void *run(void *argument)
{
    struct config_reader *reader = argument;
    reader->status =
        options_load(reader->options, reader->running, &reader->loaded, reader->message);
    CHECKED(pthread_mutex_lock(&reader->lock));
    bool abandoned = reader->loop == NULL;
    if (!abandoned)
        loop_call(reader->loop);
    reader->done = true;
    CHECKED(pthread_mutex_unlock(&reader->lock));
    if (abandoned)
        destroy(reader);
    return NULL;
}

struct config_reader *config_reader_start(const struct options *options, struct settings *running,
                                          struct loop *loop)
{
    struct config_reader *reader = calloc(1, sizeof *reader);
    if (reader == NULL)
        return NULL;
    reader->options = options;
    reader->running = settings_ref(running);
    reader->loop = loop;
    CHECKED(pthread_mutex_init(&reader->lock, NULL));
    int error = pthread_create(&reader->thread, NULL, run, reader);
    if (error == 0)
        return reader;
    destroy(reader);
    errno = error;
    return NULL;
}

int config_reader_finish(struct config_reader *reader, struct settings **loaded,
                         char message[ERROR_SIZE])
{
    CHECKED(pthread_join(reader->thread, NULL));
    int status = reader->status;
    *loaded = reader->loaded;
    reader->loaded = NULL;
    memcpy(message, reader->message, ERROR_SIZE);
    destroy(reader);
    return status;
}

void config_reader_abandon(struct config_reader *reader)
{
    if (reader == NULL)
        return;
    pthread_t thread = reader->thread;
    CHECKED(pthread_mutex_lock(&reader->lock));
    bool done = reader->done;
    reader->loop = NULL;
    CHECKED(pthread_mutex_unlock(&reader->lock));
    if (done) {
        CHECKED(pthread_join(thread, NULL));
        destroy(reader);
    } else {
        CHECKED(pthread_detach(thread));
    }
}
