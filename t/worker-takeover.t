# What a worker leaves when it dies or stalls, another does.

use Clarity::Test;
use Clarity::Jobs;
use Time::HiRes qw(sleep time);

my $t = Clarity::Test->new;
my $redis = $t->redis;
my $receiver = $t->receiver;

my $workflow = {
    id => 'grant',
    trigger => 'provision_entitlement',
    actions => [
        { id => 'first', type => 'http_request', method => 'POST',
            url => '%%RECEIVER%%/first' },
        { id => 'second', type => 'http_request', method => 'POST',
            url => '%%RECEIVER%%/second/{{steps.first.body.n}}',
            timeout => '20s' },
    ],
};
my %options = (workflows => { 'grant.json' => $workflow });

$receiver->answer('/first', { body => '{"n":7}' });
$receiver->answer('/second/7', { hang => 1 }, { status => 201 });

# Killed in the middle of a call, with the lease that a worker has by default.

my $doomed = $t->worker(name => 'doomed', %options);
my $id = add_job($redis);

$receiver->wait_for(1, 5, '/second/7');
my $heir = $t->worker(name => 'heir', %options);
sleep 2.5; # the lease has been renewed meanwhile
$doomed->kill;

my $killed = time;
my $job = wait_for_job($redis, $id, 'succeeded', 12);
my $took = time - $killed;

cmp_ok $took, '<', limit(10), 'a killed worker\'s job is done within 10 s';
cmp_ok $took, '>', 4, 'but not while its lease holds';

is scalar($receiver->requests('/first')), 1,
    'the step that had ended is not done again';

my @second = $receiver->requests('/second/7');
is scalar(@second), 2, 'the one that was under way is';
is $second[0]{headers}{'idempotency-key'}, $second[1]{headers}{'idempotency-key'},
    'under the same key';
is $second[1]{uri}, '/second/7', 'with what the first step had answered';

is $job->{steps}{grant}{first}{attempt}, 1, 'the first step has one attempt';
is $job->{steps}{grant}{second}{attempt}, 2, 'the second has two';
is $job->{runs}{grant}{attempt}, 2, 'and the run was taken up twice';
is scalar($heir->events('job_taken_over')), 1, 'the heir says that it took over';
is pending($redis), 0, 'nothing stays pending';

# Stopped past its lease: what it brings back later counts for nothing.

my $short = { lease => '1s' };

$heir->stop;
my $zombie = $t->worker(name => 'zombie', %options, conf => $short);

$receiver->answer('/first', { body => '{"n":8}', delay => 1.5 },
    { body => '{"n":9}' });
$receiver->answer('/second/9', { status => 200 });
$receiver->answer('/second/8', { status => 200 });

$id = add_job($redis);
$receiver->wait_for(2, 5, '/first');
$zombie->pause;

my $other = $t->worker(name => 'other', %options, conf => $short);
$job = wait_for_job($redis, $id, 'succeeded', 10);

is_deeply $job->{steps}{grant}{first}{result}{body}, { n => 9 },
    'a stalled worker\'s job is done by another';

$zombie->resume;
ok $zombie->log_like(qr/"event":"lost_lease","job":"\Q$id\E"/),
    'once awake it finds its lease lost';
sleep 0.5;

is_deeply job($redis, $id), $job, 'and changes nothing';
is scalar($receiver->requests('/second/8')), 0, 'nor does it go on';

$id = add_job($redis);
wait_for_job($redis, $id, 'succeeded', 10);
pass 'it works on';

# Jobs that nobody has in hand although they are delivered.

$_->stop for $zombie, $other;

my @lost = map { add_job($redis) } 1 .. 150;
$redis->command('XREADGROUP', 'GROUP', 'workers', 'gone', 'COUNT', 1000,
    'STREAMS', stream_key(), '>');
is pending($redis), 150, '150 jobs are lost with their worker';

my $many = $t->worker(name => 'many', %options,
    conf => { %$short, concurrency => 20 });

wait_for_job($redis, $_, 'succeeded', 20) for @lost;
is pending($redis), 0, 'all of them are done, 20 at a time';

# Where nothing keeps them any more, entries go: by whole nodes of 100.

ok wait_until { $redis->command('XLEN', stream_key()) <= 100 } 5,
    'the stream is trimmed';

$t->done;
