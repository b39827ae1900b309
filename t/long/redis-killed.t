#!/usr/bin/perl

# Redis, which syncs each command to its disk, is killed and started again
# thirty times, at any moment, while 64 connections send as much as they can.

use Time::HiRes qw(sleep time);

use Clarity::Test;

use constant TIMES => 30;

my $t = Clarity::Test->new;
my $redis = $t->redis(aof => 1);
my $nginx = $t->nginx(server => Clarity::Nginx::STATUS . <<'EOF');
        location = /hook {
            clarity_webhook       provision_entitlement;
            clarity_webhook_token secret;
        }
EOF

# What they have open without clients: once each is connected, and has had
# some, for nginx's processes tell each other of their channels meanwhile.
wait_until { connected() == 2 } 10, 'two connections';
$t->load(name => 'first', nginx => $nginx, token => 'secret',
    requests => 500, close => 1)->wait_exit(60);
wait_until { $nginx->connections == 0 } 10, 'the first clients to be gone';
$redis->command('DEL', '{clarity:0}:jobs');
my %files = map { $_ => $nginx->files($_) } $nginx->workers;
my $before = join "\n", map { open_files($_) } $nginx->workers;

my $load = $t->load(nginx => $nginx, token => 'secret', rate => 6000);


sub connected {
    return scalar grep { /name=clarity-nginx/ }
        split /\n/, $redis->command('CLIENT', 'LIST');
}


sub open_files {
    my ($pid) = @_;

    return map { "$_ " . (readlink $_ // '') } glob "/proc/$pid/fd/*";
}


sub lines {
    my @lines = grep { /Redis|\(\) failed/ } split /\n/,
        $t->read_file('nginx/error.log');

    return scalar @lines;
}


my ($slowest, $last) = (0, 0);
my %memory;

for my $n (1 .. TIMES) {
    $load->wait_for(300, 202);
    %memory = map { $_ => $nginx->memory($_) } $nginx->workers if $n == 5;

    # any moment within some turns of nginx's loop
    sleep rand 0.05;
    $redis->kill;
    $load->wait_for(100 + int rand 400, 503);
    $redis->start;

    my $back = time;
    $load->wait_for(300, 202);

    my ($again, $settled) = ($load->again($back), $load->settled($back));
    $slowest = $again if $again > $slowest;
    $last = $settled if $settled > $last;
}

my %now = map { $_ => $nginx->memory($_) } $nginx->workers;
$load->stop;

note $load->summary;
note sprintf 'the first 202 after %.3f s at most, the last refusal %.3f s',
    $slowest, $last;

is_deeply [ grep { !/^(202|503 queue_unavailable|504 queue_timeout)$/ }
    keys %{ $load->answers } ], [], 'no other answers';
is_deeply [ $load->amiss($redis) ], [],
    'each 202 is a job, no 503 is, nothing is twice';
cmp_ok $slowest, '<', limit(1), 'accepted again within a second';
cmp_ok $last, '<', limit(1), 'and by both processes';
cmp_ok $load->longest, '<', limit(3), 'no request outlives the time-outs';

# gone, no connection, reading its data, back; and each process says so
cmp_ok lines(), '<=', TIMES * 2 * 4, 'the log tells each change once';

is_deeply [ sort keys %now ], [ sort keys %memory ],
    'the worker processes are the same';
SKIP: {
    skip 'a sanitizer keeps memory', 2 if Clarity::Nginx::keeps_memory($t);
    cmp_ok $now{$_} - $memory{$_}, '<', 1024, 'and have not grown'
        for keys %now;
}
is $nginx->connections, 0, 'no connection is left';
wait_until { connected() == 2 } 10, 'two connections';

# the last connection of this test's own may still be there
my $closed = wait_until {
    !grep { $nginx->files($_) > $files{$_} } $nginx->workers;
} 10;
ok $closed, 'nor another open file'
    or diag "before:\n$before\nnow:\n",
        join "\n", map { open_files($_) } $nginx->workers;

$t->done;
