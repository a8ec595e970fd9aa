# SPDX-License-Identifier: MIT
# make install brings everything, never overwrites the administrator's configuration,
# and make uninstall takes everything else away.
use strict;
use warnings;
use Commands;
use File::Find;
use File::Path qw(make_path);
use Sixteen;
use Test::More;

my $root = scratch();
delete @ENV{qw(MAKEFLAGS MFLAGS MAKELEVEL)};
my @make = ('make', '-s', '-C', $ENV{BUILD_DIR}, "DESTDIR=$root");
my %documented = map { $_->[0]{text} => $_->[0] } commands_of('tests/system/install.t');

# Execute a command of the documents in the build directory, with another root.
sub documented {
    my ($text) = @_;
    my $command = $documented{$text} or BAIL_OUT("no document says $text");
    local @ENV{qw(DESTDIR MAKEFLAGS)} = ($root, 's');
    command_is_run($command);
    return run('sh', '-c', "cd '$ENV{BUILD_DIR}' && $text");
}

sub installed {
    my @files;
    find({ no_chdir => 1, wanted => sub { push @files, substr $_, length $root if -f } }, $root);
    return sort @files;
}

# Without the commands that Automake prints.
sub said { return join '', grep { !/^ \( cd / } split /^/, shift }

my ($status, $out, $err) = documented('make install');
is "$status$err", '0', 'make install' or diag $out;
my @files = installed();
for my $wanted (qw(/sbin/sixteend /bin/sixteen /etc/sixteen.conf /etc/sixteen.targets /man8/sixteend.8 /man8/sixteen-watch.8 /man5/sixteen.conf.5 /man1/sixteen.1 /man1/check_sixteen.1 /nagios/plugins/check_sixteen /man7/sixteen.7 /sixteend/README.md /docs/operations.md /sixteend/sixteen.schema.json /examples/haproxy/haproxy.cfg /examples/prometheus/dashboard.json
    /bash-completion/completions/sixteend /site-functions/_sixteen /vendor_completions.d/sixteen.fish)) {
    is scalar(grep { /\Q$wanted\E$/ } @files), 1, "brings $wanted";
}
my @packaged = map { quotemeta =~ s/\\\*/[^\/]*/gr } map { read_file($_) =~ m{^usr/share/doc/sixteend/(\S+)}mg }
    glob "$ENV{SOURCE_DIR}/debian/{*.install,not-installed}";
my @documents = map { m{/doc/sixteend/(.*)} } @files;
cmp_ok scalar(@documents), '>', 20, 'brings documents';
is join(' ', grep { my $document = $_; !grep { $document =~ m{\A$_(?:/|\z)} } @packaged } @documents), '', 'each of which the Debian packages contain';
my ($plugin) = grep { m{/check_sixteen$} } @files;
like join('', run("$root$plugin", '-V')), qr/\A3check_sixteen /, 'the plugin is the client under its second name';
my @units = map { m{/(sixteen[^/]*\.(?:service|socket))$} } @files;
is "@units", @units ? 'sixteen-watch.service sixteend.service sixteend.socket' : '', 'brings all systemd units or none';
my ($conf, $targets) = grep { m{/etc/sixteen\.(?:conf|targets)$} } @files;
($status, $out, $err) = run($SIXTEEND, '--test', '--config', "$root$conf");
is $status, 0, 'the installed configuration is right' or diag $err;
write_file("$root$conf", "strict = true;\n");
write_file("$root$targets", "localhost\n");
($status) = run(@make, 'install');
is $status, 0, 'make install once more';
is read_file("$root$conf"), "strict = true;\n", "the administrator's configuration is as it was";
is read_file("$root$targets"), "localhost\n", 'and so are the targets';
($status, $out, $err) = documented('make uninstall');
is "$status$err", '0', 'make uninstall';
is_deeply [installed()], [$conf, $targets], 'leaves these files and nothing else';
is said($out), join('', map { "kept, because you made or changed it: $_\n" } $conf, $targets), 'and names them';

# What systemd, a daemon in the background and the administrator add, which make uninstall leaves.
my ($runstatedir) = read_file("$ENV{BUILD_DIR}/etc/sixteen.conf") =~ m{pid_file = "(.*)/sixteend\.pid"};
my ($wants, $active) = ("$root/etc/systemd/system/sockets.target.wants", "$root/run/systemd/units");
make_path($wants, $active, "$root$runstatedir", "$root/etc/systemd/system/sixteend.service.d");
symlink '/nowhere', "$wants/sixteend.socket" or die "a link: $!";
symlink '/nowhere', "$active/invocation:$_" or die "a link: $!" for qw(sixteend.socket sixteend.service);
write_file("$root$runstatedir/sixteend.pid", "4242\n");
write_file("$root$conf", "daemon: { user = \"sixteen\"; };\n");
unlink "$root$targets";
($status, $out, $err) = run(@make, 'uninstall');
is "$status$err", '0', 'make uninstall with a service that is enabled';
is said($out), <<"END", 'says what is left to do';
enabled or running: sixteend.socket sixteend.service; to stop and forget:
  systemctl disable --now sixteend.socket sixteend.service
  systemctl daemon-reload
running in the background: process 4242; to stop it:
  kill "\$(cat $runstatedir/sixteend.pid)"
kept, because you made or changed it: $conf
kept, because you made or changed it: /etc/systemd/system/sixteend.service.d
the user of daemon.user, if nothing else needs it: userdel sixteen
END
unlink "$root$conf", "$root$runstatedir/sixteend.pid", glob "$wants/* $active/*";
rmdir $_ for $wants, $active, "$root/etc/systemd/system/sixteend.service.d";
run(@make, 'install');
is said((run(@make, 'uninstall'))[1]), '', 'nothing is said if nothing is left';
is_deeply [installed()], [], 'untouched files go too';
is((run('find', $root, '-name', 'sixteend'))[1], '', 'and no folder of its own is left');
done_testing;
