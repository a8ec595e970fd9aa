# SPDX-License-Identifier: MIT
# The other tests here have made each call site of sixteend fail.
use strict;
use warnings;
use Calls;
use Faults;
use Sixteen;
use Test::More;

need_shim();
plan skip_all => 'needs objdump' if !have('objdump');

# Call sites that none of them reaches, and why, by call and function.
my $no_ipv6 = read_file('/proc/net/if_inet6') eq '';
my %unreached = (
    'setsockopt in set_min_hops' => $no_ipv6 && 'this host has no IPv6',
    (map { ($_ => $> != 0 && 'only root can become another user') }
        (map { "$_ in change" } qw(setgroups getgroups setresgid setresuid)),
        (map { "$_ in can_regain_root" } qw(setuid seteuid setgid setegid setgroups))),
    'fflush in command_line_flush_early' => 'only sixteen calls it',
    'close in look_for_syslog' => 'with a syslog daemon: tests/system/log.t',
    'signalfd in change_reported' => 'an open one cannot fail to change',
    'fchown in privileges_give_sockets' => $> != 0 && 'only root gives its sockets away',
    'capset in drop_capabilities' => $> != 0 && 'only root can have capabilities to drop',
    (map { ("$_ in send_to_syslog" => 'with a syslog daemon: tests/system/log.t') } qw(close poll)),
);
my ($points, %reached) = (0);
for my $phase (qw(start background service reload drain)) {
    my $file = ($ENV{BUILD_DIR} // '.') . "/tests/faults/$phase.sites";
    my ($count, @sites) = split /\n/, read_file($file);
    plan skip_all => "$phase.t has not run" if !defined $count;
    $points += $count;
    $reached{$_} = 1 for @sites;
}

# The address after each call of a function that can fail. A call at the very end of a function can
# be a jump, which returns to the caller of that function: such calls are known by their name alone.
my (undef, $text) = run('objdump', '-d', '--no-show-raw-insn', $SIXTEEND);
my (%jumps, $call);
my @calls;
for my $line (split /\n/, $text) {
    my ($address) = $line =~ /^ *([[:xdigit:]]+):/ or next;
    push @calls, [$call, hex $address] if defined $call;
    my ($kind, $target) = $line =~ /\b(call|jmp|bl|b)\s.*<(\w+)\@plt/;
    $target = base_name($target) if defined $target;
    $call = defined $target && $FAILS{$target} && $kind =~ /call|bl/ ? $target : undef;
    $jumps{$target}++ if defined $target && $FAILS{$target} && !defined $call;
}
cmp_ok scalar(@calls), '>', 50, 'calls are found';
is join(' ', missing_functions(functions_of(keys %unreached))), '', 'every function that is named here exists';
place_of(map { $$_[1] } @calls);
@calls = grep { (place_of($$_[1]))[1] =~ m{^src/} } @calls;

# A line that the compiler has copied is one site.
my (%lines, %failed);
for (@calls) {
    my ($function, $line) = place_of($$_[1]);
    my $name = "$$_[0] in $function at $line";
    $lines{$name} = "$$_[0] in $function";
    $failed{$name} = 1 if $reached{"$$_[0] $$_[1]"};
}
for (grep { !$failed{$_} } sort keys %lines) {
    my $reason = $unreached{ $lines{$_} };
    ok $reason, "$_: " . ($reason || 'no test has made it fail');
}
my %known = map { ("$$_[0] $$_[1]" => 1) } @calls;
for my $jump (sort keys %jumps) {
    ok scalar(grep { /^$jump / && !$known{$_} } keys %reached), "$jump at the end of a function fails";
}
note sprintf '%d fault points, at %d of the %d call sites that can fail', $points,
    keys(%failed) + keys(%jumps), keys(%lines) + keys %jumps;
done_testing;
