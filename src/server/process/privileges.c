/* SPDX-License-Identifier: MIT */
/* If the process already has the user and the group that daemon.user and daemon.group name, nothing
 * is changed or tested, and its supplementary groups stay, because an ordinary user could not drop
 * them. Otherwise the supplementary groups change first, then the group, then the user, because
 * only root can change groups. The daemon then tries to regain root, which must fail.
 *
 * capset(2) is called only if capget(2) shows a capability to drop. An ordinary user needs none of
 * these calls, and the SystemCallFilter= of a unit can kill the process for each of them. */
#include <config.h>

#include "server/process/privileges.h"

#include "server/log/log.h"

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <stdbool.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

/* The C library has these functions, but no header declares them. */
int capget(cap_user_header_t header, cap_user_data_t held);
int capset(cap_user_header_t header, const struct __user_cap_data_struct *wanted);

static bool is_already(uid_t uid, gid_t gid)
{
    uid_t user[3];
    gid_t group[3];
    (void)getresuid(&user[0], &user[1], &user[2]);
    (void)getresgid(&group[0], &group[1], &group[2]);
    return user[0] == uid && user[1] == uid && user[2] == uid && group[0] == gid &&
           group[1] == gid && group[2] == gid;
}

/* An ordinary user cannot change its groups, which does no harm if there are none to drop. */
static int change(uid_t uid, gid_t gid)
{
    if (setgroups(0, NULL) != 0 && (errno != EPERM || getgroups(0, NULL) != 0))
        return -1;
    if (setresgid(gid, gid, gid) != 0)
        return -1;
    return setresuid(uid, uid, uid);
}

/* Capabilities can come from a service manager or from the program's file. */
static int drop_capabilities(void)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    const struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {{0}};
    struct __user_cap_data_struct held[_LINUX_CAPABILITY_U32S_3] = {{0}};

    if (capget(&header, held) != 0)
        return -1;
    return memcmp(held, none, sizeof none) == 0 ? 0 : capset(&header, none);
}

/* Whether the user or group of root, or the right to choose groups, can be regained. */
static bool can_regain_root(gid_t gid)
{
    const gid_t root = 0;
    return setuid(0) == 0 || seteuid(0) == 0 || (gid != 0 && (setgid(0) == 0 || setegid(0) == 0)) ||
           setgroups(1, &root) == 0;
}

/* Become the user and the group that the configuration names. Returns 1; 0 if there was nothing to
 * change; or -1 with the reason logged. */
static int become(const struct settings *settings)
{
    const char *user = settings->daemon.user;
    const char *group = settings->daemon.group;
    uid_t uid = user[0] != '\0' ? settings->daemon.uid : geteuid();
    gid_t gid = user[0] != '\0' ? settings->daemon.gid_of_user : getegid();

    if (group[0] != '\0')
        gid = settings->daemon.gid;
    if (is_already(uid, gid))
        return 0;
    if (change(uid, gid) == 0)
        return 1;
    log_errno(LOG_CRIT, "cannot change to %s%s%s%s%s", user[0] != '\0' ? "user " : "", user,
              user[0] == '\0'    ? "group "
              : group[0] != '\0' ? " and group "
                                 : " and its group",
              group,
              errno == EINVAL  ? "; the user namespace does not map it"
              : geteuid() != 0 ? "; only root can"
                               : "");
    return -1;
}

void privileges_give_sockets(const struct settings *settings, const struct listeners *listeners)
{
    if (settings->daemon.user[0] == '\0' || geteuid() != 0)
        return;
    for (size_t i = 0; i < listeners->count; i++)
        if (fchown(listeners->list[i]->fd, settings->daemon.uid, (gid_t)-1) != 0)
            log_errno(LOG_WARNING,
                      "cannot give the listener at %s to daemon.user; a reload cannot replace it "
                      "with one that overlaps it",
                      listeners->list[i]->name);
}

int privileges_drop(const struct settings *settings)
{
    bool wanted = settings->daemon.user[0] != '\0' || settings->daemon.group[0] != '\0';
    int became = wanted ? become(settings) : 0;

    if (became < 0)
        return -1;
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
        log_errno(LOG_CRIT, "cannot set no_new_privs");
        return -1;
    }
    if (geteuid() == 0) {
        log_line(LOG_WARNING, "running as root; set daemon.user to run as another user");
        return 0;
    }
    if (drop_capabilities() != 0) {
        log_errno(LOG_CRIT, "cannot drop capabilities");
        return -1;
    }
    if (became > 0 && can_regain_root(getegid())) {
        log_line(LOG_CRIT, "root privileges could be regained after they were dropped");
        return -1;
    }
    return 0;
}
