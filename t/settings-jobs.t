#!/usr/bin/perl

# Jobs by the API of the settings page: which there are, in their states and
# page by page; one of them as clarityctl shows it; and its retry.

use Clarity::Jobs qw(:DEFAULT call_action workflow);
use Clarity::Settings;
use Clarity::Test;

my $t = Clarity::Test->new;
my $redis = $t->redis;
my $receiver = $t->receiver;
my $settings = Clarity::Settings->new($t);
my $nginx = $settings->nginx(workers => 1);

$settings->wait_loaded;


sub ids { return [ map { $_->{job_id} } @{ $_[0]{jobs} } ] }

sub jobs {
    my ($query) = @_;

    my ($status, $body) = $settings->api('GET', "jobs$query");

    is $status, 200, "jobs$query: 200";
    return $body;
}

sub is_refused {
    my ($method, $path, $status, $code, $what, @rest) = @_;

    my ($got, $problem, $answer) = $settings->api($method, $path, @rest);

    is $got, $status, "$what: $status";
    is $answer->header('content-type'), 'application/problem+json',
        'as problem+json';
    is $problem->{code}, $code, "that is $code";
    return $problem;
}

# All pages: ids, and how many pages there were.

sub pages {
    my ($query) = @_;

    my ($page, @ids, $pages, %seen);

    do {
        my $after = $page ? "&after=$page->{next}" : '';
        die "$query goes round in a ring\n" if $page && $seen{$page->{next}}++;

        (my $status, $page) = $settings->api('GET', "jobs?$query$after");
        die "jobs?$query$after: $status\n" if $status != 200;

        push @ids, @{ ids($page) };
        $pages++;
    } while ($page->{next});

    return (\@ids, $pages);
}


# Where nothing is: there is neither a stream nor a group.

for my $state ('', qw(queued running waiting succeeded failed cancelled)) {
    is_deeply jobs($state && "?state=$state"),
        { jobs => [], next => undef },
        "no jobs" . ($state && " that are $state");
}


# Queued: no worker is there yet.

my @queued = map { add_job($redis, received => 1732000000000 + $_,
    context => context(creator_id => '"secret"')) } 1 .. 5;

is_deeply jobs('?state=queued'), { next => undef, jobs => [ map { {
    job_id => $queued[$_ - 1], trigger => 'provision_entitlement',
    webhook => 'POST /hook', state => 'queued', reason => undef,
    received_at => "2024-11-19T07:06:40.00${_}Z", next_at => undef,
} } reverse 1 .. 5 ] }, 'those that are queued, the newest first';
is_deeply ids(jobs('')), [ reverse @queued ], 'they are among all';

my ($status, undef, $answer) = $settings->api('GET', 'jobs');
unlike $answer->body, qr/secret/, 'without their contexts';

is_deeply [ pages('state=queued&limit=2') ], [ [ reverse @queued ], 3 ],
    'in three pages of two';
is_deeply [ pages('limit=2') ], [ [ reverse @queued ], 3 ], 'so all';
is_deeply [ pages('limit=5') ], [ [ reverse @queued ], 1 ],
    'a page that holds all is the only one';

my $page = jobs('?state=queued&limit=2');
my $newer = add_job($redis);
is_deeply ids(jobs("?state=queued&limit=2&after=$page->{next}")),
    [ @queued[2, 1] ], 'a job that comes meanwhile moves no page';
is_deeply ids(jobs('?state=queued&limit=1')), [$newer], 'and is the first';

# Context of megabytes: a page is cut short, and the next one goes on.

$redis->command('FLUSHALL');
my @long = map { add_job($redis, context => context(
    meta => '"' . 'x' x 1_000_000 . '"')) } 1 .. 12;
my ($long, $pages) = pages('state=queued');
is_deeply $long, [ reverse @long ], 'long contexts: all jobs are listed';
cmp_ok $pages, '>', 1, 'but not in one go';
($long, $pages) = pages('limit=50');
is_deeply $long, [ reverse @long ], 'so in the list of all';
$redis->command('FLUSHALL');


