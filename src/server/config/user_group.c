/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "server/config/user_group.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stddef.h>

/* Systems differ in the errno for an unknown name; getpwnam(3) lists the real errors. */
static int unknown_or_error(void)
{
    switch (errno) {
    case EINTR:
    case EIO:
    case EMFILE:
    case ENFILE:
    case ENOMEM:
    case ERANGE: return -1;
    default: errno = 0; return -1;
    }
}

int user_look_up(const char *name, uid_t *uid, gid_t *gid)
{
    errno = 0;
    const struct passwd *user = getpwnam(name);
    if (user == NULL)
        return unknown_or_error();
    *uid = user->pw_uid;
    *gid = user->pw_gid;
    return 0;
}

int group_look_up(const char *name, gid_t *gid)
{
    errno = 0;
    const struct group *group = getgrnam(name);
    if (group == NULL)
        return unknown_or_error();
    *gid = group->gr_gid;
    return 0;
}
