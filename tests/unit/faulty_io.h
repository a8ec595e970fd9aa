/* SPDX-License-Identifier: MIT */
/* recv(2), send(2) and shutdown(2) that follow a script, and a clock that can be stopped, for what
 * a kernel does rarely and for time. The linker's --wrap leads the library's calls here: local.mk.
 */
#ifndef UNIT_FAULTY_IO_H
#define UNIT_FAULTY_IO_H

#include <stddef.h>
#include <stdint.h>

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

/* Make every call real, set the number of calls to 0, and let the clock run. */
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

#endif
