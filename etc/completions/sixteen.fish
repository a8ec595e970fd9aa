# SPDX-License-Identifier: MIT
# Completion of sixteen(1) for fish.

# Whether HOST comes next: there is no argument yet, but for the two that belong to --proxy.
function __sixteen_wants_host
    argparse --ignore-unknown 4/ipv4 6/ipv6 q/quiet b/bind= c/count= i/interval= W/timeout= \
        w/deadline= message= expect= proxy= misbehave= warn= crit= P/parallel= rate= \
        duration= -- (commandline -opc)[2..] 2>/dev/null
    or return
    set -l arguments (string match -v -- '-*' $argv)
    test (count $arguments) -eq (count $_flag_proxy $_flag_proxy)
end

set -l load 'not __fish_contains_opt misbehave'

complete -c sixteen -f
complete -c sixteen -n __sixteen_wants_host -a '(__fish_print_hostnames)' -d host
complete -c sixteen -s 4 -l ipv4 -n 'not __fish_contains_opt -s 6 ipv6' -d 'use IPv4 addresses only'
complete -c sixteen -s 6 -l ipv6 -n 'not __fish_contains_opt -s 4 ipv4' -d 'use IPv6 addresses only'
complete -c sixteen -s b -l bind -x -a '(__fish_print_interfaces)' \
    -d 'come from this address, interface or prefix'
complete -c sixteen -l all -d 'ask every address that the name has'
complete -c sixteen -s c -l count -x -d 'so many exchanges'
complete -c sixteen -s i -l interval -x -d 'from one exchange to the next, in seconds'
complete -c sixteen -s W -l timeout -x -d 'give each exchange this many seconds'
complete -c sixteen -s w -l deadline -x -d 'end after this many seconds whatever happens'
complete -c sixteen -s q -l quiet -d 'tell failures or the summary only'
complete -c sixteen -l message -x -d 'send this text of 16 octets'
complete -c sixteen -l expect -x -d 'expect this text of 16 octets as the reply'
complete -c sixteen -l proxy -x -a 'v1 v2' -d 'send a PROXY header first'
complete -c sixteen -l misbehave -n 'not __fish_contains_opt -s P parallel rate duration' -x -a '
    drip\t"one octet at a time; drip:SECONDS apart"
    short\t"five octets, then end of file"
    excess\t"the message twice"
    silent\t"connect and send nothing"
    reset\t"five octets, then a reset"
    half-close\t"the message, then end of file at once"' -d 'do this instead, to test a server'
complete -c sixteen -l json -n 'not __fish_contains_opt plugin' \
    -d 'print a JSON object for each exchange'
complete -c sixteen -l plugin -n 'not __fish_contains_opt json' \
    -d 'print and exit as a monitoring plugin'
complete -c sixteen -l warn -x -d 'with --plugin, warn of seconds outside this range'
complete -c sixteen -l crit -x -d 'with --plugin, seconds outside this range are critical'
complete -c sixteen -s P -l parallel -n $load -x -d 'load: so many exchanges at once'
complete -c sixteen -l rate -n $load -x -d 'load: so many exchanges begin each second'
complete -c sixteen -l duration -n $load -x -d 'load: begin exchanges for so many seconds'
complete -c sixteen -s h -l help -d 'print a summary of the options and exit'
complete -c sixteen -s V -l version -d 'print the version and exit'