# What is no query, no id, no method.

for my $query ('state=lost', 'state=skipped', 'state=pending', 'limit=0',
    'limit=201', 'limit=x', 'after=', 'after=x', 'after=1-1',
    'after=1-1.0-1', 'after=1-1.x', 'after=01-1.0-1-1',
    'after=1-1.256-1-1', 'after=%22%0D%0A', 'state=waiting&after=1-1.0-1-1',
    'state=waiting&after=18446744073709551616.0-1-1',
    'after=1-1.0-1-1%00', 'state=failed%00')
{
    is_refused('GET', "jobs?$query", 422, 'invalid', $query);
}

for my $id ('0', '0-1', '0-1-1', '0-01-1', '1-1732000000000-0',
    '255-1732000000000-0', '0-18446744073709551616-0', 'x', '%2e%2e', '*',
    '0-1732000000000-0%20', '%7Bclarity%7D:webhooks',
    'x' x 2000, '%ff%fe', "'%20OR%201", 'conf:POST%20%2Fhook')
{
    is_refused('GET', "jobs/$id", 404, 'job_not_found',
        substr $id, 0, 30);
    is_refused('POST', "jobs/$id/retry", 404, 'job_not_found',
        'a retry of ' . substr($id, 0, 30), {});
}

is_refused('GET', 'jobs/0-1-1/retry', 405, 'method_not_allowed',
    'GET of a retry');
is_refused('POST', 'jobs', 405, 'method_not_allowed', 'POST of a list', {});
is_refused('DELETE', 'jobs/0-1-1', 405, 'method_not_allowed',
    'DELETE of a job');
is_refused('GET', 'jobs/0-1-1/runs', 404, 'not_found', 'another address');
is_refused('GET', 'jobs/', 404, 'not_found', 'no id at all');


# A worker: jobs of all states.

sub start_job {
    my ($name, @more) = @_;

    return add_job($redis, context => context(grant_type => qq{"$name"}),
        @more);
}

my $worker = $t->worker(conf => { concurrency => 4 }, workflows => {
    workflow('good', call_action('one', 'good')),
    workflow('bad', map { call_action($_, $_) } qw(first second third)),
    workflow('late', { id => 'rest', type => 'delay', delay => '1h' }),
    workflow('slow', call_action('hold', 'hold', timeout => '60s')),
});

sub ctl {
    local $ENV{CLARITY_REDIS_URL} = $redis->url;

    open my $out, '-|', $t->build . '/clarityctl', '--json', @_
        or die "clarityctl: $!";
    my $text = join '', <$out>;
    close $out or die "clarityctl @_: status $?\n";

    return decode_json($text);
}

$receiver->answer('/second', { status => 400, body => '{"pin":"4711"}' });
$receiver->answer('/hold', { hold => 1 });

my %of;
$of{succeeded} = start_job('good');
$of{failed} = start_job('both');
$of{waiting} = start_job('late');
wait_for_job($redis, $of{$_}, $_) for keys %of;

$of{cancelled} = start_job('late');
wait_for_job($redis, $of{cancelled}, 'waiting');
ctl('cancel', $of{cancelled});

my @held = map { start_job('slow') } 1 .. 4;
wait_for_job($redis, $_, 'running') for @held;

# It still has one question open, which the next job answers. What comes after
# that stays queued.
$worker->pause;
push @held, start_job('good');
$of{queued} = start_job('good');

for my $state (qw(queued succeeded failed waiting cancelled)) {
    my $list = jobs("?state=$state");

    is_deeply ids($list), [$of{$state}], "the one that is $state";
    is $list->{jobs}[0]{state}, $state, 'which says so';
    is $list->{jobs}[0]{trigger}, 'provision_entitlement', 'with its trigger';
    is $list->{jobs}[0]{webhook}, 'POST /hook', 'and its webhook';

    my ($code, $job) = $settings->api('GET', "jobs/$of{$state}");
    is $code, 200, 'it can be looked at';
    is_deeply $job, ctl('job', $of{$state}), 'just as clarityctl shows it';
}

