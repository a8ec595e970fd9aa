# SPDX-License-Identifier: MIT
# Readers of logfmt that others wrote read back what peers and servers sent, whatever that is:
# go-logfmt, syslog-ng's kv-parser and lnav, the last two with the files in examples/log. Each line
# has the fields of the manual pages, and no other.
use strict;
use warnings;
use Commands;
use JSON::PP;
use Sixteen;
use Socket qw(SHUT_WR);
use Test::More;

my $GOPATH = '/usr/share/gocode';
my $PROXY = '127.0.0.2';
my $directory = scratch();
my $json = JSON::PP->new->allow_nonref;

# What would end a quote, a field or a line, and what readers may take for an escape of theirs; then
# every octet there is.
my @hostile = ('x peer=8.8.8.8 y', '" peer=8.8.8.8 "', '\\" peer=::1 a="', '\\', '\\\\"', 'ends in \\', '"', '""', "' peer=::1 '", '=', ' = ', 'a=b c="d"',
    "\n2026-11-24T09:", "\r\noutcome=ok ", "\0 \0", "\t\x0b\x0c\x08\a", "\e[2J\e]0;x\a", "\x7f\x80\xff", "\xc3\xbc\xe2\x82\xac\xf0\x9f\x98\x80", "\xe2\x80\xae\xc2\x9b31m",
    '\\n\\t\\u0041\\x41', '\\u000a', '{"a":"b"}', '%s%n%20d', ' ', '  x  ', ',;|<>[]', '$(id)`id`', '', (map { join '', map { chr } $_ * 16 .. $_ * 16 + 15 } 0 .. 15));

my $daemon = start(config => "access: { proxies = [ \"$PROXY\" ]; };\nlimits: { per_source = 8; };");
my (@peers, @sent);

# Send it, and keep what the line must say: what follows `peer` and `local`.
sub send_it {
    my ($from, $octets, @fields) = @_;
    local $SIG{PIPE} = 'IGNORE';
    my $peer = connect_to($daemon->{port}, undef, $from);
    push @peers, "$from:" . $peer->sockport;
    syswrite $peer, $octets;
    shutdown $peer, SHUT_WR;
    read_to_end($peer);
    $daemon->wait_log(qr/ outcome=/);
    push @sent, { local => "127.0.0.1:$daemon->{port}", peer => $peers[-1], us => 0, @fields };
    return;
}

for my $text (@hostile) {
    my $message = substr $text, 0, 16;
    if ($message ne '') {
        my $short = substr $message, 0, 15;
        send_it('127.0.0.1', $short, outcome => 'short', octets => length $short, message => $short);
    }
    $message .= '.' x (16 - length $message);
    send_it('127.0.0.1', $message, outcome => 'ok', octets => 16, message => $message);
    send_it('127.0.0.1', "$message!", outcome => 'excess', octets => 17, message => $message);

    # The same by a trusted proxy: as no header, in a header of version 1, and as the message after one.
    send_it($PROXY, $message, outcome => 'malformed', octets => 0, header => $message, reason => 'there is no PROXY header') if $message !~ /^(?:P|\r\n\r\n\0)/;
    my $line = "PROXY $text";
    my ($bad, $after) = $line =~ /\A([^\r\n\0]*)([\r\n\0].?)?/s;
    send_it($PROXY, "$line\r\n", outcome => 'malformed', octets => 0,
        header => !defined $after ? $line : $bad . ($after =~ /\A\r/ ? $after : substr $after, 0, 1),
        reason => defined $after ? 'the line does not end in CR LF' : 'the protocol is not TCP4, TCP6 or UNKNOWN') if !defined $after || $after !~ /\A\r\n/;
    send_it($PROXY, "PROXY TCP6 2001:db8::7 ::1 1 2\r\n$message", outcome => 'ok', octets => 16, message => $message, via => 1);
    $sent[-1]{$_->[0]} = $_->[1] for [via => $peers[-1]], [peer => '[2001:db8::7]:1'], [local => '[::1]:2'];
}
send_it('127.0.0.1', "GET / HTTP/1.1\r\n", outcome => 'ok', octets => 16, message => "GET / HTTP/1.1\r\n", looks => 'http');

