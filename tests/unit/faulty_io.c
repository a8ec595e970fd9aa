/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "faulty_io.h"

#include "common/deadline.h"
#include "support.h"

#include <errno.h>
#include <limits.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>

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
int __real_close(int fd);
int __wrap_close(int fd);
int __real_accept4(int fd, struct sockaddr *address, socklen_t *length, int flags);
int __wrap_accept4(int fd, struct sockaddr *address, socklen_t *length, int flags);
int __real_pthread_create(pthread_t *thread, const pthread_attr_t *attributes,
                          void *(*start)(void *), void *argument);
int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes,
                          void *(*start)(void *), void *argument);
int __real_epoll_create1(int flags);
int __wrap_epoll_create1(int flags);
int __real_epoll_ctl(int epoll, int operation, int fd, struct epoll_event *event);
int __wrap_epoll_ctl(int epoll, int operation, int fd, struct epoll_event *event);
int __wrap_sched_getaffinity(pid_t id, size_t size, cpu_set_t *set);
int __real_connect(int fd, const struct sockaddr *address, socklen_t length);
int __wrap_connect(int fd, const struct sockaddr *address, socklen_t length);
int __real_getsockname(int fd, struct sockaddr *address, socklen_t *length);
int __wrap_getsockname(int fd, struct sockaddr *address, socklen_t *length);
int __real_getsockopt(int fd, int level, int name, void *value, socklen_t *length);
int __wrap_getsockopt(int fd, int level, int name, void *value, socklen_t *length);
/* The name with times of 64 bits on 32-bit systems. */
int __wrap___getsockopt64(int fd, int level, int name, void *value, socklen_t *length);
int __real_timerfd_create(int clock, int flags);
int __wrap_timerfd_create(int clock, int flags);
int __real_eventfd(unsigned count, int flags);
int __wrap_eventfd(unsigned count, int flags);
void *__real_malloc(size_t size);
void *__wrap_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__real_realloc(void *memory, size_t size);
void *__wrap_realloc(void *memory, size_t size);
void *__real_aligned_alloc(size_t alignment, size_t size);
void *__wrap_aligned_alloc(size_t alignment, size_t size);

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* protects scripts and last call */
static struct step script[STEPS_MAX];
static size_t script_length;
static size_t script_at;
static unsigned step_used;
static struct call last_call;
static atomic_uint calls;

static _Atomic int64_t stopped_at = -1; /* every thread reads the clock */
static _Atomic int64_t moved;

static int accept_error;
static unsigned accept_failures; /* the number of calls that must still fail */
static atomic_uint accept_calls;

static atomic_size_t stack; /* of the thread that was started last, or 0 for the usual one */

static atomic_int held = -1;
static atomic_bool holds;

atomic_int threads_left = INT_MAX;
void (*before_no_thread)(void);
atomic_int tcp_retransmissions = -1;
atomic_uint tcp_info_size;
atomic_bool tcp_info_empty;
static atomic_uint info_calls;
atomic_bool accept_holds;

/* Without a lock in the usual case, which would hide races. */
static struct {
    atomic_int spared;
    atomic_int times;
    atomic_int error;
} faults[FAULTS];

void io_reset(void)
{
    script_length = script_at = 0;
    step_used = 0;
    last_call = (struct call){0};
    atomic_store(&calls, 0);
    stopped_at = -1;
    moved = 0;
    accept_fails(0, 0);
    atomic_store(&accept_calls, 0);
    held = -1;
    threads_left = INT_MAX;
    before_no_thread = NULL;
    tcp_retransmissions = -1;
    tcp_info_size = info_calls = 0;
    tcp_info_empty = false;
    accept_holds = false;
    for (int i = 0; i < FAULTS; i++)
        io_fail((enum fault)i, 0, 0, 0);
}

void io_fail(enum fault fault, int spared, int times, int error)
{
    faults[fault].spared = spared;
    faults[fault].error = error;
    faults[fault].times = times;
}

bool io_fails(enum fault fault)
{
    if (atomic_load_explicit(&faults[fault].times, memory_order_relaxed) <= 0)
        return false;
    if (atomic_fetch_sub(&faults[fault].spared, 1) > 0)
        return false;
    if (atomic_fetch_sub(&faults[fault].times, 1) <= 0)
        return false;
    errno = faults[fault].error;
    return true;
}

