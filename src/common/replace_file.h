/* SPDX-License-Identifier: MIT */
/* Replaces a file as a whole: a reader finds the old text or the new one. */
#ifndef COMMON_REPLACE_FILE_H
#define COMMON_REPLACE_FILE_H

/* The error if the path names something that must not be replaced; any other error is an errno. */
#define REPLACE_FOREIGN (-1)

/* Write `text` to a new file and give it the name `path`. Only an empty file or one that begins
 * with `beginning` is replaced: a path that is given by mistake must not cost a file. Returns 0, or
 * an error; then the old file is as it was. */
int replace_file(const char *path, const char *beginning, const char *text);

#endif
