#!/usr/bin/perl

# A worker process that is stopped for longer than clarity_redis_timeout, at
# any moment, while Redis is there and answers: nothing is refused for that.

use Time::HiRes qw(sleep);

use Clarity::Test;

my $t = Clarity::Test->new;
my $redis = $t->redis;
my $nginx = $t->nginx(workers => 1, server => <<'EOF');
        clarity_redis_timeout 300ms;

        location = /hook {
            clarity_webhook       provision_entitlement;
            clarity_webhook_token secret;
        }
EOF

my $load = $t->load(nginx => $nginx, token => 'secret', rate => 0);
my ($worker) = $nginx->workers;

for (1 .. 12) {
    $load->wait_for(200, 202);
    sleep rand 0.01;
    kill 'STOP', $worker;
    sleep 0.5;
    kill 'CONT', $worker;
}

$load->wait_for(500, 202);
$load->stop;

note $load->summary;
is_deeply [ keys %{ $load->answers } ], [202], 'each request is accepted';
is_deeply [ $load->amiss($redis) ], [], 'and is one job';
unlike $nginx->log, qr/is not available/, 'and Redis is not blamed';

$t->done;
