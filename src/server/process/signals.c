/* SPDX-License-Identifier: MIT */
/* The signals are blocked before the first thread, which inherits the mask, and read from a
 * signalfd(2). ppoll(2) with a signal mask would not do: it delivers no signal while a descriptor
 * is ready, so a flood of connections could delay a stop for as long as it lasts.
 *
 * Of several pending signals the kernel reports the one with the lowest number first, and HUP is
 * the first of all: if it is sent again and again, TERM is never reported. So a signal that was
 * acted upon can be deferred, which leaves the others. */
#include <config.h>

#include "server/process/signals.h"

#include "common/checked.h"
#include "server/connection/acceptor.h"

#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

void signals_reset(void)
{
    sigset_t none;
    for (int number = 1; number < NSIG; number++)
        (void)signal(number, SIG_DFL); /* fails for KILL, STOP and the C library's own */
    sigemptyset(&none);
    CHECKED(pthread_sigmask(SIG_SETMASK, &none, NULL));
}

static void do_nothing(int number)
{
    (void)number;
}

static sigset_t handled;  /* what the descriptor is for … */
static sigset_t reported; /* … less what is deferred */

int signals_open(void)
{
    const struct sigaction interrupt = {.sa_handler = do_nothing};
    sigemptyset(&handled);
    sigaddset(&handled, SIGTERM);
    sigaddset(&handled, SIGINT);
    sigaddset(&handled, SIGHUP);
    sigaddset(&handled, SIGUSR1);
    reported = handled;
    sigset_t blocked = handled;
    sigaddset(&blocked, ACCEPTOR_SIGNAL);
    CHECKED(pthread_sigmask(SIG_BLOCK, &blocked, NULL));
    (void)sigaction(ACCEPTOR_SIGNAL, &interrupt, NULL);
    (void)signal(SIGPIPE, SIG_IGN);
    return signalfd(-1, &handled, SFD_CLOEXEC | SFD_NONBLOCK);
}

int signals_take(int fd)
{
    struct signalfd_siginfo info;
    if (read(fd, &info, sizeof info) != sizeof info)
        return 0;
    return (int)info.ssi_signo;
}

void signals_defer(int fd, int number)
{
    sigdelset(&reported, number);
    (void)signalfd(fd, &reported, 0);
}

void signals_resume(int fd)
{
    reported = handled;
    (void)signalfd(fd, &reported, 0);
}

/* Set by signals_let_end(). */
static int end_status;

static void end_now(int number)
{
    (void)number;
    _exit(end_status);
}

void signals_let_end(int status)
{
    sigset_t stops;
    end_status = status;
    sigemptyset(&stops);
    sigaddset(&stops, SIGTERM);
    sigaddset(&stops, SIGINT);
    (void)signal(SIGTERM, end_now);
    (void)signal(SIGINT, end_now);
    CHECKED(pthread_sigmask(SIG_UNBLOCK, &stops, NULL));
}
