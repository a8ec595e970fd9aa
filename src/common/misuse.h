/* SPDX-License-Identifier: MIT */
#ifndef COMMON_MISUSE_H
#define COMMON_MISUSE_H

/* Room for what is said of an option that was misused. */
#define MISUSE_WHY 1000

/* What is wrong with the option that getopt_long(3) has just refused by returning `refusal`, ':' or
 * '?'; `flags` are its short options. In words that fit behind the program's name and a colon.
 * Returns `why`. */
char *misuse_of_option(int refusal, const char *flags, char *const argv[], char why[MISUSE_WHY]);

#endif
