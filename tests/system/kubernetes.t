# SPDX-License-Identifier: MIT
# The manifest of examples/kubernetes, which no cluster has seen: the official client's models
# know every key of it, its configuration is valid, and its commands serve, answer probes and
# stop under what its security context asks for.
use strict;
use warnings;
use File::Copy qw(copy);
use JSON::PP qw(decode_json);
use Sixteen;
use Test::More;

my $source = $ENV{SOURCE_DIR} // '../..';
my $manifest = read_file("$source/examples/kubernetes/sixteend.yaml");
my ($python) = grep { (run($_, '-c', 'import yaml'))[0] == 0 } '/usr/bin/python3', 'python3';
plan skip_all => 'Python and its yaml module are not installed' if !$python;

# What tests/system/manifest.py says of a manifest.
sub judged {
    my ($text) = @_;
    my $file = write_file(scratch() . '/manifest.yaml', $text);
    my ($status, $out, $err) = run($python, "$source/tests/system/manifest.py", $file);
    is $status, 0, 'the manifest is YAML' or diag $err;
    return decode_json($out);
}

my $judged = judged($manifest);
my %object = map { $_->{kind} => $_ } @{ $judged->{documents} };
is_deeply [sort keys %object], [qw(ConfigMap Deployment NetworkPolicy PodDisruptionBudget Service)], 'it has what it says';
SKIP: {
    skip "Python's kubernetes module is not installed", 9 if !$judged->{wrong};
    is_deeply $judged->{wrong}, [], 'the models know every key and its type, and miss none';
    my %fault = (
        'a key that none knows' => ['readOnlyRootFilesystem', 'readOnlyRootFileSystem', qr/readOnlyRootFileSystem/],
        'a value of another type' => ['replicas: 3', 'replicas: "3"', qr/replicas/],
        'a key that is missing' => ['- name: sixteend', '- workingDir: /', qr/`name`/],
        'a kind that none knows' => ['kind: Service', 'kind: Servant', qr/V1Servant/],
    );
    for my $what (sort keys %fault) {
        my ($that, $this, $said) = @{ $fault{$what} };
        like join("\n", @{ judged($manifest =~ s/\Q$that\E/$this/r)->{wrong} }), $said, "they would report $what";
    }
}

my $pod = $object{Deployment}{spec}{template}{spec};
my $container = $pod->{containers}[0];
my $file = write_file(scratch() . '/sixteen.conf', $object{ConfigMap}{data}{'sixteen.conf'});
my ($status, $out, $err) = run($SIXTEEND, '--foreground', '--test', '--config', $file);
is "$status$err", '0', 'the configuration is valid';
($status, $out) = run($SIXTEEND, '--show-config', '--config', $file);
my ($drain) = $out =~ /drain = ([\d.]+)/;
cmp_ok $pod->{terminationGracePeriodSeconds}, '>', $container->{lifecycle}{preStop}{exec}{command}[1] + $drain,
    'there is time for preStop and timeouts.drain';
is_deeply $object{$_->[0]}{spec}{$_->[1]}{matchLabels} // $object{$_->[0]}{spec}{$_->[1]}, $object{Deployment}{spec}{template}{metadata}{labels},
    "$_->[0]: $_->[1] finds the pods" for ['Deployment', 'selector'], ['Service', 'selector'], ['PodDisruptionBudget', 'selector'], ['NetworkPolicy', 'podSelector'];

# The container's own command on its own port, in namespaces that stand in for the pod: a
# network and processes of its own, nothing to write to, no root, no capability.
SKIP: {
    my @pod = ('unshare', '--net', '--pid', '--mount-proc', '--fork', '--kill-child');
    skip 'only root may make such namespaces', 9 if $> != 0 || (run(@pod, 'mount', '-o', 'remount,ro,bind', '/'))[0] != 0;
    my $user = $pod->{securityContext}{runAsUser};
    my $directory = scratch();
    chmod 0755, $directory;
    copy($SIXTEEND, "$directory/sixteend") && chmod 0755, "$directory/sixteend";
    copy($file, "$directory/sixteen.conf");
    my ($program, @words) = @{ $container->{command} };
    is $program, 'sixteend', 'the container runs sixteend';
    s{^/etc/sixteen/}{$directory/} for @words;
    my $shell = "ip link set lo up && mount -o remount,ro,bind / && shift && exec setpriv --reuid=$user --regid=$user"
        . " --clear-groups --no-new-privs --bounding-set=-all --inh-caps=-all $directory/sixteend \"\$@\"";
    my $daemon = launch(under => [@pod, 'sh', '-c', $shell, 'sh'], arguments => \@words, listen => []);
    ok $daemon->wait_log(qr/ ready, process 1$/), 'it is ready as process 1';
    my ($inner) = read_file("/proc/$daemon->{pid}/task/$daemon->{pid}/children") =~ /(\d+)/;
    like read_file("/proc/$inner/status"), qr/^Uid:\t$user\t.*^CapEff:\t0+\nCapBnd:\t0+\n.*^NoNewPrivs:\t1$/ms, 'with no privilege';
    for my $probe (qw(readinessProbe livenessProbe)) {
        my ($client, @asks) = @{ $container->{$probe}{exec}{command} };
        is $client, 'sixteen', "$probe asks with sixteen";
        ($status, $out, $err) = run('nsenter', "--net=/proc/$inner/ns/net", $SIXTEEN, @asks);
        is "$status$err", '0', 'and is answered';
    }
    kill 'TERM', $inner;
    is $daemon->wait_end, 0, 'TERM ends it with status 0';
    unlike $daemon->{log}, qr/ (?:err|crit) /, 'and nothing went wrong' or diag $daemon->{log};
}
done_testing;
