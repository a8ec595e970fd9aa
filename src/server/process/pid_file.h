/* SPDX-License-Identifier: MIT */
/* The pid file: locked, with the process ID; one daemon for each file. */
#ifndef SERVER_PROCESS_PID_FILE_H
#define SERVER_PROCESS_PID_FILE_H

/* Open `path`, lock it with flock(2), and write the process ID to it. A file that is not a pid file
 * is not touched. Returns the descriptor, which holds the lock; or -1 and errno with the reason
 * logged. errno is EWOULDBLOCK if another daemon holds the lock; the reason then names it. */
int pid_file_take(const char *path);

/* Release what pid_file_take() returned: remove the file, or empty it if the directory does not
 * permit that; but leave it as it is if it is not the same any more. -1 is ignored. */
void pid_file_release(const char *path, int fd);

#endif
