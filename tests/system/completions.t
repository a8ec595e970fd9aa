# SPDX-License-Identifier: MIT
# What the shells offer: every option that the programs have and no other, and what can follow it.
use strict;
use warnings;
use Sixteen;
use Test::More;

my $files = "$ENV{SOURCE_DIR}/etc/completions";
my $home = scratch();
mkdir "$home/$_" for qw(.ssh some);
write_file("$home/.ssh/known_hosts", "sixteen.example ssh-ed25519 AAAA\n");
write_file("$home/hosts", "192.0.2.1 sixteen.example\n");
write_file("$home/some/file", '');
my @environment = ('env', '-i', "HOME=$home", "ZDOTDIR=$home", 'TERM=dumb', 'LC_ALL=C',
    "PATH=$ENV{BUILD_DIR}/src:/usr/local/bin:/usr/bin:/bin");

# Each of these takes lines, whose ends are where the cursor is, and returns for each of them a line of
# what is offered there. For bash we do what its readline does, which needs a terminal and
# a user.
my $package = '/usr/share/bash-completion/bash_completion';
sub ask_bash {
    my ($source, @lines) = @_;
    my $script = "$source\n. $files/sixteen\n. $files/sixteend\n" . <<'END';
compopt() { [[ $* == '-o default' ]] && names=yes; }
ask() {
  local COMP_LINE=$1 COMP_POINT=${#1} COMP_WORDS=("${@:2}") COMP_CWORD=$(($# - 2)) COMPREPLY=() names=
  [[ $(complete -p "$2") =~ -F\ ([^ ]+) ]] && "${BASH_REMATCH[1]}" "$2" "${@: -1}" "${@: -2:1}"
  [[ -z $names ]] || mapfile -t COMPREPLY < <(compgen -f -- "${COMP_WORDS[COMP_CWORD]#=}")
  echo "${COMPREPLY[*]}"
}
END
    for my $line (@lines) {
        my @words = $line =~ /[:=]+|[<>]+|[^\s:=<>]+/g;
        push @words, '' if $line =~ /\s\z/;
        $script .= join(' ', 'ask', map { "'$_'" } $line, @words) . "\n";
    }
    return run(@environment, 'bash', '--norc', '-u', write_file("$home/script", $script));
}

# An interactive zsh asks itself, at its first prompt, and puts all matches into its line.
sub ask_zsh {
    write_file("$home/lines", join '', map { "$_\n" } @_);
    write_file("$home/.zshrc", "fpath=($files \$fpath)\n" . <<'END');
autoload -Uz compinit && compinit -D -u
insert-all() { _main_complete; compstate[insert]=all compstate[list]= }
zle -C insert-all complete-word insert-all
zle-line-init() {
  local line
  while IFS= read -r line; do
    BUFFER=$line CURSOR=$#line
    zle insert-all
    [[ $BUFFER != $line ]] || BUFFER=
    print -r -- "${BUFFER#"${line% *} "}" >>$HOME/answers
  done <$HOME/lines
  exit
}
zle -N zle-line-init
END
    unlink "$home/answers";
    my ($status, $out, $err) = run(@environment, 'zsh', '-f', '-c',
        'zmodload zsh/zpty && zpty shell zsh -d -i && while zpty -r shell words; do print -r -- "$words"; done');
    return (read_file("$home/answers") eq '' ? "$status$out" : 0, read_file("$home/answers"), $err);
}

# An option without a description does not count.
sub ask_fish {
    write_file("$home/lines", join '', map { "$_\n" } @_);
    return run(@environment, 'fish', '-c', <<"END");
set fish_complete_path $files
for line in (cat $home/lines)
    echo (complete -C \$line | string match -rv '^-[^=\\t]*\$' | string replace -r '\\t.*' '')
end
END
}

# What is typed of an option's value, and what is to be offered then.
my %values = (
    bind => ['', map { s{.*/}{}r } glob '/sys/class/net/*'],
    proxy => ['', qw(v1 v2)],
    misbehave => ['', qw(drip short excess silent reset half-close)],
    config => ["$home/some/", "$home/some/file"],
    'pid-file' => ["$home/some/", "$home/some/file"],
    metrics => ["$home/some/", "$home/some/file"],
    targets => ["$home/some/", "$home/some/file"],
);
my %expected;
sub expect {
    my ($line, @words) = @_;
    $expected{$line} = join ' ', sort @words;
    return;
}

for my $program (['sixteend', 'server/config', 8], ['sixteen', 'client/options', 20]) {
    my ($name, $directory, $least) = @$program;
    my @table = read_file("$ENV{SOURCE_DIR}/src/$directory/options.c") =~ /\{"([a-z0-9-]+)",\s*(\w+),\s*NULL,\s*('\w'|\w+)\}/g;
    my (@long, @short);
    while (my ($long, $takes, $letter) = splice @table, 0, 3) {
        push @long, "--$long";
        my @forms = ("--$long", map { "-$_" } $letter =~ /'(\w)'/);
        push @short, @forms[1 .. $#forms];
        my ($typed, @offered) = @{ $values{$long} // [''] };
        for my $form (@forms) {
            expect("$name $form $typed", @offered) if $takes eq 'required_argument';
            next if $name eq 'sixteend' || $long =~ /^(?:proxy|help|version)$/;
            expect(join(' ', 'sixteen', $form, $takes eq 'required_argument' ? '1' : (), 'sixteen.e'), 'sixteen.example');
        }
        expect("$name --$long=$typed", @offered) if $takes eq 'required_argument';
    }
    cmp_ok scalar @long, '>=', $least, "the options of $name";
    expect("$name --", @long);
    expect("$name -", @long, @short);
    expect("$name $_$home/some/", "$home/some/file") for '>', '2> ';
}
expect("sixteen $_ sixteen.e", 'sixteen.example') for '', '-qDW 5', 'localhost', '::1', '-4 localhost:1060', '--proxy v1 192.0.2.1:4 192.0.2.2:1060 localhost', '-4p 1060', '--proxy v1 192.0.2.1:4 192.0.2.2:1060', '--proxy=v1 [::1]:4 [::2]:1060';
expect("sixteen $_ sixteen.e") for '--proxy v1', '--proxy v1 192.0.2.1:4', '--proxy=v1 [::1]:4', '--message';
expect('sixteen --misb', '--misbehave');    # to --mis fish 4.0 also offers --metrics, which has these letters
expect('sixteen --misbehave=s', 'short', 'silent');
expect('sixteend -t --c', '--config');
expect('sixteend -l 127.0.0.1:10');

# What excludes each other, for the shells that have a way to say so.
my %excluded = (
    'sixteen -4 -' => [qw(-6 --ipv6)],
    'sixteen --ipv6 -' => [qw(-4 --ipv4)],
    'sixteen --plugin -' => [qw(--json --metrics --report)],
    'sixteen --report 1 -' => [qw(--plugin)],
    'sixteen --metrics file -' => [qw(--plugin)],
    'sixteen --json -' => [qw(--plugin)],
    'sixteen --misbehave short -' => [qw(-P --parallel --rate --duration)],
    'sixteen --rate 5 -' => [qw(--misbehave)],
    'sixteen --connect -' => [qw(--message --expect --proxy --misbehave)],
    'sixteen --expect x -' => [qw(--connect)],
    'sixteen --misbehave short --' => [qw(--connect)],
    'sixteen -P 5 -' => [qw(--misbehave)],
    'sixteend -f -' => [qw(-d --daemon)],
    'sixteend -d -' => [qw(-f --foreground -e --stderr --ready-fd)],
    'sixteend --ready-fd 3 -' => [qw(-d --daemon)],
    'sixteend -e -' => [qw(-d --daemon)],
    'sixteend -t -' => [qw(-T --show-config -h --help -V --version)],
);

my @lines = (sort(keys %expected), sort keys %excluded);
my @shells = (
    ['bash', sub { ask_bash("HOSTFILE=$home/hosts", @_) }, have('bash')],
    ['bash-completion', sub { ask_bash(". $package", @_) }, have('bash') && -e $package],
    ['zsh', \&ask_zsh, have('zsh')],
    ['fish', \&ask_fish, have('fish')],
);
for my $shell (@shells) {
    my ($name, $ask, $is_there) = @$shell;
    SKIP: {
        skip "$name is not installed", 1 if !$is_there;
        skip 'zsh completes on a terminal only', 1 if $name eq 'zsh' && !has_terminals();
        my ($status, $out, $err) = $ask->(@lines);
        is "$status$err", '0', "$name answers";
        my %answers;
        @answers{@lines} = map { [map { s/^(?:--[a-z-]+=|>)(?=.)//r =~ s/=$//r } split / +/] } split /\n/, $out;
        for my $line (sort keys %expected) {
            is join(' ', sort @{ $answers{$line} // ['no answer'] }), $expected{$line}, "$name: $line";
        }
        next if $name =~ /bash/;
        for my $line (sort keys %excluded) {
            my %offered = map { $_ => 1 } @{ $answers{$line} };
            is join(' ', grep { $offered{$_} } @{ $excluded{$line} }), '', "$name: $line";
        }
    }
}
done_testing;
