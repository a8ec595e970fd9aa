# SPDX-License-Identifier: MIT
# A repository of a test's own, for scripts of .ci that read one: what they call there are stubs.
package Repository;
use strict;
use warnings;
use Exporter 'import';
use Sixteen;

our @EXPORT = qw($tree script git commit);

our $tree;

# Make the repository, which has these directories and this script of .ci. Its path is $tree.
sub make {
    my ($script, @directories) = @_;
    $tree = scratch();
    $ENV{HOME} = scratch();
    $ENV{"GIT_${_}_NAME"} = 'A Tester' for qw(AUTHOR COMMITTER);
    $ENV{"GIT_${_}_EMAIL"} = 'tester@example.org' for qw(AUTHOR COMMITTER);
    mkdir "$tree/$_" or die "$_: $!" for '.ci', @directories;
    script($script, read_file(($ENV{SOURCE_DIR} // '../..') . "/.ci/$script"));
    git('init', '--quiet');
    return;
}

# Write a script of .ci.
sub script {
    my ($name, $text) = @_;
    write_file("$tree/.ci/$name", $text);
    chmod 0755, "$tree/.ci/$name" or die "$name: $!";
    return;
}

# Return what git prints.
sub git {
    my ($status, $out, $err) = run('git', '-C', $tree, @_);
    die "git @_: $out$err" if $status != 0;
    return $out;
}

# Commit everything, and return the short name of the commit.
sub commit {
    git('add', '--all');
    git('commit', '--quiet', '--allow-empty', '--message', 'change');
    chomp(my $commit = git('rev-parse', '--short=12', 'HEAD'));
    return $commit;
}

1;