void io_script(const struct step *steps, size_t count)
{
    need(count <= STEPS_MAX, "room for the script");
    pthread_mutex_lock(&lock);
    memcpy(script, steps, count * sizeof *steps);
    script_length = count;
    script_at = 0;
    step_used = 0;
    pthread_mutex_unlock(&lock);
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

void accept_fails(int error, unsigned times)
{
    pthread_mutex_lock(&lock);
    accept_error = error;
    accept_failures = times;
    pthread_mutex_unlock(&lock);
}

unsigned accepts(void)
{
    return atomic_load(&accept_calls);
}

int __wrap_accept4(int fd, struct sockaddr *address, socklen_t *length, int flags)
{
    int error = 0;
    pthread_mutex_lock(&lock);
    if (accept_failures > 0) {
        accept_failures--;
        error = accept_error;
    }
    pthread_mutex_unlock(&lock);
    atomic_fetch_add(&accept_calls, 1);
    if (error != 0)
        return refuse(error);
    int accepted = __real_accept4(fd, address, length, flags);
    while (accepted >= 0 && accept_holds)
        sched_yield();
    return accepted;
}

void close_hold(int fd)
{
    holds = false;
    held = fd;
}

void close_let(void)
{
    held = -1;
}

void wait_close_held(void)
{
    while (!holds)
        sched_yield();
}

int __wrap_close(int fd)
{
    while (fd >= 0 && fd == held) {
        holds = true;
        sched_yield();
    }
    return __real_close(fd);
}

int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes,
                          void *(*start)(void *), void *argument)
{
    if (threads_left == 0) {
        if (before_no_thread != NULL)
            before_no_thread();
        return EAGAIN;
    }
    threads_left--;
    size_t size = 0;
    if (attributes != NULL)
        need(pthread_attr_getstacksize(attributes, &size) == 0, "a stack size");
    stack = size;
    return __real_pthread_create(thread, attributes, start, argument);
}

size_t thread_stack(void)
{
    return stack;
}

int __wrap_epoll_create1(int flags)
{
    return io_fails(FAULT_EPOLL_CREATE) ? -1 : __real_epoll_create1(flags);
}

int __wrap_epoll_ctl(int epoll, int operation, int fd, struct epoll_event *event)
{
    return io_fails(FAULT_EPOLL_CTL) ? -1 : __real_epoll_ctl(epoll, operation, fd, event);
}

int __wrap_connect(int fd, const struct sockaddr *address, socklen_t length)
{
    return io_fails(FAULT_CONNECT) ? -1 : __real_connect(fd, address, length);
}

int __wrap_getsockname(int fd, struct sockaddr *address, socklen_t *length)
{
    return io_fails(FAULT_GETSOCKNAME) ? -1 : __real_getsockname(fd, address, length);
}

unsigned tcp_info_calls(void)
{
    return info_calls;
}

int __wrap_getsockopt(int fd, int level, int name, void *value, socklen_t *length)
{
    bool is_info = level == IPPROTO_TCP && name == TCP_INFO;
    int result = __real_getsockopt(fd, level, name, value, length);
    info_calls += is_info;
    if (!is_info || result != 0)
        return result;
    if (tcp_info_empty)
        memset(value, 0, *length);
    if (tcp_retransmissions >= 0)
        ((struct tcp_info *)value)->tcpi_total_retrans = (uint32_t)tcp_retransmissions;
    if (tcp_info_size > 0)
        *length = tcp_info_size;
    return 0;
}

bool has_option(int level, int name, socklen_t size)
{
    char value[512];
    socklen_t length = sizeof value;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool has = __real_getsockopt(fd, level, name, value, &length) == 0 && length >= size;
    __real_close(fd);
    return has;
}

int __wrap___getsockopt64(int fd, int level, int name, void *value, socklen_t *length)
{
    return __wrap_getsockopt(fd, level, name, value, length);
}

int __wrap_timerfd_create(int clock, int flags)
{
    return io_fails(FAULT_TIMERFD) ? -1 : __real_timerfd_create(clock, flags);
}

int __wrap_eventfd(unsigned count, int flags)
{
    return io_fails(FAULT_EVENTFD) ? -1 : __real_eventfd(count, flags);
}

/* In a static program these also replace what the C library itself calls, as calloc(3) malloc(3).
 */
static _Thread_local bool allocates;

void *__wrap_malloc(size_t size)
{
    return !allocates && io_fails(FAULT_MEMORY) ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    if (io_fails(FAULT_MEMORY))
        return NULL;
    allocates = true;
    void *memory = __real_calloc(count, size);
    allocates = false;
    return memory;
}

void *__wrap_realloc(void *memory, size_t size)
{
    if (io_fails(FAULT_MEMORY))
        return NULL;
    allocates = true;
    void *result = __real_realloc(memory, size);
    allocates = false;
    return result;
}

void *__wrap_aligned_alloc(size_t alignment, size_t size)
{
    return io_fails(FAULT_MEMORY) ? NULL : __real_aligned_alloc(alignment, size);
}

int __wrap_sched_getaffinity(pid_t id, size_t size, cpu_set_t *set)
{
    (void)id;
    CPU_ZERO_S(size, set);
    CPU_SET_S(0, size, set);
    CPU_SET_S(1, size, set);
    return 0;
}
/* NOLINTEND(bugprone-reserved-identifier) */
