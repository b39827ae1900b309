#!/usr/bin/perl

# clarity_jobs: a job's state for whoever holds a token of its webhook, the
# same as clarityctl tells; to all others there is no such job.

use Clarity::Test;
use Clarity::Jobs;

my $t = Clarity::Test->new;
my $redis = $t->redis;
my $receiver = $t->receiver;

$t->write_file('token.key', 'k1:' . 'A' x 43 . "=\n");
chmod 0600, $t->dir . '/token.key';

my $nginx = $t->nginx(http => <<'EOF', server => <<'EOF2');
    clarity_token_key_file %%DIR%%/token.key;
    clarity_jobs_uri       /jobs/;
    clarity_redis_timeout  500ms;
    map $http_x_tenant $tenant_token { acme acme-token; }
EOF
        error_page 404 /problem;
        location = /problem { internal; clarity_problem; }

        location = /hook {
            clarity_webhook       provision_entitlement;
            clarity_webhook_token secret;
            clarity_webhook_token secret-too;
        }

        location = /other {
            clarity_webhook       provision_entitlement;
            clarity_webhook_token other;
        }

        location = /tenant {
            clarity_webhook       provision_entitlement name=tenants;
            clarity_webhook_token $tenant_token;
        }

        location = /elsewhere {
            clarity_webhook       provision_entitlement;
            clarity_webhook_token elsewhere;
            clarity_jobs_uri      https://example.com/jobs/;
        }

        location /webhooks/ { clarity_webhooks; }
        location /api/ { clarity_settings_api; }

        location /jobs/ {
            clarity_jobs;
            if ($http_x_special) { set $special 1; }
        }
EOF2

my $answer = $nginx->post('/hook', context(), token => 'secret');
my $id = $answer->json->{job_id};

is $answer->header('location'), "/jobs/$id",
    'an accepted request is told where its job can be looked at';
is $nginx->post('/elsewhere', context(), token => 'elsewhere')
    ->header('location') =~ s/0-\d+-\d+//r, 'https://example.com/jobs/',
    'at another server too';


# (the job as nginx tells it, the same by clarityctl).

sub looks {
    my ($id) = @_;

    my $answer = $nginx->get("/jobs/$id", token => 'secret');

    is $answer->status, 200, 'the job is there';
    is $answer->header('content-type'), 'application/json', 'in JSON';
    is $answer->header('cache-control'), 'no-store', 'for now';

    local $ENV{CLARITY_REDIS_URL} = $redis->url;
    my $told = decode_json(scalar `@{[ $t->build ]}/clarityctl --json job $id`);

    return ($answer->json, $told);
}

my ($job, $told) = looks($id);
my $received = delete $job->{received_at};
like $received, qr/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/, 'since then';
is $received, delete $told->{received_at}, 'as clarityctl has it';
is_deeply $job, { job_id => $id, trigger => 'provision_entitlement',
    webhook => 'POST /hook', state => 'queued', reason => undef, runs => [] },
    'a queued job';
is_deeply $told, $job, 'as clarityctl has it';

is $nginx->get("/jobs/$id", token => 'secret-too')->json->{job_id}, $id,
    'another token of the webhook sees it';
is $nginx->get("/jobs/$id", token => 'secret', headers => ['X-Special: 1'])
    ->status, 200, 'as does a location with an if';
is $nginx->get("/jobs/$id", token => 'secret', headers => ['If-Match: "x"'])
    ->status, 200, 'whatever If-Match says';


# Through a worker: running, then ended.

$redis->command('XGROUP', 'CREATE', stream_key(), 'workers', '0');
($job, $told) = looks($id);
is $job->{state}, 'queued', 'a group does not change that';

$redis->command('XREADGROUP', 'GROUP', 'workers', 'nobody', 'COUNT', 1,
    'STREAMS', stream_key(), '>');
($job, $told) = looks($id);
is $job->{state}, 'running', 'one that a worker has';
is_deeply $told, $job, 'as clarityctl has it';

