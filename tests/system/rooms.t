# SPDX-License-Identifier: MIT
# src/rooms.txt lists the rooms of the source and the rooms that each may include. Every include
# agrees with it, every folder is a room, and each room's local.mk lists the files of its folder.
use strict;
use warnings;
use File::Find;
use File::Path qw(make_path);
use Sixteen;
use Test::More;

# Return the paths of all .c and .h files below the folder, relative to it.
sub sources_of {
    my ($src) = @_;
    my @found;
    find({ no_chdir => 1, wanted => sub { push @found, substr $_, 1 + length $src if /\.[ch]\z/ && -f } }, $src);
    return sort @found;
}

# Return the room of a file or of an included header; a main file is a room by itself.
sub room_of {
    my ($path) = @_;
    return $path =~ m{\A(.*)/[^/]+\z} ? $1 : $path;
}

# Read rooms.txt: a hash of the rooms that each room may include, and what is wrong with the list.
sub read_rooms {
    my ($src) = @_;
    my (%may, @wrong);
    my $number = 0;
    for my $line (split /\n/, read_file("$src/rooms.txt")) {
        $number++;
        next if $line =~ /\A(?:#|\s*\z)/;
        my ($room, $others) = $line =~ /\A(\S+):((?: \S+)*)\z/;
        if (!defined $room) {
            push @wrong, "rooms.txt:$number: not a line 'ROOM: ROOMS'";
            next;
        }
        push @wrong, "rooms.txt:$number: $room is listed twice" if $may{$room};
        push @wrong, "rooms.txt:$number: $room: no such room or file" if !-e "$src/$room";
        push @wrong, map { "rooms.txt:$number: $room may include $_, which is not listed before it" }
            grep { !$may{$_} } split ' ', $others;
        $may{$room} = { map { $_ => 1 } $room, split ' ', $others };
    }
    return (\%may, @wrong);
}

# Return the includes of a file that the list does not permit.
sub wrong_includes {
    my ($src, $file, $may) = @_;
    my @wrong;
    my $number = 0;
    for my $line (split /\n/, read_file("$src/$file")) {
        $number++;
        my ($header) = $line =~ /^\s*#\s*include\s*"([^"]+)"/ or next;
        push @wrong, "$file:$number: " . room_of($file) . " may not include $header" if !$may->{ room_of($header) };
    }
    return @wrong;
}

# Return how the files in local.mk differ from the files in the folder.
sub wrong_makefile {
    my ($src, $room, @files) = @_;
    my %listed = map { $_ => 1 } read_file("$src/$room/local.mk") =~ m{%D%/(\S+\.[ch])\b}g;
    my %there = map { $_ => 1 } map { s{.*/}{}r } @files;
    return (map({ "$room/local.mk does not list $_" } grep { !$listed{$_} } sort keys %there),
        map { "$room/local.mk lists $_, which does not exist" } grep { !$there{$_} } sort keys %listed);
}

# Return everything that is wrong with the rooms of a source folder.
sub complaints {
    my ($src) = @_;
    my ($may, @wrong) = read_rooms($src);
    my %files;
    push @{ $files{ room_of($_) } }, $_ for sources_of($src);
    for my $room (sort keys %files) {
        if (!$may->{$room}) {
            push @wrong, "$room is not in rooms.txt";
            next;
        }
        push @wrong, map { wrong_includes($src, $_, $may->{$room}) } @{ $files{$room} };
        push @wrong, wrong_makefile($src, $room, @{ $files{$room} }) if -d "$src/$room";
    }
    my $makefile = read_file("$src/local.mk");
    push @wrong, map { "local.mk does not include src/$_/local.mk" }
        grep { -d "$src/$_" && $makefile !~ m{^include src/\Q$_\E/local\.mk$}m } sort keys %$may;
    return @wrong;
}

# Rooms without a fault, and a change to them that makes one.
subtest 'the check finds each kind of fault' => sub {
    my %right = (
        'rooms.txt' => "# low to high\nlow:\nhigh/upper: low\nmain.c: high/upper\n",
        'local.mk' => "include src/low/local.mk\ninclude src/high/upper/local.mk\n",
        'low/local.mk' => "lib_SOURCES += \\\n\t%D%/one.h %D%/one.c\n",
        'low/one.h' => "#include <config.h>\n",
        'low/one.c' => "#include <config.h>\n\n#include \"low/one.h\"\n",
        'high/upper/local.mk' => "lib_SOURCES += %D%/two.c\n",
        'high/upper/two.c' => "#include \"low/one.h\"\n",
        'main.c' => "#include \"high/upper/two.h\"\n",
    );
    my $is = sub {
        my ($what, $changes, @expected) = @_;
        my $src = scratch();
        my %files = (%right, %$changes);
        for my $path (grep { defined $files{$_} } sort keys %files) {
            make_path("$src/" . room_of($path)) if $path =~ m{/};
            write_file("$src/$path", $files{$path});
        }
        is_deeply [complaints($src)], \@expected, $what;
    };
    $is->('nothing is wrong', {});
    $is->('a low room includes a high one', { 'low/one.h' => "#include <config.h>\n\n#  include \"high/upper/two.h\"\n" },
        'low/one.h:3: low may not include high/upper/two.h');
    $is->('the main file includes a room that it may not', { 'main.c' => "#include \"low/one.h\"\n" },
        'main.c:1: main.c may not include low/one.h');
    $is->('an include without a folder', { 'high/upper/two.c' => "#include \"two.h\"\n" },
        'high/upper/two.c:1: high/upper may not include two.h');
    $is->('a folder that is not listed', { 'side/three.c' => '' }, 'side is not in rooms.txt');
    $is->('a file that is in no room', { 'other.c' => '' }, 'other.c is not in rooms.txt');
    $is->('a room that does not exist', { 'rooms.txt' => "$right{'rooms.txt'}none: low\n" },
        'rooms.txt:5: none: no such room or file');
    $is->('a room that comes after one that may include it', { 'rooms.txt' => "high/upper: low\nlow:\nmain.c: high/upper\n" },
        'rooms.txt:1: high/upper may include low, which is not listed before it');
    $is->('a room that is listed twice', { 'rooms.txt' => "$right{'rooms.txt'}low:\n" }, 'rooms.txt:5: low is listed twice');
    $is->('a line of another form', { 'rooms.txt' => "$right{'rooms.txt'}low, high\n" }, "rooms.txt:5: not a line 'ROOM: ROOMS'");
    $is->('a file that local.mk does not list', { 'low/three.c' => '' }, 'low/local.mk does not list three.c');
    $is->('a file that only local.mk has', { 'low/one.h' => undef }, 'low/local.mk lists one.h, which does not exist');
    $is->('a room without local.mk', { 'high/upper/local.mk' => undef }, 'high/upper/local.mk does not list two.c');
    $is->('a room that the build leaves out', { 'local.mk' => "include src/low/local.mk\n" },
        'local.mk does not include src/high/upper/local.mk');
};

my $source = ($ENV{SOURCE_DIR} // '../..') . '/src';
my @files = sources_of($source);
cmp_ok scalar(@files), '>', 100, 'the source is found';
my ($may) = read_rooms($source);
cmp_ok scalar(keys %$may), '>=', 8, 'so are the rooms';
my @wrong = complaints($source);
is_deeply \@wrong, [], 'every include, folder and local.mk agrees with src/rooms.txt' or diag join "\n", @wrong;
done_testing;
