# SPDX-License-Identifier: MIT
# make install brings everything, never overwrites the administrator's configuration,
# and make uninstall takes everything else away.
use strict;
use warnings;
use File::Find;
use Sixteen;
use Test::More;

my $root = scratch();
delete @ENV{qw(MAKEFLAGS MFLAGS MAKELEVEL)};
my @make = ('make', '-s', '-C', $ENV{BUILD_DIR}, "DESTDIR=$root");

sub installed {
    my @files;
    find({ no_chdir => 1, wanted => sub { push @files, substr $_, length $root if -f } }, $root);
    return sort @files;
}

my ($status, $out, $err) = run(@make, 'install');
is "$status$err", '0', 'make install' or diag $out;
my @files = installed();
for my $wanted (qw(/sbin/sixteend /bin/sixteen /etc/sixteen.conf /man8/sixteend.8 /man5/sixteen.conf.5 /man1/sixteen.1 /man1/check_sixteen.1 /nagios/plugins/check_sixteen /man7/sixteen.7 /sixteend/README.md /examples/haproxy/haproxy.cfg
    /bash-completion/completions/sixteend /site-functions/_sixteen /vendor_completions.d/sixteen.fish)) {
    is scalar(grep { /\Q$wanted\E$/ } @files), 1, "brings $wanted";
}
my ($plugin) = grep { m{/check_sixteen$} } @files;
like join('', run("$root$plugin", '-V')), qr/\A3check_sixteen /, 'the plugin is the client under its second name';
my @units = map { m{/(sixteend[^/]*\.(?:service|socket))$} } @files;
is "@units", @units ? 'sixteend.service sixteend.socket' : '', 'brings both systemd units or none';
my ($conf) = grep { m{/etc/sixteen\.conf$} } @files;
($status, $out, $err) = run($SIXTEEND, '--test', '--config', "$root$conf");
is $status, 0, 'the installed configuration is right' or diag $err;
write_file("$root$conf", "strict = true;\n");
($status) = run(@make, 'install');
is $status, 0, 'make install once more';
is read_file("$root$conf"), "strict = true;\n", "the administrator's configuration is as it was";
($status, $out, $err) = run(@make, 'uninstall');
is "$status$err", '0', 'make uninstall';
is_deeply [installed()], [$conf], 'leaves that file and nothing else';
unlink "$root$conf";
run(@make, $_) for qw(install uninstall);
is_deeply [installed()], [], 'an untouched configuration goes too';
is((run('find', $root, '-name', 'sixteend'))[1], '', 'and no folder of its own is left');
done_testing;
