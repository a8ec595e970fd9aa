# SPDX-License-Identifier: MIT
# Two formatters accept the manual pages without a warning. The examples of sixteen(1) have the form of
# what the client prints.
use strict;
use warnings;
use Commands;
use Sixteen;
use Test::More;

has_more_tries();
my $directory = scratch();
for my $name (qw(sixteend.8 sixteen-watch.8 sixteen.conf.5 sixteen.1 check_sixteen.1 sixteen.7)) {
    my $text = read_file("$ENV{BUILD_DIR}/man/$name");
    unlike $text, qr/\@\w+\@/, "$name: every path is put in";
    # A long prefix makes lines that cannot be broken; that is not the page's fault.
    my $page = write_file("$directory/$name", $text =~ s{/\S+(?=/sixteen\.conf|/sixteen\.targets|/sixteend\.pid|/sixteen\.schema\.json|/examples|/docs)}{/etc}gr);
    SKIP: {
        skip 'mandoc is not installed', 1 if !have('mandoc');
        my ($status, $out, $err) = run('mandoc', '-Tlint', '-Wwarning', $page);
        is "$status$out$err", '0', 'no warning from mandoc';
    }
    SKIP: {
        skip 'groff is not installed', 1 if !have('groff') || !-e '/usr/share/groff/current/tmac/mdoc.tmac';
        my ($status, $out, $err) = run('groff', '-mdoc', '-ww', '-z', '-Tutf8', $page);
        is "$status$out$err", '0', 'no warning from groff';
    }
}

# ---- the examples of sixteen(1)

# Return the names in each kind of JSON object of a text, in order.
sub objects {
    my ($text) = @_;
    my %names;
    while ($text =~ /\{("type":"(\w+)".*?)\}\n/gs) {
        my ($object, $type) = ($1, $2);
        $names{$type} = join ' ', $object =~ /"(\w+)":/g;
    }
    return \%names;
}

# Lines of the page are folded, and "..." stands for what was left out.
my $page = read_file("$ENV{BUILD_DIR}/man/sixteen.1") =~ s/\\e$//mgr;
my $text_of_page = join '', $page =~ /^\.Bd -literal.*?\n(.*?)^\.Ed/msg;
my $daemon = start(listen => ['127.0.0.1:0']);
my $port = $daemon->{port};
my $shown = objects($text_of_page);
my $open_loop = (run($SIXTEEN, '--json', '--rate', 50, '-c', 2, '127.0.0.1', $port))[1];
my $printed = objects((run($SIXTEEN, '--json', '127.0.0.1', $port))[1]);
is $shown->{exchange}, $printed->{exchange}, 'sixteen(1) shows an exchange in JSON as it is printed';
my ($of_exchanges) = $shown->{summary} =~ /(.*?) service/;
is $of_exchanges =~ s/ outcome phase error count//r =~ s/ seq time outcome phase error//r, $printed->{summary}, 'the summary';
is $shown->{summary} =~ s/.* service/service/r =~ s/min_us/min_us avg_us max_us mdev_us p50_us p90_us p99_us p99_9_us p99_99_us/r,
    objects($open_loop)->{summary} =~ s/.* service/service/r, 'and what a load has in addition';
SKIP: {
    my @prefix = with_hosts("::1 two.test\n127.0.0.1 two.test\n") or skip 'needs a mount namespace', 1;
    my $address = objects((run(@prefix, $SIXTEEN, '--json', 'two.test', $port))[1])->{address};
    skip 'needs IPv6', 1 if !defined $address;
    is $shown->{address}, $address, 'and an address that failed';
}
my %once = map { $_ => 1 } map { split } values %$shown;
for my $name (sort keys %once) {
    like $page, qr/^\.(?:It )?Cm (?:\w+ , )*(?:\Q$name\E)\b/m, "$name is explained" if $name !~ /^(?:min|avg|max|mdev|p\d.*)_us$|^count$/;
}
my ($line) = (run($SIXTEEN, '-c', 1, '127.0.0.1', $port))[1] =~ /^(outcome=.*)$/m;
my ($example) = $text_of_page =~ s/\n    / /gr =~ /^(outcome=ok.*)$/m;
is join(' ', $example =~ /(\w+)=/g), join(' ', $line =~ /(\w+)=/g), 'the line of an exchange has these fields';

# Return the lines of each summary of a text, without its figures and its kinds of failure.
sub summaries {
    my ($text) = @_;
    $text =~ s/ \\?\n {4}/ /g;
    return map { s/^errors:.*\n//mgr =~ s/\d[\d.:]*/N/gr =~ s/ +/ /gr } $text =~ /^(--- \S+ statistics ---\n(?:(?!---|<=|outcome=|\$ ).+\n)+)/mg;
}
my %summaries = map { $_ => 1 } map { summaries((run($SIXTEEN, @$_, "127.0.0.1:$port"))[1]) }
    ['-c', 2, '-i', 0.1], ['-c', 2, '-i', 0.1, '--connect'], ['-c', 2, '--rate', 50];
my ($reference) = $page =~ /\A(.*?)^\.Sh EXAMPLES\n/ms;    # examples.t executes these
is join('', sort map { summaries($_) } $reference =~ /^\.Bd -literal.*?\n(.*?)^\.Ed/msg), join('', sort keys %summaries),
    'summaries of repeated exchanges, of connections and of a load have these lines';
for my $summary (map { summaries($_->{output}) } grep { $_->{document} eq 'README.md' } all_commands()) {
    ok $summaries{ $summary =~ s/^SYN .*\n//mr }, 'so has README' or diag $summary;
}
$daemon->stop;

my ($table) = $page =~ /^\.Sh OUTCOMES\n(.*?)^\.El/ms;
my %outcomes = map { $_ => 1 } read_file("$ENV{SOURCE_DIR}/src/client/exchange/verdict.c") =~ /\breturn "(\w+)";/g;
is join(' ', sort grep { $_ ne 'outcome' } $table =~ /^\.It (\w+) Ta/mg), join(' ', sort keys %outcomes), 'OUTCOMES has every outcome';
done_testing;
