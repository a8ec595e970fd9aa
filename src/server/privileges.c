/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "server/privileges.h"

#include "server/account.h"
#include "server/log.h"

#include <errno.h>
#include <grp.h>
#include <unistd.h>

static int unknown(const char *what, const char *name)
{
    if (errno == 0)
        log_line(LOG_CRIT, "daemon.%s: no %s %s", what, what, name);
    else
        log_errno(LOG_CRIT, "daemon.%s: cannot look up %s", what, name);
    return -1;
}

static int look_up(const struct settings *settings, uid_t *uid, gid_t *gid)
{
    const char *user = settings->daemon.user;
    const char *group = settings->daemon.group;
    if (user[0] != '\0' && account_user(user, uid, gid) != 0)
        return unknown("user", user);
    if (group[0] != '\0' && account_group(group, gid) != 0)
        return unknown("group", group);
    return 0;
}

/* Groups first: a plain user may not change them, which does no harm where there are
 * none to give up. */
static int change(uid_t uid, gid_t gid)
{
    if (setgroups(0, NULL) != 0) {
        int kept = errno;
        bool none = kept == EPERM && getgroups(0, NULL) == 0;
        errno = kept;
        if (!none)
            return -1;
    }
    if (setresgid(gid, gid, gid) != 0)
        return -1;
    return setresuid(uid, uid, uid);
}

int privileges_drop(const struct settings *settings)
{
    uid_t uid = geteuid();
    gid_t gid = getegid();
    bool wanted = settings->daemon.user[0] != '\0' || settings->daemon.group[0] != '\0';

    if (wanted && look_up(settings, &uid, &gid) != 0)
        return -1;
    if (wanted && change(uid, gid) != 0) {
        log_errno(LOG_CRIT, "cannot become user %s, group %s%s",
                  settings->daemon.user[0] != '\0' ? settings->daemon.user : "(unchanged)",
                  settings->daemon.group[0] != '\0' ? settings->daemon.group : "(the user's)",
                  geteuid() != 0 ? ", which takes root to do" : "");
        return -1;
    }
    if (uid != 0 && geteuid() != 0 && wanted && (setuid(0) == 0 || seteuid(0) == 0)) {
        log_line(LOG_CRIT, "root's privileges were given up, and could be had again");
        return -1;
    }
    if (geteuid() == 0)
        log_line(LOG_WARNING, "running as root; daemon.user names a user to run as");
    return 0;
}
