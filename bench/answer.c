/* SPDX-License-Identifier: MIT */
/* One exchange on standard input and output: the program that the super-servers (xinetd,
 * tcpserver, socat) start for each connection. As small as it can be, so that what is
 * measured is them. */
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
