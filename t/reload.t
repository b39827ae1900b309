#!/usr/bin/perl

# Reload, quit and a worker process killed, while requests come in and while
# some wait for Redis.

use Time::HiRes qw(sleep);

use Clarity::Test;

my $t = Clarity::Test->new;
my $redis = $t->redis;
my $nginx = $t->nginx(server => <<'EOF');
        clarity_redis_timeout 20s;

        location = /hook {
            clarity_webhook       provision_entitlement;
            clarity_webhook_token secret;
        }
EOF

my $bytes = $nginx->can('request_text')->('POST', '/hook',
    token => 'secret', body => context());


sub jobs { return $redis->command('XLEN', '{clarity:0}:jobs') }

# Processes that have been told to end, so far.

sub told {
    my @lines = $t->read_file('nginx/error.log')
        =~ /gracefully shutting down/g;

    return scalar @lines;
}


sub clients {
    return scalar grep { /name=clarity-nginx/ }
        split /\n/, $redis->command('CLIENT', 'LIST');
}


is $nginx->post('/hook', context(), token => 'secret')->status, 202,
    'accepted';
wait_until { clients() == 2 } 5, 'a connection of each process';
pass 'each worker process has one connection';


my %statuses;

for (1 .. 10) {
    my @old = $nginx->workers;

    $nginx->signal('HUP');

    $statuses{ $nginx->http($bytes)->status }++ for 1 .. 30;

    wait_until {
        my %now = map { $_ => 1 } $nginx->workers;
        $now{$_} && return 0 for @old;
        keys %now == 2;
    } 10, 'new worker processes alone';
}

is_deeply \%statuses, { 202 => 300 }, 'no request fails over ten reloads';
is jobs(), 301, 'and each is one job';
wait_until { clients() == 2 } 5, 'two connections';
pass 'and no connection is left behind';


# What waits for Redis is answered before the old processes end.

for my $how (qw(HUP QUIT)) {
    $redis->signal('STOP');

    my @waiting = map { $nginx->connect } 1 .. 10;
    my $before = -s $t->dir . '/nginx/access.log';
    $_->write($bytes) for @waiting;

    my @old = $nginx->workers;

    # the requests have been read once another request has been answered that
    # came after them to each process
    for (1 .. 20) {
        $nginx->post('/hook', '{', token => 'secret');
    }

    my $told = told();
    $nginx->signal($how);
    wait_until { told() == $told + 2 } 5, 'the old processes to be told';

    # one that none of them waits in may, and nothing tells that another will
    # not
    sleep 0.5;
    ok scalar(grep { kill 0, $_ } @old),
        "they do not end over SIG$how while requests wait";

    $redis->signal('CONT');

    my %answers;
    $answers{ $_->read->status }++ for @waiting;
    is_deeply \%answers, { 202 => 10 }, "requests that wait over SIG$how";

    wait_until { !grep { kill 0, $_ } @old } 10, 'the old processes to end';
    pass 'and the old processes end';
}

$nginx->wait_exit(10);
$nginx->start;

$redis->command('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
wait_until { clients() == 2 } 5, 'two connections';
is $nginx->http($bytes)->status, 202,
    'accepted after Redis has closed the connections';


# A worker process that is killed.

$t->expect_log(qr/exited on signal 9/);

my ($victim) = $nginx->workers;
$nginx->kill_workers($victim);
wait_until { $nginx->workers == 2 } 5, 'another worker process';

is $nginx->http($bytes)->status, 202, 'accepted after a process was killed';
wait_until { clients() == 2 } 5, 'two connections';
pass 'and the new one has its connection';

$t->done;
