# A worker that is asked to end finishes what it has in hand, or lets go of it.

use Clarity::Test;
use Clarity::Jobs;
use Time::HiRes qw(sleep time);

my $t = Clarity::Test->new;
my $redis = $t->redis;
my $receiver = $t->receiver;

my %workflows = (workflows => { 'grant.json' => {
    id => 'grant',
    trigger => 'provision_entitlement',
    actions => [
        { id => 'call', type => 'http_request', method => 'POST',
            url => '%%RECEIVER%%/call' },
    ],
} });

sub consumers {
    return map { {@$_}->{name} } @{ $redis->command('XINFO', 'CONSUMERS',
        stream_key(), 'workers') };
}

# Nothing in hand.

my $idle = $t->worker(name => 'idle', %workflows);
my $start = time;

$idle->signal('TERM');
is $idle->wait_exit(5), 0, 'an idle worker ends';
cmp_ok time - $start, '<', limit(0.5), 'at once';

# A call under way.

my $worker = $t->worker(%workflows);

$receiver->answer('/call', { delay => 1.5 }, { status => 200 });

my $id = add_job($redis);
$receiver->wait_for(1, 5);
is scalar(consumers()), 1, 'a worker is a consumer';

$worker->signal('TERM');
ok $worker->log_like(qr/"event":"stopping"/), 'it is told to end';
sleep 0.3; # its last read ends
my $late = add_job($redis);

is $worker->wait_exit(10), 0, 'and does';
is job($redis, $id)->{state}, 'succeeded', 'when the job in hand was done';
is job($redis, $late), undef, 'one that came later is not begun';
is pending($redis), 0, 'nor delivered to it';
is_deeply [ consumers() ], [], 'it is no consumer any more';

# A call that takes longer than that.

$receiver->answer('/call', { hang => 1 }, { status => 200 });

my $hasty = $t->worker(name => 'hasty', %workflows,
    conf => { drain => '500ms' });
$receiver->wait_for(2, 5);

my $heir = $t->worker(name => 'heir', %workflows);

$hasty->signal('TERM');
is $hasty->wait_exit(5), 0, 'after its drain a worker ends all the same';
is scalar($hasty->events('job_released')), 1, 'it lets go of the job';

$start = time;
wait_for_job($redis, $late, 'succeeded', 5);
cmp_ok time - $start, '<', limit(3), 'which another takes over without delay';

my @calls = $receiver->requests;
is $calls[2]{headers}{'idempotency-key'}, $calls[1]{headers}{'idempotency-key'},
    'under the same key';

# Told twice.

$receiver->answer('/call', { hang => 1 });

my $again = add_job($redis);
$receiver->wait_for(4, 5);
$start = time;
$heir->signal('INT');
$heir->log_like(qr/"event":"stopping"/);
$heir->signal('INT');
is $heir->wait_exit(5), 0, 'a second signal';
cmp_ok time - $start, '<', limit(3), 'cuts the drain short';

# Many at once, and one worker that leaves in the middle of it.

$receiver->answer('/call', { status => 200 });

my $one = $t->worker(name => 'one', %workflows);
my $two = $t->worker(name => 'two', %workflows);
my @ids = map { add_job($redis) } 1 .. 300;

$one->signal('TERM');
is $one->wait_exit(10), 0, 'one of two workers leaves while 300 jobs come';

wait_for_job($redis, $_, 'succeeded', 20) for $again, @ids;

my %calls;
$calls{ $_->{headers}{'idempotency-key'} }++ for $receiver->requests;
is_deeply [ grep { $calls{"$_:grant:call"} != 1 } @ids ], [],
    'each is called for once';
is pending($redis), 0, 'nothing stays pending';

# Not even with Redis away.

$redis->kill;
$two->log_like(qr/"event":"redis_lost"/);
$two->signal('TERM');
is $two->wait_exit(10), 0, 'without Redis a worker ends too';

$t->done;
