#!/usr/bin/perl

# Idempotency keys: one job for a key and a body, however often they come, on
# whatever connection and whether or not Redis has the script; what is no key
# is refused; what each webhook says of them.

use MIME::Base64 qw(encode_base64);

use Clarity::Test;

my $t = Clarity::Test->new;
my $redis = $t->redis(aof => 1);

$t->write_file('token.key', 'one:' . encode_base64('k' x 32, ''));
chmod 0600, $t->dir . '/token.key';

my $nginx = $t->nginx(http => <<'EOF', server => <<'EOF2');
    clarity_token_key_file %%DIR%%/token.key;
    log_format outcome '$uri $status $clarity_outcome $clarity_job_id';
EOF
        access_log %%DIR%%/outcomes.log outcome;
        clarity_redis_timeout 500ms;

        location = /hook {
            clarity_webhook provision_entitlement;
            clarity_webhook_token secret-hook;
        }

        location = /other {
            clarity_webhook        provision_entitlement;
            clarity_webhook_status 200;
            clarity_webhook_token secret-other;
        }

        location = /header {
            clarity_idempotency     1h header=X-Request-Key;
            clarity_webhook         provision_entitlement;
            clarity_context_unknown drop;
            clarity_webhook_token secret-header;
        }

        location = /short {
            clarity_idempotency 1s;
            clarity_webhook     provision_entitlement;
            clarity_webhook_token secret-short;
        }

        location = /off {
            clarity_idempotency off;
            clarity_webhook     provision_entitlement;
            clarity_webhook_token secret-off;
        }

        location = /file {
            client_body_in_file_only clean;
            clarity_webhook          provision_entitlement;
            clarity_webhook_token secret-file;
        }

        location = /get {
            clarity_webhook        provision_entitlement;
            clarity_webhook_method GET;
            clarity_webhook_token  secret-get;
        }

        location /webhooks/ {
            clarity_idempotency 2h;
            clarity_webhooks;
        }

        location /settings/api/ {
            clarity_settings_api;
        }
EOF2

my $next = 0;


sub post {
    my ($uri, $body, @headers) = @_;

    return $nginx->post($uri, $body, token => 'secret-' . substr($uri, 1),
        headers => \@headers);
}

sub new_key { return 'key-' . ++$next }

sub jobs { return $redis->command('XLEN', '{clarity:0}:jobs') }

sub keys_there { return scalar @{ $redis->command('KEYS', '*:idem:*') } }

sub newest {
    return $redis->command('XREVRANGE', '{clarity:0}:jobs', '+', '-',
        'COUNT', 1)->[0];
}


# The job's id; the request made a job or it did not.

sub is_job {
    my ($answer, $duplicate, $what) = @_;

    my $status = $answer->status;
    like $status, qr/^20[02]$/, "$what: $status";

    my $json = decode_json($answer->body);
    is $json->{status}, 'accepted', 'it says accepted';
    is $json->{duplicate}, $duplicate ? JSON::PP::true : JSON::PP::false,
        $duplicate ? 'a duplicate' : 'no duplicate';

    return $json->{job_id};
}


# One key, twice.

my $id = is_job(post('/hook', context(), 'Idempotency-Key: a'), 0, 'new');
is $id, '0-' . newest()->[0], 'the id is that of the entry';
is is_job(post('/hook', context(), 'Idempotency-Key: a'), 1, 'again'), $id,
    'the same job';
is jobs(), 1, 'one job';

my ($key) = @{ $redis->command('KEYS', '{clarity:0}:idem:*') };
like $key, qr/^\{clarity:0\}:idem:[\w-]{43}$/, 'its key';
my $ttl = $redis->command('PTTL', $key);
ok $ttl > 86_390_000 && $ttl <= 86_400_000, "24 h are left ($ttl)";

$redis->command('PEXPIRE', $key, 5_000_000);
post('/hook', context(), 'Idempotency-Key: a');
cmp_ok $redis->command('PTTL', $key), '<=', 5_000_000,
    'a duplicate does not make the window longer';

