# SPDX-License-Identifier: MIT
# No name that docs/compatibility.md calls stable goes away: names.txt lists those of the last release,
# and those that were added since. Keys, options, fields, outcomes, metrics and members of JSON objects
# are taken from where other tests compare them with what the programs do.
use strict;
use warnings;
use JSON::PP;
use Sixteen;
use Test::More;

my $source = $ENV{SOURCE_DIR} // '../..';
my @now;

my ($status, $shown, $err) = run($SIXTEEND, '--show-config', '--config', '/dev/null');
is "$status$err", '0', 'the keys';
my $group = '';
for (split /\n/, $shown) {
    $group = /^(\w+):/ ? "$1." : /^\}/ ? '' : $group;
    push @now, "key $group$1" if /^ *(\w+) = /;
}

my %options = (
    sixteend => 'src/server/config/options.c',
    sixteen => 'src/client/options/options.c',
    check_sixteen => 'src/client/options/check_options.c',
);
for my $program (sort keys %options) {
    my $text = read_file("$source/$options{$program}");
    while ($text =~ /\{"([\w-]+)",\s*(\w+)_argument,\s*NULL,\s*(?:'(.)'|\w+)\}/g) {
        push @now, "option $program --$1" . (defined $3 ? " -$3" : '') . " $2";
    }
}

my $schema = decode_json(read_file("$source/docs/sixteen.schema.json"))->{'$defs'};
for my $kind (sort keys %$schema) {
    push @now, map { "json $kind.$_" } sort keys %{ $schema->{$kind}{properties} // {} };
    push @now, map { "json $kind $_" } @{ $schema->{$kind}{enum} } if $kind =~ /\A(?:outcome|phase)\z/;
}

for my $page ('sixteend.8', 'sixteen.1') {
    my $text = read_file("$source/man/$page.in");
    push @now, 'metric ' . ($1 =~ s/ Ns Brq Cm (.*)/{$1}/r =~ s/ , /,/gr) while $text =~ /^\.It Cm (sixteend?_.*)/mg;
    push @now, map { "field $page $_" } map { /(\w+=)/g } $text =~ /^\.It Cm (\w+=.*)/mg;
}
my ($table) = read_file("$source/README.md") =~ /^\| outcome \|.*\n((?:\|.*\n)+)/m;
push @now, map { "outcome sixteend $_" } $table =~ /^\| `(\w+)` \|/mg;

my $listed = read_file("$source/tests/system/names.txt");
my %listed = map { $_ => 1 } grep { !/^#/ } split /\n/, $listed;
my %now = map { $_ => 1 } @now;
cmp_ok scalar(keys %now), '>', 150, 'the names';
my @gone = grep { !$now{$_} } sort keys %listed;
my @new = grep { !$listed{$_} } sort keys %now;
ok !@gone, 'none is gone' or diag join "\n", @gone;
ok !@new, 'those that are new are in tests/system/names.txt, too' or diag join "\n", @new;
done_testing;