is_deeply ids(jobs('?state=running')), \@held,
    'those that run, the longest running first';
is_deeply [ pages('state=running&limit=1') ], [ \@held, 5 ], 'one by one';
is jobs('?state=failed')->{jobs}[0]{reason},
    'workflow "bad": step "second": answered 400', 'a reason';
like jobs('?state=waiting')->{jobs}[0]{next_at}, qr/^\d{4}-.*Z$/,
    'when one that waits goes on';

my @all = reverse $of{succeeded}, $of{failed}, $of{waiting}, $of{cancelled},
    @held, $of{queued};
is_deeply ids(jobs('')), \@all, 'all, the newest first, each once';
is_deeply [ pages('limit=2') ], [ \@all, 5 ], 'in pages too';
is_deeply [ pages('limit=1') ], [ \@all, 10 ], 'of one as well';
is jobs('')->{jobs}[1]{state}, 'running', 'each in its state';

$answer = ($settings->api('GET', "jobs/$of{failed}"))[2];
unlike $answer->body, qr/4711|INC|grant_type/,
    'no answer and no context is shown';

($status, undef, $answer) = $settings->api('HEAD', 'jobs');
is $status, 200, 'HEAD too';


# A retry: who may not.

my $path = "jobs/$of{failed}/retry";

for my $type ('application/x-www-form-urlencoded', 'text/plain', '') {
    is $nginx->request('POST', "/settings/api/$path", body => '',
        type => $type)->status, 415, "of $type: 415";
}

is $nginx->request('POST', "/settings/api/$path", body => '{}',
    type => undef)->status, 415, 'of no type, but something: 415';

for my $header ('Origin: https://evil.example', 'Sec-Fetch-Site: cross-site',
    'Sec-Fetch-Site: same-site', 'Origin: null')
{
    is_refused('POST', $path, 403, 'cross_origin', $header, {}, $header);
}

is_refused('GET', 'jobs', 403, 'cross_origin', 'nor looked at', undef,
    'Sec-Fetch-Site: cross-site');

is_refused('POST', $path, 400, 'json_invalid', 'no JSON', '{');
is_refused('POST', $path, 422, 'invalid', 'a member', { all => \1 });
is_refused('POST', $path, 422, 'invalid', 'a list', '[]');

for my $state (qw(succeeded waiting cancelled queued)) {
    like is_refused('POST', "jobs/$of{$state}/retry", 409, 'job_not_failed',
        "of one that is $state", {})->{detail}, qr/is $state, not failed/,
        'and that is said';
}

is_refused('POST', "jobs/$held[0]/retry", 409, 'job_not_failed',
    'of one that is running', {});

is scalar($receiver->requests('/second')), 1, 'nothing has been retried';
is $redis->command('EXISTS', '{clarity}:audit'), 0,
    'and nobody is said to have done so';


# A retry: the failed run alone, from the step that failed.

$receiver->answer('/second', {});
my $retried = $nginx->request('POST', "/settings/api/$path", body => '',
    type => undef);
is $retried->status, 200, 'a failed job is retried, by curl -X POST alone';
is_deeply decode_json($retried->body), { job_id => $of{failed}, retried => \1 }, 'and that is said';
is_refused('POST', $path, 409, 'job_not_failed', 'not twice', {});

my ($entry) = @{ $redis->command('XRANGE', '{clarity}:audit', '-', '+') };
my %audit = @{ $entry->[1] };
like delete $audit{time}, qr/^\d{13}$/, 'it is written down when';
is_deeply \%audit, { action => 'retry', job => $of{failed}, user => '-',
    addr => '127.0.0.1' }, 'what, by whom and from where';

is_deeply ids(jobs('?state=failed')), [], 'it is among the failed no more';
is_deeply ids(jobs('?state=queued')), [ @of{qw(failed queued)} ],
    'but the last that came to the queue';
