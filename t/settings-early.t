#!/usr/bin/perl

# Requests to webhooks made at run time that come before an nginx has read
# them: right after a start, and while the binary is replaced under load.

use Time::HiRes qw(time);

use Clarity::Settings;
use Clarity::Test;

my $t = Clarity::Test->new;
my $redis = $t->redis;
my $settings = Clarity::Settings->new($t);
my $nginx = $settings->nginx(daemon => 1, workers => 2);

$settings->wait_loaded;

my $webhook = $settings->create(endpoint => 'early');
$settings->wait_status(202, $webhook);

my %target = (nginx => $nginx, uri => '/webhooks/early',
    token => $webhook->{token});
my $once = $t->load(%target, name => 'once', connections => 32, rate => 1000,
    close => 1);
my $kept = $t->load(%target, name => 'kept', connections => 32, rate => 1000,
    body => context(identity_id => '"@@@@@@@@@@"', grant_type => '"kept"'));

for (1 .. 3) {
    $_->wait_for(200, 202) for $once, $kept;
    $nginx->upgrade;
}

$_->wait_for(200, 202) for $once, $kept;
$_->stop for $once, $kept;
note $_->summary for $once, $kept;

is_deeply [ keys %{ $once->answers } ], [202],
    'over three new binaries each request is accepted';
is_deeply [ grep { !/^(202|0 stale)$/ } keys %{ $kept->answers } ], [],
    'so is each one on a kept connection, at the second try at the latest';
is_deeply [ $_->amiss($redis) ], [], 'each is one job' for $once, $kept;
cmp_ok $_->longest, '<', limit(2), 'none has waited long' for $once, $kept;


# A Redis that is slow to be read: the first requests wait for it, in each
# way that a request can come, and a client may give up meanwhile.

$redis->signal('STOP');

my $second = $settings->nginx(name => 'second', workers => 2, server => Clarity::Nginx::STATUS,
    http => '    clarity_redis_connect_timeout 60s; clarity_redis_timeout 60s;');
my %text = (
    body => Clarity::Nginx::request_text('POST', '/webhooks/early',
        token => $webhook->{token}, body => context()),
    chunked => "POST /webhooks/early HTTP/1.1\r\nHost: localhost\r\n"
        . "X-Clarity-Webhook-Token: $webhook->{token}\r\n"
        . "Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
        . sprintf("%x\r\n%s\r\n0\r\n\r\n", length context(), context()),
    none => Clarity::Nginx::request_text('POST', '/webhooks/none',
        token => $webhook->{token}, body => context()),
    wrong => Clarity::Nginx::request_text('POST', '/webhooks/early',
        token => 'wrong', body => context()),
);
my %waiting;

for my $way (sort keys %text) {
    $waiting{$way} = $second->connect;
    $waiting{$way}->write($text{$way});
}

my @gone = map { $second->connect } 1 .. 20;
$_->write($text{body}) for @gone;

# one whose head has come, and whose body comes when it has waited
my ($head, $body) = $text{body} =~ /^(.*?\r\n\r\n)(.*)$/s;
$waiting{late} = $second->connect;
$waiting{late}->write($head);

wait_until { $second->connections == 25 } 5, 'all are there';
$_->reset for @gone[0 .. 9];
$_->close for @gone[10 .. 19];

$redis->signal('CONT');
$waiting{late}->write($body);

is $waiting{body}->read(10)->status, 202, 'who came too early is accepted';
is $waiting{chunked}->read(10)->status, 202, 'with a body in chunks too';
is $waiting{late}->read(10)->status, 202, 'with a body that comes late too';
is $waiting{none}->read(10)->status, 404, 'what is not there is told then';
is $waiting{wrong}->read(10)->status, 401, 'a wrong token too';


# But not for ever.

$redis->signal('STOP');

my $third = $settings->nginx(name => 'third', workers => 1,
    http => '    clarity_redis_connect_timeout 300ms;');
my $started = time;
my $answer = $third->post('/webhooks/early', context(),
    token => $webhook->{token});
my $seconds = time - $started;

is $answer->status, 503, 'Redis is not to be read';
is $answer->json->{code}, 'webhooks_not_loaded', 'which is told';
cmp_ok $seconds, '<', limit(2), sprintf 'after %.3f s', $seconds;

$started = time;
is $third->post('/webhooks/early', context())->status, 503,
    'the next one is told so';
$seconds = time - $started;
cmp_ok $seconds, '<', limit(1.25), sprintf 'at once, after %.3f s',
    $seconds;

$redis->signal('CONT');
$settings->wait_status(202, $webhook, $third);
pass 'and is accepted once Redis is back';

$t->done;
