/* SPDX-License-Identifier: MIT */
/* Make one exchange on standard input and output. The super-servers (xinetd, tcpserver, socat)
 * start this program for each connection. It is as small as possible, so that the benchmark
 * measures the super-server. */
#include <config.h>

#include "common/wire.h"

#include <sysexits.h>
#include <unistd.h>

int main(void)
{
    char message[WIRE_OCTETS];
    size_t count = 0;

    while (count < WIRE_OCTETS) {
        ssize_t got = read(STDIN_FILENO, message + count, WIRE_OCTETS - count);
        if (got <= 0)
            return EX_NOINPUT;
        count += (size_t)got;
    }
    return write(STDOUT_FILENO, WIRE_REPLY, WIRE_OCTETS) == WIRE_OCTETS ? EX_OK : EX_IOERR;
}
