# SPDX-License-Identifier: MIT
# Completion of sixteen(1) for fish.

# True if TARGET comes next: not one of the two arguments that belong to --proxy.
function __sixteen_wants_target
    argparse --ignore-unknown 4/ipv4 6/ipv6 D/timestamps q/quiet p/port= b/bind= c/count= i/interval= W/timeout= \
        w/deadline= report= resolve= targets= message= expect= proxy= misbehave= metrics= warn= crit= P/parallel= \
        rate= duration= -- (commandline -opc)[2..] 2>/dev/null
    or return
    set -l arguments (string match -v -- '-*' $argv)
    test (count $arguments) -ge (count $_flag_proxy $_flag_proxy)
end

set -l load 'not __fish_contains_opt misbehave'
set -l octets 'not __fish_contains_opt connect'

complete -c sixteen -f
complete -c sixteen -n __sixteen_wants_target -a '(__fish_print_hostnames)' -d host
complete -c sixteen -s 4 -l ipv4 -n 'not __fish_contains_opt -s 6 ipv6' -d 'use IPv4 addresses only'
complete -c sixteen -s 6 -l ipv6 -n 'not __fish_contains_opt -s 4 ipv4' -d 'use IPv6 addresses only'
complete -c sixteen -s p -l port -x -d 'port of a target without one'
complete -c sixteen -l targets -r -F -d 'read further targets from this file'
complete -c sixteen -s b -l bind -x -a '(__fish_print_interfaces)' \
    -d 'connect from this address, interface or prefix'
complete -c sixteen -l all -d 'run an exchange with each address of the name'
complete -c sixteen -l path -d 'first show each hop on the path, and where it ends'
complete -c sixteen -s c -l count -x -d 'stop after this number of exchanges'
complete -c sixteen -s i -l interval -x -d 'seconds from one start to the next'
complete -c sixteen -s W -l timeout -x -d 'time limit for each exchange, in seconds'
complete -c sixteen -s w -l deadline -x -d 'stop after this many seconds, even during an exchange'
complete -c sixteen -l report -n 'not __fish_contains_opt plugin' -x \
    -d 'print a line each time that this many seconds have passed'
complete -c sixteen -l resolve -x -d 'look the name up again after this many seconds'
complete -c sixteen -s q -l quiet -d 'print only failures, or only the summary'
complete -c sixteen -s D -l timestamps -d 'print when each exchange began'
complete -c sixteen -l message -n $octets -x -d 'send this text of 16 octets instead of the default message'
complete -c sixteen -l expect -n $octets -x -d 'expect this text of 16 octets instead of the default reply'
complete -c sixteen -l connect -n 'not __fish_contains_opt message expect proxy misbehave' \
    -d 'only connect, to any TCP service, and send nothing'
complete -c sixteen -l proxy -n $octets -x -a 'v1 v2' -d 'first send this PROXY header'
complete -c sixteen -l misbehave -n 'not __fish_contains_opt -s P parallel rate duration connect' -x -a '
    drip\t"send one octet at a time; drip:SECONDS sets the interval"
    short\t"send five octets, then end of file"
    excess\t"send the message twice"
    silent\t"connect and send nothing"
    reset\t"send five octets, then reset"
    half-close\t"send the message, then end of file at once"' \
    -d 'act as a faulty client to test the server'
complete -c sixteen -l json -n 'not __fish_contains_opt plugin' \
    -d 'print a JSON object for each exchange and a summary'
complete -c sixteen -l metrics -r -F -n 'not __fish_contains_opt plugin' \
    -d 'write the results to this file for Prometheus'
complete -c sixteen -l plugin -n 'not __fish_contains_opt json metrics report' \
    -d 'run as a monitoring plugin'
complete -c sixteen -l warn -x -d 'with --plugin: WARNING if the seconds are outside this range'
complete -c sixteen -l crit -x -d 'with --plugin: CRITICAL if the seconds are outside this range'
complete -c sixteen -s P -l parallel -n $load -x -d 'load: exchanges open at once'
complete -c sixteen -l rate -n $load -x -d 'load: exchanges started per second'
complete -c sixteen -l duration -n $load -x -d 'load: seconds in which exchanges start'
complete -c sixteen -s h -l help -d 'print a summary of the options and exit'
complete -c sixteen -s V -l version -d 'print the version and exit'
