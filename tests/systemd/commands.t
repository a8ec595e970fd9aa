# SPDX-License-Identifier: MIT
# The commands of the documents that need a booted Debian and the project installed in it: each is
# executed as it is written, and succeeds. commands.t in tests/system says which they are.
use strict;
use warnings;
use Commands;
use Sixteen;
use Container;
use Test::More;

my $source = $ENV{SOURCE_DIR};
my $machine = Container->boot;
my $conf = $machine->installed;
my $sample = read_file($machine->path($conf));

# Where the documents look for it, whatever the build's prefix is.
if ($conf ne '/etc/sixteen.conf') {
    $machine->must('ln', '-s', $conf, '/etc/sixteen.conf');
    $machine->must('ln', '-s', "$1/sixteen.targets", '/etc/sixteen.targets') if $conf =~ m{(.*)/};
}
my ($bin) = $machine->must('systemctl', 'cat', 'sixteen-watch') =~ m{^ExecStart=(\S+)/sixteen }m;

# What the documents say without a file: an editor; a monitoring system to reload.
write_file($machine->path('/usr/local/bin/editor'), "#!/bin/sh\n[ ! -e /root/lines ] || cp /root/lines \"\$1\"\n");
write_file($machine->path("/etc/systemd/system/$_.service"), "[Service]\nExecStart=sleep infinity\nExecReload=true\n") for qw(icinga2 nagios4);
$machine->must('chmod', '755', '/usr/local/bin/editor');
$machine->must('mkdir', '-p', '/usr/local/bin', '/usr/lib/nagios/plugins', '/var/lib/prometheus/node-exporter', '/root/examples');
$machine->must('ln', '-sf', "$bin/sixteen", '/usr/local/bin/sixteen') if $bin ne '/usr/local/bin';
for my $example (qw(prometheus/textfile.conf systemd/no-network.conf)) {
    write_file($machine->path('/root/' . $example =~ s{.*/}{}r), read_file("$source/examples/$example"));
}
my $ENVIRONMENT = 'cd /root; export EDITOR=editor SYSTEMD_PAGER=cat SYSTEMD_LESS= TERM=dumb PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

# What is in the folder of a new version, and two packages of it; sudo(8).
$machine->must('mkdir', '/root/src', '/root/etc');
write_file($machine->path('/root/src/sixteend'), read_file($SIXTEEND));
write_file($machine->path('/root/etc/sixteen.conf'), $sample);
write_file($machine->path('/usr/local/bin/sudo'), "#!/bin/sh\nexec \"\$@\"\n");
$machine->must('chmod', '755', '/root/src/sixteend', '/usr/local/bin/sudo');
$machine->must('sh', '-ec', <<'END');
cd /root
for name in sixteend sixteen; do
  mkdir -p $name/DEBIAN $name/usr/sbin
  printf 'Package: %s\nVersion: 1\nArchitecture: all\nMaintainer: root\nDescription: test\n' $name >$name/DEBIAN/control
  [ $name = sixteen ] || cp src/sixteend $name/usr/sbin
  dpkg-deb --build $name ${name}_1_all.deb
done
END

# ---- before and after the commands of a block

# Stop everything, and undo what other blocks did.
sub reset_machine {
    $machine->inside('sh', '-c', 'systemctl disable --quiet --now sixteend.socket sixteend sixteen-watch; systemctl reset-failed; rm -rf /etc/systemd/system/sixteen*.d /root/lines');
    write_file($machine->path($conf), $sample);
    $machine->must('systemctl', 'daemon-reload');
    return;
}

sub is_served { return (run('nsenter', "--target=$machine->{leader}", '--net', $SIXTEEN, '127.0.0.1'))[0] == 0 }

sub serves {
    ok wait_for(sub { is_served() }), "$_[0]: a client is served";
    return;
}

# With every unit that a sentence can name.
sub all_run {
    $machine->must(qw(systemctl start sixteend.socket));
    $machine->must(qw(systemctl start sixteend sixteen-watch icinga2 nagios4));
    return;
}

