/* SPDX-License-Identifier: MIT */
/* The signals are blocked before the first thread, which inherits the mask, and read from a
 * signalfd(2). ppoll(2) with a signal mask would not do: it delivers no signal while a descriptor
 * is ready, so a flood of connections could delay a stop for as long as it lasts.
 *
 * Of several pending signals the kernel reports the one with the lowest number first, and HUP is
 * the first of all: if it is sent again and again, TERM is never reported. So a signal that was
 * acted upon can be deferred, which leaves the others.
 *
 * By default most signals end a process, and the log does not say why. What each of these does:
 *
 *   TERM INT        stop.
 *   QUIT XCPU PWR   The same, because they also mean that the daemon is to end: a key, the limit
 *                   of processor time (RLIMIT_CPU), a power failure. The log names them.
 *   HUP USR1        reload; log the statistics. One that comes during the start waits until it is
 *                   over.
 *   USR2            is the daemon's own: ACCEPTOR_SIGNAL.
 *   PIPE XFSZ       Ignored: write(2) then fails with EPIPE or EFBIG, and the writer handles that
 *                   like a full disk.
 *   ALRM VTALRM PROF IO STKFLT and the real-time signals
 *                   Ignored: the daemon asked for none of them, so one that arrives is a mistake,
 *                   or from a timer that the program before exec(3) left. In the foreground a
 *                   handler that something else in the process has set, such as a profiler, stays;
 *                   signals_reset() removes it in the background.
 *   ILL TRAP ABRT BUS FPE SEGV SYS
 *                   End the process at once: they mean a defect, and to go on would be wrong.
 *   KILL            cannot be handled. */
#include <config.h>

#include "server/process/signals.h"

#include "common/checked.h"
#include "server/connection/acceptor.h"

#include <assert.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

/* Those that stop the daemon, and those that it ignores in addition to the real-time signals. */
static const int stops[] = {SIGTERM, SIGINT, SIGQUIT, SIGXCPU, SIGPWR};
static const int ignored[] = {SIGPIPE,  SIGXFSZ, SIGALRM, SIGVTALRM, SIGPROF, SIGIO,
#ifdef SIGSTKFLT
                              SIGSTKFLT
#endif
};

static void add_stops(sigset_t *set)
{
    for (size_t i = 0; i < sizeof stops / sizeof stops[0]; i++)
        sigaddset(set, stops[i]);
}

static void add_requests(sigset_t *set)
{
    sigaddset(set, SIGHUP);
    sigaddset(set, SIGUSR1);
}

static void ignore(int number)
{
    struct sigaction now;
    if (sigaction(number, NULL, &now) == 0 && now.sa_handler == SIG_DFL)
        (void)signal(number, SIG_IGN);
}

void signals_prepare(void)
{
    sigset_t set;
    sigemptyset(&set);
    add_stops(&set);
    CHECKED(pthread_sigmask(SIG_UNBLOCK, &set, NULL));
    sigemptyset(&set);
    add_requests(&set);
    CHECKED(pthread_sigmask(SIG_BLOCK, &set, NULL));
    for (size_t i = 0; i < sizeof ignored / sizeof ignored[0]; i++)
        ignore(ignored[i]);
    for (int number = SIGRTMIN; number <= SIGRTMAX; number++)
        ignore(number);
}

void signals_reset(void)
{
    sigset_t requests;
    for (int number = 1; number < NSIG; number++)
        (void)signal(number, SIG_DFL); /* fails for KILL, STOP and the C library's own */
    sigemptyset(&requests);
    add_requests(&requests); /* they can be pending, and would end the process */
    CHECKED(pthread_sigmask(SIG_SETMASK, &requests, NULL));
    signals_prepare();
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
    add_stops(&handled);
    add_requests(&handled);
    reported = handled;
    sigset_t blocked = handled;
    sigaddset(&blocked, ACCEPTOR_SIGNAL);
    CHECKED(pthread_sigmask(SIG_BLOCK, &blocked, NULL));
    (void)sigaction(ACCEPTOR_SIGNAL, &interrupt, NULL);
    return signalfd(-1, &handled, SFD_CLOEXEC | SFD_NONBLOCK);
}

int signals_take(int fd)
{
    struct signalfd_siginfo info;
    if (read(fd, &info, sizeof info) != sizeof info)
        return 0;
    return (int)info.ssi_signo;
}

/* signalfd(2) changes one that is open without allocating anything. */
static void change_reported(int fd)
{
    int rc = signalfd(fd, &reported, 0);
    assert(rc == fd);
    (void)rc;
}

void signals_defer(int fd, int number)
{
    sigdelset(&reported, number);
    change_reported(fd);
}

void signals_resume(int fd)
{
    reported = handled;
    change_reported(fd);
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
    sigset_t set;
    end_status = status;
    sigemptyset(&set);
    add_stops(&set);
    for (size_t i = 0; i < sizeof stops / sizeof stops[0]; i++)
        (void)signal(stops[i], end_now);
    CHECKED(pthread_sigmask(SIG_UNBLOCK, &set, NULL));
}
