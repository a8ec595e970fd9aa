# SPDX-License-Identifier: MIT
# .ci/matrix, in a repository in which what it runs are stubs: the table that it writes, a step that
# fails, and which rows are missing.
use strict;
use warnings;
use Repository;
use Sixteen;
use Test::More;

plan skip_all => 'git is not installed' if !have('git');

Repository::make('matrix', 'docs');

sub stub {
    my ($name, $text) = @_;
    script($name, "#!/bin/sh\n$text");
    return;
}

# Return the status of the matrix, and what was run.
my $calls = scratch() . '/calls';
sub matrix {
    write_file($calls, '');
    my ($status, $out, $err) = run("$tree/.ci/matrix", @_);
    note "$out$err";
    return $status . "\n" . read_file($calls);
}

# Return the rows of the table, without the dates.
sub table { return read_file("$tree/docs/matrix.md") =~ s/^.*\|---\|\n//sr =~ s/\| \d{4}-\d\d-\d\d \|/|/gr }

write_file("$tree/.gitignore", "/matrix/\n");
write_file("$tree/docs/matrix.md", "Text\n\n| place | result |\n|---|---|\n");
my $suite = <<"END";
echo "suite \$1" >>$calls
echo "Name of \$1 | Linux | cc | libc | 1.0" >"\$2/facts"
printf '# PASS:  40\\n# PASS:  2\\n# SKIP:  3\\n# ERROR: 0\\n'
END
stub('clean-root', $suite);
stub($_, "echo $_ \$1 >>$calls\n") for qw(package dist tarball image toolchains rpm);
my $first = commit();

sub row {
    my ($place, $release, $result, $passed, $failed, $commit) = @_;
    return "| $place | $result | Name of $release | Linux | cc | libc | 1.0 | $passed | $failed | 3 | $commit |\n";
}
sub steps { return join '', map { ("suite $_\n", "package $_\n", "dist $_\n", "tarball $_\n", "image $_\n", "toolchains $_\n", $_ eq 'bookworm' ? "rpm $_\n" : ()) } @_ }

my @debian = qw(debian-12 debian-13 debian-testing);
is matrix('debian-13'), "0\n" . steps('trixie'), 'one row';
is table(), row('debian-13', 'trixie', 'ok', 42, 0, $first), 'is in the table';
is matrix('--missing', @debian), "0\n" . steps('bookworm', 'testing'), 'the rows that are missing';
my @all = (['debian-12', 'bookworm'], ['debian-13', 'trixie'], ['debian-testing', 'testing']);
is table(), join('', map { row(@$_, 'ok', 42, 0, $first) } @all), 'are added in order';

commit();
is matrix('--missing', @debian), "0\n", 'a commit of the table makes no row stale';
write_file("$tree/README.md", "Something else\n");
my $second = commit();
is matrix('--missing', 'debian-12'), "0\n" . steps('bookworm'), 'a commit of something else does';
is table(), join('', map { row(@$_, 'ok', 42, 0, $_->[0] eq 'debian-12' ? $second : $first) } @all), 'and that row is replaced';

stub('clean-root', $suite . "[ \$1 != trixie ] || { echo '# FAIL:  2'; exit 1; }\n");
stub('dist', "[ \$1 != testing ]\n");
my $third = commit();
is((split /\n/, matrix(@debian))[0], 1, 'a step that fails');
is table(), row('debian-12', 'bookworm', 'ok', 42, 0, $third) . row('debian-13', 'trixie', 'FAILED: suite', 42, 2, $third)
    . row('debian-testing', 'testing', 'FAILED: dist', 42, 0, $third), 'is named; the other rows are run';
stub($_, "echo $_ \$1 \$2 >>$calls\n") for qw(cross musl);
commit();
is matrix(qw(musl i386 armhf riscv64)), "0\nmusl bookworm $tree/matrix/musl\nsuite bookworm\ncross armhf bookworm\ncross riscv64 trixie\n", 'other places have a suite only';
is((split /\n/, matrix('none'))[0], 64, 'a row that does not exist is a usage error');

# README.md promises each row of the table, which `make release` demands to have passed.
my ($promised) = read_file("$ENV{SOURCE_DIR}/README.md") =~ /^### Runs on\n(.*?)^##/ms;
my ($rows) = read_file("$ENV{SOURCE_DIR}/.ci/matrix") =~ /^rows="(.*)"$/m;
is join(' ', sort grep { $_ ne '-flto' } $promised =~ /`([^`]*)`/g), join(' ', sort split / /, $rows), 'README.md names each row';
done_testing;
