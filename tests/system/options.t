# SPDX-License-Identifier: MIT
# The command lines: wrong ones are refused with a reason; every flag is in --help and
# in the manual page, every key of the table in sixteen.conf(5) and in the sample.
use strict;
use warnings;
use Sixteen;
use Test::More;

my ($status, $out, $err);
my @wrong = (
    [['--colour'], qr/unknown or ambiguous option, or one that takes no argument: --colour/],
    [['--verbose=3'], qr/unknown or ambiguous option, or one that takes no argument: --verbose=3/],
    [['--foreground', '-xv'], qr/unknown option -x/],
    [['-vx'], qr/unknown option -x/],
    [['--ver'], qr/unknown or ambiguous option, or one that takes no argument: --ver/],
    [['-z'], qr/unknown option -z/],
    [['-V', '-:V'], qr/unknown option -:/],
    [['--config'], qr/option requires an argument: --config/],
    [['file'], qr/unexpected argument: file/],
    [['-f', '-d'], qr/--foreground and --daemon are mutually exclusive/],
    [['-e', '-d'], qr/--stderr and --daemon are mutually exclusive: a daemon in the background has no standard error/],
    [['-t', '-T'], qr/--test, --show-config, --help and --version are mutually exclusive/],
    [['-l', '127.0.0.1'], qr/--listen 127\.0\.0\.1: no port; write HOST:PORT, \[IPV6\]:PORT or \*:PORT/],
    [['-l', '127.0.0.1:99999'], qr/the port must be a number from 0 to 65535/],
    [['-p', ''], qr/--pid-file: the path is empty or too long/],
    [[map { ('-l', '*:0') } 0 .. 64], qr/too many --listen options \(at most 64\)/],
);
for my $case (@wrong) {
    ($status, $out, $err) = run($SIXTEEND, @{ $case->[0] });
    my $shown = join ' ', @{ $case->[0] }[0 .. ($#{ $case->[0] } > 2 ? 2 : $#{ $case->[0] })];
    is "$status$out", 64, "sixteend $shown: status 64";
    like $err, qr/\Asixteend: .*$case->[1].*\n\z/, 'one line says why';
}
my $file = write_file(scratch() . '/sixteen.conf', 'daemon: { background = true; };');
($status, $out, $err) = run($SIXTEEND, '-e', '-c', $file);
is $status, 64, '--stderr with a file that says background: status 64';
like $err, qr/--stderr needs --foreground/, 'with the reason';

@wrong = (
    [['--colour'], qr/unknown or ambiguous option, or one that takes no argument: --colour/],
    [['-z'], qr/unknown option -z/],
    [['-V', '-:V'], qr/unknown option -:/],
    [['--ipv4=yes'], qr/takes no argument: --ipv4=yes/],
    [['--timeout', '1', '-x4'], qr/unknown option -x/],
    [['-W'], qr/option requires an argument: -W/],
    [['-W', '0'], qr/--timeout must be a number of seconds greater than 0 and at most 31536000, not 0/],
    [['-W', '1x'], qr/not 1x/],
    [['-W', 'nan'], qr/not nan/],
    [['-W', '0x10'], qr/not 0x10/],
    [['-c', '0'], qr/--count must be a whole number from 1 to 1000000000000000, not 0/],
    [['-c', '-1'], qr/--count must be a whole number/],
    [['-c', '1.5'], qr/not 1\.5/],
    [['-c', '99999999999999999999'], qr/--count must be/],
    [['-i', '-1'], qr/--interval must be a number of seconds from 0 to 31536000, not -1/],
    [['-w', '0'], qr/--deadline must be a number of seconds greater than 0/],
    [['--duration', 'x'], qr/--duration must be a number of seconds greater than 0/],
    [['-P', '0'], qr/--parallel must be a whole number from 1 to 1000000, not 0/],
    [['--rate', '0'], qr/--rate must be a number greater than 0 and at most 10000000, not 0/],
    [['-b', 'no-such-interface'], qr/--bind no-such-interface: not an address, a prefix or an interface of this host/],
    [['--metrics', ''], qr/--metrics: the path is empty or too long/],
    [['-P', '2', '-i', '1'], qr/--interval cannot be combined with -P, --rate or --duration; --rate sets the pace of a load/],
    [['--rate', '2', '--misbehave', 'short'], qr/--misbehave cannot be combined with -P, --rate or --duration/],
    [['--connect', '--misbehave', 'silent'], qr/--connect sends nothing, so it cannot be combined with --message, --expect, --proxy or --misbehave; see sixteen --help/],
    [['--path', 'a', 'b'], qr/--path takes only one TARGET; see sixteen --help/],
    [['--path', '-c', '1'], qr/--path cannot be combined with -c, -i, -w, --report, --all, --plugin, -P, --rate or --duration; see sixteen --help/],
    [['--warn', '1'], qr/--warn and --crit require --plugin/],
    [['--crit', '1'], qr/--warn and --crit require --plugin/],
    [['-4', '-6'], qr/-4, -6 and --bind must agree on the address family; see sixteen --help/],
    [['--message', 'short'], qr/--message must be exactly 16 octets long, not 5: short/],
    [['--expect', 'seventeen octets!'], qr/--expect must be exactly 16 octets long, not 17/],
    [['a', '1', 'b'], qr/1 is not a TARGET; with several, write each as HOST:PORT/],
    [['--report', '0.001'], qr/--report must be a number of seconds from 0\.01 to 31536000, not 0\.001/],
    [['127.0.0.1', '65536'], qr/PORT must be a number from 0 to 65535 or a service name, not 65536/],
    [['-p', '65536', '127.0.0.1'], qr/--port must be a number from 0 to 65535 or a service name, not 65536/],
    [['--resolve', '0', '127.0.0.1'], qr/--resolve must be a number of seconds from 0\.01 to 31536000, not 0$/m],
    [['127.0.0.1:1060', '1060'], qr/unexpected argument after TARGET: 1060/],
    [['::1]:1060'], qr/TARGET must be .*, not ::1\]:1060: it is not an IPv6 address/],
    [['127.0.0.1:65536'], qr/TARGET must be HOST, HOST:PORT or \[IPV6\]:PORT, not 127\.0\.0\.1:65536: the port must be/],
    [['--resolve', 9, '-P', 2], qr/--resolve cannot be combined with -P, --rate or --duration; a load looks up its name once; see sixteen --help/],
    [['[canary]'], qr/TARGET must be .*, not \[canary\]: only an IPv6 address can be in brackets/],
    [['[::1'], qr/TARGET must be .*, not \[::1: the closing bracket of the IPv6 address is missing/],
    [[':1060'], qr/TARGET must be .*, not :1060: no host before the port/],
    [['*:1060'], qr/TARGET must be .*, not \*:1060: the host is missing/],
    [[''], qr/TARGET must be .*, not '': the host is missing/],
);
for my $case (@wrong) {
    ($status, $out, $err) = run($SIXTEEN, @{ $case->[0] });
    is "$status$out", 2, "sixteen @{ $case->[0] }: status 2";
    like $err, qr/\Asixteen: .*$case->[1].*\n\z/, 'one line says why';
}

for my $command ([$SIXTEEND, '--help'], [$SIXTEEND, '--version'], [$SIXTEEND, '--show-config', '--config', '/dev/null'],
    [$SIXTEEND, '--test', '--config', '/dev/null'], [$SIXTEEN, '--help'], [$SIXTEEN, '--version']) {
    my ($path, @options) = @$command;
    (my $name = $path) =~ s{.*/}{};
    ($status, $out, $err) = run('sh', '-c', '"$@" >/dev/full', 'sh', @$command);
    is $status, $name eq 'sixteen' ? 2 : 71, "$name @options on a full disk fails";
    is $err, "$name: cannot write to standard output: No space left on device\n", 'and says so';
}

my $source = $ENV{SOURCE_DIR} // '../..';
my $build = $ENV{BUILD_DIR};
for my $program (['sixteend', $SIXTEEND, 'sixteend.8', 'src/server/config/options.c'], ['sixteen', $SIXTEEN, 'sixteen.1', 'src/client/options/options.c']) {
    my ($name, $path, $page, $code) = @$program;
    ($status, my $help, $err) = run($path, '--help');
    is "$status$err", '0', "$name --help: status 0";
    ($status, $out, $err) = run($path, '--version');
    is "$status$err", '0', "$name --version: status 0";
    my ($configured) = read_file("$build/config.h") =~ /^#define CONFIGURED "(.*)"$/m;
    my $more = $name eq 'sixteen' ? '' : "libconfig: \\d+\\.\\d+\\.\\d+\nconfiguration file: \Q$ENV{SYSCONFDIR}\E/sixteen\\.conf\n";
    like $out, qr/\A$name \d+\.\d+\.\d+\nconfigured: \Q$configured\E\ncompiler: .*\d\.\d.*\n$more\z/, 'version, what was configured, compiler';
    my $manual = read_file("$build/man/$page");
    my @flags = read_file("$source/$code") =~ /\{"([a-z0-9-]+)",\s*\w+,\s*NULL,\s*('\w'|\w+)\}/g;
    cmp_ok scalar @flags, '>', 8, "the options of $name";
    while (my ($long, $short) = splice @flags, 0, 2) {
        like $help, qr/--$long\b/, "--$long is in --help";
        (my $roff = "--$long") =~ s/-/(?:\\\\-|-)/g;
        $roff =~ s/^\(\?:\\\\-\|-\)\(\?:\\\\-\|-\)/(?:Fl Fl |Fl -|Fl \\\\-)/;
        like $manual, qr/$roff\b/, 'and in the manual page';
        next unless $short =~ /'(\w)'/;
        like $help, qr/^  -$1, --$long\b/m, "-$1 too";
        like $manual, qr/Fl $1\b/, 'in both';
    }
}

($status, my $shown) = run($SIXTEEND, '--show-config', '--config', '/dev/null');
($status, my $sample, $err) = run($SIXTEEND, '--show-config', '--config', "$build/etc/sixteen.conf");
is "$status$err", '0', 'the sample is a valid configuration';
my $keys_of = sub {
    my ($group, @keys) = ('');
    for (split /\n/, $_[0]) {
        s/#.*//;
        $group = "$1.", next if /^(\w+):/;
        $group = '' if /^\}/;
        push @keys, "$group$1" if /^\s*(\w+)\s*=/;
    }
    return sort @keys;
};
my @keys = $keys_of->($shown);
cmp_ok scalar @keys, '>=', 16, 'the keys of the table';
is_deeply [$keys_of->(read_file("$build/etc/sixteen.conf"))], \@keys, 'the sample sets each of them and no other';
my $manual = read_file("$build/man/sixteen.conf.5");
my %documented = map { $_ => 1 } $manual =~ /^\.It (?:Cm|Va|Ic) ([a-z_.]+)/mg;
is_deeply [sort keys %documented], \@keys, 'sixteen.conf(5) explains each of them and no other';

done_testing;
