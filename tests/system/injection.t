# SPDX-License-Identifier: MIT
# A peer's octets stay in their quotes: whatever comes as a message or as a PROXY header, each
# connection is one line of printable ASCII in the form of the manual page, on standard error and
# through syslog; the metrics have no additional line; and /proc shows none of the octets.
use strict;
use warnings;
use Sixteen;
use Socket qw(SHUT_WR);
use Test::More;

my $PROXY = '127.0.0.2';
my $MARK  = 'MaRk';        # in everything that is sent
my $signature = "\r\n\r\n\0\r\nQUIT\n";

# Every octet there is, and what would end a quote, a line, a field or a terminal's patience.
my @pieces = ((map { join q(), map { chr } $_ * 8 .. $_ * 8 + 7 } 0 .. 31),
    "' us=1 ok p", '" us=1 peer=::', "\n\r\n<0>crit ", "\e]0;x\a\e[2J", "%s%n%p%99999d", "\\'\\x00\\", "\xe2\x80\xae\xc2\x9b31m", '$(id)`id`;|&', '"} 1 # {');
my @sent = (
    (map { ['127.0.0.1', substr("$MARK$_", 0, 16)] } @pieces),                    # messages
    (map { ['127.0.0.1', substr "$MARK$_", 0, 15] } @pieces),                     # short ones
    (map { my $start = $_; map { ['127.0.0.1', substr "$start$_", 0, 17] } @pieces } 'GET /', 'SSH-2', 'PROXY ', "\x16\3\1\2\0\1"),
    (map { [$PROXY, "$MARK$_"] } @pieces),                                        # no headers
    (map { [$PROXY, "PROXY TCP4 $MARK$_\r\n"] } @pieces),
    (map { [$PROXY, "PROXY TCP4 192.0.2.1 192.0.2.2 1 $_$MARK\r\n"] } @pieces),
    (map { [$PROXY, "PROXY $_\r\n"] } @pieces),
    (map { [$PROXY, "PROXY UNKNOWN $_\r\n" . substr "$MARK$_", 0, 16] } grep { !/[\r\n\0]/ } @pieces),
    (map { [$PROXY, "$signature\x20\x11" . pack('n/a', "$MARK$_") . substr "$MARK$_", 0, 16] } @pieces),
    (map { [$PROXY, "$signature\x21\x11" . pack('n/a', "\xc0\0\2\1\xc0\0\2\2\0\1\0\2\x20" . pack('n/a', "$MARK$_")) . substr "$MARK$_", 0, 16] } @pieces),
    (map { [$PROXY, "$signature\x21\x21" . pack('n/a', substr "$_$_$_$_", 0, 36) . substr "$MARK$_", 0, 16] } @pieces),
);

sub send_all_of_it {
    my ($port) = @_;
    local $SIG{PIPE} = 'IGNORE';
    for (@sent) {
        my ($from, $octets) = @$_;
        my $peer = connect_to($port, undef, $from);
        syswrite $peer, $octets;
        shutdown $peer, SHUT_WR;
        read_to_end($peer);
    }
    return;
}

my $address = qr/(?:\d+\.\d+\.\d+\.\d+|\[[0-9a-f:.]+\]):\d+/;
my $quoted = qr/"(?:[ !#-\[\]-~]|\\(?:[\\"]|u00[0-9a-f]{2}))*"/;
my $repr = qr/'(?:[ !-&(-\[\]-~]|\\(?:[\\'tnr]|x[0-9a-f]{2}))*'/;
my $connection = qr/outcome=(?:ok|excess|mismatch|short|probe|slow|reset|denied|limited|malformed) peer=$address local=$address(?: via=$address)? octets=\d+(?: message=$quoted)? us=\d+(?: looks=[a-z]+)?(?: header=$quoted(?: reason="[a-zA-Z0-9, ]+")?)?/;
my $life = qr/(?:Listening at $address|No longer listening at $address|running as root; set daemon\.user to run as another user|seccomp filter installed|sixteend \S+ ready, process \d+|stopping|(?:connections|outcomes|accept errors|listener) .*|exiting with status 0)/;
my $line = qr/\A(?:$connection|$life)\z/;

