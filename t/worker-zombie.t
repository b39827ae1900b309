# A worker is stopped between the intent of a step and its call, past its lease.
# When it goes on it does not call: another has done so by then.

use Clarity::Test;
use Clarity::Jobs;
use Time::HiRes qw(time);

use constant LEASE => 2;

my $t = Clarity::Test->new;
my $redis = $t->redis;
my $receiver = $t->receiver;
my $proxy = $t->proxy(to => $redis);

my %options = (workflows => {
    'grant.json' => {
        id => 'grant',
        trigger => 'provision_entitlement',
        actions => [
            { id => 'one', type => 'http_request', method => 'POST',
                url => '%%RECEIVER%%/one' },
        ],
    },
});

my $zombie = $t->worker(name => 'zombie', %options,
    conf => { lease => LEASE . 's', redis => $proxy->url });

# What Redis answers comes later, so there is time to stop it in between.

$proxy->manner(delay => 0.3);
my $id = add_job($redis);

wait_until { $redis->command('HEXISTS', hash_key($id), 'step:grant:one') } 10,
    'the intent';
$zombie->pause;
$proxy->manner;

my $heir = $t->worker(name => 'heir', %options,
    conf => { lease => LEASE . 's' });
my $job = wait_for_job($redis, $id, 'succeeded', LEASE + 8);

is scalar($receiver->requests), 1, 'the step is called by another worker';
is $job->{steps}{grant}{one}{attempt}, 2, 'as its second attempt';

$zombie->resume;
ok $zombie->log_like(qr/"event":"lost_lease","job":"\Q$id\E"/),
    'the one that was stopped finds its lease lost';
is scalar($receiver->requests), 1, 'and has not called';
is_deeply job($redis, $id), $job, 'nor changed anything';

# It is not put off for ever: Redis was away for longer than a lease.

$heir->stop;
$receiver->answer('/one', { delay => 0.2 });
$id = add_job($redis);
$receiver->wait_for(2, 10);
$redis->pause;
my $until = time + LEASE + 1;
wait_until { time > $until } LEASE + 2;
$redis->resume;

wait_for_job($redis, $id, 'succeeded', 10);
is scalar($receiver->requests), 2, 'what was under way is not done again';
$id = add_job($redis);
wait_for_job($redis, $id, 'succeeded', 10);
is scalar($receiver->requests), 3, 'and the next job is done';

$t->done;
