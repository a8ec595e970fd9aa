/* SPDX-License-Identifier: MIT */
/* The last words of a daemon whose system call was refused. Whoever made that call may hold any
 * lock, of the C library or ours, and the process may be somebody else's by now: so only
 * what signal-safety(7) lists is called here, nothing is waited for, and the end is the
 * kernel's. */
#include <config.h>

#include "server/process/violation.h"

#include "common/checked.h"
#include "common/number.h"
#include "server/log/log.h"

#include <paths.h>
#include <poll.h>
#include <seccomp.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define TEXT_SIZE 256
#define LINE_SIZE (TEXT_SIZE + 64)

/* By number, from the start on: to look one up takes memory. */
static char *names[512];
static uint32_t architecture;

static void learn_names(void)
{
    architecture = seccomp_arch_native();
    for (size_t number = 0; number < sizeof names / sizeof *names; number++)
        names[number] = seccomp_syscall_resolve_num_arch(architecture, (int)number);
}

static void format(const siginfo_t *info, char text[TEXT_SIZE])
{
    size_t number = (unsigned int)info->si_syscall;
    char *end = put_decimal(stpcpy(text, "system call "), number);
    if (info->si_arch == architecture && number < sizeof names / sizeof *names &&
        names[number] != NULL)
        end = stpcpy(stpcpy(stpcpy(end, " ("), names[number]), ")");
    (void)stpcpy(end, " is refused: a break-in or a defect. This is the end");
}

/* syslog(3) would take a lock. Returns whether the line has gone. */
static bool tell_syslog(unsigned int priority, const char *text)
{
    const struct sockaddr_un to = {.sun_family = AF_UNIX, .sun_path = _PATH_LOG};
    char line[LINE_SIZE] = "<";
    char *end = stpcpy(put_decimal(line + 1, priority), ">sixteend[");
    end = stpcpy(stpcpy(put_decimal(end, (unsigned int)getpid()), "]: "), text);

    close(STDIN_FILENO); /* so that there is a descriptor to be had */
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    return sendto(fd, line, (size_t)(end - line), MSG_DONTWAIT | MSG_NOSIGNAL,
                  (const struct sockaddr *)&to, sizeof to) >= 0;
}

static void tell_stderr(const char *text)
{
    char line[LINE_SIZE];
    char *end = stpcpy(stpcpy(stpcpy(line, "sixteend: "), text), "\n");
    if (poll(&(struct pollfd){.fd = STDERR_FILENO, .events = POLLOUT}, 1, 0) == 1)
        (void)!write(STDERR_FILENO, line, (size_t)(end - line));
}

static void end_with_words(int number, siginfo_t *info, void *context)
{
    (void)context;
    char text[TEXT_SIZE];
    int priority = log_syslog_priority(LOG_CRIT);
    if (info->si_code > 0) { /* else somebody sent it */
        format(info, text);
        if (priority < 0 || !tell_syslog((unsigned int)priority, text))
            tell_stderr(text);
    }
    (void)raise(number); /* and now nobody catches it */
}

void violation_watch(void)
{
    const struct sigaction action = {.sa_sigaction = end_with_words,
                                     .sa_flags = (int)(SA_SIGINFO | SA_RESETHAND | SA_NODEFER)};
    sigset_t refused;
    learn_names();
    sigemptyset(&refused);
    sigaddset(&refused, SIGSYS);
    (void)sigaction(SIGSYS, &action, NULL);
    CHECKED(pthread_sigmask(SIG_UNBLOCK, &refused, NULL));
}
