# What clarityctl does with jobs: lists, retries, cancels and erases them.

use Clarity::Test;
use Clarity::Jobs qw(:DEFAULT call_action workflow);
use Time::HiRes qw(sleep time);

my $t = Clarity::Test->new;
my $redis = $t->redis;
my $receiver = $t->receiver;

my ($out, $err, $status);

sub ctl {
    my (@arguments) = @_;

    local $ENV{CLARITY_REDIS_URL} = $redis->url;
    my ($stdout, $stderr) = map { $t->dir . "/clarityctl.$_" } qw(out err);

    my $pid = fork // die "fork: $!";
    if (!$pid) {
        open STDOUT, '>', $stdout;
        open STDERR, '>', $stderr;
        exec $t->valgrind($t->dir), $t->build . '/clarityctl', @arguments
            or POSIX::_exit(127);
    }

    waitpid $pid, 0;
    $status = $? & 127 ? "signal $?" : $? >> 8;
    ($out, $err) = map { $t->read_file("clarityctl.$_") } qw(out err);

    return $status == 0 && grep({ $_ eq '--json' } @arguments)
        ? decode_json($out) : undef;
}

sub ids {
    my ($answer) = @_;

    return [ map { $_->{job_id} } @{ $answer->{jobs} } ];
}

sub start_job {
    my ($name, %context) = @_;

    return add_job($redis, context => context(grant_type => qq{"$name"},
        %context));
}

my @workers = (conf => { lease => '2s', concurrency => 8 }, workflows => {
    workflow('good', call_action('one', 'good')),
    workflow('bad', map { call_action($_, $_) } qw(first second third)),
    workflow('late', { id => 'rest', type => 'delay', delay => '1h' },
        call_action('end', 'end')),
    workflow('short', { id => 'rest', type => 'delay', delay => '20ms' },
        { id => 'tell', type => 'publish', channel => 'news',
            message => 'x' }),
    workflow('slow', call_action('hold', 'hold'), call_action('end', 'end')),
});

my $worker = $t->worker(@workers);

# Misuse.

for (['jobs', '--state', 'lost'], ['jobs', '--limit', '0'], ['retry'],
    ['retry', 'latest'], ['cancel'], ['job', 'latest', '--all-failed'],
    ['stats', '--state', 'failed'], ['retry', '--all-failed', '0-1-1'])
{
    ctl(@$_);
    is $status, 2, "'@$_' is misuse";
}

is_deeply ctl('--json', 'jobs'), { jobs => [], more => JSON::PP::false },
    'where nothing is, there are no jobs';

# Retry by hand.

$receiver->answer('/second', { status => 400 }, {});
my $id = start_job('both');
my $job = wait_for_job($redis, $id, 'failed');
is $job->{runs}{good}{state}, 'succeeded', 'one run has succeeded';
is $job->{runs}{bad}{state}, 'failed', 'another has failed';
is $job->{context}, context(grant_type => '"both"'), 'the context is kept';

my $jobs = ctl('--json', 'jobs', '--state', 'failed');
is_deeply ids($jobs), [$id], 'it is among the failed';
is $jobs->{jobs}[0]{reason}, 'workflow "bad": step "second": answered 400',
    'with its reason';
is ctl('--json', 'stats')->{failed}, 1, 'and counted';

is_deeply ctl('--json', 'retry', $id), { job_id => $id,
    retried => JSON::PP::true }, 'it is retried';
$job = wait_for_job($redis, $id, 'succeeded');
is_deeply { map { $_ => scalar $receiver->requests("/$_") }
    qw(good first second third) },
    { good => 1, first => 1, second => 2, third => 1 },
    'the failed run alone, from the step that failed';
my @second = map { $_->{headers}{'idempotency-key'} }
    $receiver->requests('/second');
is $second[0], $second[1], 'under the same key';
ok !exists $job->{context}, 'in the end the context is gone';
is_deeply ids(ctl('--json', 'jobs', '--state', 'failed')), [],
    'it is failed no more';

ctl('retry', $id);
is $status, 1, 'what has succeeded is not retried';
like $err, qr/\Q$id\E is succeeded, not failed/, 'and why is told';

# A step that has no answer.

wait_for_job($redis, my $short = start_job('short'), 'succeeded');
ctl('job', $short);
like $out, qr/^  rest  succeeded  \d+ ms$/m, 'how long a step took';
unlike $out, qr/ ,/, 'with a comma only between two things';

# With the workflow mended in between.

