/* SPDX-License-Identifier: MIT */
/* Users and groups by their names. */
#ifndef SERVER_CONFIG_USER_GROUP_H
#define SERVER_CONFIG_USER_GROUP_H

#include <sys/types.h>

/* Look up a user and his group, or a group. Each returns 0; or -1 and in errno 0 if there is
 * none of that name, else why nobody could find out. */
int user_look_up(const char *name, uid_t *uid, gid_t *gid);
int group_look_up(const char *name, gid_t *gid);

#endif