# The lines in which a document shows what to write in an editor.
sub lines_shown {
    my ($document) = @_;
    my ($lines) = read_file("$source/$document") =~ /^ *```ini\n(.*?)^ *```/ms;
    return write_file($machine->path('/root/lines'), $lines =~ s/^ +//mgr);
}

my %BEFORE = (
    'docs/upgrading.md: After' => \&all_run,
    'examples/log/README.md: Bounding it' => sub { all_run(); lines_shown('examples/log/README.md') },
    'examples/monitoring/README.md: Monitor sixteend with Icinga or Nagios' => sub { all_run(); $machine->must(qw(rm -f /usr/lib/nagios/plugins/check_sixteen)) },
    'examples/prometheus/README.md: The daemon' => sub { write_file($machine->path($conf), $sample =~ s{file = ""}{file = "/run/sixteend/metrics.prom"}r) },
    'man/sixteen.conf.5: DESCRIPTION' => sub {
        write_file($machine->path($conf), "\n" x 11 . "limits: { connections = 0; };\n") if $_[0] =~ /--test/;
        all_run() if $_[0] !~ /--test/;
    },
);
my %AFTER = (
    'README.md: Operate' => sub {
        my ($first) = @_;
        is $machine->states, 'inactive inactive', 'the commands of README end with both units stopped' if $first =~ /^systemctl enable/;
        like $machine->journal, qr/^outcomes ok=/m, 'and the report of USR1 is in the journal' if $first =~ /^systemctl enable/;
        ok wait_for(sub { !-e $machine->path('/run/sixteend.pid') }), 'the daemon in the background ends' if $first =~ /^sixteend/;
    },
    'examples/log/README.md: Bounding it' => sub { is $machine->property('LogRateLimitBurst'), 100, 'systemd has the lines of the example' },
    'examples/monitoring/README.md: Monitor sixteend with Icinga or Nagios' => sub {
        my ($first) = @_;
        like +($machine->inside('/usr/lib/nagios/plugins/check_sixteen', '-V'))[1], qr/^check_sixteen /, 'the link is the plugin' if $first =~ /^ln /;
    },
    'examples/prometheus/README.md: The daemon' => sub {
        ok wait_for(sub { read_file($machine->path('/run/sixteend/metrics.prom')) =~ /^sixteend_build_info/m }), 'the daemon writes its metrics';
        is $machine->must('readlink', '/var/lib/prometheus/node-exporter/sixteend.prom'), '/run/sixteend/metrics.prom', 'where the node exporter looks';
    },
    'examples/prometheus/README.md: The watch' => sub {
        ok wait_for(sub { ($machine->inside('test', '-e', '/var/lib/prometheus/node-exporter/sixteen-watch.prom'))[0] == 0 }), 'so does the watch';
    },
    'examples/systemd/README.md: A daemon without a network' => sub {
        my ($first, $is_block) = @_;
        return if !$is_block;
        serves('examples/systemd/README.md');
        like $machine->must('systemd-analyze', 'security', '--no-pager', 'sixteend'), qr/exposure level for sixteend.service: 0\.2 /, 'with the exposure that it says';
    },
    'man/sixteend.8: EXAMPLES' => sub {
        my ($first, $is_block) = @_;
        serves('sixteend(8)') if $is_block;
        $machine->must('sh', '-c', 'kill "$(cat /run/sixteend.pid)"') if $first =~ /^sixteend /;
    },
);

# What a document shows after a display, in one of its own.
my %SHOWN = (
    'man/sixteen.conf.5: DESCRIPTION' => sub {
        my ($shown) = read_file("$ENV{BUILD_DIR}/man/sixteen.conf.5") =~ /^\.Bd -literal.*?\n(sixteend: .*?)^\.Ed/ms;
        return $shown =~ s/ \\e\n\s*/ /r;
    },
);

# ---- the commands

my $was_plain;    # a command of a sentence has its units run, and the next one of the same kind
for my $block (commands_of('tests/systemd/commands.t')) {
    my $first = $block->[0];
    my $is_block = $first->{block} != 0;
    my $place = "$first->{document}: $first->{section}";
    my $is_plain = !$is_block && !$BEFORE{$place};
    reset_machine() if !($is_plain && $was_plain);
    $was_plain = $is_plain;
    ($BEFORE{$place} // ($is_block ? sub { } : \&all_run))->($first->{text});
    my $session = begin_session('nsenter', "--target=$machine->{leader}", '--all', 'sh');
    in_session($session, $ENVIRONMENT);
    for my $command (@$block) {
        my $name = "$command->{document}:$command->{line}: $command->{text}";
        # systemctl edit wants a terminal.
        my $text = $command->{text} =~ /^systemctl edit/ ? "script -qec '$command->{text}' /dev/null" : $command->{text};
        my ($status, $printed) = in_session($session, $text);
        if ($SHOWN{$place} && $text =~ /--test/) {
            is $status, 78, $name;
            is $printed, $SHOWN{$place}->(), 'prints what is shown';
        } elsif ($command->{document} eq 'HACKING.md' && $printed =~ /^Job for sixteend\.service canceled/m) {
            pass "$name: cancels the start, which is the price";
        } else {
            is $status, 0, $name or diag $printed;
            is form($printed) =~ s/^sixteend: running as root.*\n//mr, form($command->{output}), 'prints what is shown' if $command->{output} ne '';
        }
        serves($name) if $text =~ /^systemctl enable --now sixteend|^sixteend -c/;
        command_is_run($command);
    }
    ($AFTER{$place} // sub { })->($first->{text}, $is_block);
    end_session($session);
}
done_testing;
