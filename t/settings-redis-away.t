#!/usr/bin/perl

# Redis away before the first look at it, and later: until the webhooks are
# known nobody is told that there is none; once they are, tokens are checked
# all the same, also over a reload and for a process that is new.

use Clarity::Settings;
use Clarity::Test;

my $t = Clarity::Test->new;
my $redis = $t->redis(aof => 1);
my $settings = Clarity::Settings->new($t);

# Another nginx makes them, so that the one in question starts without Redis.
my $maker = $settings->nginx(name => 'maker', workers => 1);
$settings->wait_loaded;

my $on = $settings->create(endpoint => 'on');
my $off = $settings->create(endpoint => 'off', active => \0);
$maker->stop;

$redis->signal('TERM');
$redis->wait_exit(5);

my $nginx = $t->nginx(workers => 4, conf => undef, start => 0,
    http => <<'EOF1', server => <<'EOF2');
    clarity_token_key_file %%DIR%%/token.key;
    add_header X-Worker $pid always;
    keepalive_requests 1000000;
EOF1
        location /webhooks/ {
            clarity_webhooks;
        }

        location = /webhooks/fixed {
            clarity_webhook       provision_entitlement;
            clarity_webhook_token fixed;
        }

        location /settings/api/ {
            clarity_settings_api;
        }
EOF2
$settings->{nginx} = $nginx;
$nginx->start;


# What each worker process says to a good token, one that is none, to a
# webhook that is switched off, and where there is none.

sub is_answered {
    my ($what, @expected) = @_;

    my %none = (endpoint => 'none', method => 'POST', token => 'x');
    my $workers = $settings->each_worker($nginx);
    my %said;

    for my $http (values %$workers) {
        my @statuses = map { $settings->ask($http, $_) }
            $on, { %$on, token => 'wrong' }, $off, { %$off, token => 'wrong' },
            \%none;

        $said{"@statuses"}++;
    }

    is_deeply \%said, { "@expected" => 4 }, "$what: @expected by each process";
}


# Each has a connection to Redis of its own, and finds out by itself.

sub all_say {
    my ($status) = @_;

    my $http = $settings->each_worker($nginx);

    wait_until {
        !grep { $settings->ask($_, $on) != $status } values %$http;
    } 10, "a $status by each process";
}

sub accepted_by_all { all_say(202) }

sub problem {
    my ($answer, $status, $code, $what) = @_;

    is $answer->status, $status, "$what: $status";
    is decode_json($answer->body)->{code}, $code, "that is $code";
    is $answer->header('content-type'), 'application/problem+json',
        'as problem+json';
    ok $answer->header('retry-after'), 'with Retry-After';
}


# Before the first look.

is_answered('not loaded', (503) x 5);
problem($settings->send($on), 503, 'webhooks_not_loaded', 'a good token');
problem($nginx->post('/webhooks/on', '{}'), 503, 'webhooks_not_loaded',
    'no token');
problem($nginx->post('/webhooks/none', '{}', token => 'x'), 503,
    'webhooks_not_loaded', 'no such endpoint');
is $nginx->post('/webhooks/a%2fb', '{}', token => 'x')->status, 404,
    'what can be no endpoint is told at once';

for my $path ('webhooks', 'triggers', "webhooks/$on->{id}",
    "webhooks/$on->{id}/token", "webhooks/$on->{id}/activity")
{
    my (undef, undef, $answer) = $settings->api('GET', $path);
    problem($answer, 503, 'queue_unavailable', "GET $path");
}

for my $change ([ 'POST', 'webhooks', { method => 'POST', endpoint => 'x',
        trigger => 'provision_entitlement' } ],
    [ 'PATCH', "webhooks/$on->{id}", {}, 'If-Match: *' ],
    [ 'DELETE', "webhooks/$on->{id}" ],
    [ 'POST', "webhooks/$on->{id}/rotate", { overlap => '1h' } ])
{
    my (undef, undef, $answer) = $settings->api(@$change);
    problem($answer, 503, 'queue_unavailable', "@$change[0, 1]");
}

# those of nginx.conf need no Redis to have had requests
is $nginx->post('/webhooks/fixed', '{', token => 'fixed')->status, 400,
    'a webhook of nginx.conf answers';
my ($status, $activity);
wait_until {
    ($status, $activity) = $settings->api('GET',
        'webhooks/conf%3APOST%20%2Fwebhooks%2Ffixed/activity');
    $status != 200 || @{ $activity->{activity} };
} 5, 'the request in the activity';
is $status, 200, 'and its activity is there without Redis';
is $activity->{activity}[0]{code}, 'json_invalid', 'with that request';


# It comes: from 503 to what is so, and never by way of 404.

my $workers = $settings->each_worker($nginx);
my %seen;
$redis->start;

wait_until {
    my $right = 0;

    for my $http (values %$workers) {
        my $said = $settings->ask($http, $on);
        $seen{$said}++;
        $right += $said == 202;
    }

    $right == 4;
} 10, 'a 202 by each process';

is_deeply [ sort grep { $_ != 503 } keys %seen ], [202],
    'never a 404 while they are loaded';
is_answered('Redis is there', 202, 401, 410, 401, 404);


# Away again.

