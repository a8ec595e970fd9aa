# SPDX-License-Identifier: MIT
# The container image of packaging/container: two builds are equal, and runc(8) runs it as Kubernetes
# and OpenShift would: any user, no capability, nothing to write to, a seccomp filter of the
# runtime's. For an ordinary user runc runs it in a user namespace, rootless.
use strict;
use warnings;
use Commands;
use JSON::PP qw(decode_json encode_json);
use Sixteen;
use Test::More;

my $source = $ENV{SOURCE_DIR} // '../..';
for my $program (qw(umoci runc objcopy strip ldd)) {
    plan skip_all => "$program is not installed" if !have($program);
}
plan skip_all => 'sanitizers use system calls that a container refuses' if is_sanitized();
my $main = $$;
my $scratch = scratch();
chmod 0755, $scratch;

# Build it twice, the second time in other circumstances, and from programs with another build ID.
$ENV{SOURCE_DATE_EPOCH} = 1_700_000_000;
my ($programs) = $SIXTEEND =~ m{(.*)/};
mkdir "$scratch/elsewhere";
for my $program (qw(sixteend sixteen)) {
    my $text = read_file("$programs/$program") =~ s/(\x14\0\0\0\x03\0\0\0GNU\0).{20}/$1 . "\0" x 20/esr;
    chmod 0755, write_file("$scratch/elsewhere/$program", $text);
}
my ($version) = (run($SIXTEEND, '--version'))[1] =~ /^sixteend (\S+)/;
my $written = "$ENV{BUILD_DIR}/sixteend-$version.oci.tar";
my ($status, $out, $err);
for my $command (map { @$_ } commands_of('tests/system/image.t')) {
    command_is_run($command);
    next if -e "$scratch/image.tar";
    local $ENV{MAKEFLAGS} = 's';
    ($status, $out, $err) = run('sh', '-c', "cd '$ENV{BUILD_DIR}' && $command->{text}");
    is "$status$err", '0', "$command->{document}: $command->{text}" or BAIL_OUT('no image');
    must('mv', $written, "$scratch/image.tar");
}
must('env', 'TZ=Asia/Tokyo', 'LC_ALL=C.UTF-8', 'sh', '-c', 'umask 077 && exec "$@"', 'sh',
    "$source/packaging/container/build", "$scratch/elsewhere", "$scratch/again.tar");
is read_file("$scratch/again.tar"), read_file("$scratch/image.tar"), 'a second build is equal';

# What the image says of itself, and what is in it.
my $layout = "$scratch/layout";
mkdir $layout;
must('tar', '-xf', "$scratch/image.tar", '-C', $layout);
sub blob {
    my ($descriptor) = @_;
    return "$layout/blobs/" . $descriptor->{digest} =~ s{:}{/}r;
}
my $index = decode_json(read_file("$layout/index.json"));
my $manifest = decode_json(read_file(blob($index->{manifests}[0])));
my $image = decode_json(read_file(blob($manifest->{config})));
is $image->{created}, '2023-11-14T22:13:20Z', 'SOURCE_DATE_EPOCH is its time';
is $image->{config}{Labels}{'org.opencontainers.image.version'}, $version, 'it names its version';
like $image->{config}{User}, qr/^[1-9]\d*:[1-9]\d*$/, 'its user is a number, and not root';
my $name = "localhost/sixteend:$version";
is $index->{manifests}[0]{annotations}{'org.opencontainers.image.ref.name'}, $name, 'it has a name';
my @docker = ({ Config => blob($manifest->{config}), RepoTags => [$name], Layers => [blob($manifest->{layers}[0])] });
is_deeply decode_json(read_file("$layout/manifest.json") =~ s{blobs/}{$layout/blobs/}gr), \@docker, 'Docker finds the same';
is_deeply [@{ $image->{config} }{qw(ExposedPorts StopSignal)}], [{ '1060/tcp' => {} }, 'SIGTERM'], 'its port, its signal';
my @stale = map { my $file = $_; map { "$file: $_" } grep { $_ ne $version } read_file("$source/examples/$file") =~ /sixteend[:-](\d+\.\d+\.\d+)/g }
    qw(container/README.md kubernetes/README.md kubernetes/sixteend.yaml);
is_deeply \@stale, [], 'the examples name the image of this version';
my $files = (run('tar', '-tvzf', blob($manifest->{layers}[0])))[1];
is join('', grep { !m{^[d-]rw[x-]r-[x-]r-[x-] 0/0 } } split /^/m, $files), '', 'all in it is of root, and nobody else can write to it';
unlike $files, qr{/(?:ba|da)?sh$}m, 'it has no shell';