is jobs('?state=queued')->{jobs}[0]{received_at} =~ /Z$/, 1,
    'with all that is known of it';

$worker->resume;
$receiver->answer('/hold', {});
$receiver->release;
wait_for_job($redis, $of{failed}, 'succeeded', 10);
wait_for_job($redis, $_, 'succeeded') for @held, $of{queued};

is_deeply { map { $_ => scalar $receiver->requests("/$_") }
    qw(first second third) }, { first => 1, second => 2, third => 1 },
    'the failed step once more, the one before it not';
my @keys = map { $_->{headers}{'idempotency-key'} }
    $receiver->requests('/second');
is $keys[0], $keys[1], 'under the same key';
is scalar($receiver->requests('/good')), 4, 'what had succeeded stays';
is_deeply ids(jobs('?state=running')), [], 'nothing runs any more';
is_deeply ids(jobs('?state=succeeded')),
    [ grep { $_ ne $of{waiting} && $_ ne $of{cancelled} } @all ],
    'all that succeeded, the newest first';

# No body at all is a retry too; with no context there is nothing to retry.

$receiver->answer('/second', { status => 400 }, {});
my $again = start_job('bad');
wait_for_job($redis, $again, 'failed');
is +($settings->api('POST', "jobs/$again/retry", ''))[0], 200,
    'a retry needs no body';
wait_for_job($redis, $again, 'succeeded');

$receiver->answer('/second', { status => 400 });
$again = start_job('bad');
wait_for_job($redis, $again, 'failed');
$redis->command('HDEL', hash_key($again), 'context');
is_refused('POST', "jobs/$again/retry", 409, 'context_erased',
    'without its context', {});

$redis->command('HSET', hash_key($again), 'run:bad', 'no record');
is_refused('GET', "jobs/$again", 500, 'record_unreadable',
    'what is no record', undef);
is_refused('POST', "jobs/$again/retry", 500, 'record_unreadable',
    'nor retried', {});
is_deeply ids(jobs('?state=failed')), [$again], 'but listed';
$t->expect_log(qr/what Redis holds of the runs of job/);

# A job that was forgotten is in no list.

$redis->command('DEL', hash_key($again));
is_deeply ids(jobs('?state=failed')), [], 'one whose time is over is not';
ok !grep({ $_ eq $again } @{ ids(jobs('')) }), 'nor among all';
is_refused('GET', "jobs/$again", 404, 'job_not_found', 'nor found', undef);

$worker->stop;


# Two who retry at once: one does.

my $raced = add_job($redis);
$redis->command('HSET', hash_key($raced), qw(state failed failed 1-1 trigger
    provision_entitlement webhook w received 1 request r context {}));
my @http = map { $nginx->connect } 1 .. 8;
$_->write(Clarity::Nginx::request_text('POST',
    "/settings/api/jobs/$raced/retry", body => '{}')) for @http;
my %said;
$said{$_->read->status}++ for @http;
is_deeply \%said, { 200 => 1, 409 => 7 }, 'of eight at once one retries';


# Many due at one moment, over pages.

$redis->command('FLUSHALL');
for my $n (1 .. 30) {
    my $id = "0-1732000000000-$n";

    $redis->command('HSET', hash_key($id), qw(state waiting trigger t webhook
        w received 1732000000000));
    $redis->command('ZADD', '{clarity:0}:delayed', $n > 25 ? 9 : 7, $id);
}

my ($ids, $n) = pages('state=waiting&limit=7');
is_deeply [ sort @$ids ], [ sort map { "0-1732000000000-$_" } 1 .. 30 ],
    'many that are due at one moment: each once';
is $n, 5, 'in five pages';
is_deeply [ sort @$ids[-5 .. -1] ],
    [ map { "0-1732000000000-$_" } 26 .. 30 ], 'those due last stand last';

