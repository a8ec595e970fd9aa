# SPDX-License-Identifier: MIT
# The configuration file: each refusal names file, line, key and what would be valid, with status
# 78; what --show-config prints reads back as the same.
use strict;
use warnings;
use Sixteen;
use Test::More;

my $directory = scratch();
my $file = "$directory/sixteen.conf";

my @refusals = (
    # the file's text, the line, and the message after it
    ["strict = true;\ncolour = 1;", 2, qr/unknown key 'colour'; known here: listen, reply, expect, strict, limits, timeouts, access, log, daemon, metrics/],
    ["limits:\n{\n  conections = 1;\n};", 3, qr/unknown key 'conections'; known in limits: connections, per_source, when_full, backlog/],
    ["\nstrict = 1;", 2, qr/strict must be true or false, not 1/],
    ['strict = "yes";', 1, qr/strict must be true or false, not 'yes'/],
    ['limits: { connections = "many"; };', 1, qr/limits\.connections must be a whole number from 1 to 1000000, not 'many'/],
    ['limits: { connections = 2.5; };', 1, qr/limits\.connections must be a whole number .*, not 2\.5/],
    ['limits: { connections = 0; };', 1, qr/limits\.connections must be a whole number from 1 to 1000000, not 0/],
    ['limits: { connections = -1; };', 1, qr/, not -1/],
    ['limits: { backlog = 65536; };', 1, qr/limits\.backlog must be a whole number from 1 to 65535, not 65536/],
    ['limits: { connections = 4294968320; };', 1, qr/an integer beyond 32 bits in 'limits: \{ connections = 4294968320; \};'; the largest is 2147483647/],
    ['limits: { connections = 0x100000400; };', 1, qr/an integer beyond 32 bits in .*connections/],
    ['timeouts: { linger = 4294967298exchange = 3.0; };', 1, qr/an integer beyond 32 bits in .*linger/],
    ['timeouts: { linger = 4294967298L; };', 1, qr/an integer beyond 32 bits in .*linger/],
    ['limits = 5;', 1, qr/limits must be a group/],
    ['timeouts: { exchange = 0; };', 1, qr/timeouts\.exchange must be a number of seconds from 0\.01 to 86400, like 10\.0, not 0/],
    ['timeouts: { linger = 1e999; };', 1, qr/timeouts\.linger must be .*, not inf/],
    ['timeouts: { drain = true; };', 1, qr/timeouts\.drain must be .*, not true/],
    ['reply = "Bye";', 1, qr/reply must be a string of exactly 16 octets, like "Farewell, client", not 'Bye' of 3/],
    ['reply = "Farewell, clients";', 1, qr/reply must be .* 16 octets.* of 17/],
    ['reply = 16;', 1, qr/reply must be .*, not 16/],
    ['reply = "fifteen octets \x00";', 1, qr/\\x00 in 'reply = .*'; it cannot be part of a string/],
    ['reply = "fifteen octets \X00";', 1, qr/\\x00 in 'reply = /],
    ['reply = "\q234567890123456";', 1, qr/an unknown escape in 'reply = .*'; write \\\\ for a backslash/],
    ['reply = "\x4g23456789012345";', 1, qr/an unknown escape/],
    ['reply = "\0\0\0\0\0\0\0\0";', 1, qr/an unknown escape/],
    ["# comment\n\@include \"/etc\"\n", 2, qr/\@include in '\@include "\/etc"'; it is not supported; write everything into one file/],
    ["strict = true;\n\nstrict = false;", 3, qr/duplicate setting name in 'strict = false;'; set each key once/],
    ['listen = "127.0.0.1:1060";', 1, qr/listen must be an array of 1 to 64 addresses, like \[ "127\.0\.0\.1:1060", "\[::1\]:1060" \], not/],
    ['listen = [ ];', 1, qr/listen must be an array of 1 to 64/],
    ['listen = [ 1060 ];', 1, qr/listen must be an array/],
    ['listen = ( "127.0.0.1:1060" );', 1, qr/listen must be an array .* not a list in parentheses/],
    ['listen = [ "127.0.0.1" ];', 1, qr/listen '127\.0\.0\.1': no port; write HOST:PORT/],
    ['listen = [ "::1:1060" ];', 1, qr/listen '::1:1060': an IPv6 address needs brackets/],
    ['listen = [ "[::1:1060" ];', 1, qr/closing bracket/],
    ['listen = [ "127.0.0.1:65536" ];', 1, qr/the port must be a number from 0 to 65535/],
    ["listen = [ \"127.0.0.1:1\",\n\"[localhost]:1060\" ];", 2, qr/only an IPv6 address can be in brackets/],
    ['listen = [ ":1060" ];', 1, qr/no host before the port; write \*:PORT for every local address/],
    ['access: { allow = "192.0.2.1"; };', 1, qr/access\.allow must be an array of at most 4096 prefixes, like \[ "192\.0\.2\.0\/24", "2001:db8::\/32" \], not '192\.0\.2\.1'/],
    ['access: { deny = [ "192.0.2.1", 1 ]; };', 1, qr/mismatched element type in array in 'access: /],
    ['access: { deny = [ 1 ]; };', 1, qr/access\.deny must be an array .* not an array with an element that is not a string/],
    ["access: { deny = [ \"192.0.2.0/24\",\n\"localhost\" ]; };", 2, qr/access\.deny 'localhost': not an IPv4 or IPv6 prefix; write 192\.0\.2\.0\/24, 2001:db8::\/32 or one numeric address/],
    ['access: { deny = [ "192.0.2.1/24" ]; };', 1, qr/access\.deny '192\.0\.2\.1\/24': bits are set after the prefix length; the network is 192\.0\.2\.0\/24/],
    ['access: { proxies = [ "2001:db8::/129" ]; };', 1, qr/access\.proxies '2001:db8::\/129': the prefix length must be a number from 0 to 128/],
    ['access: { allow = [ ' . join(', ', ('"::1"') x 4097) . ' ]; };', 1, qr/access\.allow must be an array of at most 4096 prefixes, .* not an array of 4097/],
    ['access: { allowed = [ ]; };', 1, qr/unknown key 'allowed'; known in access: allow, deny, proxies/],
    ['log: { to = "file"; };', 1, qr/log\.to must be one of "syslog", "stderr", not 'file'/],
    ['log: { facility = "kern"; };', 1, qr/log\.facility must be one of "auth", .*"local7", not 'kern'/],
    ['log: { level = "loud"; };', 1, qr/log\.level must be one of "crit", "err", "warning", "notice", "info", "debug", not 'loud'/],
    ['daemon: { pid_file = "sixteend.pid"; };', 1, qr/daemon\.pid_file must be an absolute path, or "" for none, not 'sixteend\.pid'/],
    ['daemon: { user = "no-such-user"; };', 1, qr/daemon\.user must be the name of an existing user, or "", not 'no-such-user'/],
    ['daemon: { group = "no-such-group"; };', 1, qr/daemon\.group must be the name of an existing group, or "", not 'no-such-group'/],
    [("strict = true;\n" x 1001) . "strict = ;\n", 1001, qr/the 1001st setting in 'strict = true;'; sixteen\.conf\(5\) has every key/],
    ["strict = true;\n/* no end", 2, qr/an unterminated comment in '\/\* no end'/],
    ["strict = \n\"true;\n\n", 2, qr/an unterminated string in '"true;'; the closing quote is missing/],
    ["strict = true;\nreply =", 2, qr/an unfinished setting in 'reply ='; the file ends before the setting does/],
    ["strict = true;\nreply =\n\n \n", 2, qr/an unfinished setting in 'reply ='/],
    ["strict = true;\nlimits:\n{\n  connections = 5;\n\n# the end\n", 2, qr/an unfinished setting in 'limits:'/],
    ["limits:\n{\n  connections = 5;\n\nlog: { level = \"info\"; };\n# the end\n", 1, qr/an unfinished setting in 'limits:'/],
    ["access:\n{\n  deny = [ \"192.0.2.1\",\n  \"192.0.2.2\"\n/* the end */", 3, qr/an unfinished setting in 'deny = /],
    ["strict = true;\nreply\n# the end", 2, qr/an unfinished setting in 'reply'/],
    ["reply = \"Farewell, client\";\nstrict =\nlimits: { connections = 5; };", 2, qr/an unfinished setting in 'strict ='; its value is missing or does not end/],
    ["limits:\n{\n  connections\n};", 3, qr/an unfinished setting in 'connections'/],
    ["access: {\n  deny = [ \"192.0.2.1\"\n  allow = [ ];\n};", 2, qr/an unfinished setting in 'deny = /],
    ["strict = ;\nlimits: {\n# the end", 1, qr/syntax error in 'strict = ;'/],
    ["limits: { connections = [ 1 };\n# the end", 1, qr/syntax error in 'limits: /],
    ["};\n# the end", 1, qr/syntax error in '};'/],
    ["strict = true;\n[\n# the end", 2, qr/syntax error in '\['/],
    ["\xef\xbb\xbfstrict = true;", 1, qr/a byte-order mark in '\\xef\\xbb\\xbfstrict = true;'; save the file as UTF-8 without one/],
    ["\xff\xfes\0t\0", 1, qr/a byte-order mark of UTF-16 in '\\xff\\xfes'; save the file as UTF-8/],
    ["\xff\xfe\0\0s\0\0\0", 1, qr/a byte-order mark of UTF-32 in '\\xff\\xfe'; save the file as UTF-8/],
    ["\0\0\xfe\xff\0\0\0s", 1, qr/a byte-order mark of UTF-32 in ''; save the file as UTF-8/],
    ["strict = true;\nreply = \xe2\x80\x9cFarewell, client\xe2\x80\x9d;", 2, qr/an octet that is not printable ASCII in 'reply = \\xe2.*'; only strings and comments can have others; is this a text file\?/],
    ["\x1f\x8b\x08\0\0", 1, qr/an octet that is not printable ASCII in '\\x1f\\x8b\\x08'/],
    ["strict = true;\n\0reply = 1;", 2, qr/a NUL octet in ''; this is not a text file/],
);

# A value of each of libconfig's types for each key, but those that may be right.
my %of_key = map { my $key = $_; map { ("$key.$_->[0]" => $_->[1]) } @{ {
    limits => [[connections => '1'], [backlog => '1']],
    timeouts => [[exchange => '1 1.5'], [linger => '1 1.5'], [drain => '1 1.5']],
    access => [[allow => '[ ]'], [deny => '[ ]'], [proxies => '[ ]']],
    log => [[to => ''], [facility => ''], [level => '']],
    daemon => [[background => 'true'], [pid_file => '""'], [user => '""'], [group => '""']],
}->{$key} } } qw(limits timeouts access log daemon);
%of_key = (%of_key, strict => 'true', reply => '', expect => '', listen => '');
for my $key (sort keys %of_key) {
    for my $value ('true', '1', '1.5', '""', '[ ]', '( )', '{ }') {
        next if index(" $of_key{$key} ", " $value ") >= 0;
        my ($group, $name) = $key =~ /(?:(\w+)\.)?(\w+)/;
        push @refusals, [defined $group ? "$group: { $name = $value; };" : "$name = $value;", 1, qr/\Q$key\E must be .+, not .+/];
    }
}

for my $refusal (@refusals) {
    my ($text, $line, $said) = @$refusal;
    write_file($file, $text);
    my ($status, $out, $err) = run($SIXTEEND, '--test', '--config', $file);
    (my $name = $text) =~ s/\n/\\n/g;
    $name =~ s/\0/\\0/g;
    $name =~ s/#/\\#/g;
    substr($name, 100) = '...' if length $name > 100;
    is $status, 78, "refused: $name";
    like $err, qr/\Asixteend: \Q$file\E:$line: .*$said.*\n\z/, 'with file, line, what is wrong and what would be right';
    is $out, '', 'and nothing else';
}

# What libconfig 1.5 refuses, and 1.7 accepts.
write_file($file, "listen = [ \"127.0.0.1:7\",\n ];");
my ($status, $out, $err) = run($SIXTEEND, '--show-config', '--config', $file);
if ($status == 0) {
    like $out, qr/^listen = \[ "127\.0\.0\.1:7" \];$/m, 'a comma after the last element of an array has no effect';
} else {
    is $status, 78, 'a comma after the last element of an array is refused';
    like $err, qr/\Asixteend: \Q$file\E:2: syntax error in '\];'; .* no comma after the last element of an array$/, 'with the hint';
}

($status, $out, $err) = run($SIXTEEND, '--config', "$directory/none");
is $status, 78, 'a file that does not exist is refused';
is $err, "sixteend: $directory/none: cannot read: No such file or directory\n", 'with the reason';
($status, $out, $err) = run($SIXTEEND, '--config', $directory);
is $status, 78, 'a directory is refused';
is $err, "sixteend: $directory: cannot read: Is a directory\n", 'with the reason';
SKIP: {
    skip 'needs an ordinary user: root can read anything', 2 if $> == 0;
    chmod 0, write_file($file, '');
    ($status, $out, $err) = run($SIXTEEND, '--config', $file);
    is $status, 78, 'an unreadable file is refused';
    is $err, "sixteend: $file: cannot read: Permission denied\n", 'with the reason';
    unlink $file;
}
write_file($file, '#' x 2_000_000);
($status, $out, $err) = run($SIXTEEND, '--config', $file);
is $status, 78, 'a file of two million octets is refused';
like $err, qr/cannot read: File too large/, 'with the reason';

for my $text ('strict = true; # no end of line', 'strict = true; // no end of line', 'timeouts: { linger = .99999999999; };') {
    write_file($file, $text);
    ($status, $out, $err) = run($SIXTEEND, '--test', '--config', $file);
    is "$status$err", '0', "right: $text" =~ s/#/\\#/r;
}
write_file($file, '');
($status, $out, $err) = run($SIXTEEND, '--test', '--config', $file);
is "$status $err", '0 ', 'an empty file is valid';
is $out, "sixteend: $file: configuration OK\n", 'and --test says so';

($status, my $defaults) = run($SIXTEEND, '--show-config', '--config', $file);
is $status, 0, '--show-config shows';
like $defaults, qr/^listen = \[ "127\.0\.0\.1:1060", "\[::1\]:1060" \];\nreply = "Farewell, client";\n/, 'every key';
like $defaults, qr/^ {4}exchange = 10\.0;$/m, 'with its default';
like $defaults, qr/^ {4}to = "stderr";$/m, 'the log goes to stderr in the foreground';
($status, $out) = run($SIXTEEND, '--show-config', '--config', $file, '--daemon');
like $out, qr/^ {4}to = "syslog";$/m, 'and to syslog in the background';

my $odd = <<'END';
// every way to write things
listen = [ "*:0" , "[2001:db8::1]:65535", "localhost:http" ]
reply : "\"\\\x01\x7f\xc3\xa9\t\n \x22ta " "abc"
expect = "4294967312 #//*@"; # numbers in strings and comments 4294967312
strict = TRUE,
limits = { connections = 0x10; backlog = 5L }
timeouts: { exchange = 10; linger = 1e-1; drain = 1e-30 /* 99999999999 */ }
log: { to = "syslog"; facility = "local3"; level = "warning"; };
daemon: { background = true; pid_file = "/run/odd \"file\""; user = "root"; group = "root"; };
END
write_file($file, $odd);
($status, my $shown, $err) = run($SIXTEEND, '--show-config', '--config', $file);
is "$status$err", '0', 'every way to write things is read';
like $shown, qr/^ {4}exchange = 10\.0;\n {4}linger = 0\.1;\n {4}drain = 1\.0e-30;$/m, 'seconds without a point too';
like $shown, qr/^ {4}connections = 16;\n(?: {4}\w+ = \S+;\n)* {4}backlog = 5;$/m, 'and hexadecimal and long integers';
for my $text ($defaults, $shown) {
    write_file("$directory/again", $text);
    ($status, $out, $err) = run($SIXTEEND, '--show-config', '--config', "$directory/again");
    is "$status$err", '0', 'what --show-config prints is read';
    is $out, $text, 'and prints the same';
}
write_file($file, "log: { level = \"err\"; };\nlisten = [ \"127.0.0.1:1\" ];");
($status, $out) = run($SIXTEEND, '-T', '-v', '-d', '-l', '[::1]:2', '-l', '*:3', '-p', '/x/y', '-c', $file);
like $out, qr/^listen = \[ "\[::1\]:2", "\*:3" \];$/m, 'options win over the file: --listen';
like $out, qr/level = "debug"/, '--verbose';
like $out, qr/background = true;\n {4}pid_file = "\/x\/y"/, '--daemon, --pid-file';

write_file($file, "daemon: { background = true; };\nlog: { to = \"stderr\"; };");
($status, $out, $err) = run($SIXTEEND, '--test', '--config', $file);
is $status, 78, 'a background without a log is refused';
like $err, qr/^sixteend: \Q$file\E: log\.to must be "syslog" in the background, not "stderr"; set daemon\.background = false, or use --foreground/, 'with the reason';

# On 32-bit systems, where times of 32 bits end in 2038.
SKIP: {
    my (undef, $time) = run('sh', '-c', 'touch -d "2040-01-01 00:00 UTC" "$1" && stat -c %Y "$1"', 'sh', write_file($file, 'strict = true;'));
    skip "no file can have a time in 2040: $time", 1 if $time ne "2208988800\n";
    is join('', run($SIXTEEND, '--test', '--config', $file)), "0sixteend: $file: configuration OK\n", 'a file of the year 2040 is read';
}

done_testing;