$redis->command('XACK', stream_key(), 'workers', $id =~ s/^0-//r);
is $nginx->get("/jobs/$id", token => 'secret')->status, 404,
    'one that has ended, and was forgotten';

$redis->command('XGROUP', 'DESTROY', stream_key(), 'workers');
$receiver->answer('/b', { status => 200, body => '{"number":"INC 7"}' },
    { status => 400 });

my $worker = $t->worker(workflows => {
    'two.json' => {
        id => 'two', trigger => 'provision_entitlement', actions => [
            map {; { id => $_, type => 'http_request', method => 'POST',
                url => "%%RECEIVER%%/$_" } } qw(a b c) ] },
    'one.json' => {
        id => 'one', trigger => 'provision_entitlement', actions => [
            { id => 'b', type => 'http_request', method => 'POST',
                url => '%%RECEIVER%%/b' } ] },
});

wait_for_job($redis, $id, 'failed');

my $text = $nginx->get("/jobs/$id", token => 'secret')->body;
unlike $text, qr/INC|4711|github|admins/, 'no value of the context or of an answer';

($job, $told) = looks($id);
is_deeply $told, $job, 'one that has ended is as clarityctl has it';
is_deeply [ map { [ $_->{workflow}, map { $_->{id} } @{ $_->{steps} } ] }
    @{ $job->{runs} } ], [ [ 'one', 'b' ], [ 'two', qw(a b c) ] ],
    'with its runs and their steps';
like join(' ', map { $_->{state}, map { $_->{state} } @{ $_->{steps} } }
    @{ $job->{runs} }), qr/^(succeeded succeeded failed succeeded failed skipped|failed failed succeeded succeeded succeeded succeeded)$/,
    'each with its state';


# Who may not: one answer to all of them, for as much work of Redis.

wait_until { $nginx->get('/api/webhooks')->status == 200 } 5, 'the API';

sub made {
    my ($endpoint) = @_;

    my $made = $nginx->post('/api/webhooks', encode_json({ method => 'POST',
        endpoint => $endpoint, trigger => 'provision_entitlement' }))->json;

    return @$made{qw(id token)};
}

my ($webhook, $token) = made('mine');
my ($stranger, $strange) = made('theirs');

my $mine = wait_until {
    my $answer = $nginx->post('/webhooks/mine', context(), token => $token);
    $answer->status == 202 && $answer;
} 5, 'the webhook';
my $my_job = $mine->json->{job_id};

is $mine->header('location'), "/jobs/$my_job", 'its answers have a Location';
is $nginx->get("/jobs/$my_job", token => $token)->json->{webhook}, $webhook,
    'a token made at run time sees the jobs of its webhook';

# How often Redis was asked for a job: by its log, as other commands come all
# the time.

$redis->command('CONFIG', 'SET', 'slowlog-log-slower-than', 0);
$redis->command('CONFIG', 'SET', 'slowlog-max-len', 100_000);

sub calls {
    my $log = $redis->command('SLOWLOG', 'GET', -1);

    return scalar grep { /^EVAL .*\{clarity:0\}:job:/s }
        map { join ' ', @{ $_->[3] } } @$log;
}

my $refused = $nginx->get('/jobs/0-1-1', token => 'secret');
is $refused->status, 404, 'a job that is none';
is $refused->json->{code}, 'job_not_found', 'is not found';

for my $case (
    [ 'of another webhook of nginx.conf', "/jobs/$id", 'other' ],
    [ 'of another token with a variable', "/jobs/$id", 'acme-token',
        'X-Tenant: acme' ],
    [ 'of one made at run time', "/jobs/$my_job", 'secret' ],
    [ 'of nginx.conf', "/jobs/$id", $token ],
    [ 'of another one made at run time', "/jobs/$my_job", $strange ],
    [ 'with a token of nobody', "/jobs/$id", 'x' ],
    [ 'that is none', '/jobs/0-99999999999999-0', 'secret' ],
    [ 'without an id', '/jobs/', 'secret' ],
    [ 'of no number', '/jobs/latest', 'secret' ],
    [ 'of another shard', "/jobs/1-" . $id =~ s/^0-//r, 'secret' ],
    [ 'with a zero in front', "/jobs/0$id", 'secret' ],
    [ 'with more behind it', "/jobs/$id/", 'secret' ],
    [ 'that is escaped', "/jobs/%30" . $id =~ s/^0//r, 'secret' ],
    [ 'that is too long', '/jobs/0-1-' . '1' x 4000, 'secret' ],
) {
    my ($what, $uri, $with, @headers) = @$case;

    my $before = calls();
    $answer = $nginx->get($uri, token => $with, headers => \@headers);

    is $answer->status, 404, "a job $what";
    is $answer->body, $refused->body, 'is not found in the same words';
    is calls(), $before + 1, 'and Redis was asked as for any other';
}

my $tenants = $nginx->post('/tenant', context(), token => 'acme-token',
    headers => ['X-Tenant: acme'])->json->{job_id};
is $nginx->get("/jobs/$tenants", token => 'acme-token',
    headers => ['X-Tenant: acme'])->status, 200, 'a token with a variable';
is $nginx->get("/jobs/$tenants", token => 'acme-token')->status, 404,
    'is none where the variable is empty';

for my $case ([ 401, 'token_missing' ], [ 401, 'token_missing', token => '' ],
    [ 401, 'token_invalid', token => 'secret',
        headers => ['x-clarity-webhook-token: secret'] ])
{
    my ($status, $code, @with) = @$case;

    my $before = calls();
    $answer = $nginx->get("/jobs/$id", @with);

    is $answer->status, $status, "$code: $status";
    is $answer->json->{code}, $code, 'in the code';
    ok $answer->header('www-authenticate'), 'with the scheme';
    is calls(), $before, 'and Redis is not asked';
}

for my $method (qw(HEAD POST PUT DELETE)) {
    $answer = $nginx->request($method, "/jobs/$id", token => 'secret');
    is $answer->status, 405, "$method is refused";
    is $answer->header('allow'), 'GET', 'as there is only GET';
}

is $nginx->request('GET', "/jobs/$id", token => 'secret', body => 'x' x 100)
    ->status, 200, 'a body is passed over';


# A token that was replaced, and a webhook that was deleted.

my $new = $nginx->post("/api/webhooks/$webhook/rotate",
    '{"overlap":"2s"}')->json->{token};

is $nginx->get("/jobs/$my_job", token => $token)->status, 200,
    'within the overlap the old token sees the job';
wait_until { $nginx->get("/jobs/$my_job", token => $new)->status == 200 } 5,
    'the new one';
wait_until { $nginx->get("/jobs/$my_job", token => $token)->status == 404 } 5,
    'the end of the overlap';

my $etag = $nginx->get("/api/webhooks/$webhook")->header('etag');
is $nginx->request('DELETE', "/api/webhooks/$webhook",
    headers => ["If-Match: $etag"])->status, 204, 'a webhook is deleted';
wait_until { $nginx->get("/jobs/$my_job", token => $new)->status == 404 } 5,
    'its token to end';


# When Redis cannot tell.

$redis->command('SET', hash_key('0-1-1'), 'no hash');
$answer = $nginx->get('/jobs/0-1-1', token => 'secret');
is_deeply [ $answer->status, $answer->json->{code} ],
    [ 503, 'queue_unavailable' ], 'a key of another type';

$redis->command('HSET', hash_key('0-1-2'), 'state', 'failed', 'webhook',
    'POST /hook', 'run:x', 'no record');
$answer = $nginx->get('/jobs/0-1-2', token => 'secret');
is_deeply [ $answer->status, $answer->json->{code} ], [ 500, 'internal' ],
    'a record that is none';
$t->expect_log(qr/a job's record cannot be read/);

$redis->pause;
$answer = $nginx->get("/jobs/$id", token => 'secret');
is_deeply [ $answer->status, $answer->json->{code} ],
    [ 504, 'queue_timeout' ], 'a Redis that does not answer';
like $answer->json->{detail}, qr/cannot be looked up now/, 'in fitting words';
ok $answer->header('retry-after'), 'and when to come again';
$redis->resume;

$worker->stop;
$redis->stop;
$answer = wait_until {
    my $answer = $nginx->get("/jobs/$id", token => 'secret');
    $answer->status == 503 && $answer;
} 5, 'Redis to be missed';
is $answer->json->{code}, 'queue_unavailable', 'a Redis that is away';

unlike $t->read_file('nginx/error.log'), qr/secret|acme-token|$new/,
    'and no token in the log';

$t->done;
