# SPDX-License-Identifier: MIT
# bootstrap on other systems and with another apt-get: what it installs or names, and when it
# configures again. .ci/fresh-root runs it in a real Debian.
use strict;
use warnings;
use File::Copy qw(copy);
use Sixteen;
use Test::More;

plan skip_all => 'pkg-config is not installed' if !have('pkg-config');

delete @ENV{qw(CC MAKEFLAGS MFLAGS MAKELEVEL)};
my $tree = scratch();
copy("$ENV{SOURCE_DIR}/bootstrap", "$tree/bootstrap") or die "bootstrap: $!";
chmod 0755, $tree, "$tree/bootstrap";

# A folder of commands: links to real ones, and scripts.
my $commands = "$tree/commands";
mkdir $commands or die "$commands: $!";
chmod 0755, $commands;

sub command {
    my ($name, $script) = @_;
    unlink "$commands/$name";
    if (defined $script) {
        chmod 0755, write_file("$commands/$name", "#!/bin/sh\n$script");
        return;
    }
    my ($path) = grep { -x } map { "$_/$name" } split /:/, $ENV{PATH};
    symlink $path, "$commands/$name" or die "$name: $!";
    return;
}
command($_) for qw(sh env cat chmod cut dirname echo find fold grep mkdir mktemp rm sed sleep sort tail touch tr wc);
command('id', 'echo 1000');

sub bootstrap {
    my (@arguments) = @_;
    my ($status, $out, $err) = run(@arguments);
    return "$status:$out$err";
}
my @call = ('env', "PATH=$commands", "TMPDIR=$tree", "$tree/bootstrap");

# ---- Systems without Debian's packages ----

my %commands = (
    fedora => ['Fedora Linux', 'dnf install gcc ', ' libconfig-devel', 'dnf install check-devel perl '],
    rocky => ['Rocky Linux', 'dnf install gcc ', ' libconfig-devel', 'dnf install check-devel perl '],
    alpine => ['Alpine Linux', 'apk add gcc musl-dev ', ' libconfig-dev', 'apk add check-dev perl '],
    arch => ['Arch Linux', 'pacman -S --needed gcc ', ' libconfig', 'pacman -S --needed check perl '],
    'opensuse-leap' => ['openSUSE Leap', 'zypper install gcc ', ' libconfig-devel', 'zypper install check-devel perl '],
);
my %like = (rocky => 'rhel centos fedora', 'opensuse-leap' => 'suse opensuse');
for my $id (sort keys %commands) {
    my ($name, $install, $library, $tests) = @{ $commands{$id} };
    my $file = write_file("$tree/os-release", "NAME=\"$name\"\nID=\"$id\"\nID_LIKE=\"" . ($like{$id} // '') . "\"\n");
    chmod 0644, $file;
    my @prefix = with_mounts('/etc/os-release' => $file);
    SKIP: {
        skip 'needs a mount namespace', 2 if !@prefix;
        my $said = bootstrap(@prefix, @call, 'demo');
        like $said, qr/\A1:bootstrap: nothing is installed on $name\. The packages for building there \(not tested.*\):\n  \Q$install\E.*\Q$library\E\n(?s:.*)cannot build: missing a C11 compiler, make, /,
            "$name: demo prints the packages by their names there";
        like bootstrap(@prefix, @call, 'check'), qr/^bootstrap: .* packages for tests there \(not tested.*\):\n  \Q$tests\E/m, 'and check those for the tests, too';
    }
}
my $file = write_file("$tree/os-release", "NAME=Debian\nID=debian\n");
my @debian = with_mounts('/etc/os-release' => $file);
@debian = () if (run(@debian, 'true'))[0] != 0;
chmod 0644, $file;
SKIP: {
    skip 'needs a mount namespace', 11 if !@debian;
    like bootstrap(@debian, @call, 'demo'), qr/\A1:bootstrap: nothing is installed, because there is no apt-get\. .*\n  gcc /, 'without apt-get the names are those of Debian';

    # ---- apt-get ----

    # dpkg-query knows what is in the file "installed"; apt-get installs everything but "absent". sudo
    # is to print itself, and runs no other command than apt-get.
    my $installed = write_file("$tree/installed", '');
    command('dpkg-query', "for name; do :; done; grep -qxF -e \"\$name\" $installed && echo 'install ok installed'\n");
    command('apt-get', <<"END");
case " \$* " in
  *" --assume-no "*) echo "Need to get 1 kB of archives." ;;
  *" install "*" absent "*) exit 100 ;;
  *" install "*) for name; do echo "\$name" >>$installed; done ;;
esac
END
    command('sudo', "echo \"sudo \$*\" >>$tree/sudo\n[ \"\$1\" != -n ] || shift\ncase \$* in *apt-get*) exec \"\$@\" ;; esac\n");
    my $said = bootstrap(@debian, @call, 'install', 'one', 'absent', 'two');
    like $said, qr/\A1:bootstrap: these packages are missing, .*\n  one absent two\napt-get: Need to get 1 kB of archives\.\nbootstrap: apt-get could not install absent; its messages are in \S+\n\z/,
        'a package that does not exist is named';
    like read_file($installed), qr/^one$(?s:.*)^two$/m, 'and the others are installed';
    like bootstrap(@debian, @call, 'install', 'one', 'two'), qr/\A0:\z/, 'nothing is said if nothing is missing';
    command('sudo', "echo 'sudo asks'\nexit 1\n");
    like bootstrap(@debian, @call, 'install', 'one', 'three'), qr/\A1:bootstrap: these packages are missing, .*\n  three\nsudo asks\nbootstrap: .* run as root: apt-get install three\n\z/,
        'the packages are listed before sudo asks for a password';

    # ---- The build ----

    command('dpkg-query', "echo 'install ok installed'\n");
    command($_) for qw(make nproc);
    command('cc', 'exit 0');
    my $libraries = "$tree/pc";
    mkdir $libraries or die "$libraries: $!";
    command('pkg-config', "case \$* in *pc_path*) echo '/nowhere:$libraries' ;; esac\n");
    write_file("$tree/Makefile.of", "all:\n\t\@echo noise\ncheck:\n\t\@echo the tests: \$(TESTS)\n");
    chmod 0755, write_file("$tree/configure", "#!/bin/sh\ncat ../Makefile.of >Makefile\nprintf 'echo \"\$*\" >>calls; touch config.status\\n' >config.status\nchmod 755 config.status\necho configure >>calls\n");
    my $calls = "$tree/build/calls";
    $said = bootstrap(@debian, @call, 'check');
    like $said, qr{\A0:bootstrap: the output of the build goes to build/bootstrap\.log\nbootstrap: configure\nbootstrap: make\n}, 'the build is quiet';
    like read_file("$tree/build/bootstrap.log"), qr/^noise$/m, 'and its noise in that file';
    like $said, qr/^the tests:/m, 'that of the tests is shown';
    bootstrap(@debian, @call, 'check');
    is read_file($calls), "configure\n", 'it is configured once';
    write_file("$libraries/check.pc", '');
    bootstrap(@debian, @call, 'check') for 1 .. 2;
    is read_file($calls), "configure\n--recheck\n", 'and again when a library has come';
    write_file("$tree/Makefile.of", "all:\n\t\@echo the reason; exit 3\n");
    run('rm', '-r', "$tree/build");
    like bootstrap(@debian, @call, 'demo'), qr{^the reason\n(?s:.*)^bootstrap: failed: make; all output is in \Q$tree\E/build/bootstrap\.log$}m, 'if it fails its end is shown, with the name of the file';
}
done_testing;
