# Jobs that wait for their next attempt keep nobody from working.

use Clarity::Test;
use Clarity::Jobs;
use Time::HiRes qw(sleep time);

my $t = Clarity::Test->new;
my $redis = $t->redis;
my $receiver = $t->receiver;

sub workflow {
    my ($name, %retry) = @_;

    return ("$name.json" => {
        id => $name,
        trigger => 'provision_entitlement',
        conditions => { parameter => 'grant_type', equals => $name },
        actions => [ { id => 'call', type => 'http_request',
            method => 'POST', url => "%%RECEIVER%%/$name/{{identity_id}}",
            retry => { attempts => 8, %retry } } ],
    });
}

my @workers = (conf => { concurrency => 4, lease => '2s' }, workflows => {
    workflow('down', delay => '7d', max_delay => '7d'),
    workflow('soon', delay => '100ms', max_delay => '100ms'),
    workflow('while', delay => '900ms', jitter => 'none'),
    workflow('up'),
});

sub start_job {
    my ($name, %context) = @_;

    return add_job($redis, context => context(grant_type => qq{"$name"},
        identity_id => 0, %context));
}

my $worker = $t->worker(@workers);

# Many that wait.

$receiver->answer('/down/0', { status => 503 });

my @down = map { start_job('down') } 1 .. 300;
my $up = start_job('up');

wait_for_job($redis, $up, 'succeeded', 10);
pass '300 jobs that wait do not take the 4 slots';

wait_for_job($redis, $_, 'waiting', 10) for @down;
is pending($redis), 0, 'they are not in the stream';
is $redis->command('ZCARD', '{clarity:0}:delayed'), 300, 'but all are kept';

# Of those whose time has come no more than the slots allow are worked on.

$receiver->answer('/soon/0', (map { { status => 503 } } 1 .. 20),
    { delay => 0.3 });

my @soon = map { start_job('soon') } 1 .. 20;
my $start = time;
wait_for_job($redis, $_, 'succeeded', 20) for @soon;
cmp_ok time - $start, '>', 1, 'those that go on stand in line for a slot';
is scalar($receiver->requests('/soon/0')), 40, 'and each gets one';

# Short waits stay in the process, with their leases renewed.

$receiver->answer('/while/1', { status => 503 }, {});
my $while = start_job('while', identity_id => 1);
$receiver->wait_for(1, 5, '/while/1');
wait_for_job($redis, $while, 'waiting');
is pending($redis), 1, 'a job that waits for less than a second stays';
wait_for_job($redis, $while, 'succeeded');

# A worker with nothing to do but wait is ended at once.

$receiver->answer('/while/2', { status => 503 }, {});
$while = start_job('while', identity_id => 2);
wait_for_job($redis, $while, 'waiting');
my $calls = $receiver->requests;

$start = time;
$worker->signal('TERM');
is $worker->wait_exit(10), 0, 'told to end, it ends';
cmp_ok time - $start, '<', limit(0.9), 'and does not wait with them';
is scalar($worker->events('job_released')), 0, 'it holds nothing';
is $redis->command('ZCARD', '{clarity:0}:delayed'), 301,
    'what waited in it is delayed like the others';

my $heir = $t->worker(name => 'heir', @workers);
wait_for_job($redis, $while, 'succeeded');
pass 'another goes on';
is $receiver->requests - $calls, 1, 'with one call';

$t->done;
