# SPDX-License-Identifier: MIT
# shim.so makes every function that sixteend imports fail, or Calls.pm says why it never fails.
use strict;
use warnings;
use Calls;
use Faults;
use Sixteen;
use Test::More;

need_shim();
plan skip_all => 'needs nm' if !have('nm');
plan skip_all => 'libconfig, of which the program is a part, imports more' if read_file($SIXTEEND) !~ /\0libconfig\.so\./;
plan skip_all => 'what counts coverage imports more' if read_file($SIXTEEND) =~ /__gcov_/;

# Return the names in a dynamic symbol table, defined or not, without their versions.
sub symbols {
    my ($which, $file) = @_;
    my ($status, $out, $err) = run('nm', '-D', $which, $file);
    is $status, 0, "nm of $file";
    return map { /(\w+)(?:@\S+)?$/ ? $1 : () } split /\n/, $out;
}

my @imports = symbols('--undefined-only', $SIXTEEND);
my %shimmed = map { $_ => 1 } symbols('--defined-only', $SHIM);
my %bases   = map { base_name($_) => 1 } keys %shimmed;
for my $import (@imports) {
    my $call = base_name($import);
    my $never = reason_never($call);
    if ($FAILS{$call}) {
        ok $shimmed{$import}, "$import fails";
        is $never, undef, '... and is not listed as one that never does';
    } else {
        ok defined $never, "$import: " . ($never // 'Calls.pm does not say how it fails');
    }
}
is join(' ', grep { !$bases{$_} } sort keys %FAILS), '', 'the shim has every call that is listed to fail';
is join(' ', missing_functions(functions_of(keys %QUIET, keys %CANNOT, keys %SAYS))), '', 'every function that Calls.pm names exists';
done_testing;
