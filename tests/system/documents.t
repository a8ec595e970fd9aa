# SPDX-License-Identifier: MIT
# What the documents, the manual pages and the comments of the source name is there: each file, each
# function, and a function in the file that is said to contain it. Links lead somewhere, also in the
# installed documents. The packages have the version of configure.ac. HACKING.md counts the lines
# that name what is Linux's own.
use strict;
use warnings;
use File::Find;
use Sixteen;
use Test::More;

my $source = $ENV{SOURCE_DIR} // '../..';
my $FOLDERS = 'src|tests|bench|debian|docs|etc|examples|man|packaging|build-aux|\.ci';

# Files that are named and are not in the tree.
my %NOT_OURS = (
    'bench/run' => 'bench/compare makes it in the build folder',
    'tests/fuzz/found' => 'make fuzz makes it in the build folder',
);

# Functions that are named as name() and are not in the tree.
my %ELSEWHERE = (
    api => 'HAProxy',
    repr => 'Python',
);

# Return the files of the tree, and its folders, by their paths.
sub tree {
    my %there;
    my $note = sub { $there{ substr $_, 1 + length $source } = -d $_ ? 'folder' : 'file' };
    find({ no_chdir => 1, wanted => $note }, map { "$source/$_" } map { s/\\//r } split /\|/, $FOLDERS);
    $there{ s{.*/}{}r } = 'file' for grep { -f } glob "$source/{*,.[a-z]*}";
    return \%there;
}
my $tree = tree();
my @paths = sort keys %$tree;

# Replace comments and strings of C by spaces, but keep the lines.
sub without_comments {
    my ($text) = @_;
    $text =~ s{(/\*.*?\*/|//[^\n]*)|("(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*')}{ ($1 // $2) =~ tr/\n/ /cr }gse;
    return $text;
}

# Return the functions that a file defines or declares. In C they and their types start in the
# first column, and calls do not; a sub of Perl or a function of the shell can be indented.
sub functions_of {
    my ($path) = @_;
    my $text = read_file("$source/$path");
    return grep { defined } $text =~ /^\s*(?:sub (\w+)|(\w+)\(\) *\{)/mg if $path !~ /\.[ch]\z/;
    my $code = without_comments($text);
    $code =~ s/__attribute__\s*\(\((?:[^()]|\([^()]*\))*\)\)\s*//g;
    return grep { defined } $code =~ /^(?:\#\s*define (\w+)\(|(?:[A-Za-z_][^\n;={}()]*[\s*])?(\w+)\()/mg;
}

my %functions = map { $_ => { map { $_ => 1 } functions_of($_) } }
    grep { $tree->{$_} eq 'file' && (/\.(?:[cht]|pm)\z/ || read_file("$source/$_") =~ /\A#!/) } @paths;
my %known = map { %{ $functions{$_} } } keys %functions;

# Return the paths that a name can mean. It starts at the root or in the folder of the document; or
# it is the end of a path, which for C is in src/. `*` stands for any characters. A file can have
# its text in NAME.in, or be a program that is made of NAME.c; capitals are a placeholder.
sub meant {
    my ($name, $document) = @_;
    my $folder = $document =~ m{\A(.*/)} ? $1 : '';
    $name =~ s{/(?:[A-Z]+/?)\z}{};
    my $pattern = quotemeta($name) =~ s/\\\*/[^\/]*/gr;
    my @found = grep { m{\A(?:\Q$folder\E)?$pattern(?:\.in|\.c)?\z} } @paths;
    return @found if @found || $name =~ m{\A(?:$FOLDERS)/};
    my $below = $name =~ /\.[ch]\z/ ? 'src/' : '';
    return grep { m{\A\Q$below\E(?:.*/)?$pattern\z} } @paths;
}

# ---- what a text names

# Make plain text of mdoc, in which a function is `name()`.
sub from_mdoc {
    my ($text) = @_;
    my @lines;
    for my $line (split /\n/, $text) {
        next if $line =~ /^\.\\"/;
        if ($line =~ s/^\.//) {
            $line =~ s/\bFn (\w+)/Fn $1()/g;
            push @lines, '.' if $line =~ /^(?:S[hs]|Pp|It|Bl|El|Bd|Ed)\b/;    # a sentence ends before
            $line =~ s/\b(?:[A-Z][a-z])\s+(?=\S)//g;
            $line =~ s/ ([.,;:)])/$1/g;
        }
        push @lines, $line =~ s/\\[-&]|\\\(..//gr;
    }
    return join "\n", @lines;
}

# Take the comments out of C; two that are not on adjacent lines do not make one sentence.
sub from_comments {
    my ($text) = @_;
    my @comments;
    while ($text =~ m{(/\*.*?\*/|//[^\n]*)|"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'}gs) {
        push @comments, $1 =~ s{^\s*(?:/\*+|//|\*/?) ?|\s*\*/\z}{}mgr if defined $1;
    }
    return join " .\n", @comments;
}

sub plain {
    my ($document, $text) = @_;
    return from_mdoc($text) if $document =~ /\.[1-8]\.in\z/;
    return from_comments($text) if $document =~ /\.[ch]\z/;
    return $text =~ s/`//gr;
}

# C without its comments, but with its strings: by the path below src/.
my %code;

# Return how many lines name one of these, as HACKING.md has it: "`file` N, `file` N".
sub lines_that_name {
    my $names = join '|', map { quotemeta } @_;
    my @files;
    for my $path (grep { m{\Asrc/.*\.[ch]\z} } @paths) {
        $code{$path} //= read_file("$source/$path") =~ s{/\*.*?\*/|//[^\n]*|("(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*')}{ $1 // $& =~ tr/\n/ /cr }gser;
        my $lines = grep { /(?<!\w)(?:$names)/ } split /\n/, $code{$path};
        push @files, '`' . substr($path, 4) . "` $lines" if $lines;
    }
    return join ', ', @files;
}

my $FILE = qr{(?<![\w/.~@<-])(?:(?:$FOLDERS)/[\w./*-]*[\w*/]|(?:[\w*-]+/)*[\w*-]+\.(?:[cht]|pm|md|mk))(?![\w/@>-])};
my $FUNCTION = qr/(?<![\w.>-])\w+(?=\(\))/;

my %used;    # of %NOT_OURS and %ELSEWHERE

# Return the complaints about one document, and how many files and functions it names.
sub stale {
    my ($document, $text) = @_;
    my $plain = plain($document, $text);
    my (@wrong, %count);
    for my $name ($plain =~ /($FILE)/g) {
        $count{files}++;
        $name =~ s{/\z}{};
        next if meant($name, $document);
        push @wrong, "$document: no file $name" if !$NOT_OURS{$name};
        $used{$name} = 1;
    }
    for my $name ($plain =~ /($FUNCTION)/g) {
        $count{functions}++;
        next if $known{$name};
        push @wrong, "$document: no function $name()" if !$ELSEWHERE{$name};
        $used{$name} = 1;
    }
    # "a() and b() in FILE": each function between the last file of the sentence and this one.
    for my $sentence (split /(?<=[.:;])\s+|\n\n|\s\.\s/, $plain) {
        my @before;
        while ($sentence =~ /($FUNCTION)\(\)|(\bin\s+)?($FILE)/g) {
            if (defined $1) {
                push @before, $1;
                next;
            }
            my ($is_in, $file) = (defined $2, $3);
            $count{places} += @before if $is_in;
            push @wrong, map { "$document: $file does not contain $_()" } grep {
                my $name = $_;
                !grep { $functions{$_}{$name} } meant($file, $document);
            } $is_in ? @before : ();
            @before = ();
        }
    }
    # A row of the tree: | room | `file`, `file` | job |; without a room it is that of the row above.
    my ($table) = $text =~ /^\| room \| file \|.*\n((?:\|.*\n)+)/m;
    my $room;
    for (split /\n/, $table // '') {
        my ($in, $files) = /^\|(?: `(\S+)\/`)? \| (.+?) \|/ or next;
        $room = $in // $room;
        my @files = $files =~ /`([^`]+)`/g;
        $count{rooms} += @files;
        push @wrong, map { "$document: no file $_ in $room" } grep { !$tree->{"$room/$_"} } @files;
    }
    # A row of "Lines that no test runs": | file | function | `line` `line` ... | reason |.
    while ($text =~ /^\| `(\S+\.c)` \| `(\w+)` \| (.*?`) \| /mg) {
        my ($file, $function, $lines) = ($1, $2, $3);
        $count{rows}++;
        push @wrong, "$document: $file does not contain $function()" if !$functions{$file}{$function};
        my %there = map { s/^\s+//r => 1 } split /\n/, read_file("$source/$file");
        push @wrong, map { "$document: $file does not contain the line '$_'" } grep { !$there{$_} } map { s/\\\|/|/gr } $lines =~ /`([^`]+)`/g;
    }
    # A row of "A port to FreeBSD": | `name`, `name` | `file` N, `file` N | what that has |.
    while ($text =~ /^\| (`[^|]+`) \| (`\S+\.[ch]` \d+(?:, `\S+\.[ch]` \d+)*) \| /mg) {
        my ($names, $lines) = ($1, $2);
        my $now = lines_that_name($names =~ /`([^`]+)`/g);
        $count{names}++;
        push @wrong, "$document: $names is in " . ($now || 'no line') if $now ne $lines;
    }
    my %once = map { $_ => 1 } @wrong;
    return ([sort keys %once], \%count);
}

# ---- the check finds what is stale

subtest 'made-up documents' => sub {
    my $is = sub {
        my ($what, $document, $text, @expected) = @_;
        is_deeply +(stale($document, $text))[0], \@expected, $what;
    };
    my $here = 'tests/system/documents.t';
    $is->('right names', 'README.md', "`src/common/wire.h`, `wire.h`, `common/wire.h`, `src/common/`, `documents.t`, `tests/system/*.t`\n"
        . "and `man/sixteend.8`, of which only the source is here; `recv_all()` in `transfer.c` and `main()`.\n");
    $is->('a path', 'README.md', "See `src/common/wires.h`.", 'README.md: no file src/common/wires.h');
    $is->('a folder', 'README.md', "See `src/uncommon/`.", 'README.md: no file src/uncommon');
    $is->('a file without a folder', 'README.md', 'See `wires.h` and `none.t`.', 'README.md: no file none.t', 'README.md: no file wires.h');
    $is->('a part of a path', 'src/common/wire.h', "/* See server/wire.h. */", 'src/common/wire.h: no file server/wire.h');
    $is->('a pattern', 'README.md', '`tests/system/*.pl`', 'README.md: no file tests/system/*.pl');
    $is->('a path from the folder of the document', 'bench/README.md', '`peers/server.c` and `peers/../README.md`', 'bench/README.md: no file peers/server.c');
    $is->('files of others', 'README.md', '`/etc/none.c`, `<none.h>`, `host.test/src/none.c`');
    $is->('a function', 'HACKING.md', 'Call `recv_none()`.', 'HACKING.md: no function recv_none()');
    $is->('a system call', 'HACKING.md', 'Call recv_none(2).');
    $is->('a function that is elsewhere', 'HACKING.md', "`recv_all()`, then\n`send_all()` in\n`address.c`; `quote()`.",
        'HACKING.md: address.c does not contain recv_all()', 'HACKING.md: address.c does not contain send_all()');
    $is->('a file in another sentence', 'HACKING.md', 'Call `recv_all()`. Nothing is in `address.c`.');
    $is->('a manual page', 'man/sixteen.7.in', ".Fn recv_all\nand\n.Fn recv_none ,\nboth in\n.Pa src/common/transfer.c ,\nnot in\n.Pa src/common/none.c .\n",
        'man/sixteen.7.in: no file src/common/none.c', 'man/sixteen.7.in: no function recv_none()', 'man/sixteen.7.in: src/common/transfer.c does not contain recv_none()');
    $is->('comments', 'src/sixteend.c', "/* recv_none() is in none.c. */\nint x = \"none() in no.c\";  // no_one()\nnone();\n",
        'src/sixteend.c: no file none.c', 'src/sixteend.c: no function no_one()', 'src/sixteend.c: no function recv_none()', 'src/sixteend.c: none.c does not contain recv_none()');
    $is->('the tree', 'HACKING.md', "| room | file | job |\n|---|---|---|\n| `src/common/` | `wire.h` | |\n| | `options.c`, `deadline.c` | |\n| `src/server/config/` | `options.c` | |\n",
        'HACKING.md: no file options.c in src/common');
    $is->('lines that no test runs', 'HACKING.md', "| `src/sixteend.c` | `main` | `return EX_USAGE;` | because |\n| `src/sixteend.c` | `none` | `return;` | the same |\n",
        "HACKING.md: src/sixteend.c does not contain none()", "HACKING.md: src/sixteend.c does not contain the line 'return;'");
    $is->('names and lines', 'HACKING.md', "| `int main(`, `no_name` | `sixteen.c` 1, `sixteend.c` 1 | |\n| `int main(` | `sixteen.c` 2 | |\n| `no_name` | `sixteen.c` 1 | |\n",
        'HACKING.md: `int main(` is in `sixteen.c` 1, `sixteend.c` 1', 'HACKING.md: `no_name` is in no line');
};

# ---- and finds nothing here

my @documents = (
    (grep { m{\A(?:README\.md|HACKING\.md|SECURITY\.md|NEWS|bench/README\.md|(?:docs|examples)/.*\.md|man/[^/]+\.in)\z} } @paths),
    (grep { m{\Asrc/.*\.[ch]\z} } @paths),
);
cmp_ok scalar(@documents), '>', 110, 'documents, manual pages and sources are found';
my %sum;
for my $document (@documents) {
    my ($wrong, $count) = stale($document, read_file("$source/$document"));
    $sum{$_} += $count->{$_} for keys %$count;
    ok !@$wrong, "$document names what exists" or diag join "\n", @$wrong;
}
is join(' ', grep { !$used{$_} } sort keys %NOT_OURS, keys %ELSEWHERE), '', 'every exception is needed';
note join ', ', map { "$sum{$_} $_" } sort keys %sum;
cmp_ok $sum{files}, '>', 100, 'they name files';
cmp_ok $sum{functions}, '>', 20, 'and functions';
cmp_ok $sum{places}, '>', 5, 'and where these are';
cmp_ok $sum{rooms}, '>', 20, 'HACKING.md says what is in each room';
cmp_ok $sum{rows}, '>', 0, 'and which lines no test runs';
cmp_ok $sum{names}, '>', 10, "and which are Linux's own";

# ---- the version

my ($version) = read_file("$source/configure.ac") =~ /^AC_INIT\(\[sixteend\], \[([^]]+)\]\)$/m;
for ([ 'debian/changelog', qr/\Asixteend \(([^)]+)\)/ ],
    [ 'packaging/sixteend.spec', qr/^Version: +(\S+)$/m ],
    [ 'packaging/sixteend.spec', qr/^%changelog\n\*.* - (\S+)-\d+$/m ]) {
    my ($file, $pattern) = @$_;
    is +(read_file("$source/$file") =~ $pattern)[0], $version, "$file has the version of configure.ac";
}

# ---- links lead somewhere, here and where `make install` puts the documents

# Return the complaints about the links of a document below a folder to files and to headings.
sub broken {
    my ($folder, $document, $text) = @_;
    my @wrong;
    for my $link ($text =~ /\]\(([^()\s]+)\)/g) {
        next if $link =~ m{\A(?:https?|mailto):};
        my ($path, $heading) = $link =~ /\A([^#]*)(?:#(.*))?\z/;
        my $to = "$folder/$document";
        $to =~ s{[^/]*\z}{$path} if length $path;
        my $there = -e $to;
        my @headings = $there && defined $heading ? read_file($to) =~ /^#+ +(.*)/mg : ();
        $there &&= grep { lc(s/[^\w -]//gr =~ tr/ /-/r) eq $heading } @headings if defined $heading;
        push @wrong, "$document: no $link" if !$there;
    }
    return @wrong;
}

my $bad = "[a](NEWS) [b](#log-and-metrics) [c](examples/README.md#haproxy) [d](https://example.org/none)\n"
    . "[e](none.md) ![f](none/f.svg) [g](#none) [h](examples/README.md#none)";
is_deeply [broken($source, 'README.md', $bad)], [map { "README.md: no $_" } 'none.md', 'none/f.svg', '#none', 'examples/README.md#none'],
    'made-up links';

my $root = scratch();
delete @ENV{qw(MAKEFLAGS MFLAGS MAKELEVEL)};
my ($status, $out, $err) = run('make', '-s', '-C', $ENV{BUILD_DIR}, "DESTDIR=$root", 'docdir=/doc', 'install-data');
is "$status$err", '0', 'the documents can be installed' or diag $out;
for my $folder ($source, "$root/doc") {
    my @markdown;
    find({ no_chdir => 1, wanted => sub { push @markdown, substr $_, 1 + length $folder if /\.md\z/ } },
        grep { -e } map { "$folder/$_" } qw(README.md HACKING.md SECURITY.md bench docs examples));
    cmp_ok scalar(@markdown), '>', 10, 'documents with links';
    is_deeply [map { broken($folder, $_, read_file("$folder/$_")) } sort @markdown], [],
        'every link leads somewhere ' . ($folder eq $source ? 'in the source' : 'after make install');
}
done_testing;