# A warning with a count, the report, and the lines of a start and a stop.
my @held = map { connect_to($daemon->{port}, undef, '127.0.0.9') } 1 .. 8;
is +(read_to_end(connect_to($daemon->{port}, undef, '127.0.0.9')))[0], '', 'one too many of a source';
$daemon->wait_log(qr/ warning .* count=/);
kill 'USR1', $daemon->{pid};
$daemon->wait_log(qr/ notice outcomes /);
close $_ for @held;
is $daemon->stop, 0, 'ends';
my $log = write_file("$directory/log", $daemon->{log});
my @lines = split /\n/, $daemon->{log};

# A server that replies with the same, and what the client reports.
my ($listener, $port) = listen_somewhere();
my @replies = grep { $_ ne '' } map { substr $_, 0, 16 } @hostile;
my $server = spawn(sub {
    for my $reply (@replies) {
        my $socket = $listener->accept;
        sysread $socket, my $message, 16;
        syswrite $socket, $reply;
    }
});
my ($status, $reported, $err) = run($SIXTEEN, '-c', scalar @replies, '-i', 0, '127.0.0.1', $port);
finish($server);
my $report = write_file("$directory/report", $reported =~ s/^--- .*//msr);
my $number = 0;
my @replied = map { my $whole = length == 16; { outcome => $whole ? 'mismatch' : 'short', seq => ++$number, octets => length, phase => 'receive', local => "127.0.0.1:$port",
    error => $whole ? 'unexpected reply' : 'the server closed the connection after ' . length() . ' of 16 octets', reply => $_ } } @replies;

# What the readers made of the lines of these peers, as a list of hashes.
my %ours = map { $_ => 1 } @peers;
sub of_ours {
    return [grep { $ours{ $_->{via} // $_->{peer} // '' } } @_];
}

# The hashes as texts, without the time that it took, which the daemon alone knows.
sub shown {
    my ($records) = @_;
    return [map { my $record = $_; $json->canonical->ascii->encode({ map { $_ => $_ eq 'us' ? 'a time' : "$record->{$_}" } keys %$record }) } @$records];
}

sub decoded { return map { JSON::PP->new->utf8->decode($_) } split /\n/, $_[0] }

# By hand: keys, and values that are bare or a JSON string.
my @by_hand;
for my $line (@lines) {
    my ($rest) = $line =~ /\A\S+ [a-z]+ (outcome=.*)\z/ or next;
    my %record;
    while ($rest =~ /\G([a-z]+)=(?:("(?:[^"\\]|\\.)*")|([^ "]+))(?: |\z)/gc) {
        $record{$1} = defined $2 ? $json->decode($2) : $3;
    }
    push @by_hand, \%record if (pos $rest // 0) == length $rest;
}
is_deeply shown(of_ours(@by_hand)), shown(\@sent), 'each value is bare or a JSON string, in which each octet is the character of its number';

SKIP: {
    skip 'go, or its package go-logfmt, is not installed', 6 if !have('go') || !-d "$GOPATH/src/github.com/go-logfmt/logfmt";
    write_file("$directory/read.go", <<'END');
package main

import (
	"encoding/json"
	"log"
	"os"

	"github.com/go-logfmt/logfmt"
)

func main() {
	in := logfmt.NewDecoder(os.Stdin)
	out := json.NewEncoder(os.Stdout)
	for in.ScanRecord() {
		record := map[string]string{}
		for in.ScanKeyval() {
			if record[string(in.Key())] != "" {
				log.Fatalf("%s twice", in.Key())
			}
			record[string(in.Key())] = string(in.Value())
		}
		if err := out.Encode(record); err != nil {
			log.Fatal(err)
		}
	}
	if in.Err() != nil {
		log.Fatal(in.Err())
	}
}
END
    local @ENV{qw(GOPATH GO111MODULE GOCACHE GOFLAGS CGO_ENABLED)} = ($GOPATH, 'off', "$directory/cache", '', 0);
    my ($status, $out, $err) = run('go', 'build', '-o', "$directory/read", "$directory/read.go");
    is "$status$err", '0', 'a reader with go-logfmt';
    ($status, $out, $err) = run('sh', '-c', '"$1" <"$2"', 'sh', "$directory/read", $log);
    is "$status$err", '0', 'it reads every line that the daemon wrote';
    my @records = map { my %record = %$_; delete @record{qw(info notice), grep { /\A2\d{3}-/ } keys %record}; \%record } decoded($out);    # a line begins with time and severity
    is_deeply shown(of_ours(@records)), shown(\@sent), 'each with the fields that were sent';
    ($status, $out, $err) = run('sh', '-c', '"$1" <"$2"', 'sh', "$directory/read", $report);
    my @reports = decoded($out);
    is scalar(grep { (delete $_->{peer}) =~ /\A127\.0\.0\.1:\d+\z/ } @reports), scalar @replies, 'it reads each line of the client';
    delete @$_{qw(us connect send first last end rtt retrans)} for @reports;
    is_deeply shown(\@reports), shown(\@replied), 'the client\'s lines have what the server sent';
    is_deeply [(grep { exists $_->{accepted} } @records)[0]{accepted}, (grep { exists $_->{count} } @records)[0]{count}], [scalar @sent + 9, 1], 'the report and the warning, too';
}

# It decodes \" and \\, and leaves \u00NN as it is.
SKIP: {
    skip 'syslog-ng is not installed', 2 if !have('syslog-ng');
    my $conf = write_file("$directory/syslog-ng.conf", <<"END");
\@version: 3.35
source s_test { stdin(flags(no-parse)); };
destination d_test { file("$directory/parsed" template("\$(format-json --scope none --key sixteend.*)\\n")); };
\@include "$ENV{SOURCE_DIR}/examples/log/syslog-ng.conf"
log { source(s_test); parser(p_sixteend); destination(d_test); };
END
    my ($status, undef, $err) = run('sh', '-c', 'cat "$1" | "$0" --foreground --stderr --no-caps --cfgfile="$2" --persist-file="$3/persist" --pidfile="$3/pid" --control="$3/control"',
        'syslog-ng', $log, $conf, $directory);
    is $status, 0, 'syslog-ng reads the log' or diag $err;
    my @expected = map { my %record = %$_; $record{$_} =~ s/([^ -~])/sprintf '\\u00%02x', ord $1/ge for grep { defined $record{$_} } qw(message header); \%record } @sent;
    is_deeply shown(of_ours(map { $_->{sixteend} } grep { $_->{sixteend} } decoded(read_file("$directory/parsed")))), shown(\@expected), 'each line with the fields that were sent';
}

SKIP: {
    skip 'lnav is not installed', 2 if !have('lnav');
    local $ENV{HOME} = $directory;
    delete local $ENV{XDG_CONFIG_HOME};
    my ($status, $out, $err);
    for my $command (map { @$_ } commands_of('tests/system/logfmt.t')) {
        ($status, $out, $err) = run('sh', '-c', "cd '$ENV{SOURCE_DIR}/examples/log' && $command->{text}");
        is $status, 0, "$command->{document}: $command->{text}" or diag $out, $err;
        command_is_run($command);
    }
    ($status, $out, $err) = run('lnav', '-n', '-c', ';SELECT logfmt2json(log_body) AS fields FROM sixteend_log WHERE log_body LIKE "outcome=%"', '-c', ':write-jsonlines-to -', $log);
    is_deeply shown(of_ours(map { $_->{fields} } decoded($out))), shown(\@sent), 'each line with the fields that were sent' or diag $err;
}
done_testing;
