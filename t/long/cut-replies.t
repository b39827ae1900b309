#!/usr/bin/perl

# The line to Redis is cut, reset, swallows, delays or splits, at each byte of
# a job's reply in its turn, while 64 connections send requests: of XADD's, of
# the script's for a request with an idempotency key (which is repeated until it
# is accepted, and is one job), and of WAIT's.

use Time::HiRes qw(time);

use Clarity::Test;

use constant TIMEOUT => 0.5; # of the connection, and of a command

my $t = Clarity::Test->new;
my $redis = $t->redis(aof => 1, tcp => 1);
my $replica = $t->redis(name => 'replica',
    conf => "replicaof 127.0.0.1 $redis->{port}\n");
my $proxy = $t->proxy(to => $redis);
my $nginx = $t->nginx(redis => $proxy->url,
    server => Clarity::Nginx::STATUS . <<'EOT');
        clarity_redis_connect_timeout 500ms;
        clarity_redis_timeout         500ms;

        location = /hook {
            clarity_webhook       provision_entitlement;
            clarity_webhook_token secret;
        }

        location = /replicated {
            clarity_durability    replicas=1 timeout=500ms;
            clarity_webhook       provision_entitlement;
            clarity_webhook_token replicated;
        }
EOT

my $id = "\$15\r\n1795644435470-0\r\n";

# By command: its reply, and which requests make it.
my %kinds = (
    XADD => [ $id ],
    EVALSHA => [ $id, again => 1,
        headers => ['Idempotency-Key: own-@@@@@@@@@@'] ],
    WAIT => [ ":1\r\n", uri => '/replicated', token => 'replicated' ],
);

wait_until { $redis->command('INFO', 'replication') =~ /state=online/ } 10,
    'the replica';

# seconds: less than a time-out, and more
my %harms = (
    cut => [ do => 'cut' ],
    reset => [ do => 'reset' ],
    swallow => [ do => 'swallow' ],
    split => [ do => 'pause', seconds => 0.001 ],
    delay => [ do => 'pause', seconds => 0.1 ],
    'long delay' => [ do => 'pause', seconds => 0.7 ],
);

for my $kind (sort keys %kinds) {
    my ($reply, @requests) = @{ $kinds{$kind} };
    my $load = $t->load(name => "load_$kind", nginx => $nginx,
        token => 'secret', rate => 1000, @requests,
        body => context(identity_id => '"@@@@@@@@@@"',
            grant_type => "\"$kind\""));
    my %slowest;

    for my $harm (sort keys %harms) {
        for my $after (0 .. length($reply) - 1) {
            my $harmed = $proxy->harmed;

            $proxy->rule(since => $kind, from => 'redis', after => $after,
                @{ $harms{$harm} });
            wait_until { $proxy->harmed > $harmed } 5, $harm;

            my $back = time;
            $load->wait_for(20, 202);
            wait_until { $proxy->connections == 4 } 5, 'four connections';

            my $settled = $load->settled($back);
            $slowest{$harm} = $settled
                if $settled > ($slowest{$harm} // 0);
        }
    }

    $load->wait_for(100, 202);
    $load->stop;

    note "$kind: " . $load->summary;
    note sprintf '%s: the last refusal %.3f s after it', $_, $slowest{$_} // 0
        for sort keys %harms;

    is_deeply [ grep { !/^(202|503 queue_unavailable|504 queue_timeout)$/ }
        keys %{ $load->answers } ], [], "$kind: no other answers";
    is_deeply [ $load->amiss($redis) ], [],
        'each 202 is a job, no 503 is, nothing is twice';
    cmp_ok $load->answers->{'504 queue_timeout'}, '>', 0,
        'of some it was not known';
    cmp_ok $load->longest, '<', limit(5 * TIMEOUT + 1),
        'no request outlives the time-outs';
    cmp_ok $slowest{$_} // 0, '<', limit(2 * TIMEOUT + 1),
        "$_: all is well soon after" for sort keys %harms;
}

is $nginx->connections, 0, 'no client\'s connection is left';

$t->done;
