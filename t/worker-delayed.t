# A job that waits leaves the stream, and comes back when it is due, whatever
# happens meanwhile.

use Clarity::Test;
use Clarity::Jobs;
use Time::HiRes qw(sleep time);

# Seconds that a busy machine may be late.
use constant LOAD => 0.2;

my $t = Clarity::Test->new;
my $redis = $t->redis(aof => 1);
my $receiver = $t->receiver;

my $delayed = '{clarity:0}:delayed';

sub workflow {
    my ($name, %retry) = @_;

    return ("$name.json" => {
        id => $name,
        trigger => 'provision_entitlement',
        conditions => { parameter => 'grant_type', equals => $name },
        actions => [
            { id => 'first', type => 'http_request', method => 'POST',
                url => "%%RECEIVER%%/$name/first" },
            { id => 'call', type => 'http_request', method => 'POST',
                url => "%%RECEIVER%%/$name/{{identity_id}}",
                body => { meta => '{{meta}}' },
                retry => { attempts => 4, jitter => 'none', %retry } },
        ],
    });
}

my @workers = (conf => { lease => '2s' }, workflows => {
    workflow('two', delay => '2s'),
    workflow('short', delay => '200ms'),
    workflow('asked', delay => '1ms'),
    workflow('spread', delay => '3s', jitter => 'full'),
    workflow('week', delay => '7d', max_delay => '7d'),
});

sub start_job {
    my ($name, %more) = @_;

    my $id = delete $more{identity_id} // 4711;

    return add_job($redis, %more,
        context => context(grant_type => qq{"$name"}, identity_id => $id));
}

sub gaps {
    my ($path) = @_;

    my @times = map { $_->{time} } $receiver->requests($path);

    return map { $times[$_] - $times[ $_ - 1 ] } 1 .. $#times;
}

sub within {
    my ($gap, $expected, $what) = @_;

    ok $gap >= $expected - 0.01 && $gap <= limit(1.1 * $expected + LOAD),
        $what
        or diag "$gap s, not $expected s";
}

my $worker = $t->worker(@workers);

# While it waits.

$receiver->answer('/two/4711', { status => 503 }, { status => 503 }, {});

my $traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';
my $id = start_job('two', traceparent => $traceparent, addr => '192.0.2.1');
my $job = wait_for_job($redis, $id, 'waiting');

is pending($redis), 0, 'a job that waits is not in the stream';
is_deeply $redis->command('ZRANGE', $delayed, 0, -1), [$id],
    'but among the delayed';
is $job->{entry}, '', 'its hash says so';
is $job->{context}, context(grant_type => '"two"'), 'and has its context';
is $job->{runs}{two}{state}, 'waiting', 'its run waits';
cmp_ok $job->{runs}{two}{next} - $job->{steps}{two}{call}{ended}, '==', 2000,
    'for as long as the workflow says';
is $redis->command('PTTL', hash_key($id)), -1, 'and does not run out';

# When it is due.

$job = wait_for_job($redis, $id, 'succeeded', 10);
within($_->[0], $_->[1], "attempt $_->[2] comes within 10 % of its time")
    for map { [ (gaps('/two/4711'))[$_], 2 * 2**$_, $_ + 2 ] } 0, 1;

my @calls = $receiver->requests('/two/4711');
is scalar(grep { $_->{body} eq '{"meta":{"ticket":"INC1"}}' } @calls), 3,
    'each attempt has the context';
is scalar(grep { $_->{headers}{'idempotency-key'} eq "$id:two:call" } @calls),
    3, 'and the same key';
is scalar(grep { $_->{headers}{traceparent} eq $traceparent } @calls), 3,
    'and the traceparent';
is scalar($receiver->requests('/two/first')), 1,
    'what had been done before is not done again';
ok !exists $job->{context}, 'in the end the context is gone from the hash';
is $job->{runs}{two}{attempt}, 3, 'the run was taken up three times';
is $redis->command('EXISTS', $delayed), 0, 'nothing is delayed any more';
is pending($redis), 0, 'nor pending';
is scalar($worker->events('job_resumed')), 2, 'the log tells';

