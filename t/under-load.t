#!/usr/bin/perl

# Redis is killed, stopped, paused and put to sleep while 64 connections send
# requests. Each 202's job is in the stream, no 503's is, no request outlives
# the time-outs, and nginx serves again within a second of Redis' return. The
# log tells each change once, not each request. t/long has the same for longer.

use Time::HiRes qw(time);

use Clarity::Test;

use constant TIMEOUT => 0.4; # of the connection, and of a command
my $t = Clarity::Test->new;
my $redis = $t->redis(aof => 1, conf => "enable-debug-command yes\n");
my $nginx = $t->nginx(server => <<'EOF');
        clarity_redis_connect_timeout 400ms;
        clarity_redis_timeout         400ms;

        location = /hook {
            clarity_webhook       provision_entitlement;
            clarity_webhook_token marked-token;
        }
EOF

my $load = $t->load(nginx => $nginx, token => 'marked-token',
    body => context(identity_id => '"@@@@@@@@@@"', grant_type => '"marked"'));


sub lines {
    my @lines = grep { /Redis|\(\) failed/ } split /\n/,
        $t->read_file('nginx/error.log');

    return scalar @lines;
}


# Runs $harm, which returns when Redis is back.

sub survives {
    my ($what, $harm) = @_;

    $load->wait_for(200, 202);
    my $before = lines();

    $harm->();
    my $back = time;

    $load->wait_for(200, 202);
    my ($again, $settled) = ($load->again($back), $load->settled($back));

    note sprintf '%s: the first 202 after %.3f s, the last refusal %.3f s',
        $what, $again, $settled;
    cmp_ok $again, '<', limit(1), "$what: accepted again within a second";
    cmp_ok $settled, '<', limit(1), 'and by both processes';

    my $lines = lines() - $before;
    cmp_ok $lines, '<=', 2 * 4, "in few lines of the log ($lines)";
}


survives('killed and started again', sub {
    $redis->kill;
    $load->wait_for(300, 503);
    $redis->start;
});

survives('stopped and continued', sub {
    $redis->signal('STOP');
    $load->wait_for(300, 503);
    $redis->signal('CONT');
    $redis->command('PING');
});

# What asks is paused too, and answered at the end.
survives('paused', sub {
    $redis->command('CLIENT', 'PAUSE', 1200);
    $redis->command('PING');
});

survives('asleep', sub { $redis->command('DEBUG', 'SLEEP', 1.2) });

$load->stop;

note $load->summary;
is_deeply [ grep { !/^(202|503 queue_unavailable|504 queue_timeout)$/ }
    keys %{ $load->answers } ], [], 'no other answers';
is_deeply [ $load->amiss($redis) ], [], 'all that was answered is true';
cmp_ok $load->longest, '<', limit(2 * TIMEOUT + 1),
    'no request outlives the time-outs';

unlike $nginx->log, qr/marked|INC1/, 'no token or value in the log';

$t->done;
