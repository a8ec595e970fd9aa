/* SPDX-License-Identifier: MIT */
/* usage: without [RULE...] -- COMMAND [ARGUMENT...]
 * Run a command as on a kernel, or in a container, that lacks something. With the rule
 * CALL/ERRNO[/INDEX/VALUE...] that system call fails with that number if each argument that is
 * given has that value, or with 0 does nothing: setsockopt/92/1/0/2/21 is a kernel without
 * IP_MINTTL. Exits with 77 if calls cannot be filtered here. */
#include <config.h>

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#define SKIPPED 77
#define MOST 100   /* instructions: an offset of a jump has 8 bits */
#define PROBE 1600 /* no level of sockets */

static const struct {
    const char *name;
    unsigned number;
} calls[] = {
    {"capget", SYS_capget},
    {"clone3", SYS_clone3},
    {"close_range", SYS_close_range},
    {"epoll_create1", SYS_epoll_create1},
    {"eventfd2", SYS_eventfd2},
    {"getsockopt", SYS_getsockopt},
    {"prctl", SYS_prctl},
    {"sched_getaffinity", SYS_sched_getaffinity},
    {"sched_setscheduler", SYS_sched_setscheduler},
    {"setsockopt", SYS_setsockopt},
    {"signalfd4", SYS_signalfd4},
    {"socket", SYS_socket},
    {"timerfd_create", SYS_timerfd_create},
};

static struct sock_filter program[MOST];
static unsigned short length;

_Noreturn static void fail(int status, const char *what, const char *why)
{
    fprintf(stderr, "without: %s: %s\n", what, why);
    exit(status);
}

static void add(struct sock_filter instruction)
{
    if (length == MOST)
        fail(2, "rules", "too many");
    program[length++] = instruction;
}

/* A filter compares 32 bits: of an argument, those that an int has. */
static void must_be(size_t offset, unsigned value)
{
    add((struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (unsigned)offset));
    add((struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, 0, 0));
}

/* Let a call that does not match jump over the rule that ends here. */
static void end_rule(unsigned short start)
{
    for (; start < length; start++)
        if (BPF_CLASS(program[start].code) == BPF_JMP)
            program[start].jf = (unsigned char)(length - start - 1);
}

static unsigned number_of(const char *name)
{
    for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++)
        if (strcmp(calls[i].name, name) == 0)
            return calls[i].number;
    fail(2, name, "unknown call");
}

static unsigned next_number(void)
{
    const char *word = strtok(NULL, "/");
    return word != NULL ? (unsigned)strtoul(word, NULL, 10) : 0;
}

static void add_rule(char *rule)
{
    const size_t low = __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__ ? 4 : 0;
    unsigned short start = length;
    const char *word = strtok(rule, "/");

    must_be(offsetof(struct seccomp_data, nr), number_of(word));
    unsigned error = next_number();
    while ((word = strtok(NULL, "/")) != NULL)
        must_be(offsetof(struct seccomp_data, args) + 8 * strtoul(word, NULL, 10) + low,
                next_number());
    add((struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | error));
    end_rule(start);
}

/* Some C libraries make all calls of sockets by one system call, whose arguments no filter sees. */
static int sees_sockets(void)
{
    return setsockopt(-1, PROBE, 0, NULL, 0) != 0 && errno == EXDEV;
}

int main(int argc, char *argv[])
{
    char probe[40];
    int i = 1;

    snprintf(probe, sizeof probe, "setsockopt/%d/1/%d", EXDEV, PROBE);
    add_rule(probe);
    for (; i < argc && strcmp(argv[i], "--") != 0; i++)
        add_rule(argv[i]);
    add((struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
    if (i + 1 >= argc)
        fail(2, "usage", "without [RULE...] -- COMMAND [ARGUMENT...]");
    const struct sock_fprog filter = {.len = length, .filter = program};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
        prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) != 0)
        fail(SKIPPED, "this kernel filters no calls", strerror(errno));
    if (!sees_sockets())
        fail(SKIPPED, "no filter sees the calls of sockets", strerror(errno));
    execvp(argv[i + 1], argv + i + 1);
    fail(127, argv[i + 1], strerror(errno));
}
