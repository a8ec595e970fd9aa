# SPDX-License-Identifier: MIT
# .ci/release, in a repository whose CI, matrix and builds are stubs: what it refuses, in which order
# it runs what it requires, and the checksums of what is made.
use strict;
use warnings;
use Repository;
use Sixteen;
use Test::More;

plan skip_all => 'git is not installed' if !have('git');

Repository::make('release', qw(debian docs packaging));

# Make a stub that notes its call.
my $calls = scratch() . '/calls';
sub stub {
    my ($name, $more) = @_;
    script($name, "#!/bin/sh\necho $name \"\$*\" >>$calls\n$more");
    return;
}

# Return the status, the last line of what is printed, and the calls of stubs.
sub release {
    unlink $calls;
    my ($status, $out, $err) = run("$tree/.ci/release", @_);
    my @lines = split /\n/, "$out$err";
    my $noted = -e $calls ? read_file($calls) =~ s/ \S*\/release\b/ release/gr : '';
    return ($status, $lines[-1] // '', $noted);
}

write_file("$tree/.gitignore", "/release/\n");
write_file("$tree/docs/matrix.md", "nothing\n");
my %right = (
    'configure.ac' => "AC_PREREQ([2.71])\nAC_INIT([sixteend], [2.3.4])\n",
    'README.md' => "sixteend 2.3.4 ready\n",
    'NEWS' => "sixteend 2.3.4, 2027-01-31\n\nMore\n",
    'debian/changelog' => "sixteend (2.3.4) unstable; urgency=medium\n",
    'packaging/sixteend.spec' => "Name:     sixteend\nVersion:  2.3.4\n",
);
write_file("$tree/$_", $right{$_}) for keys %right;
stub('matrix', 'cat matrix-says >docs/matrix.md');
stub('run', 'test ! -e run-fails');
stub('dist', 'echo tarball >"$2/sixteend-2.3.4.tar.xz"');
stub('image', 'echo image >"$2/sixteend-2.3.4.oci.tar"');
stub('package', 'mkdir "$2" && echo "$1" >"$2/sixteend_2.3.4_all.deb" && echo log >"$2/log"');
write_file("$tree/matrix-says", "nothing\n");
commit();

# ---- a release

my ($status, $last, $noted) = release();
is $status, 0, 'a release is made' or diag $last;
is $noted, <<'END', 'after the matrix and CI; then all is built';
matrix --missing
run 
dist bookworm release
image bookworm release
package bookworm release/bookworm
package trixie release/trixie
END
chomp(my $head = git('rev-parse', 'HEAD'));
is $last, "  git tag --sign v2.3.4 --message 'sixteend 2.3.4' $head", 'the last line is the command for the tag';
my ($sums, $out) = run('sh', '-c', 'cd "$1" && sha256sum --check SHA256SUMS', 'sh', "$tree/release");
is "$sums$out", "0bookworm/sixteend_2.3.4_all.deb: OK\nsixteend-2.3.4.oci.tar: OK\nsixteend-2.3.4.tar.xz: OK\ntrixie/sixteend_2.3.4_all.deb: OK\n",
    'the checksums of all artefacts';

git('tag', 'v2.3.4');
is((release())[0], 0, 'the tag can be there already');
git('commit', '--quiet', '--allow-empty', '--message', 'empty');
is_deeply [release()], [1, 'release: v2.3.4 is the tag of another commit', ''], 'but not at another commit';
git('tag', '--delete', 'v2.3.4');

($status, $last, $noted) = release('--unchecked');
is "$status $last", '0 release: not checked, so not for publication', 'a try';
unlike $noted, qr/^(?:matrix|run)/m, 'runs neither the matrix nor CI';

# ---- what is refused

write_file("$tree/docs/new.md", "new\n");
is_deeply [release()], [1, 'release: there are files that are not committed: see git status', ''], 'a file that is not in git';
unlink "$tree/docs/new.md";

for my $case (
    ['NEWS', "sixteend 2.3.4, not yet released\n", "NEWS starts with 'sixteend 2.3.4, not yet released' instead of 'sixteend 2.3.4, YYYY-MM-DD'"],
    ['NEWS', "sixteend 2.3.3, 2027-01-31\n", "NEWS starts with 'sixteend 2.3.3, 2027-01-31' instead of 'sixteend 2.3.4, YYYY-MM-DD'"],
    ['configure.ac', "AC_INIT([sixteend], [2.4.0])\n", "NEWS starts with 'sixteend 2.3.4, 2027-01-31' instead of 'sixteend 2.4.0, YYYY-MM-DD'"],
    ['debian/changelog', "sixteend (2.3.3) unstable; urgency=medium\n",
        "debian/changelog starts with 'sixteend (2.3.3) unstable; urgency=medium' instead of version 2.3.4"],
    ['debian/changelog', "sixteend (2.3.4) UNRELEASED; urgency=medium\n", 'debian/changelog says UNRELEASED'],
    ['README.md', "sixteend 2.3.4 ready\nsixteend-2.3.3.oci.tar\n", 'README.md or an example names another version: sixteend-2.3.3'],
    ['packaging/sixteend.spec', "Version:  12.3.4\n", 'packaging/sixteend.spec has another version than 2.3.4'],
) {
    my ($file, $text, $why) = @$case;
    write_file("$tree/$file", $text);
    is +(release())[1], 'release: there are files that are not committed: see git status', "a change of $file that is not committed";
    commit();
    is_deeply [release()], [1, "release: $why", ''], "then $why";
    write_file("$tree/$file", $right{$file});
    commit();
}

write_file("$tree/matrix-says", "a row\n");
commit();
is_deeply [release()], [1, 'release: commit docs/matrix.md, which the matrix has written, and run this again', "matrix --missing\n"],
    'a table that is not committed';
commit();
is((release())[0], 0, 'once it is, the release is made');
write_file("$tree/run-fails", '');
commit();
is_deeply [release()], [1, 'release: .ci/run failed', "matrix --missing\nrun \n"], 'CI that fails';
stub('matrix', 'exit 1');
commit();
is_deeply [release()], [1, 'release: a row of .ci/matrix failed', "matrix --missing\n"], 'a row of the matrix that fails';
done_testing;