$page = jobs('?state=waiting&limit=7');
$redis->command('ZREM', '{clarity:0}:delayed', $page->{jobs}[6]{job_id});
my %rest = map { $_ => 1 } @{ ids(jobs(
    "?state=waiting&limit=200&after=$page->{next}")) };
is scalar(grep { $rest{$_} } @{ ids(jobs('?state=waiting&limit=200')) }[6 ..
    28]), 23, 'where the last of a page has left, none is missed';


# 10,000 jobs in the stream and as many that have ended: what a page costs.

$redis->command('FLUSHALL');
$redis->command('XGROUP', 'CREATE', stream_key(), 'workers', '0', 'MKSTREAM');
$redis->command('EVAL', <<'EOF', 0);
for i = 1, 10000 do
  redis.call('XADD', '{clarity:0}:jobs', '17320000' .. 100000 + i .. '-0',
    'trigger', 't', 'webhook', 'w', 'context', '{}', 'received', '1',
    'request', 'r')
  redis.call('HSET', '{clarity:0}:job:0-17310000' .. 100000 + i .. '-0',
    'state', i == 1 and 'cancelled' or 'succeeded', 'trigger', 't')
  redis.call('ZADD', '{clarity:0}:recent', 0, '00000017310000' .. 100000 + i
    .. '-00000000000000000000')
end
EOF
$redis->command('CONFIG', 'SET', 'slowlog-log-slower-than', '0');


# Commands that Redis has run for it, those of scripts too.

sub cost {
    my ($query) = @_;

    $redis->command('CONFIG', 'RESETSTAT');
    my $list = jobs($query);
    my $all = 0;

    $all += $_ for $redis->command('INFO', 'commandstats') =~
        /^cmdstat_\S+:calls=(\d+)/gm;

    return ($list, $all);
}

for my $state ('', qw(queued running waiting failed succeeded)) {
    my ($list, $cost) = cost($state && "?state=$state");

    note $state || 'all', ": $cost commands";
    cmp_ok $cost, '<', 180, ($state || 'all') . ': a page takes few commands';
}

my ($list, $cost) = cost('?state=cancelled');
note "cancelled: $cost commands";
cmp_ok $cost, '<', 560, 'one among thousands: no more is looked at at a time';
is_deeply $list->{jobs}, [], 'which has not found it yet';
ok $list->{next}, 'but can be gone on with';
is_deeply [ pages('state=cancelled') ], [ ['0-17310000100001-0'], 20 ],
    'until it is found';

my @sum = pages('limit=200');
is scalar(@{ $sum[0] }), 20_000, 'all of them, page by page';
my %once = map { $_ => 1 } @{ $sum[0] };
is scalar(keys %once), 20_000, 'each once';

my @names = map { lc $_->[3][0] } @{ $redis->command('SLOWLOG', 'GET', -1) };
ok !grep({ /^(?:scan|keys|hscan|zscan|sort)$/ } @names),
    'no keys are searched for';


# Redis answers badly, slowly, not at all.

$redis->command('SET', '{clarity:0}:recent', 'no set');
is_refused('GET', 'jobs?state=succeeded', 503, 'queue_unavailable',
    'a key of another kind');
$redis->command('DEL', '{clarity:0}:recent');
$t->expect_log(qr/Redis cannot be read/);

$redis->pause;
is_refused('GET', 'jobs', 503, 'queue_unavailable', 'Redis is stopped');
$redis->resume;
wait_until { ($settings->api('GET', 'jobs'))[0] == 200 } 5, 'Redis again';

$redis->kill;
wait_until { ($settings->api('GET', 'jobs'))[0] == 503 } 5, 'Redis gone';
for (['GET', 'jobs'], ['GET', 'jobs/0-1732000000000-0'],
    ['POST', 'jobs/0-1732000000000-0/retry', {}])
{
    my ($method, $address, @rest) = @$_;

    is_refused($method, $address, 503, 'queue_unavailable',
        "$method $address with Redis away", @rest);
}

$t->done;