$receiver->answer('/first', { status => 400 }, {});
$id = start_job('bad');
wait_for_job($redis, $id, 'failed');
$worker->write_workflow('bad.json', {workflow('bad', map {
    call_action($_, "$_-mended") } qw(first second third))}->{'bad.json'});
$worker->signal('HUP');
wait_until { $worker->events('reloaded') } 5, 'the reload';
ctl('retry', $id);
like $out, qr/goes on/, 'for people too';
wait_for_job($redis, $id, 'succeeded');
is scalar($receiver->requests('/first-mended')), 1,
    'a retry by hand takes the workflow of now';

$receiver->answer('/second-mended', { status => 400 }, {});
$id = start_job('bad');
wait_for_job($redis, $id, 'failed');
$worker->write_workflow('bad.json', {workflow('bad', map {
    call_action($_, $_) } qw(zeroth first second))}->{'bad.json'});
$worker->signal('HUP');
wait_until { $worker->events('reloaded') == 2 } 5, 'the reload';
my $zeroth = $receiver->requests('/zeroth');
ctl('retry', $id);
wait_until { (job($redis, $id)->{reason} // '') =~ /do not come first/ } 5,
    'the job to fail again';
is scalar($receiver->requests('/zeroth')), $zeroth,
    'but does no step beside those that are done';

# All of them.

$receiver->answer('/zeroth', (map { { status => 400 } } 1 .. 250), {});
my @bad = map { start_job('bad') } 1 .. 250;
wait_for_job($redis, $_, 'failed', 20) for @bad;
$redis->command('DEL', hash_key($bad[0]));
my $answer = ctl('--json', 'retry', '--all-failed');
is $answer->{retried}, 250, 'all failed jobs are retried at once';
is $answer->{left}, 1, 'but one whose hash is gone';
wait_for_job($redis, $_, 'succeeded', 20) for @bad[ 1 .. 249 ];
pass 'they succeed';
wait_for_job($redis, $id, 'failed');

# Cancel one that is delayed.

$id = start_job('late');
wait_for_job($redis, $id, 'waiting');
$jobs = ctl('--json', 'jobs', '--state', 'waiting');
is_deeply ids($jobs), [$id], 'one that waits is listed';
like $jobs->{jobs}[0]{next_at}, qr/^20\d\d-.*Z$/, 'with its time';
ctl('job', $id);
like $out, qr/^  goes on\h+20\d\d-\S+Z, in \d+ min$/m, 'that people see too';

is_deeply ctl('--json', 'cancel', $id), { job_id => $id,
    state => 'cancelled' }, 'it is cancelled at once';
$job = ctl('--json', 'job', $id);
is $job->{state}, 'cancelled', 'the job';
is $job->{runs}[3]{state} // '', 'skipped', 'what was skipped stays so';
my ($late) = grep { $_->{workflow} eq 'late' } @{ $job->{runs} };
is $late->{state}, 'cancelled', 'its run is cancelled';
is_deeply [ map { $_->{state} } @{ $late->{steps} } ], [qw(skipped skipped)],
    'and its steps skipped';
is $redis->command('EXISTS', '{clarity:0}:delayed'), 0, 'nothing is delayed';
ok !exists job($redis, $id)->{context}, 'the context is gone';
ok $redis->command('PTTL', hash_key($id)) > 0, 'it is kept for a time';

ctl('cancel', $id);
is $status, 1, 'once';
like $err, qr/has ended: it is cancelled/, 'as it says';

# One that is delayed and of which a run has failed ends as failed.

my $reloads = $worker->events('reloaded');
my %mixed = (good => call_action('one', 'good'),
    bad => call_action('one', 'mixed-bad'),
    late => { id => 'rest', type => 'delay', delay => '1h' });
$worker->write_workflow("mixed-$_.json", { id => "mixed-$_",
    trigger => 'provision_entitlement', actions => [ $mixed{$_} ],
    conditions => { parameter => 'grant_type', equals => 'mixed' } })
    for keys %mixed;
$worker->signal('HUP');
wait_until { $worker->events('reloaded') > $reloads } 5, 'the reload';

$receiver->answer('/mixed-bad', { status => 400 }, {});
$id = start_job('mixed');
wait_for_job($redis, $id, 'waiting');
ctl('cancel', $id);
like $out, qr/is waiting, and will be cancelled when a worker gets it/,
    'one with a failed run will be';
$job = wait_for_job($redis, $id, 'failed');
is_deeply { map { $_ => $job->{runs}{"mixed-$_"}{state} } keys %mixed },
    { good => 'succeeded', bad => 'failed', late => 'cancelled' },
    'it has failed, as one of its runs has';
is ids(ctl('--json', 'jobs', '--state', 'failed'))->[0], $id,
    'and is listed so';
is $job->{context}, context(grant_type => '"mixed"'), 'with its context';
ctl('retry', $id);
is $status, 0, 'so it can be retried';
is wait_for_job($redis, $id, 'cancelled')->{runs}{'mixed-bad'}{state},
    'succeeded', 'but for what was cancelled';

# One that is running, between two steps.

$receiver->answer('/hold', { hold => 1 });
$id = start_job('slow');
$receiver->wait_for(1, 5, '/hold');
is_deeply ids(ctl('--json', 'jobs', '--state', 'running')), [$id],
    'one that runs is listed';
$answer = ctl('--json', 'cancel', $id);
ok $answer->{cancelling}, 'it will be cancelled';
$receiver->release;
$job = wait_for_job($redis, $id, 'cancelled');
is $job->{steps}{slow}{hold}{state}, 'succeeded',
    'the step that was under way has its result';
is $job->{runs}{slow}{state}, 'cancelled', 'the run ends after it';
is scalar($receiver->requests('/end')), 0, 'the next step is not begun';
is $job->{reason}, 'cancelled by hand', 'and why is told';
is_deeply +{ map { $_ => ctl('--json', 'job', $id)->{runs}[-1]{steps}[1]{$_} }
    qw(state attempt started_at ended_at) }, { state => 'skipped',
    attempt => 0, started_at => undef, ended_at => undef },
    'a step that was not begun was not begun once';

# One that is queued.

$worker->stop;
$id = start_job('good');
is_deeply ids(ctl('--json', 'jobs', '--state', 'queued')), [$id],
    'one that is queued is listed';
my $good = $receiver->requests('/good');
ctl('cancel', $id);
like $out, qr/is queued, and will be cancelled when a worker gets it/,
    'it will be cancelled too';
$worker->start;
is wait_for_job($redis, $id, 'cancelled', 10)->{reason}, 'cancelled by hand',
    'as soon as a worker gets it';
is scalar($receiver->requests('/good')), $good, 'and is not begun';

# One that is waiting for an attempt when it is promoted, or taken over: the
# wish is in its hash.

$receiver->answer('/hold', { hang => 1 });
$id = start_job('slow');
$receiver->wait_for(2, 5, '/hold');
$worker->kill;
ctl('cancel', $id);
$worker->start;
$job = wait_for_job($redis, $id, 'cancelled', 10);
is $job->{steps}{slow}{hold}{state}, 'skipped',
    'a job whose worker died is cancelled by the next one';

# Erase.

ctl('erase', $id);
is $status, 0, 'a job that has ended is erased';
is $redis->command('EXISTS', hash_key($id)), 0, 'its hash is gone';
is_deeply $redis->command('XRANGE', stream_key(), substr($id, 2),
    substr($id, 2)), [], 'and its entry';
ctl('erase', $id);
is $status, 1, 'once';

$receiver->answer('/second', { status => 400, body => '{"who":"me"}' });
$id = start_job('late');
wait_for_job($redis, $id, 'waiting');
ctl('erase', $id);
is $status, 1, 'one that has not ended is not';
like $err, qr/has not ended: cancel it first/, 'and what to do is told';

my $erased = (ids(ctl('--json', 'jobs', '--state', 'failed')))->[0];
ctl('erase', $erased);
ctl('retry', $erased);
is $status, 1, 'what is erased is not there to be retried';
is_deeply ids(ctl('--json', 'jobs', '--state', 'failed')), [],
    'nor to be seen';

wait_for_job($redis, start_job('good'), 'succeeded');
pass 'the stream works on';

# All of them, or some.

$jobs = ctl('--json', 'jobs', '--limit', '5');
is scalar(@{ $jobs->{jobs} }), 5, 'so many as wanted';
ok $jobs->{more}, 'there are more';
my @sorted = sort { $b cmp $a } @{ ids($jobs) };
is_deeply ids($jobs), \@sorted, 'the newest first';
$jobs = ctl('--json', 'jobs', '--limit', '1000');
ok !$jobs->{more}, 'or all';
my %states;
$states{ $_->{state} }++ for @{ $jobs->{jobs} };
is_deeply \%states, { succeeded => 1 + 1 + 1 + 249 + 1, cancelled => 4,
    waiting => 1 }, 'in all their states';
ctl('jobs', '--state', 'cancelled');
is scalar(() = $out =~ /^0-\S+\h+cancelled\h+provision_entitlement/gm), 4,
    'for people too';

$t->done;
