#!/usr/bin/perl

# Redis does not answer for a while, shorter or longer than the time-outs, in
# each of its ways (SIGSTOP, CLIENT PAUSE, DEBUG SLEEP), while 64 connections
# send requests.

use Time::HiRes qw(sleep time);

use Clarity::Test;

use constant TIMEOUT => 1; # the default of both
my $t = Clarity::Test->new;
my $redis = $t->redis(aof => 1, conf => "enable-debug-command yes\n");
my $nginx = $t->nginx(server => Clarity::Nginx::STATUS . <<'EOF');
        location = /hook {
            clarity_webhook       provision_entitlement;
            clarity_webhook_token secret;
        }
EOF

my $load = $t->load(nginx => $nginx, token => 'secret', rate => 3000);

# Each returns when Redis is back.
my %stalls = (
    'SIGSTOP' => sub {
        $redis->signal('STOP');
        sleep $_[0];
        $redis->signal('CONT');
        $redis->command('PING');
    },
    # who asks is paused too
    'CLIENT PAUSE' => sub {
        $redis->command('CLIENT', 'PAUSE', int(1000 * $_[0]));
        $redis->command('PING');
    },
    'CLIENT PAUSE WRITE' => sub {
        $redis->command('CLIENT', 'PAUSE', int(1000 * $_[0]), 'WRITE');
        $redis->command('DEL', 'nothing');
    },
    'DEBUG SLEEP' => sub { $redis->command('DEBUG', 'SLEEP', $_[0]) },
);

for my $stall (sort keys %stalls) {
    for my $seconds (0.3, 0.95, 1.05, 1.6, 3.2) {
        $load->wait_for(200, 202);
        $stalls{$stall}->($seconds);
        my $back = time;
        $load->wait_for(200, 202);

        my ($again, $settled) = ($load->again($back), $load->settled($back));
        my $what = sprintf '%s of %.2f s: the first 202 after %.3f s,'
            . ' the last refusal %.3f s', $stall, $seconds, $again, $settled;

        ok $again < limit(1) && $settled < limit(1), $what;
    }
}

$load->stop;

note $load->summary;
is_deeply [ grep { !/^(202|503 queue_unavailable|504 queue_timeout)$/ }
    keys %{ $load->answers } ], [], 'no other answers';
is_deeply [ $load->amiss($redis) ], [],
    'each 202 is a job, no 503 is, nothing is twice';
cmp_ok $load->longest, '<', limit(2 * TIMEOUT + 1),
    'no request outlives the time-outs';
is $nginx->connections, 0, 'no connection is left';

$t->done;
