#!/bin/sh
# SPDX-License-Identifier: MIT
# Make one exchange on standard input and output, as one would write it for inetd.
head -c 16 >/dev/null
printf 'Farewell, client'
