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
            method => 'POST', url => "%%RECEIVER%%/$name",
            retry => { attempts => 8, %retry } } ],
    });
}

my @workers = (conf => { concurrency => 4, lease => '2s' }, workflows => {
    workflow('down', delay => '7d', max_delay => '7d'),
    workflow('soon', delay => '100ms', max_delay => '100ms'),
    workflow('up'),
});

sub start_job {
    return add_job($redis, context => context(grant_type => qq{"$_[0]"}));
}

my $worker = $t->worker(@workers);

# Many that wait.

$receiver->answer('/down', { status => 503 });

my @down = map { start_job('down') } 1 .. 300;
my $up = start_job('up');

wait_for_job($redis, $up, 'succeeded', 10);
pass '300 jobs that wait do not take the 4 slots';

wait_for_job($redis, $_, 'waiting', 10) for @down;
sleep 3;
my ($oldest) = map { $_->[2] } sort { $b->[2] <=> $a->[2] }
    @{ $redis->command('XPENDING', stream_key(), 'workers', '-', '+', 300) };
is pending($redis), 300, 'all are kept';
cmp_ok $oldest, '<', 1500, 'and their leases renewed';
is scalar($worker->events('lost_lease')), 0, 'none is lost';

# Of those whose time has come no more than the slots allow are worked on.

$receiver->answer('/soon', (map { { status => 503 } } 1 .. 20),
    { delay => 0.3 });

my @soon = map { start_job('soon') } 1 .. 20;
my $start = time;
wait_for_job($redis, $_, 'succeeded', 20) for @soon;
cmp_ok time - $start, '>', 1, 'those that go on stand in line for a slot';
is scalar($receiver->requests('/soon')), 40, 'and each gets one';

# A worker with nothing to do but wait is ended at once.

my $heir = $t->worker(name => 'heir', @workers);

$start = time;
$worker->signal('TERM');
is $worker->wait_exit(10), 0, 'told to end, it ends';
cmp_ok time - $start, '<', 3, 'and does not wait with them';
is scalar($worker->events('job_released')), 0, 'which is nothing to tell';

ok wait_until { $heir->events('job_taken_over') == 300 } 20,
    'another takes them all over';

wait_for_job($redis, start_job('up'), 'succeeded');
pass 'and has slots left';
cmp_ok scalar($receiver->requests('/down')), '<', 305,
    'none was called again for that';

$t->done;