# Short waits, what an endpoint asks for, and jitter.

$receiver->answer('/short/4711', { status => 503 }, {});
wait_for_job($redis, start_job('short'), 'succeeded');
within((gaps('/short/4711'))[0], 0.2, 'a short wait is kept too');

$receiver->answer('/asked/4711',
    { status => 503, headers => ['Retry-After: 2'] }, {});
wait_for_job($redis, start_job('asked'), 'succeeded', 10);
within((gaps('/asked/4711'))[0], 2, 'Retry-After is kept');

my @spread = map { "/spread/$_" } 1 .. 20;
$receiver->answer($_, { status => 503 }, {}) for @spread;
wait_for_job($redis, $_, 'succeeded', 15)
    for map { start_job('spread', identity_id => $_) } 1 .. 20;

my @gaps = sort { $a <=> $b } map { gaps($_) } @spread;
is scalar(@gaps), 20, 'twenty jobs were tried again';
cmp_ok $gaps[0], '<', limit(1.5), 'some of them early';
cmp_ok $gaps[-1], '>', 1.5, 'some of them late';
cmp_ok $gaps[-1], '<', limit(3.3), 'none too late';

# Killed while it waits: another worker brings the job back in time.

$receiver->answer('/two/4711', { status => 503 }, {});
my $before = $receiver->requests('/two/4711');
my $other = $t->worker(name => 'other', @workers);

$id = start_job('two');
wait_for_job($redis, $id, 'waiting');
$_->kill for $worker, $other;
my $heir = $t->worker(name => 'heir', @workers);
wait_for_job($redis, $id, 'succeeded', 10);
within((gaps('/two/4711'))[-1], 2, 'whoever is there keeps the time');
is $receiver->requests('/two/4711') - $before, 2, 'with one call';

# Redis is killed while it waits, and comes back.

$receiver->answer('/two/4711', { status => 503 }, {});
$id = start_job('two');
wait_for_job($redis, $id, 'waiting');
$redis->kill;
$redis->start;
$job = wait_for_job($redis, $id, 'succeeded', 15);
is $job->{steps}{two}{call}{attempt}, 2, 'a restart of Redis loses nothing';

# The group is gone: entries that are delivered again are jobs no more.

$receiver->answer('/week/4711', { status => 503 });
my $week = start_job('week');
wait_for_job($redis, $week, 'waiting');
my $calls = $receiver->requests;
$redis->command('XGROUP', 'DESTROY', '{clarity:0}:jobs', 'workers');
ok $heir->log_like(qr/"event":"job_elsewhere","job":"\Q$week\E"/, 10),
    'the entry that a delayed job had before is known';
is job($redis, $week)->{state}, 'waiting', 'it still waits';
is scalar($receiver->requests), $calls, 'and nothing is done again';

# Its hash is gone: that cannot be mended, but must not hold up others.

$redis->command('DEL', hash_key($week));
$redis->command('ZADD', $delayed, 1, $week);
ok $heir->log_like(qr/"event":"hash_deleted","job":"\Q$week\E"/),
    'a job whose hash was deleted is told';

$receiver->answer('/two/4711', { status => 503 }, {});
wait_for_job($redis, start_job('two'), 'succeeded', 10);
pass 'and others still come back';

# A worker that ends does not wait, and keeps nothing.

$receiver->answer('/week/4711', { status => 503 });
$receiver->answer('/short/4711', (map { { status => 503 } } 1 .. 3), {});
my @ids = ((map { start_job('week') } 1 .. 3), start_job('short'));
wait_for_job($redis, $_, 'waiting') for @ids[ 0 .. 2 ];
$heir->signal('TERM');
is $heir->wait_exit(5), 0, 'told to end, it ends';
is pending($redis), 0, 'and holds no job that waits';
is $redis->command('ZCARD', $delayed), 4, 'all of them are delayed';

$t->done;