my @rootless = $> == 0 ? () : '--rootless';
must('umoci', 'unpack', @rootless, '--image', "$layout:$name", "$scratch/bundle");
my $template = read_file("$scratch/bundle/config.json");

# What the filters of Docker, containerd and CRI-O refuse, of what a daemon could come upon. They
# would return an error; here the call ends the process, so that the test sees it. The error
# of clone3, which the C library handles, is theirs.
my @refused = qw(acct add_key bpf clock_adjtime clock_settime fanotify_init io_uring_enter io_uring_setup kcmp
    keyctl mbind mount move_pages name_to_handle_at open_by_handle_at perf_event_open personality pivot_root
    process_vm_readv process_vm_writev ptrace quotactl request_key set_mempolicy setdomainname sethostname
    setns syslog umount2 unshare userfaultfd vhangup);
my %filter = (
    defaultAction => 'SCMP_ACT_ALLOW',
    syscalls => [
        { names => \@refused, action => 'SCMP_ACT_KILL_PROCESS' },
        { names => ['clone3'], action => 'SCMP_ACT_ERRNO', errnoRet => 38 },
    ],
);

my @containers;
my @runc = ((have('runc'))[0] . '/runc', '--root', "$scratch/state");

END {
    if ($$ == $main) {
        my $status = $?;
        run(@runc, 'delete', '--force', $_) for @containers;
        $? = $status;
    }
}

