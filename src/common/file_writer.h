/* SPDX-License-Identifier: MIT */
/* A thread that replaces a file again and again, so that no other thread waits for a disk that
 * hangs. */
#ifndef COMMON_FILE_WRITER_H
#define COMMON_FILE_WRITER_H

#include "common/replace_file.h"

#include <stdbool.h>

struct file_writer;

/* The error if a write takes longer than a second; others are those of replace_file(). */
#define FILE_WRITER_HANGS (-2)

/* What the files of one writer have in common. */
struct file_kind {
    const char *beginning; /* of each: see replace_file() */
    /* Called in the thread. Return the text of a content that was put; or NULL and errno. The text
     * is from malloc(3), or is the content itself. The writer frees both. */
    char *(*format)(void *content);
    /* Report the first failure of a file, and with `error` 0 the first success after one. Called
     * in any thread, never in two at a time. */
    void (*report)(const char *path, int error);
};

/* Start the thread. Returns NULL and errno on failure. */
struct file_writer *file_writer_create(const struct file_kind *kind);

/* Let the thread write `content` to the file `path`, in place of an older content that it has not
 * taken yet. `content` is from malloc(3), and the writer frees it. If it is NULL, errno says why
 * there is none, and that is reported. A write that hangs is reported here. Never waits for a
 * disk. */
void file_writer_put(struct file_writer *writer, const char *path, void *content);

/* Write what was put, for at most `seconds`, stop the thread and free everything. Returns false if
 * the time was too short, which is reported: then thread and memory stay as they are until the
 * process ends, and the thread reports nothing any more. NULL is ignored. */
bool file_writer_stop(struct file_writer *writer, double seconds);

#endif