my $answer = post('/hook', context(identity_id => 1), 'Idempotency-Key: a');
is $answer->status, 422, 'another body';
is decode_json($answer->body)->{code}, 'idempotency_key_reused', 'its code';
$answer = post('/hook', context() . ' ', 'Idempotency-Key: a');
is $answer->status, 422, 'the raw body counts';
is jobs(), 1, 'one job still';

isnt is_job(post('/other', context(), 'Idempotency-Key: a'), 0,
    'the key of another webhook'), $id, 'its own job';
is post('/other', context(), 'Idempotency-Key: a')->status, 200,
    "a duplicate has the webhook's own status";

my $keys = keys_there();
isnt is_job(post('/hook', context()), 0, 'no key'),
    is_job(post('/hook', context()), 0, 'no key again'), 'two jobs';
is keys_there(), $keys, 'and no key for them';


# Where the key is found.

$id = is_job(post('/hook', context(), 'webhook-id: msg_1'), 0, 'webhook-id');
is is_job(post('/hook', context(), 'Webhook-Id: msg_1'), 1, 'again'), $id,
    'the same job';
is is_job(post('/hook', context(), 'Idempotency-Key: msg_1',
    'webhook-id: msg_2'), 1, 'Idempotency-Key goes first'), $id,
    'the same job';

$id = is_job(post('/header', context(), 'x-request-key: 1'), 0,
    'the configured header');
is is_job(post('/header', context(), 'x-request-key: 1'), 1, 'again'), $id,
    'the same job';
isnt is_job(post('/header', context(), 'webhook-id: 2', 'x-request-key: 1'),
    0, 'webhook-id goes first'), $id, 'another job';
is_job(post('/hook', context(), 'x-request-key: 1'), 0,
    'a header that is not configured') for 1, 2;


# Off, and the end of a window.

my $before = jobs();
is_job(post('/off', context(), 'Idempotency-Key: a'), 0, 'off') for 1, 2;
is_job(post('/off', context(), 'Idempotency-Key:'), 0, 'no key is looked at');
is jobs(), $before + 3, 'three jobs';

$id = is_job(post('/short', context(), 'Idempotency-Key: a'), 0, 'a second');
wait_until { keys_there() == $keys + 3 } 5, 'the end of the window';
isnt is_job(post('/short', context(), 'Idempotency-Key: a'), 0,
    'after the window'), $id, 'another job';


# A GET has its query in the place of a body.

sub get_hook {
    my ($query, $key) = @_;

    return $nginx->get("/get?$query", token => 'secret-get',
        headers => ["Idempotency-Key: $key"]);
}

my $query = 'app_identifier=a&identity_id=1&entitlement_id=2&expiration=null'
    . '&grant_type=role&meta=1&creator_id=1';

$id = is_job(get_hook($query, 'g'), 0, 'a GET');
is is_job(get_hook($query, 'g'), 1, 'again'), $id, 'the same job';
is get_hook("${query}7", 'g')->status, 422, 'another query';


# What is no key. Nothing is queued for it, and its value is not told.

$before = jobs();

for my $case ([ 'empty', 'is empty', '' ],
    [ '256 bytes', 'longer than 255', 'secret' . 'x' x 250 ],
    [ 'a control byte', 'control byte', "secret\x01" ],
    [ 'DEL', 'control byte', "secret\x7f" ])
{
    my ($what, $why, $value) = @$case;

    for my $name ('Idempotency-Key', 'webhook-id') {
        $answer = post('/hook', context(), "$name: $value");
        is $answer->status, 400, "$name: $what";

        my $json = decode_json($answer->body);
        is $json->{code}, 'bad_request', 'its code';
        like $json->{detail}, qr/\Q$name\E.*\Q$why/i, 'and why';
        unlike $answer->body, qr/secret/, 'without its value';
    }
}

$answer = post('/hook', context(), 'Idempotency-Key: a',
    'Idempotency-Key: a');
