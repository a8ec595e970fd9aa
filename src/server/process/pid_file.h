/* SPDX-License-Identifier: MIT */
/* A locked file with the process id: one daemon per file. */
#ifndef SERVER_PROCESS_PID_FILE_H
#define SERVER_PROCESS_PID_FILE_H

/* Open `path`, lock it with flock(2) and write our process id there. Returns the
 * descriptor, which holds the lock, or -1 and errno with the reason logged: EWOULDBLOCK
 * when another process holds the lock, which the reason then names. */
int pid_file_take(const char *path);

/* Give up what pid_file_take() returned (-1 is nothing): remove the file, or empty
 * it where the directory no longer lets us remove it. */
void pid_file_release(const char *path, int fd);

#endif
