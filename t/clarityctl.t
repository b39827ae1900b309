# What clarityctl says of jobs, and of the webhooks made at run time.

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
    run($t->valgrind($t->dir), $t->build . '/clarityctl', @arguments);
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
is_deeply decode_json($out), { queued => 0, oldest_queued_ms => undef,
    running => 0, waiting => 0, failed => 0, consumers => 0,
    length => 0 }, 'nothing is to be counted';

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
is $stats->{queued}, 1, 'it is counted, before there is a group';
ok $stats->{oldest_queued_ms} < 60_000, 'and so is its age';

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
is $stats->{running}, 1, 'one is in hand';
is $stats->{queued}, 1, 'one waits for a free slot';
is $stats->{consumers}, 1, 'one worker is there';

ctl('stats');
is $status, 0, 'for people too';
like $out, qr/^queued \s+ 1, \h the \h oldest \h for \h \d/mx,
    'with the age of the oldest';
like $out, qr/^consumers \s+ 1, \h without \h workers \h that \h had \h no \h job/mx,
    'and with what consumers are';

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

# The webhooks made at run time.

my $webhooks = '{clarity}:webhooks';

sub record {
    my ($letter, %change) = @_;

    my $id = 'wh_' . $letter x 20;
    my $token = { id => 'tk_' . $letter x 12, sealed => 'v1.k1.c2VhbGVk',
        created_at => 1_732_000_000_123, expires_at => undef };

    $redis->command('HSET', $webhooks, "id:$id", encode_json({ id => $id,
        method => 'POST', trigger => 'provision_entitlement', order => 'strict',
        active => JSON::PP::true(), unknown => 'reject', idempotency => undef,
        status => 202, created_at => 1_732_000_000_123,
        updated_at => 1_732_000_100_456, revision => 3, tokens => [$token],
        %change }));

    return $id;
}

ctl('webhooks');
is $status, 0, 'that there are no webhooks is an answer';
like $out, qr/^No webhook .* run time/, 'that says so';
like $out, qr/^Those of nginx\.conf are not in this list/m,
    'and what it does not know of';
ctl('--json', 'webhooks');
is_deeply decode_json($out), { webhooks => [] }, 'in JSON too';

my $zeta = record('a', endpoint => 'zeta', method => 'DELETE');
my $put = record('b', endpoint => 'alpha/one', method => 'PUT',
    active => JSON::PP::false(), trigger => 'identity_modified',
    order => 'any', unknown => 'drop', status => 200, tokens => [
        { id => 'tk_cccccccccccc', sealed => 'v1.k2.c2VhbGVk',
            created_at => 1_732_000_090_000, expires_at => undef },
        { id => 'tk_bbbbbbbbbbbb', sealed => 'v1.k1.c2VhbGVk',
            created_at => 1_732_000_000_123,
            expires_at => 1_732_000_186_400 } ]);
my $post = record('c', endpoint => 'alpha/one');

$redis->command('HSET', $webhooks, 'revision', 3, 'at:DELETE zeta', $zeta);

ctl('webhooks');
is $status, 0, 'the webhooks are listed';
is $out, <<"END", 'by endpoint and method';
POST    alpha/one  provision_entitlement  on   1 token   $post  updated 2024-11-19T07:08:20.456Z
PUT     alpha/one  identity_modified      off  2 tokens  $put  updated 2024-11-19T07:08:20.456Z
DELETE  zeta       provision_entitlement  on   1 token   $zeta  updated 2024-11-19T07:08:20.456Z
Those of nginx.conf are not in this list: they are not in Redis.
END

ctl('webhooks', '--json');
my $list = decode_json($out);
is_deeply [ map { $_->{id} } @{ $list->{webhooks} } ], [ $post, $put, $zeta ],
    'in JSON in the same order';
is_deeply $list->{webhooks}[1], { id => $put, method => 'PUT',
    endpoint => 'alpha/one', trigger => 'identity_modified',
    active => JSON::PP::false(), status => 200, order => 'any',
    unknown => 'drop', created_at => '2024-11-19T07:06:40.123Z',
    updated_at => '2024-11-19T07:08:20.456Z', tokens => [
        { id => 'tk_cccccccccccc', created_at => '2024-11-19T07:08:10.000Z',
            expires_at => undef },
        { id => 'tk_bbbbbbbbbbbb', created_at => '2024-11-19T07:06:40.123Z',
            expires_at => '2024-11-19T07:09:46.400Z' } ] },
    'with all that there is but what is sealed';
is_deeply [ keys %$list ], ['webhooks'], 'and nothing else';

$redis->command('HSET', $webhooks, "id:wh_\e[31m", '{"id":1}', 'id:', '');
ctl('webhooks');
is $status, 1, 'one that cannot be read is a fault';
like $err, qr/^clarityctl: 2 of 5 webhooks cannot be read/, 'that is told';
is scalar(() = $out =~ /^(?:POST|PUT|DELETE) /mg), 3, 'and hides no other';
like $out, qr/^wh_\?\[31m  cannot be read: record:1: /m, 'and says why';
ctl('--json', 'webhooks');
is $status, 1, 'in JSON too';
$list = decode_json($out);
is scalar(@{ $list->{webhooks} }), 3, 'nor in JSON';
is_deeply [ sort map { $_->{id} } @{ $list->{unreadable} } ], [ '', "wh_\e[31m" ],
    'which has those that cannot be read apart';

$redis->command('HDEL', $webhooks, "id:wh_\e[31m", 'id:');
$redis->command('HSET', $webhooks, 'id:wh_' . 'd' x 20,
    $redis->command('HGET', $webhooks, "id:$post"));
ctl('webhooks');
like $out, qr/^wh_d+  cannot be read: the record is of the id $post$/m,
    'nor does a record under the id of another';

$redis->command('HDEL', $webhooks, 'id:wh_' . 'd' x 20);
my $long = record('e', endpoint => 'long/' x 30 . 'x', method => 'PATCH',
    trigger => 'long_' x 12);
ctl('webhooks');
is $status, 0, 'long names are listed';
like $out, qr/^POST    alpha\/one  provision_entitlement  on   1 token /m,
    'and make no other row longer';
like $out, qr{^PATCH   (?:long/){30}x  (?:long_){12}  on   1 token   $long  }m,
    'than their own';

ctl('--prefix', 'other', '--json', 'webhooks');
is_deeply decode_json($out), { webhooks => [] }, 'another prefix has its own';

$redis->command('SET', '{other}:webhooks', 1);
ctl('--prefix', 'other', 'webhooks');
is $status, 1, 'a key that is something else is a no';
like $err, qr/WRONGTYPE/, 'that says why';

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
    ['webhooks', 'x'],
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
