#!/usr/bin/perl

# The line between nginx and Redis is bad, in one way after the other, anywhere
# in either direction, while 64 connections send requests of 4 KB: then much is
# in flight, and what cannot leave waits in nginx.

use Time::HiRes qw(sleep time);

use Clarity::Test;

use constant TIMEOUT => 0.5; # of the connection, and of a command
use constant TIMES   => 60;

my $t = Clarity::Test->new;
my $redis = $t->redis(aof => 1);
my $proxy = $t->proxy(to => $redis);
my $nginx = $t->nginx(redis => $proxy->url,
    server => Clarity::Nginx::STATUS . <<'EOF');
        clarity_redis_connect_timeout 500ms;
        clarity_redis_timeout         500ms;

        location = /hook {
            client_body_buffer_size 8k;
            clarity_webhook         provision_entitlement;
            clarity_webhook_token   secret;
        }
EOF

# What they have open without clients: once each is connected, and has had
# some, for nginx's processes tell each other of their channels meanwhile.
wait_until { $proxy->connections == 2 } 10, 'two connections';
$t->load(name => 'first', nginx => $nginx, token => 'secret',
    requests => 500, close => 1)->wait_exit(60);
wait_until { $nginx->connections == 0 } 10, 'the first clients to be gone';
$redis->command('DEL', '{clarity:0}:jobs');
my %files = map { $_ => $nginx->files($_) } $nginx->workers;

my $load = $t->load(nginx => $nginx, token => 'secret', rate => 1500,
    body => context(identity_id => '"@@@@@@@@@@"',
        meta => '"' . 'x' x 4096 . '"'));

# a seed that a failure can be repeated with
my $seed = $ENV{CLARITY_SEED} // int time;
srand $seed;
note "CLARITY_SEED=$seed";

my $slowest = 0;

for my $n (1 .. TIMES) {
    $load->wait_for(50, 202);

    my $harm = (qw(cut reset swallow pause piece delay))[ $n % 6 ];
    my $from = rand() < 0.5 ? 'redis' : 'nginx';

    if ($harm eq 'piece') {
        $proxy->manner(piece => $from eq 'redis' ? 1 + int rand 10
            : 500 + int rand 2000);
        $load->wait_for(20, 202);
        $proxy->manner;

    } elsif ($harm eq 'delay') {
        $proxy->manner(delay => rand 0.1);
        $load->wait_for(100, 202);
        $proxy->manner;

    } else {
        $proxy->rule(from => $from, do => $harm, seconds => rand 0.2,
            after => int rand($from eq 'redis' ? 2000 : 300_000));

        # a rule happens once, and goes on to the next connection
        $load->wait_for(20, 202);
        sleep rand 0.3;
        $proxy->rule;
    }

    my $good = time;
    $load->wait_for(50, 202);

    # a connection that was swallowed is given up when its time has come
    my $settled = $load->settled($good);
    $slowest = $settled if $settled > $slowest;
}

$load->stop;

note $load->summary;
note sprintf 'the last refusal %.3f s after the line is good again', $slowest;

is_deeply [ grep { !/^(202|503 queue_unavailable|504 queue_timeout)$/ }
    keys %{ $load->answers } ], [], 'no other answers';
is_deeply [ $load->amiss($redis) ], [],
    'each 202 is a job, no 503 is, nothing is twice';
cmp_ok $load->longest, '<', limit(2 * TIMEOUT + 1),
    'no request outlives the time-outs';
cmp_ok $slowest, '<', limit(2 * TIMEOUT + 1), 'and all is well soon after';

wait_until { $proxy->connections == 2 } 5, 'two connections to Redis';
pass 'each process has one connection to Redis';
is $nginx->connections, 0, 'no client\'s connection is left';

# the last connection of this test's own may still be there
my $closed = wait_until {
    !grep { $nginx->files($_) > $files{$_} } $nginx->workers;
} 10;
ok $closed, 'nor another open file';

$t->done;