# Run the image in a container: a daemon as launch() returns it, its name in {id}. Named arguments:
# user => number (an ordinary user can only be root, who is himself outside), group => number;
# command => [...] instead of the image's own; options => [...] after it; mounts => { where => what }.
sub contain {
    my %with = @_;
    my $id = "sixteen-$$-" . @containers;
    my $spec = decode_json($template);
    my $process = $spec->{process};
    $process->{terminal} = JSON::PP::false;
    $process->{capabilities} = {};
    $process->{rlimits} = [];
    $process->{user} = @rootless ? { uid => 0, gid => 0 } : { uid => $with{user} // 12345, gid => $with{group} // 0 };
    $process->{args} = [@{ $with{command} // $process->{args} }, @{ $with{options} // [] }];
    $spec->{root} = { path => "$scratch/bundle/rootfs", readonly => JSON::PP::true };
    $spec->{linux}{seccomp} = \%filter;
    $spec->{linux}{namespaces} = [map { { type => $_ } } qw(pid network ipc uts mount), @rootless ? 'user' : ()];
    my %mounts = %{ $with{mounts} // {} };
    $spec->{mounts} = [
        (grep { $_->{destination} =~ m{^/(?:proc|dev)\b} } @{ $spec->{mounts} }),
        map { { destination => $_, type => 'bind', source => $mounts{$_}, options => ['bind', m{^/etc} ? 'ro' : 'rw'] } } sort keys %mounts,
    ];
    mkdir "$scratch/$id";
    write_file("$scratch/$id/config.json", encode_json($spec));
    push @containers, $id;
    my $daemon = launch(under => ['sh', '-c', 'exec "$1" "$2" "$3" run --bundle "$4" "$5" >&2', 'sh', @runc, "$scratch/$id", $id], arguments => [], listen => []);
    $daemon->{id} = $id;
    return $daemon;
}

# A directory that stands for a volume with these files.
sub volume {
    my %files = @_;
    my $directory = scratch();
    write_file("$directory/$_", $files{$_}) && chmod 0644, "$directory/$_" for keys %files;
    chmod 01777, $directory;
    return $directory;
}

# The pid of a container's process 1.
sub pid_of {
    my ($daemon) = @_;
    return decode_json((run(@runc, 'state', $daemon->{id}))[1])->{pid};
}

# What a command says in a running container: status, output and error in one.
sub inside {
    my ($daemon, @command) = @_;
    return join '', run(@runc, 'exec', $daemon->{id}, @command);
}

sub stop_by_term {
    my ($daemon) = @_;
    must(@runc, 'kill', $daemon->{id}, 'TERM');
    return $daemon->wait_end;
}

# A host without the namespaces or control groups that runc needs cannot show more.
SKIP: {
    my $probe = contain(command => ['sleep', '0']);
    my $ended = $probe->wait_end;
    skip "runc cannot make containers here: $1", 1 if $probe->{log} =~ /runc run failed: ((?!.*\bexec:).*?)"?$/m;
    is $ended, 0, 'sleep is in it, for preStop' or diag $probe->{log};

    my $daemon = contain();
    ok $daemon->wait_log(qr/ Listening at 0\.0\.0\.0:1060$/), 'it listens at all addresses';
    ok $daemon->wait_log(qr/ ready, process 1$/), 'it is ready as process 1';
    my $pid = pid_of($daemon);
    like read_file("/proc/$pid/status"), qr/^CapEff:\t0+\nCapBnd:\t0+\nCapAmb:\t0+\nNoNewPrivs:\t1\nSeccomp:\t2\n/m, 'without privileges, under a filter';
    like read_file("/proc/$pid/status"), $> == 0 ? qr/^Uid:\t12345\t/m : qr/^Uid:\t$>\t/m, 'as a user that it has never heard of';
    like read_file("/proc/$pid/mountinfo"), qr{ / / ro[ ,]|/rootfs / ro[ ,]}, 'it has nothing to write to';
    my $health = inside($daemon, qw(sixteen --timeout 30 127.0.0.1));
    like $health, qr/^0.*^The server said 'Farewell, client'$/ms, 'the health check is an exchange';
    ok $daemon->wait_log(qr/ info outcome=ok peer=127\.0\.0\.1:\d+ /), 'its line is on standard error';
    is stop_by_term($daemon), 0, 'TERM ends it with status 0';
    unlike $daemon->{log}, qr/ (?:err|crit) /, 'and nothing went wrong' or diag $daemon->{log};

    # Configuration, metrics and names of hosts in volumes.
    my $text = qq(listen = [ "here.example:1060" ];\nreply = "Hello, container";\nmetrics: { file = "/run/sixteend/metrics.prom"; };\n);
    my ($configuration, $metrics, $names) = (volume('sixteen.conf' => $text), volume(), volume(hosts => "127.0.0.1 here.example\n"));
    $daemon = contain(mounts => { '/etc/sixteen' => $configuration, '/run/sixteend' => $metrics, '/etc/hosts' => "$names/hosts" });
    ok $daemon->wait_log(qr/ Listening at 127\.0\.0\.1:1060$/), 'it looks up names';
    $daemon->wait_log(qr/ ready, process 1$/);
    like inside($daemon, 'sixteen', '--expect', 'Hello, container'), qr/^0.*Hello, container/s, 'it has the configuration that is mounted';
    ok wait_for(sub { read_file("$metrics/metrics.prom") =~ /^sixteend_build_info\{version="\Q$version\E"/m }), 'its metrics are outside';
    write_file("$configuration/sixteen.conf", $text =~ s/Hello/HELLO/r);
    must(@runc, 'kill', $daemon->{id}, 'HUP');
    ok $daemon->wait_log(qr{ notice reloaded /etc/sixteen/sixteen\.conf$}), 'HUP reads it again';
    is stop_by_term($daemon), 0, 'TERM ends that, too';

    $daemon = contain(mounts => { '/etc/sixteen' => volume('sixteen.conf' => "listen = [ \"*:1060\" ];\nreply = 7;\n") });
    is $daemon->wait_end, 78, 'a wrong configuration ends it with status 78';
    like $daemon->{log}, qr{^\S+ crit /etc/sixteen/sixteen\.conf:2: reply must be }m, 'and it says where it is wrong';
    $daemon = contain(options => ['--test']);
    is $daemon->wait_end, 0, 'options are put after its own: --test';

    # As the Deployment of examples/kubernetes has it.
    my ($python) = grep { (run($_, '-c', 'import yaml'))[0] == 0 } '/usr/bin/python3', 'python3';
    skip 'Python and its yaml module are not installed', 1 if !$python;
    my $judged = (run($python, "$source/tests/system/manifest.py", "$source/examples/kubernetes/sixteend.yaml"))[1];
    my %object = map { $_->{kind} => $_ } @{ decode_json($judged)->{documents} };
    my $pod = $object{Deployment}{spec}{template}{spec};
    my $container = $pod->{containers}[0];
    $daemon = contain(user => $pod->{securityContext}{runAsUser}, group => $pod->{securityContext}{runAsGroup}, command => $container->{command},
        mounts => { $container->{volumeMounts}[0]{mountPath} => volume(%{ $object{ConfigMap}{data} }) });
    ok $daemon->wait_log(qr/ ready, process 1$/), 'its command runs in the image';
    like inside($daemon, @{ $container->{$_}{exec}{command} }), qr/^0/, "its $_ is answered" for qw(readinessProbe livenessProbe);
    my ($sleep) = @{ $container->{lifecycle}{preStop}{exec}{command} };
    is inside($daemon, $sleep, '0'), '0', 'its preStop can sleep';
    is stop_by_term($daemon), 0, 'TERM ends it with status 0';
}
done_testing;
