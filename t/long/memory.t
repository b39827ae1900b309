#!/usr/bin/perl

# Redis' memory over rounds of jobs that end, fail and wait, and are forgotten:
# once the first round has filled what is bounded, such as the list of recent
# jobs, another one leaves nothing. bench/memory is the same with more jobs.

use Clarity::Memory;
use Clarity::Test;

use constant JOBS => 30_000;   # more than the list of recent jobs holds
use constant ROUNDS => 3;

# What connections and the allocator may make of it; ten bytes a job.
use constant SLACK => 300_000;

my $t = Clarity::Test->new;
$t->patience(1200);

my $memory = Clarity::Memory->new(test => $t);
$memory->begin(keep => '2s');

my @rounds = map { $memory->round(JOBS) } 1 .. ROUNDS;

diag sprintf '%d jobs: %.1f MB at most, %.2f MB left, %d keys, %d entries',
    $_->{jobs}, $_->{most} / 1e6, $_->{left} / 1e6, @{$_}{qw(keys stream)}
    for @rounds;

my $first = shift @rounds;

for my $round (@rounds) {
    cmp_ok $round->{left} - $first->{left}, '<', SLACK,
        'a round of jobs leaves nothing in Redis';
    cmp_ok $round->{keys}, '<=', $first->{keys}, '... no key';
    cmp_ok $round->{stream}, '<=', 100, '... and a node of the stream at most';
}

# The test can fail: where they are kept there is much.
cmp_ok $first->{most} - $first->{left}, '>', 3_000_000,
    'while they are there it is seen';

$t->done;
