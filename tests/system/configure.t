# SPDX-License-Identifier: MIT
# configure where systemd, Check or Perl's modules are missing: the units are installed all the same,
# and the summary names what is left out.
use strict;
use warnings;
use Sixteen;
use Test::More;

my $configure = "$ENV{SOURCE_DIR}/configure";
plan skip_all => 'the source tree is configured itself' if -e "$ENV{SOURCE_DIR}/config.status";
delete @ENV{qw(MAKEFLAGS MFLAGS MAKELEVEL CONFIG_SITE PKG_CONFIG_PATH)};

# A pkg-config that knows libconfig and nothing else, and a perl without modules.
my $known = scratch();
my ($status, $folder) = run('pkg-config', '--variable=pcfiledir', 'libconfig');
plan skip_all => 'pkg-config is not installed' if $status != 0;
chomp $folder;
symlink "$folder/libconfig.pc", "$known/libconfig.pc" or die "libconfig.pc: $!";
my $perl = write_file("$known/perl", "#!/bin/sh\nexit 2\n");
chmod 0755, $perl;

my $build = scratch();

# Configure with these options: the summary, and the warnings. The first run does most of the work.
my $cache = "$known/cache";
sub configured {
    my (@options) = @_;
    my ($status, $out, $err) = run('env', '-C', $build, "PKG_CONFIG_LIBDIR=$known", $configure, "--cache-file=$cache", @options);
    is $status, 0, "configure @options" or diag $err;
    my ($summary) = $out =~ /\n\n(  sixteend .*)\z/s;
    return ($summary // '', join '', $err =~ /WARNING: (.*\n)/g);
}

# Where make install puts the units; nothing else is built.
sub units {
    my $root = scratch();
    my ($status, $out, $err) = run('make', '-s', '-C', $build, "DESTDIR=$root", 'install-systemdsystemunitDATA');
    diag "$out$err" if $status != 0;
    return join ' ', map { substr $_, length $root } sort split /\n/, (run('find', $root, '-name', '*.service', '-o', '-name', '*.socket'))[1];
}

my @names = qw(sixteen-watch.service sixteend.service sixteend.socket);
my ($summary, $warnings) = configured();
like $summary, qr{^    systemd units    /usr/local/lib/systemd/system$}m, 'without systemd.pc the units have a folder';
is units(), join(' ', map { "/usr/local/lib/systemd/system/$_" } @names), 'and are installed there';
like $summary, qr/^  Left out\n(?:    .*\n)*    unit tests +Check is missing/m, 'the summary leaves out the unit tests';
is $warnings, "Check was not found; make check will run no unit test; on Debian: apt-get install check\n", 'with a warning';

($summary, $warnings) = configured('--prefix=/usr', '--without-check');
is units(), join(' ', map { "/usr/lib/systemd/system/$_" } @names), 'below /usr they are where systemd looks, too';
like $summary, qr/    unit tests +Check is missing or excluded$/m, 'the excluded unit tests are left out';
is $warnings, '', 'without a warning';

($summary, $warnings) = configured('--prefix=/opt/sixteen', "ac_cv_path_PERL=$perl");
like $warnings, qr{^systemd does not look for units in /opt/sixteen/lib/systemd/system; name its directory by --with-systemdsystemunitdir=DIR$}m,
    'elsewhere systemd does not see them, which is a warning';
like $summary, qr/^  Left out\n(?:    .*\n)*    system tests +Perl or its core modules are missing$/m, 'the system tests are left out';
like $warnings, qr/^Perl or its core modules were not found; .* on Debian: apt-get install perl$/m, 'with a warning, too';

($summary, $warnings) = configured('--with-systemdsystemunitdir=no', '--with-plugindir=no', '--disable-hardening');
is units(), '', 'no units where none are wanted';
for ('systemd units    --with-systemdsystemunitdir=no', 'plugin           --with-plugindir=no', 'hardening        --disable-hardening') {
    like $summary, qr/^  Left out\n(?:    .*\n)*    \Q$_\E$/m, "left out: $_";
}
unlike $warnings, qr/systemd/, 'without a warning';
# A linker that knows no -z ibt and warns of it, unless a warning is an error.
my $linkers = scratch();
write_file("$linkers/ld", <<'END');
#!/bin/sh
case "$*" in
  *ibt*--fatal-warnings* | *--fatal-warnings*ibt*) exit 1 ;;
  *ibt*) echo "ld: warning: -z ibt ignored" >&2 ;;
esac
exec ld "$@"
END
chmod 0755, "$linkers/ld" or die "ld: $!";
$cache = "$linkers/cache";
($summary) = configured("CC=cc -B$linkers", '--without-check');
like $summary, qr/^    hardening .*-z,relro/m, 'a flag that the linker knows is used';
unlike $summary, qr/-z,ibt/, 'one of which it only warns is not';
done_testing;
