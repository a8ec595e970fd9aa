# SPDX-License-Identifier: MIT
# examples/prometheus: promtool accepts the rules and runs their tests; then a real daemon and a real
# watch write their metrics, the node exporter exports them, and a real Prometheus scrapes them and
# executes every query of the rules and of the dashboard.
use strict;
use warnings;
use File::Spec;
use HTTP::Tiny;
use JSON::PP;
use Sixteen;
use Socket;
use Test::More;

my $examples = File::Spec->rel2abs("$ENV{SOURCE_DIR}/examples/prometheus");
my $dashboard = decode_json(read_file("$examples/dashboard.json"));
my @panels = grep { $_->{type} ne 'row' } @{ $dashboard->{panels} };

# ---- what can be judged without Prometheus

my %ids = map { $_->{id} => 1 } @{ $dashboard->{panels} };
is keys %ids, @{ $dashboard->{panels} }, 'each panel of the dashboard has an id of its own';
my (%taken, @overlaps);
for my $panel (@{ $dashboard->{panels} }) {
    my ($x, $y, $w, $h) = @{ $panel->{gridPos} }{qw(x y w h)};
    for my $cell (map { my $row = $_; map { "$_,$row" } $x .. $x + $w - 1 } $y .. $y + $h - 1) {
        push @overlaps, $panel->{title} if $taken{$cell}++ || $cell =~ /^(\d+)/ && $1 >= 24;
    }
}
is "@overlaps", '', 'and a place of its own';
my %variables = map { $_->{name} => 1 } @{ $dashboard->{templating}{list} };
my @queries = map { my $panel = $_; map { { %$_, title => $panel->{title} } } @{ $panel->{targets} } } @panels;
cmp_ok scalar(@queries), '>', 30, 'it has queries';
my %unknown = map { $_ => 1 } grep { !$variables{$_} && !/^__(?:rate_interval|range)$/ } map { $_->{expr} =~ /\$(\w+)/g } @queries;
is join(' ', keys %unknown), '', 'which use no unknown variable';

SKIP: {
    skip 'promtool is not installed', 2 if !have('promtool');
    my ($status, $out, $err) = run('promtool', 'check', 'rules', '--lint=all', '--lint-fatal', "$examples/sixteen.rules.yml");
    is $status, 0, 'promtool accepts the rules' or diag $out, $err;
    ($status, $out, $err) = run('promtool', 'test', 'rules', "$examples/sixteen.rules.test.yml");
    is $status, 0, 'and their tests pass' or diag $out, $err;
}

# ---- with Prometheus

# Series that no run of this test has: there are no errors of accept(2).
my %ABSENT = map { $_ => 1 } qw(sixteend_accept_errors_total);

my $directory = scratch();
mkdir "$directory/$_" or die "$_: $!" for qw(textfile data);
my ($daemon_file, $watch_file) = map { "$directory/textfile/$_.prom" } qw(sixteend sixteen-watch);

# The programs that log `msg="Listening on" ... address=...` on standard error: start one, and return
# where it listens.
sub start_go {
    my ($name, @command) = @_;
    spawn(sub {
        open STDOUT, '>', "$directory/$name.log";
        open STDERR, '>&', \*STDOUT;
        exec @command;
    });
    return wait_for(sub { read_file("$directory/$name.log") =~ /msg="Listening on" (?:component=\S+ )?address=(\S+:\d+)/ && $1 })
        // die "$name does not start: " . read_file("$directory/$name.log");
}

# A port at which connections are refused as long as the socket that is returned first exists.
sub refusing_port {
    socket my $socket, PF_INET, SOCK_STREAM, 0 or die "socket: $!";
    bind $socket, pack_sockaddr_in(0, INADDR_LOOPBACK) or die "bind: $!";
    return ($socket, (unpack_sockaddr_in(getsockname $socket))[0]);
}

my $http = HTTP::Tiny->new(timeout => 60, map { $_ => undef } qw(proxy http_proxy));
my $api;

# Ask Prometheus: its answer.
sub ask {
    my ($path, %parameters) = @_;
    my $answer = $http->get("http://$api/api/v1/$path?" . $http->www_form_urlencode(\%parameters));
    return $answer->{content} =~ /\A\{/ ? decode_json($answer->{content}) : { status => $answer->{content} };
}

# Execute a query: its series, or nothing if there is an error.
sub series {
    my ($expr) = @_;
    my $answer = ask('query', query => $expr);
    if ($answer->{status} ne 'success') {
        diag "$expr: $answer->{error}";
        return;
    }
    return $answer->{data}{resultType} eq 'scalar' ? [{ metric => {} }] : $answer->{data}{result};
}

# What a query selects, except for lists of labels: names of metrics, with matchers or without.
sub selectors {
    my ($expr) = @_;
    $expr =~ s/\b(?:by|on)\s*\([^()]*\)//g;
    return $expr =~ /(?<![\w:"])((?:sixteen|sixteend|process|node|target|instance|up)(?:[_:][\w:]*)?(?:\{(?:[^"}]|"(?:[^"\\]|\\.)*")*\})?)(?![\w:("])/g;
}

