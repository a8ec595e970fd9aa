/* SPDX-License-Identifier: MIT */
/* recv(2), send(2) and shutdown(2) that follow a script, a clock that can be stopped, and a host on
 * which other calls fail: for what a kernel does rarely and for time. The linker's --wrap leads the
 * library's calls here: local.mk. */
#ifndef UNIT_FAULTY_IO_H
#define UNIT_FAULTY_IO_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

/* What the next calls do. */
struct step {
    unsigned times; /* the number of calls; 0 stands for 1 */
    size_t most;    /* octets to pass at most; 0: as many as the call asks for */
    int error;      /* fail with this errno and pass nothing; 0: do not fail */
    double seconds; /* move the clock by that first */
};

/* The arguments of the last call. */
struct call {
    size_t length;
    int flags;
    int64_t timeout; /* SO_RCVTIMEO or SO_SNDTIMEO of its socket, in microseconds */
};

/* Make every call real, set the numbers of calls to 0, and let the clock run. */
void io_reset(void);

/* Make the next calls follow `count` steps; those after them are real. */
void io_script(const struct step *steps, size_t count);
#define IO_SCRIPT(...)                            \
    io_script((const struct step[]){__VA_ARGS__}, \
              sizeof((const struct step[]){__VA_ARGS__}) / sizeof(struct step))

/* Return the number of calls made or begun since io_reset(). Any thread can call this. */
unsigned io_calls(void);

struct call io_last_call(void);

/* Stop the clock that the library reads, or move it forward. */
void clock_stop(void);
void clock_move(double seconds);

/* A host on which something fails, until io_reset(). It has two processors, whatever the real one
 * has. */
extern atomic_int threads_left; /* how many threads can still be started */

/* The other calls that can fail on it. */
enum fault {
    FAULT_SOCKET,
    FAULT_BIND,
    FAULT_CONNECT,
    FAULT_SETSOCKOPT,
    FAULT_GETSOCKNAME,
    FAULT_EPOLL_CREATE,
    FAULT_EPOLL_CTL,
    FAULT_TIMERFD,
    FAULT_EVENTFD,
    FAULT_MEMORY, /* malloc(3) and its like */
    FAULTS
};

/* Let `spared` more calls pass, and the `times` calls after them fail with this errno. */
void io_fail(enum fault fault, int spared, int times, int error);

/* Take a call. Returns whether it must fail, and then sets errno. */
bool io_fails(enum fault fault);

/* TCP_INFO of a kernel that has sent this number of segments again in each connection; -1: the
 * number is the real one. */
extern atomic_int tcp_retransmissions;

/* How many octets of the struct the kernel has; 0: all. */
extern atomic_uint tcp_info_size;

/* The kernel leaves the whole struct at 0. */
extern atomic_bool tcp_info_empty;

/* Return how often TCP_INFO was asked for since io_reset(). */
unsigned tcp_info_calls(void);

/* Whether the kernel's TCP sockets have an option, of `size` octets or more. Nothing counts this.
 */
bool has_option(int level, int name, socklen_t size);

/* Is called before a thread that cannot be started is refused, unless it is NULL. */
extern void (*before_no_thread)(void);

/* Return the stack size of the thread that was started last. */
size_t thread_stack(void);

/* Make the next `times` calls of accept4(2) fail with this errno. */
void accept_fails(int error, unsigned times);

/* Return the number of calls of accept4(2) made or begun since io_reset(). */
unsigned accepts(void);

/* While set, accept4(2) does not return a connection that it has taken off the queue. */
extern atomic_bool accept_holds;

/* Let close(2) of this descriptor wait for close_let(). */
void close_hold(int fd);
void close_let(void);

/* Wait until it does. */
void wait_close_held(void);

#endif
