#!/usr/bin/perl

# A connection that is lost while its Redis is well is made again at once:
# whatever has not been sent waits for that, and only what may have left is 504.

use Clarity::Test;

my $t = Clarity::Test->new;
my $redis = $t->redis;
my $nginx = $t->nginx(workers => 1, server => <<'EOC');
        location = /hook {
            clarity_webhook       provision_entitlement;
            clarity_webhook_token secret;
        }
EOC


sub cut {
    $redis->command('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
}

sub jobs { return $redis->command('XLEN', '{clarity:0}:jobs') }

sub status { return $nginx->post('/hook', context(), token => 'secret')->status }

# Has a connection that is past its setup, whose last command is HMGET.

sub has_connected {
    return $redis->command('CLIENT', 'LIST')
        =~ /name=clarity-nginx .* cmd=(?:hmget|xadd|evalsha|zcard)/;
}


# One that has served, and one that has not yet.

is status(), 202, 'a job';

my %answers;

for (1 .. 50) {
    wait_until { has_connected() } 5, 'a connection';
    cut();
    $answers{ status() }++;
}

is_deeply \%answers, { 202 => 50 }, 'the next request waits for the connection';
wait_until { has_connected() } 5, 'a connection';

for (1 .. 3) {
    $nginx->renew;
    wait_until { has_connected() } 5, 'a connection';
    cut();
    is status(), 202, 'also where nothing had been sent on it';
}


# Requests that come in the same turn as the end of the connection, before it:
# what they gave has not left.

my ($worker) = $nginx->workers;
my @clients = map { $nginx->connect } 1 .. 20;
$_->write($nginx->can('request_text')->('POST', '/hook', token => 'secret',
    keepalive => 1, body => context())) for @clients;
$_->read for @clients;

my $before = jobs();

kill 'STOP', $worker;
$_->write($nginx->can('request_text')->('POST', '/hook', token => 'secret',
    body => context(), headers => [ "Idempotency-Key: $_" ])) for @clients;
cut();
kill 'CONT', $worker;

%answers = ();
$answers{ $_->read->status }++ for @clients;
is_deeply \%answers, { 202 => 20 }, 'what has not left is given anew';
is jobs(), $before + 20, 'and is there once';


# Under load: known outcomes, and no request that is refused.

my $load = $t->load(nginx => $nginx, uri => '/hook', token => 'secret');
$load->wait_for(200, 202);

for (1 .. 20) {
    wait_until { has_connected() } 5, 'a connection';
    cut();
    $load->wait_for(200, 202);
}

$load->stop;
is_deeply [ grep { /503/ } keys %{ $load->answers } ], [],
    'no request is refused';
is_deeply [ $load->amiss($redis) ], [], 'and every answer is true';


# A Redis that is away is no reason to wait.

$redis->kill;
wait_until { status() == 503 } 5, 'a 503';
my $start = time;
is status(), 503, 'refused at once' for 1 .. 20;
cmp_ok time - $start, '<=', limit(2), 'without a wait';
$redis->start;
wait_until { status() == 202 } 5, 'Redis is back';
pass 'Redis is back';

$t->done;
