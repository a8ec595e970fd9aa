/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "server/log/process_stats.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

/* Without the descriptor that reads the directory. Returns -1 if it cannot be read. */
static int64_t count_descriptors(void)
{
    int64_t count = -1;
    DIR *open_files = opendir("/proc/self/fd");
    if (open_files == NULL)
        return -1;
    errno = 0;
    for (const struct dirent *entry; (entry = readdir(open_files)) != NULL;)
        count += entry->d_name[0] != '.';
    if (errno != 0)
        count = -1;
    closedir(open_files);
    return count;
}

/* proc_pid_stat(5). The name in parentheses can contain anything. */
static void read_stat(struct process_stats *process)
{
    char text[1024];
    long long threads, octets, pages;
    int fd = open("/proc/self/stat", O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return;
    ssize_t length = read(fd, text, sizeof text - 1);
    close(fd);
    text[length > 0 ? length : 0] = '\0';
    const char *rest = strrchr(text, ')');
    if (rest == NULL || sscanf(rest,
                               ") %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s "
                               "%*s %lld %*s %*s %lld %lld",
                               &threads, &octets, &pages) != 3)
        return;
    process->threads = threads;
    process->virtual_memory = octets;
    process->resident_memory = pages * getpagesize();
}

void process_stats_read(struct process_stats *process)
{
    struct timespec cpu;
    struct rlimit limit;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &cpu);
    *process = (struct process_stats){.cpu_seconds = (double)cpu.tv_sec + (double)cpu.tv_nsec / 1e9,
                                      .open_fds = count_descriptors(),
                                      .max_fds = -1,
                                      .threads = -1,
                                      .virtual_memory = -1,
                                      .resident_memory = -1};
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0)
        process->max_fds = (int64_t)limit.rlim_cur;
    read_stat(process);
}
