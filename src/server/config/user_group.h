/* SPDX-License-Identifier: MIT */
/* Users and groups by name. */
#ifndef SERVER_CONFIG_USER_GROUP_H
#define SERVER_CONFIG_USER_GROUP_H

#include <sys/types.h>

/* Look up a user and its group, or a group. Each returns 0; or -1 and errno, which is 0 if there is
 * no such name. */
int user_look_up(const char *name, uid_t *uid, gid_t *gid);
int group_look_up(const char *name, gid_t *gid);

#endif
