/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "faulty_io.h"

#include "common/deadline.h"
#include "support.h"

#include <errno.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/socket.h>

#define STEPS_MAX 16

/* The names that --wrap gives to the replacements and to the real functions.
 * NOLINTBEGIN(bugprone-reserved-identifier) */
ssize_t __real_recv(int fd, void *buffer, size_t length, int flags);
ssize_t __wrap_recv(int fd, void *buffer, size_t length, int flags);
ssize_t __real_send(int fd, const void *buffer, size_t length, int flags);
ssize_t __wrap_send(int fd, const void *buffer, size_t length, int flags);
int __real_shutdown(int fd, int how);
int __wrap_shutdown(int fd, int how);
int64_t __real_clock_nanoseconds(void);
int64_t __wrap_clock_nanoseconds(void);

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* protects script and last call */
static struct step script[STEPS_MAX];
static size_t script_length;
static size_t script_at;
static unsigned step_used;
static struct call last_call;
static atomic_uint calls;

static _Atomic int64_t stopped_at = -1; /* every thread reads the clock */
static _Atomic int64_t moved;

void io_reset(void)
{
    script_length = script_at = 0;
    step_used = 0;
    last_call = (struct call){0};
    atomic_store(&calls, 0);
    stopped_at = -1;
    moved = 0;
}

void io_script(const struct step *steps, size_t count)
{
    need(count <= STEPS_MAX, "room for the script");
    memcpy(script, steps, count * sizeof *steps);
    script_length = count;
    script_at = 0;
    step_used = 0;
}

unsigned io_calls(void)
{
    return atomic_load(&calls);
}

struct call io_last_call(void)
{
    return last_call;
}

void clock_stop(void)
{
    stopped_at = __real_clock_nanoseconds();
}

void clock_move(double seconds)
{
    moved += (int64_t)(seconds * 1e9 + 0.5);
}

int64_t __wrap_clock_nanoseconds(void)
{
    return (stopped_at < 0 ? __real_clock_nanoseconds() : stopped_at) + moved;
}

/* Take the step for a call, and move the clock by its time. */
static struct step take_step(void)
{
    struct step step = {0};
    if (script_at < script_length) {
        step = script[script_at];
        if (++step_used >= step.times) {
            script_at++;
            step_used = 0;
        }
    }
    clock_move(step.seconds);
    return step;
}

static struct step note_call(int fd, int option, size_t length, int flags)
{
    struct timeval timeout = {0};
    socklen_t size = sizeof timeout;
    getsockopt(fd, SOL_SOCKET, option, &timeout, &size);
    pthread_mutex_lock(&lock);
    last_call = (struct call){length, flags, timeout.tv_sec * INT64_C(1000000) + timeout.tv_usec};
    atomic_fetch_add(&calls, 1);
    struct step step = take_step();
    pthread_mutex_unlock(&lock);
    return step;
}

static size_t at_most(const struct step *step, size_t length)
{
    return step->most > 0 && step->most < length ? step->most : length;
}

static int refuse(int error)
{
    errno = error;
    return -1;
}

ssize_t __wrap_recv(int fd, void *buffer, size_t length, int flags)
{
    struct step step = note_call(fd, SO_RCVTIMEO, length, flags);
    if (step.error != 0)
        return refuse(step.error);
    return __real_recv(fd, buffer, at_most(&step, length), flags);
}

ssize_t __wrap_send(int fd, const void *buffer, size_t length, int flags)
{
    struct step step = note_call(fd, SO_SNDTIMEO, length, flags);
    if (step.error != 0)
        return refuse(step.error);
    return __real_send(fd, buffer, at_most(&step, length), flags);
}

int __wrap_shutdown(int fd, int how)
{
    pthread_mutex_lock(&lock);
    struct step step = take_step();
    pthread_mutex_unlock(&lock);
    return step.error != 0 ? refuse(step.error) : __real_shutdown(fd, how);
}
/* NOLINTEND(bugprone-reserved-identifier) */
