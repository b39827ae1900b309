#!/usr/bin/perl

# The corpora of the fuzz targets, which `make fuzz` makes more of: each input
# is run once, by the compiler and the sanitizers that are being tested.

use Clarity::Test;

my $t = Clarity::Test->new;
my $root = $t->root;

for my $source (sort glob "$root/t/fuzz/fuzz_*.c") {
    my ($name) = $source =~ /fuzz_(\w+)\.c$/;
    my @inputs = glob "$root/t/fuzz/corpus/$name/*";

    my $said = `@{[ $t->build ]}/fuzz/replay_$name $root/t/fuzz/corpus/$name 2>&1`;

    is $?, 0, "$name: its corpus finds nothing";
    is $said, @inputs . " inputs\n", 'and is run whole';
    cmp_ok scalar @inputs, '>', 3, 'of ' . @inputs . ' inputs';
}

$t->done;