SKIP: {
    my ($exporter) = grep { have($_) } qw(prometheus-node-exporter node_exporter);
    skip 'Prometheus is not installed', 1 if !have('prometheus');
    skip 'no node exporter is installed', 1 if !defined $exporter;

    # A daemon that has refused a reload, and a watch of it and of a port that refuses.
    my $daemon = start(config => "metrics: { file = \"$daemon_file\"; interval = 0.2; };");
    like $daemon->reload('strict = 1;'), qr/refused/, 'a daemon refuses a reload';
    my ($held, $refuses) = refusing_port();
    my $watch = spawn(sub {
        open STDOUT, '>', "$directory/watch.log";
        exec $SIXTEEN, qw(--quiet --interval 0.1 --metrics), $watch_file, "127.0.0.1:$daemon->{port}", "127.0.0.1:$refuses";
    });
    ok wait_for(sub { -s $daemon_file && -s $watch_file }), 'it and a watch write their metrics';
    promtool_accepts($_, s{.*/}{}r) for $daemon_file, $watch_file;

    my $exports = start_go('exporter', $exporter, qw(--collector.disable-defaults --collector.textfile --web.listen-address=127.0.0.1:0),
        "--collector.textfile.directory=$directory/textfile");
    write_file("$directory/prometheus.yml", <<"END");
global: { scrape_interval: 1s, evaluation_interval: 1s }
rule_files: [ "$examples/sixteen.rules.yml" ]
scrape_configs:
  - job_name: node
    static_configs: [ { targets: [ "$exports" ] } ]
END
    $api = start_go('prometheus', qw(prometheus --web.listen-address=127.0.0.1:0), "--config.file=$directory/prometheus.yml",
        "--storage.tsdb.path=$directory/data");

    # Everything has been scraped and evaluated more than twice.
    ok wait_for(sub { @{ series('target:sixteen_exchange_duration_seconds:p99_15m') // [] } && @{ series('count_over_time(sixteend_build_info[1m]) > 2') // [] } }),
        'Prometheus has their numbers' or diag read_file("$directory/prometheus.log");

    my @rules;
    my $firing = sub {
        @rules = map { @{ $_->{rules} } } @{ ask('rules')->{data}{groups} };
        return join ' ', sort map { $_->{name} } grep { ($_->{state} // '') eq 'firing' } @rules;
    };
    wait_for(sub { $firing->() =~ /Lost .*Refused/ && !grep { $_->{health} eq 'unknown' } @rules });
    is $firing->(), 'SixteenTargetLost SixteendReloadRefused', 'those alerts fire for which there is a reason';
    cmp_ok scalar(@rules), '>', 10, 'it has the rules';
    for my $rule (@rules) {
        is join(' ', $rule->{health}, $rule->{lastError} // ''), 'ok ', "$rule->{name} is evaluated";
        ok defined series($rule->{query}), 'and is a query';
        ok @{ series($rule->{name}) // [] } > 0, 'and recorded' if $rule->{type} eq 'recording';
        is join(' ', grep { !@{ series($_) // [] } } selectors($rule->{query})), '', 'of series that exist';
    }
    for my $query (@queries) {
        my $what = "$query->{title} $query->{refId}";
        my $expr = $query->{expr} =~ s/\$__(?:rate_interval|range)/1m/gr =~ s/\$(?:job|instance|target)\b/.*/gr;
        my $found = series($expr);
        ok defined $found, "$what is a query";
        my @missing = grep { !@{ series($_) // [] } } selectors($expr);
        next if grep { my $name = $_; grep { $name =~ /^$_\b/ } keys %ABSENT } @missing;
        is "@missing", '', 'of series that exist';
        ok @{ $found // [] } > 0, 'and has data';
        my @labels = $query->{legendFormat} =~ /\{\{(\w+)\}\}/g;
        is join(' ', grep { my $label = $_; !grep { exists $_->{metric}{$label} } @{ $found // [] } } @labels), '', 'with the labels of its legend';
    }
    for my $variable (grep { $_->{type} eq 'query' } @{ $dashboard->{templating}{list} }) {
        my ($selector, $label) = $variable->{definition} =~ /^label_values\((.*), (\w+)\)$/;
        my $found = series(($selector // 'none') =~ s/\$\w+/.*/gr);
        ok scalar(grep { exists $_->{metric}{$label} } @{ $found // [] }), "the variable $variable->{name} has values";
    }
    finish($watch);
    $daemon->stop;
}
done_testing;
