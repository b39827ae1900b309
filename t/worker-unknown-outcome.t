# Redis does what it was asked, but its reply is lost: the worker asks again,
# and finds that it is done.

use Clarity::Test;
use Clarity::Jobs;
use Time::HiRes qw(sleep);

my $t = Clarity::Test->new;
my $redis = $t->redis;
my $receiver = $t->receiver;

my $worker = $t->worker(conf => { lease => '1m' }, workflows => {
    'grant.json' => {
        id => 'grant',
        trigger => 'provision_entitlement',
        conditions => { parameter => 'grant_type', equals => 'one' },
        actions => [ { id => 'a', type => 'http_request', method => 'POST',
            url => '%%RECEIVER%%/a' } ],
    },
    'chain.json' => {
        id => 'chain',
        trigger => 'provision_entitlement',
        conditions => { parameter => 'grant_type', equals => 'two' },
        actions => [ map { { id => $_, type => 'http_request',
            method => 'POST', url => "%%RECEIVER%%/$_" } } qw(b c) ],
    },
});

# Redis has the scripts from here on.

wait_for_job($redis, add_job($redis, context =>
    context(grant_type => '"two"')), 'succeeded');

# Redis stops in the middle of both calls. What they end with waits in its
# socket until the worker has given up the connection; then Redis reads on.

$receiver->answer('/a', { delay => 1 });
$receiver->answer('/b', { delay => 1 });

my $one = add_job($redis, context => context(grant_type => '"one"'));
my $two = add_job($redis, context => context(grant_type => '"two"'));

$receiver->wait_for(4, 5);
$redis->pause;
ok $worker->log_like(
    qr/"connection":"clarity-worker","redis.*did not reply in time/, 15),
    'a Redis that does not reply costs the connection';
$redis->resume;

wait_for_job($redis, $_, 'succeeded', 10) for $one, $two;
wait_until { $worker->events('job_succeeded') == 3 } 5, 'both to end';

is scalar($worker->events('lost_lease')), 0, 'no lease is taken for lost';
is scalar($worker->events('job_started')), 3, 'no job is begun again';
is scalar(grep { $_->{headers}{'idempotency-key'} =~ /^(?:$one|$two):/ }
    $receiver->requests), 3, 'each step is called once';
is pending($redis), 0, 'nothing stays pending';

$t->done;
