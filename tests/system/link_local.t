# SPDX-License-Identifier: MIT
# Link-local IPv6 addresses, which are nothing without their interface: as a peer and in listen,
# from a start over reloads to a drain.
use strict;
use warnings;
use Sixteen;
use Test::More;

own_network();
must('ip', 'link', 'set', 'lo', 'up');
plan skip_all => 'this host has no IPv6' if read_file('/proc/net/if_inet6') eq '';

# A host at the other end of a wire.
my ($holder, @there) = other_network();
must('ip', 'link', 'add', 'here', 'type', 'veth', 'peer', 'name', 'there', 'netns', $holder);
must('ip', 'address', 'add', 'fe80::a/64', 'dev', 'here', 'nodad');
must('ip', 'link', 'set', 'here', 'up');
must(@there, 'ip', 'address', 'add', 'fe80::b/64', 'dev', 'there', 'nodad');
must(@there, 'ip', 'link', 'set', 'there', 'up');

my ($ours, $theirs) = (qr/\[fe80::a%here\]/, qr/\[fe80::[[:xdigit:]:]+%here\]/);    # the kernel adds an address of its own

# What the client at the other end says of its exchange.
sub exchange {
    my ($port) = @_;
    my ($status, $out, $err) = run(@there, $SIXTEEN, 'fe80::a%there', $port);
    return $status == 0 ? 'served' : $err;
}

my $daemon = start(listen => [], config => 'listen = [ "*:0", "[fe80::a%here]:0" ];');
my ($any, $port) = map { $daemon->{log} =~ /Listening at $_:(\d+)\n/ } qr/\[::\]|\*/, $ours;
is exchange($any), 'served', 'a listener at every address serves a link-local peer';
like $daemon->wait_log(qr/\bok peer=/), qr/ peer=$theirs:\d+ local=$ours:$any /, 'and names its interface';
is exchange($port), 'served', 'so does one at a link-local address';
like $daemon->wait_log(qr/\bok peer=/), qr/ peer=$theirs:\d+ local=$ours:$port /, 'and names it';

my $access = 'access: { deny = [ "fe80::/10" ]; };';
like $daemon->reload("$access listen = [ \"*:0\", \"[fe80::a%here]:0\", \"[fe80::a%here]:1060\" ];"), qr/ reloaded /, 'a reload adds another and denies them';
like $daemon->{log}, qr/Listening at $ours:1060\n/, 'it listens there';
like exchange($_), qr/closed|reset/i, 'the peer is refused' for $any, $port, 1060;
like $daemon->wait_log(qr/\bdenied peer=/), qr/ peer=$theirs:\d+ /, 'and named' for 1 .. 3;
like $daemon->reload('listen = [ "[fe80::a%here]:0" ];'), qr/ reloaded /, 'a reload removes two and allows them';
is exchange($port), 'served', 'the one that stays serves';
like $daemon->wait_log(qr/\bok peer=/), qr/ peer=$theirs:\d+ /, 'and names who';
$daemon->tell('USR1');
like $daemon->wait_log(qr/ listener /), qr/ $ours:$port queued=0 /, 'the report names it';

my $peer = connect_to($port, 'fe80::a%here');
$daemon->tell('TERM');
$daemon->wait_log(qr/No longer listening at $ours:$port/);
is answer_of($peer), "$REPLY eof", 'a drain serves one that is under way';
like $daemon->wait_log(qr/\bok peer=/), qr/ peer=$ours:\d+ /, 'and names it';
is $daemon->wait_end, 0, 'ends';
done_testing;
