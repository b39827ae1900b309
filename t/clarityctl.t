# What clarityctl says of jobs.

use Clarity::Test;
use Clarity::Jobs;

my $t = Clarity::Test->new;
my $redis = $t->redis;
my $receiver = $t->receiver;

my ($out, $err, $status);

# Runs it with the test's Redis, from the environment.

sub ctl {
    my (@arguments) = @_;

    local $ENV{CLARITY_REDIS_URL} = $redis->url;
    run($t->build . '/clarityctl', @arguments);
}

sub run {
    my (@command) = @_;

    my ($stdout, $stderr) = map { $t->dir . "/clarityctl.$_" } qw(out err);

    my $pid = fork // die "fork: $!";
    if (!$pid) {
        open STDOUT, '>', $stdout;
        open STDERR, '>', $stderr;
        exec @command or POSIX::_exit(127);
    }

    waitpid $pid, 0;
    $status = $? & 127 ? "signal $?" : $? >> 8;
    ($out, $err) = map { $t->read_file("clarityctl.$_") } qw(out err);
}

# Before anything is there.

ctl('job', 'latest');
is $status, 1, 'without any job there is no latest one';
like $err, qr/there has been no job yet in Redis at unix:/, 'and it says so';

ctl('--json', 'stats');
is_deeply decode_json($out), { waiting => 0, oldest_waiting_ms => undef,
    in_hand => 0, consumers => 0, length => 0 }, 'nothing is to be counted';

# A job that no worker has seen.

my $id = add_job($redis, received => 1_732_000_000_123);

ctl('--json', 'job', $id);
is $status, 0, 'a job that waits is found';
is_deeply decode_json($out), { job_id => $id,
    trigger => 'provision_entitlement', webhook => 'POST /hook',
    state => 'queued', reason => undef,
    received_at => '2024-11-19T07:06:40.123Z', runs => [] }, 'it is queued';

ctl('stats', '--json');
my $stats = decode_json($out);
is $stats->{waiting}, 1, 'it is counted, before there is a group';
ok $stats->{oldest_waiting_ms} < 60_000, 'and so is its age';

# One in hand, and one that is done.

my $workflow = {
    id => 'grant',
    trigger => 'provision_entitlement',
    actions => [
        { id => 'one', type => 'http_request', method => 'GET',
            url => '%%RECEIVER%%/one' },
        { id => 'two', type => 'http_request', method => 'GET',
            url => '%%RECEIVER%%/two', retry => { attempts => 1 } },
        { id => 'three', type => 'http_request', method => 'GET',
            url => '%%RECEIVER%%/three' },
    ],
};

$receiver->answer('/two', { status => 503, delay => 4 },
    { status => 404 });

my $worker = $t->worker(workflows => { 'grant.json' => $workflow },
    conf => { concurrency => 1 });

$receiver->wait_for(1, 5, '/two');
my $second = add_job($redis);

ctl('--json', 'job', $id);
my $job = decode_json($out);
is $job->{state}, 'running', 'a job in hand is running';
is $job->{runs}[0]{workflow}, 'grant', 'with its run';
is_deeply [ map { "$_->{id} $_->{state}" } @{ $job->{runs}[0]{steps} } ],
    [ 'one succeeded', 'two running', 'three pending' ],
    'and its steps in their order';

ctl('--json', 'stats');
$stats = decode_json($out);
is $stats->{in_hand}, 1, 'one is in hand';
is $stats->{waiting}, 1, 'one waits for a free slot';
is $stats->{consumers}, 1, 'one worker is there';

ctl('stats');
is $status, 0, 'for people too';
like $out, qr/^waiting \s+ 1, \h the \h oldest \h for \h \d/mx,
    'with the age of the oldest';

ctl('--json', 'job', $second);
is decode_json($out)->{state}, 'queued', 'the second one is still queued';

wait_for_job($redis, $second, 'failed', 10);

ctl('--json', 'job', 'latest');
$job = decode_json($out);
is $job->{job_id}, $second, 'the latest job is the second';
is $job->{state}, 'failed', 'it failed';
is $job->{reason}, 'workflow "grant": step "two": answered 404', 'and says why';
is_deeply [ map { "$_->{id} $_->{state}" } @{ $job->{runs}[0]{steps} } ],
    [ 'one succeeded', 'two failed', 'three skipped' ],
    'what comes after a failed step is skipped';
like $job->{runs}[0]{steps}[0]{started_at}, qr/^20\d\d-\d\d-\d\dT.*\.\d{3}Z$/,
    'times are of RFC 3339';
is $job->{runs}[0]{steps}[1]{status}, 404, 'the answer\'s status is there';
is $job->{runs}[0]{steps}[1]{attempt}, 1, 'and the attempt';

ctl('job', $second);
unlike $out, qr/\h$/m, 'no line ends in blanks';
like $out, qr/^job \Q$second\E  failed$/m, 'people get the same';
like $out, qr/^  two    failed     answered 404(?:, \d+ ms)?$/m, 'in short';
unlike $out, qr/\e/, 'without colours where there is no terminal';

# What is not there.

ctl('job', '0-1732000000000-0');
is $status, 1, 'a job that is not there is a no';
like $err, qr/no job 0-1732000000000-0 in Redis at unix:.*\Q{clarity:0}\E:job:/,
    'that says where it was looked for';
is $out, '', 'and nothing is on standard output';

ctl('--prefix', 'other', 'job', $second);
is $status, 1, 'nor is it under another prefix';

# From a worker's configuration.

run($t->build . '/clarityctl', '-c', $worker->{file}, '--json', 'job',
    $second);
is decode_json($out)->{state}, 'failed', '-c takes a worker\'s configuration';

# The names in Redis are anybody's.

$redis->command('HSET', hash_key($second), 'webhook', "a\e[31m\x9b\xc2\x9b",
    'trigger', "\xff");
ctl('job', $second);
unlike $out, qr/[\e\x9b\xff]/, 'no name steers the terminal';
ctl('--json', 'job', $second);
ok eval { decode_json($out) }, 'nor breaks the JSON';

# Misuse, and no Redis.

for my $wrong ([], ['job'], ['job', '1-2'], ['job', '../x'], ['stats', 'x'],
    ['jobb'], ['--jsn', 'stats'], ['job', $id, $id])
{
    ctl(@$wrong);
    is $status, 2, "misused: clarityctl @$wrong";
    like $err, qr/usage: clarityctl/, 'shows how it is used';
}

$redis->stop;
ctl('stats');
is $status, 1, 'without Redis nothing can be said';
like $err, qr/cannot reach Redis at unix:.*is it running\? \(CLARITY_REDIS_URL\)/,
    'and it says how to mend that';

$t->expect_log(qr/redis_lost/);
$t->done;