my $directory = scratch();
my $config = <<"END";
access: { proxies = [ "$PROXY" ]; };
log: { level = "debug"; };
metrics: { file = "$directory/metrics"; interval = 0.1; };
END
my $steps = qr/^(?:We have accepted|Socket connects|The incoming|Reply sent|socket closed|The proxy)/;
my $daemon = start(config => $config);
ok wait_for(sub { -e "$directory/metrics" }), 'the metrics are there';
my @metrics = map { s/ \S+$//r } split /\n/, read_file("$directory/metrics");
send_all_of_it($daemon->{port});
ok wait_for(sub { my $all = @sent; $daemon->take_rest; read_file("$directory/metrics") =~ /^sixteend_connections_accepted_total $all$/m }), 'they have counted all';
is_deeply [map { s/ \S+$//r } split /\n/, read_file("$directory/metrics")], \@metrics, 'and have the same lines as before';
for my $file (qw(environ cmdline comm)) {
    unlike read_file("/proc/$daemon->{pid}/$file"), qr/\Q$MARK\E/, "nothing of it is in the process's $file";
}
is $daemon->stop, 0, 'ends';
my @lines = map { s/^\S+Z [a-z]+ //r } split /\n/, $daemon->{log};
is scalar(grep { /[^ -~]/ } @lines), 0, 'every line is printable ASCII';
my @steps = grep { /$steps/ } @lines;
is scalar(grep { !/\A(?:We have accepted a connection from $address|Socket connects $address and $address|The incoming sixteen-octet message says $repr peer=$address|Reply sent, socket closed peer=$address|socket closed \d+ bytes into a 16-byte message peer=$address|The proxy $address speaks for (?:itself|$address))\z/ } @steps), 0, 'each step reads as it should';
my @others = grep { !/$steps/ } @lines;
my @strange = grep { !/$line/ } @others;
is "@strange", '', 'and so does every other line';
is scalar(grep { /\A$connection\z/ } @others), scalar @sent, 'one for each connection';

SKIP: {
    my ($log, undef, @prefix) = own_syslog();
    skip 'needs a mount namespace', 3 if !@prefix;
    my $file = write_file("$directory/sixteen.conf", "access: { proxies = [ \"$PROXY\" ]; };");
    my ($status, undef, undef, $pid, $port) = start_in_background(\@prefix, '--config', $file);
    is $status, 0, 'in the background';
    my @datagrams;
    my $reader = spawn(sub {
        open my $out, '>', "$directory/datagrams" or POSIX::_exit(1);
        $out->autoflush(1);
        while (defined $log->recv(my $datagram, 8192)) {
            print $out unpack('H*', $datagram), "\n";
        }
    });
    send_all_of_it($port);
    kill 'TERM', $pid;
    ok wait_for(sub { read_file("$directory/datagrams") =~ /${\unpack 'H*', 'exiting with status 0'}/ }), 'the log has all of it';
    finish($reader);
    @datagrams = map { pack 'H*', $_ } split /\n/, read_file("$directory/datagrams");
    @strange = grep { !/\A<(?:28|29|30|31)>\w+ +\d+ [\d:]+ sixteend\[$pid\]: (.*?)\n?\z/s || $1 !~ $line } @datagrams;
    is "@strange", '', 'through syslog each line reads as it should';
    is scalar(grep { /: outcome=(?:ok|excess|mismatch|short|slow|reset|malformed|denied) peer=/ } @datagrams),
        scalar(grep { /\Aoutcome=(?:ok|excess|mismatch|short|slow|reset|malformed|denied) peer=/ } @others), 'and there are as many';
}
# A path of the configuration cannot forge a line either.
my $odd = start(config => "metrics: { file = \"$directory/none\\n2026-11-24T09:15:07.302Z crit forged\\x1b[2J\\t/file\"; };");
like $odd->wait_log(qr/ metrics\.file: cannot /), qr{ warning metrics\.file: cannot \w+ .*/none 2026-11-24T09:15:07\.302Z crit forged \[2J /file}, 'a path with control characters';
is $odd->stop, 0, 'ends';
is scalar(grep { !/\A\S+Z (?:notice|warning) [ -~]+\z/ } split /\n/, $odd->{log}), 0, 'is part of its line';

# The name of an interface, which is part of a link-local address.
SKIP: {
    skip 'needs a network namespace, and ip', 3 if !have('ip') || (run('unshare', '--net', 'true'))[0] != 0;
    my ($holder, @prefix) = other_network();
    must(@prefix, 'ip', @$_) for ['link', 'add', 'a"b=c', 'type', 'veth', 'peer', 'name', 'plain.1'], map({ ['link', 'set', $_, 'up'] } 'lo', 'a"b=c', 'plain.1'),
        ['address', 'add', 'fe80::a/64', 'dev', 'a"b=c', 'nodad'], ['address', 'add', 'fe80::b/64', 'dev', 'plain.1', 'nodad'];
    my $there = start(under => \@prefix, listen => ['[::]:0']);
    is +(run(@prefix, $SIXTEEN, 'fe80::a%a"b=c', $there->{port}))[0], 0, 'an exchange over an interface of an odd name';
    like $there->wait_log(qr/ outcome=ok /), qr/ outcome=ok peer=(\[fe80::a%\d+\]):\d+ local=\1:\d+ octets=16 /, 'which is a number in the log';
    run(@prefix, $SIXTEEN, 'fe80::b%plain.1', $there->{port});
    like $there->wait_log(qr/ outcome=ok /), qr/ outcome=ok peer=(\[fe80::b%plain\.1\]):\d+ local=\1:\d+ octets=16 /, 'while a plain one is a name';
    finish($holder);
}
done_testing;
