# SPDX-License-Identifier: MIT
# The examples for monitoring: Nagios and Icinga accept the definitions, and Icinga runs the check with
# the options that they say.
use strict;
use warnings;
use Commands;
use File::Spec;
use Sixteen;
use Test::More;

my $examples = File::Spec->rel2abs("$ENV{SOURCE_DIR}/examples/monitoring");
my $directory = scratch();
mkdir "$directory/$_" or die "$_: $!" for qw(plugins data);
my ($user, $group) = (scalar getpwuid $>, scalar getgrgid +(split ' ', $))[0]);

# In the place of check_sixteen: note the arguments, then be it.
my $sixteen = File::Spec->rel2abs($SIXTEEN);
write_file("$directory/plugins/check_sixteen", <<"END");
#!/bin/bash
printf '%s\\n' "\$*" >>'$directory/calls'
exec -a check_sixteen '$sixteen' "\$@"
END
chmod 0755, "$directory/plugins/check_sixteen";

# The commands of examples/monitoring/README.md, with the configuration where they look for it.
my %documented = map { $_->[0]{text} => $_->[0] } commands_of('tests/system/monitoring.t');
command_is_run($_) for values %documented;    # if the program is there

# Execute one in a file system whose /etc has this folder, too. An ordinary user has to be root to mount
# it, but neither program becomes another user then.
sub documented {
    my ($text, $name, %files) = @_;
    BAIL_OUT("no document says $text") if !$documented{$text};
    mkdir "$directory/etc" or $!{EEXIST} or die "etc: $!";
    run('sh', '-c', "cd /etc && tar -cf - passwd group nsswitch.conf ld.so.* default 2>/dev/null | tar -xf - -C '$directory/etc'");
    mkdir "$directory/etc/$name";
    write_file("$directory/etc/$name/$_", $files{$_}) for keys %files;
    my @there = with_mounts('/etc' => "$directory/etc", map { -d ? ($_ => "$directory/data") : () } map { "/var/$_/icinga2" } qw(cache lib log spool)) or return;
    push @there, 'unshare', '--user', "--map-user=$>", '--map-group=' . ($) + 0) if $> != 0;
    return run(@there, 'sh', '-c', $text);
}

SKIP: {
    skip 'nagios4 is not installed', 1 if !have('nagios4');
    write_file("$directory/more.cfg", <<'END');
define timeperiod {
    timeperiod_name  always
    alias            always
}
define command {
    command_name  none
    command_line  /bin/true
}
define contact {
    contact_name                   operator
    host_notification_commands     none
    service_notification_commands  none
    host_notification_period       always
    service_notification_period    always
}
define host {
    host_name            canary
    address              127.0.0.1
    max_check_attempts   1
    check_period         always
    notification_period  always
    contacts             operator
}
define service {
    name                 generic-service
    register             0
    max_check_attempts   1
    check_period         always
    notification_period  always
    contacts             operator
}
END
    write_file("$directory/resource.cfg", "\$USER1\$=$directory/plugins\n");
    my $main = <<"END";
cfg_file=$examples/nagios.cfg
cfg_file=$directory/more.cfg
resource_file=$directory/resource.cfg
log_file=$directory/data/log
lock_file=$directory/data/lock
temp_file=$directory/data/temp
temp_path=$directory/data
check_result_path=$directory/data
object_cache_file=$directory/data/objects
nagios_user=$user
nagios_group=$group
illegal_macro_output_chars=`~\$&|'"<>
END
    my ($status, $out, $err) = documented('nagios4 -v /etc/nagios4/nagios.cfg', 'nagios4', 'nagios.cfg' => $main) or skip 'needs a mount namespace', 1;
    like "$status$out", qr/\A0.*Checked 2 services\..*Total Warnings: 0\nTotal Errors: +0\n/s, 'Nagios accepts its definitions' or diag $err;
}

SKIP: {
    skip 'icinga2 is not installed', 3 if !have('icinga2');
    my $daemon = start(listen => ['127.0.0.1:0', '[::1]:0']);
    my ($port, $port6) = @{ $daemon->{ports} };
    my $example = read_file("$examples/icinga2.conf");
    like $example, qr/check_interval = 1m/, 'Icinga checks every minute';
    write_file("$directory/sixteen.conf", $example =~ s/check_interval = 1m/check_interval = 1/r);
    my $main = write_file("$directory/icinga2.conf", <<"END");
include <itl>
include "sixteen.conf"
object CheckerComponent "checker" { }
object Host "plain" {
    check_command = "dummy"
    address = "127.0.0.1"
    vars.sixteen = true
    vars.sixteen_port = $port
}
object Host "other" {
    check_command = "dummy"
    address6 = "::1"
    vars.sixteen = true
    vars.sixteen_host = "\$address6\$"
    vars.sixteen_port = $port6
    vars.sixteen_ipv6 = true
    vars.sixteen_all = true
    vars.sixteen_count = 2
    vars.sixteen_warn = "0.5,20%"
    vars.sixteen_expect = "$REPLY"
}
END
    my @icinga = ('icinga2', 'daemon', '--config', $main, '-DNodeName=test', '-DZoneName=test', "-DPluginDir=$directory/plugins",
        "-DRunAsUser=$user", "-DRunAsGroup=$group", (map { "-D$_=$directory/data" } qw(DataDir LogDir CacheDir SpoolDir InitRunDir)));
    my ($status, $out, $err) = run(@icinga, '--validate');
    is $status, 0, 'Icinga accepts its definitions' or diag $out, $err;
    SKIP: {
        local @ENV{qw(ICINGA2_USER ICINGA2_GROUP ICINGA2_INIT_RUN_DIR)} = ($user, $group, "$directory/data");
        ($status, $out, $err) = documented('icinga2 daemon -C', 'icinga2', 'sixteen.conf' => read_file("$directory/sixteen.conf"),
            'icinga2.conf' => qq(const PluginDir = "$directory/plugins"\n) . read_file($main)) or skip 'needs a mount namespace', 1;
        is $status, 0, 'as examples/monitoring/README.md has it' or diag $out, $err;
    }
    my ($pid, $reader) = spawn_to_read(@icinga);
    $daemon->wait_log(qr/outcome=ok peer=127/);
    $daemon->wait_log(qr/outcome=ok peer=\[::1\]/) for 1 .. 2;
    my %calls = map { $_ => 1 } split /\n/, read_file("$directory/calls");
    finish($pid);
    close $reader;
    is_deeply [sort keys %calls], ["--all --expect $REPLY -6 -H ::1 -c 1 -n 2 -p $port6 -t 12 -w 0.5,20%", "-H 127.0.0.1 -c 1 -p $port -t 12 -w 0.1"],
        'and runs the check with the options of each host';
    $daemon->stop;
}
done_testing;
