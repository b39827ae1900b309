#!/usr/bin/perl

# Idempotency keys where it counts: a thousand requests at once with one key,
# connections to Redis that are killed meanwhile, scripts that Redis forgets,
# and senders that repeat what was not accepted. One job for a key, one id.

use Clarity::Test;

my $t = Clarity::Test->new;
my $redis = $t->redis(aof => 1);
my $nginx = $t->nginx(http => <<'EOF', server => Clarity::Nginx::STATUS . <<'EOF2');
    log_format outcome '$status $clarity_outcome';
EOF
        location = /hook {
            clarity_webhook       provision_entitlement;
            clarity_webhook_token secret;
            access_log            %%DIR%%/outcomes outcome;
        }
EOF2


sub jobs { return $redis->command('XLEN', '{clarity:0}:jobs') }

sub last_job {
    return '0-' . $redis->command('XREVRANGE', '{clarity:0}:jobs', '+', '-',
        'COUNT', 1)->[0][0];
}


sub outcomes {
    my %outcomes;
    $outcomes{$_}++ for split /\n/, $t->read_file('outcomes');

    return \%outcomes;
}


# Requests that are all alike, or have a key of their own each.

sub load {
    my ($name, $key, %options) = @_;

    return $t->load(name => $name, nginx => $nginx, token => 'secret',
        headers => ["Idempotency-Key: $key"], rate => 0, %options);
}


# Kills nginx's connections and makes Redis forget its scripts after each 200
# 202s, until the load ends. Returns how often.

sub harass {
    my ($load) = @_;

    my ($n, $next) = (0, 0);

    wait_until {
        my $running = $load->pid;

        if (($load->answers->{202} // 0) >= $next) {
            $redis->command('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME',
                'yes');
            $redis->command('SCRIPT', 'FLUSH');
            $n++;
            $next += 200;
        }

        !$running;
    } 60, 'the end of the load';

    $load->wait_exit(1);

    return $n;
}


# A thousand at once.

my $load = load('thousand', 'one', connections => 1000, requests => 1000,
    body => context());
$load->wait_exit(30);

is_deeply $load->answers, { 202 => 1000 }, 'a thousand at once are accepted';
is jobs(), 1, 'and are one job';
is_deeply [ $load->told ], [ last_job() ], 'whose id they are told';
is_deeply outcomes(), { '202 accepted' => 1, '202 duplicate' => 999 },
    'and 999 that they are duplicates';


# The same, repeated until accepted, while connections are killed.

$load = load('killed', 'two', connections => 1000, requests => 3000,
    again => 1, body => context());
my $killed = harass($load);

note "$killed times killed: " . $load->summary;
is $load->answers->{202}, 3000, 'each is accepted in the end';
is jobs(), 2, 'they are one job';
is_deeply [ $load->told ], [ last_job() ], 'whose id they are told';


# Each with a key of its own, repeated until it is accepted.

my $before = jobs();

$load = load('own', 'own-@@@@@@@@@@', requests => 10_000, again => 1);
$killed = harass($load);

note "$killed times killed: " . $load->summary;
is_deeply [ grep { !/^(202|503 queue_unavailable|504 queue_timeout)$/ }
    keys %{ $load->answers } ], [], 'no other answers';
cmp_ok $load->answers->{'504 queue_timeout'} // 0, '>', 0,
    'of some it was not known whether they are stored';
is $load->answers->{202}, 10_000, 'each is accepted in the end';
is_deeply [ $load->amiss($redis) ], [], 'with the id of its job';
is jobs() - $before, 10_000, 'and is one job';

is $nginx->connections, 0, 'no connection is left';

$t->done;