is $answer->status, 400, 'two keys';
like decode_json($answer->body)->{detail}, qr/twice/, 'and why';
$answer = post('/hook', context(), 'Idempotency-Key: ', 'webhook-id: a');
is $answer->status, 400, 'an empty key is not passed over for the next';
is jobs(), $before, 'none of them is a job';

$answer = post('/hook', context(), 'Idempotency-Key:',
    'x-clarity-dry-run: 1');
is $answer->status, 400, 'a dry run tells it too';
$answer = post('/hook', context(), 'Idempotency-Key: dry',
    'x-clarity-dry-run: 1');
is $answer->status, 200, 'a dry run with a key';
is_job(post('/hook', context(), 'Idempotency-Key: dry'), 0,
    'uses no key up');

is_job(post('/hook', context(), 'Idempotency-Key: ' . 'x' x 255), 0,
    '255 bytes');
is_job(post('/hook', context(),
    qq{Idempotency-Key: "\xe2\x82\xac, quoted; and all"}), 0, 'any others');

$answer = post('/hook', '{}', 'Idempotency-Key: faulty');
is $answer->status, 422, 'a faulty context';
is_job(post('/hook', context(), 'Idempotency-Key: faulty'), 0,
    'uses no key up');


# What something else has written under a key is no sender's fault.

sub logged_lines { return scalar(() = $t->read_file('nginx/error.log') =~ /$_[0]/g) }

$before = keys_there();
is_job(post('/hook', context(), 'Idempotency-Key: foreign'), 0, 'a key');
my ($foreign) = grep { $redis->command('GET', $_) =~ /^\Q@{[ newest()->[0] ]} / }
    @{ $redis->command('KEYS', '*:idem:*') };
my $there = jobs();

for my $case ([ 'SET', 'marked-junk' ], [ 'SET', '' ], [ 'LPUSH', 'marked-a' ],
    [ 'HSET', 'marked-a', 'b' ])
{
    my ($command, @value) = @$case;

    $redis->command('DEL', $foreign);
    $redis->command($command, $foreign, @value);
    $answer = post('/hook', context(), 'Idempotency-Key: foreign');
    is $answer->status, 503, "$command @value under the key";
    is decode_json($answer->body)->{code}, 'queue_unavailable', 'its code';
}

is jobs(), $there, 'no job';
my $lines = logged_lines(qr/refuses jobs \(FOREIGN\): .*idempotency key.*:idem:/);
ok $lines >= 1 && $lines <= 2, 'a line for each process that saw it';
unlike $t->read_file('nginx/error.log'), qr/marked|INC1/, 'and no value in it';
$redis->command('DEL', $foreign);
wait_until {
    post('/hook', context(), 'Idempotency-Key: foreign')->status == 202;
} 5, 'a 202';
pass 'without it there is a job again';


# Redis without the script.

$redis->command('SCRIPT', 'FLUSH');
$key = new_key();
$id = is_job(post('/hook', context(), "Idempotency-Key: $key"), 0,
    'the script is gone');
is is_job(post('/hook', context(), "Idempotency-Key: $key"), 1, 'again'), $id,
    'the same job';

