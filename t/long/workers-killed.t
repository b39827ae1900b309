#!/usr/bin/perl

# nginx's worker processes are killed, one after the other, at any moment, while
# 64 connections send requests with idempotency keys, and send those again that
# had no answer: each is one job, and neither Redis nor the master has anything
# left of the processes.

use Time::HiRes qw(sleep time);

use Clarity::Test;

use constant TIMES => 40;

my $t = Clarity::Test->new;
my $redis = $t->redis(aof => 1);

$t->write_file('key', 'k1:' . 'A' x 43 . "=\n");
chmod 0600, $t->dir . '/key';

# With webhooks made at run time, and counters: these are in shared memory.
my $nginx = $t->nginx(http => <<'EOT', server => <<'EOT2');
    clarity_token_key_file %%DIR%%/key;
EOT
        location = /hook {
            clarity_webhook       provision_entitlement;
            clarity_webhook_token secret;
        }

        location /hooks/ {
            clarity_webhooks;
        }

        location = /metrics {
            clarity_metrics;
        }
EOT2

$t->expect_log(qr/exited on signal 9/);

# nginx takes the lock of the shared memory from one that is killed with it.
$t->expect_log(qr/shared memory zone "clarity" was locked by/);


sub clients {
    return scalar grep { /name=clarity-nginx/ }
        split /\n/, $redis->command('CLIENT', 'LIST');
}


# Two of the one that follows the webhooks, and one of each.
wait_until { clients() == 4 } 10, 'four connections to Redis';

my $load = $t->load(nginx => $nginx, token => 'secret', rate => 3000,
    headers => ['Idempotency-Key: @@@@@@@@@@']);

my $master = $nginx->pid;
my $files = $nginx->files($master);
my ($slowest, @memory) = (0);

for my $n (1 .. TIMES) {
    $load->wait_for(200, 202);
    sleep rand 0.05;

    my @workers = $nginx->workers;
    my $victim = $workers[ $n % @workers ];
    $nginx->kill_workers($victim);

    wait_until { $nginx->workers == 2 } 10, 'another worker process';

    my $back = time;
    $load->wait_for(200, 202);
    my $settled = $load->settled($back);
    $slowest = $settled if $settled > $slowest;

    push @memory, $nginx->memory($master) if $n == 5 || $n == TIMES;
}

$load->stop;

note $load->summary;
note sprintf 'the last failure %.3f s after there is another', $slowest;

# a connection that a process took just before its end was never in use
is_deeply [ grep { !/^(202|0 stale|0 closed)$/ } keys %{ $load->answers } ],
    [], 'accepted, or not answered at all';
cmp_ok $load->answers->{'0 stale'} // 0, '>', 0, 'some had no answer';
is_deeply [ $load->amiss($redis) ], [],
    'each 202 is a job, and nothing is twice';
cmp_ok $load->longest, '<', limit(3), 'no request waits long';
cmp_ok $slowest, '<', limit(1), 'the next process serves at once';

wait_until { clients() == 4 } 10, 'four connections to Redis';
pass 'no connection to Redis is left of the others';
like $nginx->get('/metrics')->body, qr/^clarity_\w+/m, 'metrics are there';
is $nginx->files($master), $files, 'the master has no other open file';

SKIP: {
    skip 'a sanitizer keeps memory', 1 if Clarity::Nginx::keeps_memory($t);
    cmp_ok $memory[1] - $memory[0], '<', 512, 'and no more memory';
}

$t->done;
