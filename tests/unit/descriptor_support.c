/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "descriptor_support.h"

#include "server/process/systemd.h"
#include "support.h"

#include <fcntl.h>
#include <unistd.h>

#define PASSED_MAX 8
#define FAR_AWAY 100

static struct {
    int fd; /* a copy of what was there, or -1 */
    int flags;
} kept[PASSED_MAX];
static size_t kept_count;

void descriptors_pass(const int *fds, size_t count)
{
    need(count <= PASSED_MAX, "room for the descriptors");
    kept_count = count;
    for (size_t i = 0; i < count; i++) {
        int fd = SYSTEMD_FIRST_FD + (int)i;
        kept[i].flags = fcntl(fd, F_GETFD);
        kept[i].fd = fcntl(fd, F_DUPFD_CLOEXEC, FAR_AWAY);
    }
    for (size_t i = 0; i < count; i++) {
        int fd = SYSTEMD_FIRST_FD + (int)i;
        need(fds[i] < 0 || fds[i] >= SYSTEMD_FIRST_FD + (int)count, "descriptors beyond them");
        if (fds[i] < 0)
            close(fd);
        else
            need(dup2(fds[i], fd) == fd, "a descriptor");
    }
}

void descriptors_restore(void)
{
    for (size_t i = 0; i < kept_count; i++) {
        int fd = SYSTEMD_FIRST_FD + (int)i;
        if (kept[i].fd < 0) {
            close(fd);
            continue;
        }
        need(dup2(kept[i].fd, fd) == fd && fcntl(fd, F_SETFD, kept[i].flags) == 0,
             "what was there before");
        close(kept[i].fd);
    }
    kept_count = 0;
}