for my $way (qw(TERM KILL)) {
    $redis->signal($way);
    $redis->wait_exit(5);

    all_say(503);
    is_answered("Redis ended by SIG$way", 503, 401, 410, 401, 404);
    problem($settings->send($on), 503, 'queue_unavailable', 'a good token');

    $nginx->renew;

    is_answered('after a reload', 503, 401, 410, 401, 404);

    wait_until {
        ($status, $activity) = $settings->api('GET',
            "webhooks/$on->{id}/activity");
        $activity->{activity}[0]{code} eq 'token_invalid';
    } 5, 'the last request';
    is $status, 200, 'the activity is there without Redis';
    is $activity->{activity}[0]{code}, 'token_invalid', 'the last request';
    ok scalar(grep { $_->{code} eq 'queue_unavailable' }
        @{ $activity->{activity} }), 'and those that could not be stored';

    $redis->start;
    accepted_by_all();
    is_answered("Redis is back after SIG$way", 202, 401, 410, 401, 404);
}


# A process that starts while Redis is away knows what the others know.

$t->expect_log(qr/exited on signal 9/);
$redis->signal('TERM');
$redis->wait_exit(5);

$nginx->kill_workers($nginx->workers);
wait_until { $nginx->workers == 4 } 10, 'four other processes';

is_answered('all processes killed', 503, 401, 410, 401, 404);


# Redis answers, but not with webhooks: they stay as they are, and the log
# says so once.

$redis->start;
accepted_by_all();

# at once: in between there would be none
$redis->command('EVAL', <<'EOF', 2, '{clarity}:webhooks', 'saved');
redis.call('RENAME', KEYS[1], KEYS[2])
redis.call('SET', KEYS[1], 'something else')
EOF
wait_until { $t->read_file('nginx/error.log') =~ /refuses settings \(/ } 5,
    'a line that says so';
is_answered('the key holds something else', 202, 401, 410, 401, 404);

my @api = $settings->api('GET', "webhooks/$on->{id}");
is $api[0], 503, 'the API cannot read it';
like $api[1]{detail}, qr/another type/, 'and says why';

$redis->command('RENAME', 'saved', '{clarity}:webhooks');
my $changed;
wait_until { $changed = eval { $settings->create(endpoint => 'changed') } } 5,
    'the next webhook';
cmp_ok $settings->last_wrong(202, $changed, $settings->each_worker($nginx)),
    '<', limit(1), 'changes are seen again';
is scalar(() = $t->read_file('nginx/error.log') =~ /refuses settings \(/g), 2,
    'one line of who follows the webhooks, and one of who served the API';



# Redis is there and does not take the change: that is told as it is.

my %new = (method => 'POST', trigger => 'provision_entitlement');

sub is_refused {
    my ($what, $status, $code, $detail) = @_;

    for my $change ([ 'POST', 'webhooks', { %new, endpoint => 'refused' } ],
        [ 'PATCH', "webhooks/$on->{id}", { order => 'any' }, 'If-Match: *' ],
        [ 'DELETE', "webhooks/$on->{id}" ],
        [ 'POST', "webhooks/$on->{id}/rotate", { overlap => '1h' } ],
        [ 'GET', "webhooks/$on->{id}/token" ])
    {
        my (undef, $problem, $answer) = $settings->api(@$change);

        problem($answer, $status, $code, "$what: @$change[0, 1]");
        like $problem->{detail}, $detail, 'with the reason';
        unlike encode_json($problem), qr/clarity_wh_/, 'and no token';
    }
}

my $before = ($settings->api('GET', "webhooks/$on->{id}"))[1]{revision};

$redis->command('CONFIG', 'SET', 'maxmemory', 1);
is_refused('full', 503, 'queue_unavailable', qr/maxmemory/);
is((($settings->api('GET', "webhooks/$on->{id}")))[0], 200,
    'which can still be looked at');
$redis->command('CONFIG', 'SET', 'maxmemory', 0);

# no right to the audit is none to change anything, or to see a token
$redis->command('ACL', 'SETUSER', 'default', '-xadd');
is_refused('no right', 503, 'queue_unavailable', qr/can't run this command|no right/);
$redis->command('ACL', 'SETUSER', 'default', '+xadd');

my $now = ($settings->api('GET', "webhooks/$on->{id}"))[1];
is $now->{revision}, $before, 'and nothing was changed';
is scalar @{ $now->{tokens} }, 1, 'nor rotated';

# writes hang: the command has left, so nobody can say; each process then has
# to find Redis again

sub api_by_all {
    my $http = $settings->each_worker($nginx);

    wait_until {
        !grep {
            $_->write(Clarity::Nginx::request_text('GET',
                '/settings/api/webhooks', keepalive => 1));
            $_->read->status != 200;
        } values %$http;
    } 10, 'the API of each process';
}

for my $change ([ 'POST', 'webhooks', { %new, endpoint => 'unknown' } ],
    [ 'PATCH', "webhooks/$on->{id}", { order => 'any' }, 'If-Match: *' ],
    [ 'POST', "webhooks/$on->{id}/rotate", { overlap => '1h' } ])
{
    $redis->command('CLIENT', 'PAUSE', 60_000, 'WRITE');
    my (undef, $problem, $answer) = $settings->api(@$change);
    $redis->command('CLIENT', 'UNPAUSE');

    problem($answer, 504, 'queue_timeout', "writes hang: @$change[0, 1]");
    like $problem->{detail}, qr/not known/, 'and says so';
    api_by_all();
}

# whichever it was, it can be done again
my ($status_again) = $settings->api('POST', 'webhooks',
    { %new, endpoint => 'unknown' });
ok scalar(grep { $status_again == $_ } 201, 409),
    "made again: $status_again, there is one";
is scalar(grep { $_ eq 'at:POST unknown' }
    @{ $redis->command('HKEYS', '{clarity}:webhooks') }), 1, 'and only one';

$t->done;
