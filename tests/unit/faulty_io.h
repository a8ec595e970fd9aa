/* SPDX-License-Identifier: MIT */
/* recv(2), send(2) and shutdown(2) that do what a script says, and a clock that can
 * be stopped: what a kernel does seldom, and time, as a test needs them. The linker's
 * --wrap leads the library's calls here; see local.mk. */
#ifndef UNIT_FAULTY_IO_H
#define UNIT_FAULTY_IO_H

#include <stddef.h>
#include <stdint.h>

/* What one of the next calls does. */
struct step {
    unsigned times; /* for so many calls; 0 stands for 1 */
    size_t most;    /* pass at most so many octets; 0: as many as the call asks for */
    int error;      /* fail with this errno and pass nothing; 0: don't */
    double seconds; /* so much time goes by on the clock first */
};

/* What the last call was given. */
struct call {
    size_t length;
    int flags;
    int64_t timeout; /* SO_RCVTIMEO or SO_SNDTIMEO of its socket, in microseconds */
};

/* Every call is real again, none was made, and the clock goes. */
void io_reset(void);

/* Let the next calls follow `count` steps; those after them are real. */
void io_script(const struct step *steps, size_t count);
#define IO_SCRIPT(...)                            \
    io_script((const struct step[]){__VA_ARGS__}, \
              sizeof((const struct step[]){__VA_ARGS__}) / sizeof(struct step))

/* The calls made or begun since io_reset(). Any thread may ask. */
unsigned io_calls(void);

struct call io_last_call(void);

/* Stop the clock that the library reads; put it forward. */
void clock_stop(void);
void clock_move(double seconds);

#endif
