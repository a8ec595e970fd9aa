# SPDX-License-Identifier: MIT
# Completion of sixteend(8) for fish.

set -l ends 'not __fish_contains_opt -s t -s T -s h -s V test show-config help version'

complete -c sixteend -f
complete -c sixteend -s c -l config -r -F -d 'read the configuration from this file'
complete -c sixteend -s f -l foreground -n 'not __fish_contains_opt -s d daemon' \
    -d 'stay in the foreground'
complete -c sixteend -s d -l daemon -n 'not __fish_contains_opt -s f -s e foreground stderr ready-fd' \
    -d 'run in the background'
complete -c sixteend -s l -l listen -x -d 'listen at this address instead of the configured ones'
complete -c sixteend -s p -l pid-file -r -F -d 'lock this file and write the process ID to it'
complete -c sixteend -l ready-fd -x -n 'not __fish_contains_opt -s d daemon' \
    -d 'write a newline to this descriptor when ready'
complete -c sixteend -s e -l stderr -n 'not __fish_contains_opt -s d daemon' \
    -d 'log to standard error'
complete -c sixteend -s v -l verbose -d 'log every step'
complete -c sixteend -s t -l test -n $ends -d 'check the configuration and exit'
complete -c sixteend -s T -l show-config -n $ends -d 'print the effective configuration and exit'
complete -c sixteend -s h -l help -n $ends -d 'print a summary of the options and exit'
complete -c sixteend -s V -l version -n $ends -d 'print the version and exit'
