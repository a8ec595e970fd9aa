# SPDX-License-Identifier: MIT
# docs/sixteen.schema.json is complete: it describes every member, permits no other, and has those of
# sixteen(1) and no more. It refuses records that differ; Sixteen.pm compares those of every test with it.
use strict;
use warnings;
use JSON::PP;
use List::Util qw(uniq);
use Sixteen;
use Test::More;

my $why = why_no_schema();
plan skip_all => $why if $why;
my $schema = decode_json(read_file("$ENV{SOURCE_DIR}/docs/sixteen.schema.json"));

# Return what a reference of the schema stands for, with what is said beside it.
sub meaning {
    my ($part) = @_;
    my $reference = $part->{'$ref'} or return $part;
    my ($name) = $reference =~ m{\A#/\$defs/(\w+)\z};
    my $named = $schema->{'$defs'}{ $name // '' } or die "$reference: no such definition";
    return { %{ meaning($named) }, %$part };
}

# Call the code with each object of the schema that has members, and its path.
sub each_object {
    my ($path, $part, $code) = @_;
    $part = meaning($part);
    $code->($path, $part) if $part->{properties};
    each_object("$path.$_", $part->{properties}{$_}, $code) for sort keys %{ $part->{properties} // {} };
    each_object("$path\[]", $part->{items}, $code) if ref $part->{items} eq 'HASH';
    each_object($path, $_, $code) for @{ $part->{prefixItems} // [] }, @{ $part->{anyOf} // [] };
    return;
}

# What only some records of a type have.
my %SOMETIMES = map { $_ => 1 } qw(summary.service summary.load);

my %members;    # of each type of record: the names, in it and in what it contains
my @types = map { $_->{'$ref'} =~ m{(\w+)\z} } @{ $schema->{oneOf} };
for my $type (@types) {
    my @lacking;
    each_object($type, { '$ref' => "#/\$defs/$type" }, sub {
        my ($path, $object) = @_;
        my %required = map { $_ => 1 } @{ $object->{required} // [] };
        push @lacking, "$path permits other members" if $object->{additionalProperties} // 1;
        for my $name (sort keys %{ $object->{properties} }) {
            my $member = meaning($object->{properties}{$name});
            $members{$type}{$name} = 1;
            push @lacking, "$path.$name has no description" if !$member->{description};
            push @lacking, "$path.$name has no unit" if $name =~ /us\z/ && $member->{description} !~ /microseconds/i;
            push @lacking, "$path.$name is not required" if !delete $required{$name} && !$SOMETIMES{"$path.$name"};
        }
        push @lacking, "$path requires $_, which it does not permit" for sort keys %required;
    });
    is join("\n", @lacking), '', "$type: each member has a description and a unit, is required, and no other is permitted";
    is meaning({ '$ref' => "#/\$defs/$type" })->{properties}{type}{const}, $type, "$type is its type";
}

# ---- sixteen(1)

my $page = read_file("$ENV{BUILD_DIR}/man/sixteen.1") =~ s/\\e$//mgr;
my ($json) = $page =~ /^\.Sh JSON\n(.*?)^\.Sh /ms;
like $json, qr{^\.Pa /\S+/sixteen\.schema\.json$}m, 'sixteen(1) names the schema';
my (undef, %about) = split /^\.Ss The (\w+)\n/m, $json;
is join(' ', sort keys %about), join(' ', sort @types), 'the page describes these types and no others';
my @examples;
for my $type (@types) {
    my $text = $about{$type} // '';
    my ($example) = $text =~ /^\.Bd -literal\n(.*?)^\.Ed/ms;
    my %shown = map { $_ => 1 } $example =~ /"(\w+)":/g;
    my %listed = map { $_ => 1 } map { split / , / } $text =~ /^\.It Cm (.*)$/mg;
    is join(' ', sort keys %shown), join(' ', sort keys %{ $members{$type} }), "$type: its example has these members and no others";
    is join(' ', grep { !$members{$type}{$_} } sort keys %listed), '', 'and the list under it has no others';
    # It is folded, and "..." stands for what was left out.
    push @examples, $example =~ s/\n//gr =~ s/\{"min_us":[\d.]+,\.\.\.\}/null/gr =~ s/,\.\.\.\]/]/r . "\n";
}
is join('', wrong_records(@examples)), '', 'the examples conform';
my ($outcomes) = $page =~ /^\.Sh OUTCOMES\n(.*?)^\.El/ms;
is join(' ', grep { $_ ne 'outcome' } $outcomes =~ /^\.It (\w+) Ta/mg), join(' ', @{ $schema->{'$defs'}{outcome}{enum} }), 'the outcomes are those of OUTCOMES';
my ($phases) = $about{exchange} =~ /^\.It Cm phase\n(.*?)^\.It/ms;
is join(' ', uniq($phases =~ /^\.Ql (\w+)/mg)), join(' ', @{ $schema->{'$defs'}{phase}{enum} }), 'the phases those of an exchange';
my ($answers) = $about{hop} =~ /^\.It Cm answer\n(.*?)^\.It/ms;
is join(' ', $answers =~ /^\.Ql (\w+)/mg), join(' ', @{ $schema->{'$defs'}{hop}{properties}{answer}{enum} }), 'the answers those of a hop';
my ($verdicts) = $page =~ /^\.Sh PATH\n(.*?)^\.Sh /ms;
is join(' ', $verdicts =~ /^\.It Cm (\w+)$/mg), join(' ', @{ $schema->{'$defs'}{path}{properties}{verdict}{enum} }), 'and the verdicts those of PATH';

# ---- records

my $daemon = start();
my @target = ('127.0.0.1', $daemon->{port});
my ($exchange, $summary) = split /^/, (run($SIXTEEN, '--json', @target))[1];
my ($report, $of_load) = split /^/, (run($SIXTEEN, '--json', '--rate', 50, '-c', 2, '--report', 10, @target))[1];
$daemon->stop;
like $report, qr/\A\{"type":"report",/, '--report has objects of its own';
is join('', wrong_records($exchange, $summary, $report, $of_load)), '', 'what the client prints conforms';
for my $case (
    [$exchange, '"seq":1', '"seq":0', 'a value out of its range'],
    [$exchange, '"seq":1', '"seq":"1"', 'a value of another type'],
    [$exchange, '"seq":', '"number":', 'a member with another name'],
    [$exchange, '"seq":1,', '', 'a member that is missing'],
    [$exchange, '"seq":1,', '"seq":1,"seq":1,', 'a member that appears twice'],
    [$exchange, '"seq":1,', '"seq":1,"ttl":64,', 'a member that the schema does not have'],
    [$exchange, '"ok"', '"fine"', 'an outcome that it does not have'],
    [$exchange, '"error":null', '"error":"none"', 'the reason of a failure that is none'],
    [$exchange, '"exchange"', '"change"', 'a type that it does not have'],
    [$exchange, '"exchange"', '"summary"', 'a type with the members of another one'],
    [$exchange, '"us":', '"us":-', 'a time before the start'],
    [$exchange, 'Farewell', "F\xe4rewell", 'an octet that is not ASCII'],
    [$exchange, 'Farewell', 'F\u0100rewell', 'a character that is no octet'],
    [$exchange, '"send_us":', '"send_us":NaN,"x":', 'a number that JSON does not have'],
    [$exchange, '}', '', 'an object without its end'],
    [$summary, '"min_us"', '"least_us"', 'a member of an object with another name'],
    [$summary, '"local":"', '"local":"host ', 'an address that is none'],
    [$of_load, ',"service":', ',"server":', 'an open loop without the times of service'],
    [$of_load, '"histogram":[[', '"histogram":[[1,1,1],[', 'a bucket with three numbers']) {
    my ($record, $part, $other, $what) = @$case;
    my @wrong = wrong_records($record, $record =~ s/\Q$part\E/$other/r);
    is scalar(@wrong), 2, "$what is refused" or diag @wrong;
    note $wrong[0];
}
my ($reason) = wrong_records($exchange =~ s/"seq":/"number":/r);
like $reason, qr/'number' was unexpected.*'seq' is a required property/, 'the reason names the member';

# A test that reads records without run() must keep them itself.
my @lost;
for my $test (glob "$ENV{SOURCE_DIR}/tests/system/*.t") {
    my $text = read_file($test);
    my $unseen = () = $text =~ /^.*\b(?:open|exec|spawn_to_read)\b.*[']--json[']/mg;
    my $kept   = () = $text =~ /^ *keep_records\(/mg;
    push @lost, $test =~ s{.*/}{}r if $kept < $unseen;
}
is "@lost", '', 'each test that reads records keeps them';
done_testing;