$redis->command('SCRIPT', 'FLUSH');
my $more = context();
$more =~ s/^\{/{"extra":1,/;
is_job(post('/header', $more, 'Idempotency-Key: ' . new_key()), 0,
    'gone again, with a context that is rewritten');
my %job = @{ newest()->[1] };
is $job{context}, context(), 'the job has what it would have';

$redis->command('SCRIPT', 'FLUSH');
my $large = context(meta => '"' . 'x' x 200_000 . '"');
$key = new_key();
is_job(post('/file', $large, "Idempotency-Key: $key"), 0,
    'gone again, with a body in a file');
%job = @{ newest()->[1] };
is $job{context}, $large, 'the job has what it would have';
is_job(post('/file', $large, "Idempotency-Key: $key"), 1, 'and again');
unlike $t->read_file('nginx/error.log'), qr/NOSCRIPT/,
    'nothing of it is in the log';


# Many at once, while the script goes.

$before = jobs();
$key = new_key();

my %ids;
my @connections = map { $nginx->connect } 1 .. 200;

for my $i (0 .. $#connections) {
    $redis->command('SCRIPT', 'FLUSH') if $i % 40 == 0;
    $connections[$i]->write($nginx->can('request_text')->('POST', '/hook',
        token => 'secret-hook', body => context(),
        headers => ["Idempotency-Key: $key"]));
}

my @answers = map { decode_json($_->read->body) } @connections;
$_->close for @connections;
$ids{ $_->{job_id} // $_->{code} }++ for @answers;

is_deeply [ values %ids ], [200], 'all have the same job';
is scalar(grep { !$_->{duplicate} } @answers), 1, 'one made it';
is jobs(), $before + 1, 'one job';


# The reply is lost: the retry gets the same job, whether or not it was stored.

$before = jobs();
$key = new_key();
$redis->signal('STOP');
$answer = post('/hook', context(), "Idempotency-Key: $key");
is $answer->status, 504, 'no reply';
$redis->signal('CONT');

wait_until {
    $answer = post('/hook', context(), "Idempotency-Key: $key");
    $answer->status == 202;
} 5, 'a 202';
is jobs(), $before + 1, 'one job';
is decode_json($answer->body)->{job_id}, '0-' . newest()->[0],
    'that is the one';


# Webhooks made at run time have their own.

my %made;

for my $window (undef, 'off', '3h') {
    my $endpoint = $window // 'inherits';

    # each process finds its way back to Redis by itself
    wait_until {
        $answer = $nginx->post('/settings/api/webhooks', encode_json({
            method => 'POST', endpoint => $endpoint,
            trigger => 'provision_entitlement', idempotency => $window }));
        $answer->status != 503;
    } 5, 'the API';
    is $answer->status, 201, "a webhook: $endpoint";
    $made{$endpoint} = decode_json($answer->body)->{token};
}


sub call {
    my ($endpoint, $body) = @_;

    return $nginx->post("/webhooks/$endpoint", $body // context(),
        token => $made{$endpoint}, headers => ['Idempotency-Key: made']);
}


# The ms that are left of the key that the call made.

sub window {
    my ($endpoint) = @_;

    my %there = map { $_ => 1 } @{ $redis->command('KEYS', '*:idem:*') };
    wait_until { call($endpoint)->status == 202 } 5, 'the webhook';
    my ($new) = grep { !$there{$_} } @{ $redis->command('KEYS', '*:idem:*') };

    return $new ? $redis->command('PTTL', $new) : undef;
}

my $left = window('inherits');
ok $left > 7_100_000 && $left <= 7_200_000, "the location's ($left)";
is_job(call('inherits'), 1, 'again');
$left = window('3h');
ok $left > 10_700_000 && $left <= 10_800_000, "its own ($left)";
is_job(call('3h'), 1, 'again');
is window('off'), undef, 'none';
is_job(call('off'), 0, 'again');


# What the log says of it.

sub logged { return scalar(() = $t->read_file('outcomes.log') =~ /$_[0]/g) }

wait_until { logged(qr/ 202 duplicate 0-\d+-\d+\n/) >= 199 } 5,
    'duplicates in the log';
is logged(qr/ 422 idempotency_key_reused -\n/), 3, 'and keys used twice';


# Directives that are none.

for my $case ([ 'soon', 'invalid time "soon"' ],
    [ '999ms', 'invalid time' ], [ '91d', 'invalid time' ],
    [ '0', 'invalid time' ], [ 'off header=a', 'takes nothing more' ],
    [ '1h name=a', 'expected "header=NAME"' ],
    [ '1h header=', 'invalid header name' ],
    [ '1h header=a_b', 'invalid header name' ],
    [ '1h; clarity_idempotency 2h', 'is duplicate' ])
{
    my ($text, $why) = @$case;
    my ($code, $said) = $nginx->check("clarity_idempotency $text;");
    isnt $code, 0, "clarity_idempotency $text";
    like $said, qr/\Q$why\E.* in \S+:\d+/, 'is refused, with its place';
}

$t->done;
