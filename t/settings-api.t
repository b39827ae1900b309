#!/usr/bin/perl

# Webhooks made at run time: made, served, changed, rotated, deleted over the
# API, on two nginx at once; what is refused; and no token in clear anywhere.

use MIME::Base64 qw(encode_base64);
use Time::HiRes qw(time);

use Clarity::Test;

my $t = Clarity::Test->new;
my $redis = $t->redis(aof => 1, conf => "rdbcompression no\n");

$t->write_file('token.key', 'one:' . encode_base64('k' x 32, ''));
chmod 0600, $t->dir . '/token.key';

my %conf = (workers => 4, http => <<'EOF', server => <<'EOF2');
    clarity_token_key_file %%DIR%%/token.key;
EOF
        location /webhooks/ {
            clarity_webhooks;
        }

        location = /webhooks/fixed {
            clarity_webhook       provision_entitlement name=fixed;
            clarity_webhook_token fixed;
        }

        location /settings/api/ {
            clarity_settings_api;
        }
EOF2

my $nginx = $t->nginx(%conf);
my $second = $t->nginx(%conf, name => 'second');

my $json = JSON::PP->new->canonical;
my $api = '/settings/api/';


# (status, decoded body, answer)

sub api {
    my ($method, $path, $body, @headers) = @_;

    my $answer = $nginx->request($method, $api . $path,
        defined $body ? (body => ref $body ? $json->encode($body) : $body)
            : (), headers => \@headers);

    return ($answer->status, length $answer->body
        ? decode_json($answer->body) : undef, $answer);
}


# Until both nginx answer so, a second at most.

sub soon {
    my ($status, $uri, $token, $what) = @_;

    my $started = time;

    for my $server ($nginx, $second) {
        wait_until {
            $server->post($uri, context(), token => $token)->status
                == $status;
        } 5, "$status on both nginx";
    }

    cmp_ok time - $started, '<', limit(1.5), "$what: $status on both within a second";
}


wait_until { (api('GET', 'webhooks'))[0] == 200 } 5, 'the API';

my ($status, $list) = api('GET', 'webhooks');
is_deeply [ map { "$_->{source} $_->{id}" } @{ $list->{webhooks} } ],
    ['nginx.conf conf:fixed'], 'the list has those of nginx.conf';

wait_until {
    $nginx->post('/webhooks/none', context(), token => 'x')->status == 404;
} 5, 'the first sync';
pass 'an endpoint that is none is 404';


# Made.

($status, my $webhook, my $answer) = api('POST', 'webhooks', {
    method => 'POST', endpoint => 'service-now/provision',
    trigger => 'provision_entitlement' });

is $status, 201, 'a webhook is made';
is_deeply $webhook->{context}, [qw(app_identifier identity_id
    entitlement_id expiration grant_type meta creator_id)],
    'with the context in its order';
like $webhook->{token}, qr/^clarity_wh_[0-9A-Za-z]{49}$/, 'and its token';
like $webhook->{url}, qr{^http://localhost/webhooks/service-now/provision$},
    'and its url';
is $answer->header('location'), "${api}webhooks/$webhook->{id}",
    'and its Location';
is $answer->header('cache-control'), 'no-store', 'that nobody keeps';

my ($id, $token) = @$webhook{qw(id token)};
my $uri = '/webhooks/service-now/provision';

soon(202, $uri, $token, 'made');

my $entry = $redis->command('XREVRANGE', '{clarity:0}:jobs', '+', '-',
    'COUNT', 1)->[0];
my %job = @{ $entry->[1] };
is $job{webhook}, $id, 'the job names the webhook by its id';

is $nginx->post($uri, context(), token => 'x' . $token)->status, 401,
    'another token is refused';
is $nginx->post($uri, context())->status, 401, 'none is, too';
$answer = $nginx->request('PUT', $uri, body => context(), token => $token);
is $answer->status, 405, 'another method is refused';
is $answer->header('allow'), 'POST', 'with Allow';
is $nginx->request('PUT', $uri, body => context(), token => 'x')->status,
    401, 'but not told without a token';

for my $path ('service-now%2Fprovision', 'x/../service-now/provision',
    'service-now//provision', './service-now/provision',
    'service%2dnow/provision')
{
    is $nginx->post("/webhooks/$path", context(), token => $token)->status,
        404, "$path is no endpoint";
}


# Looked at.

($status, $list) = api('GET', 'webhooks');
is scalar @{ $list->{webhooks} }, 2, 'the list holds it';
unlike $json->encode($list), qr/\Q$token/, 'without its token';

($status, my $shown, $answer) = api('GET', "webhooks/$id");
is $shown->{revision}, 1, 'it has a revision';
is $answer->header('etag'), '"1"', 'which is its ETag';
wait_until {
    my $live = (api('GET', "webhooks/$id"))[1]{live};
    $live->{workers} == 8 && $live->{of} == 8;
} 5, 'live on 8 of 8';
pass 'live on 8 of 8';

($status, my $secret) = api('GET', "webhooks/$id/token");
is $secret->{token}, $token, 'the token is shown on demand';
my $audit = $redis->command('XRANGE', '{clarity}:audit', '-', '+');
like $json->encode($audit), qr/"token"/, 'which is audited';

# they are noted once they have been answered
my $activity;
wait_until {
    ($status, $activity) = api('GET', "webhooks/$id/activity");
    grep { $_->{status} == 405 } @{ $activity->{activity} };
} 5, 'the refused request';
my ($refused) = grep { $_->{status} == 405 } @{ $activity->{activity} };
ok $refused, 'the activity has a refused request';
like $refused->{time}, qr/^20\d\d-.*Z$/, 'with its time';
ok scalar(grep { $_->{outcome} eq 'accepted' } @{ $activity->{activity} }),
    'and an accepted one';

$nginx->post($uri, '{"identity_id":1}', token => $token);

# it is noted after it was answered, and another process may be asked for it
wait_until {
    ($status, $shown) = api('GET', "webhooks/$id");
    $shown->{last_refused}{code} eq 'context_invalid';
} 5, 'the last refused one';
like $shown->{last_refused}{detail}, qr/app_identifier is missing/,
    'says its reason';


# Changed.

($status, my $problem, $answer) = api('PATCH', "webhooks/$id",
    { active => \0 });
is $status, 428, 'a change without If-Match is refused';
like $answer->head, qr{^HTTP/1\.1 428 Precondition Required\r?$}m,
    'in words too';
($status, $problem) = api('PATCH', "webhooks/$id", { active => \0 },
    'If-Match: "77"');
is $status, 412, 'one of another revision, too';

($status, $shown) = api('PATCH', "webhooks/$id",
    { active => \0, order => 'any' }, 'If-Match: "1"');
is $status, 200, 'one of this revision is made';
is $shown->{revision}, 2, 'and raises it';
soon(410, $uri, $token, 'disabled');

($status) = api('PATCH', "webhooks/$id", { active => \1 },
    'If-Match: "1"');
is $status, 412, 'who saves second gets 412';
is((api('GET', "webhooks/$id"))[1]{active}, JSON::PP::false,
    'and loses nothing of the first');

api('PATCH', "webhooks/$id", { active => \1 }, 'If-Match: "2"');
soon(202, $uri, $token, 'enabled');

for my $same ({}, { active => \1, order => 'any' }) {
    ($status, $shown, $answer) = api('PATCH', "webhooks/$id", $same,
        'If-Match: "3"');
    is "$status $shown->{revision} " . $answer->header('etag'), '200 3 "3"',
        'what changes nothing is no change';
}


# Rotated.

($status, my $new, $answer) = api('POST', "webhooks/$id/rotate",
    { overlap => '1h' });
is $status, 200, 'rotated';
is $answer->header('etag'), '"4"', 'which is a change';
isnt $new->{token}, $token, 'there is another token';
soon(202, $uri, $new->{token}, 'the new one');
soon(202, $uri, $token, 'the old one');

($status, $shown) = api('GET', "webhooks/$id");
is scalar @{ $shown->{tokens} }, 2, 'there are two';

($status) = api('POST', "webhooks/$id/revoke",
    { token_id => $shown->{tokens}[1]{id} });
is $status, 200, 'the old one is revoked';
soon(401, $uri, $token, 'the old one');
soon(202, $uri, $new->{token}, 'the new one');

is $nginx->request('POST', "${api}webhooks/$id/rotate", body => '',
    type => undef, headers => [$_])->status, 403,
    "nothing at all, from elsewhere: $_"
    for 'Origin: https://evil.example', 'Sec-Fetch-Site: cross-site';

my $by_default = decode_json($nginx->request('POST',
    "${api}webhooks/$id/rotate", body => '', type => undef)->body);
soon(202, $uri, $by_default->{token}, 'rotated by a request without a body');
soon(202, $uri, $new->{token}, 'the old one');
($status, $shown) = api('GET', "webhooks/$id");
like $shown->{tokens}[1]{expires_at}, qr/^20\d\d-/, 'for a day';
api('POST', "webhooks/$id/revoke", { token_id => $shown->{tokens}[0]{id} });
($status) = api('POST', "webhooks/$id/rotate", {});
is $status, 200, 'and so of one that does not say how long';
($status, $shown) = api('GET', "webhooks/$id");
$new = { token => (api('GET', "webhooks/$id/token"))[1]{token} };
api('POST', "webhooks/$id/revoke", { token_id => $_->{id} })
    for @{ $shown->{tokens} }[ 1 .. $#{ $shown->{tokens} } ];
($status, $shown) = api('GET', "webhooks/$id");

($status, $problem) = api('POST', "webhooks/$id/revoke",
    { token_id => $shown->{tokens}[0]{id} });
is $problem->{code}, 'last_token', 'the last one is not';

($status) = api('POST', "webhooks/$id/rotate", { overlap => '0s' });
soon(401, $uri, $new->{token}, 'rotated at once');

my ($before) = (api('GET', "webhooks/$id/token"))[1]{token};
api('POST', "webhooks/$id/rotate", { overlap => '2s' });
is $nginx->post($uri, context(), token => $before)->status, 202,
    'within the overlap the old one is good';
wait_until {
    $nginx->post($uri, context(), token => $before)->status == 401;
} 5, 'the end of the overlap';
pass 'and after it, it is not';


# Refused.

for my $bad (
    [ { method => 'POST', endpoint => 'service-now/provision',
        trigger => 'provision_entitlement' }, 409, 'endpoint_taken' ],
    [ { method => 'POST', endpoint => '../x',
        trigger => 'provision_entitlement' }, 422, 'invalid' ],
    [ { method => 'POST', endpoint => 'a%2fb',
        trigger => 'provision_entitlement' }, 422, 'invalid' ],
    [ { method => 'POST', endpoint => '<script>',
        trigger => 'none' }, 422, 'invalid' ],
    [ { method => 'POST' }, 422, 'invalid' ],
    [ [], 422, 'invalid' ],
    [ '{', 400, 'json_invalid' ])
{
    ($status, $problem) = api('POST', 'webhooks', $bad->[0]);
    is $status, $bad->[1], 'refused: ' . $json->allow_nonref
        ->encode($bad->[0]);
    is $problem->{code}, $bad->[2], "as $bad->[2]";
}

# The same code says the same as that of a webhook, and where.

for my $bad ([ '{"a":', 1, 6, 5 ], [ "{\n\"a\":01}", 2, 5, 6 ],
    [ "{\"a\":1,\n\"a\":2}", 2, 1, 8 ])
{
    my ($body, @place) = @$bad;
    my $said = $nginx->post($api . 'webhooks', $body);

    is $said->status, 400, "no JSON: $body";
    is_deeply [ @{ decode_json($said->body) }{qw(title line column offset)} ],
        [ 'Not JSON', @place ], 'with the title of all such, and the place';
}

($status, $problem) = api('GET', 'webhooks/none');
is $problem->{title}, decode_json($nginx->get('/webhooks/none')->body)->{title},
    'and so of a webhook that there is not';

for my $headers (['Origin: http://evil.example'], ['Origin: null'],
    ['Sec-Fetch-Site: cross-site'], ['Sec-Fetch-Site: same-site'])
{
    ($status, $problem) = api('POST', 'webhooks', { method => 'PUT',
        endpoint => 'evil', trigger => 'provision_entitlement' }, @$headers);
    is $status, 403, "@$headers is refused";
    ($status) = api('GET', "webhooks/$id/token", undef, @$headers);
    is $status, 403, 'for reading, too';
}

is $nginx->post($api . 'webhooks', 'method=PUT&endpoint=evil',
    type => 'application/x-www-form-urlencoded')->status, 415,
    'a form is refused';
is $nginx->post($api . 'webhooks', '{}', type => 'text/plain')->status, 415,
    'and so is plain text';
is((api('PUT', 'webhooks', {}))[0], 405, 'and another method');
is((api('GET', 'nothing'))[0], 404, 'and another path');
is((api('PATCH', 'webhooks/conf:fixed', {}, 'If-Match: "1"'))[0], 409,
    'those of nginx.conf are changed there');


# Over a reload, and a restart of Redis.

($status, $webhook) = api('POST', 'webhooks', { method => 'PUT',
    endpoint => 'kept', trigger => 'provision_entitlement' });
wait_until { $nginx->request('PUT', '/webhooks/kept', body => context(),
    token => $webhook->{token})->status == 202 } 5, 'a 202';

$nginx->reload;
is $nginx->request('PUT', '/webhooks/kept', body => context(),
    token => $webhook->{token})->status, 202, 'kept over a reload';

$redis->signal('TERM');
$redis->wait_exit(5);
is $nginx->request('PUT', '/webhooks/kept', body => context(),
    token => $webhook->{token})->status, 503,
    'known while Redis is away, and not stored';
is $nginx->request('PUT', '/webhooks/kept', body => context(),
    token => 'x')->status, 401, 'and the token is still asked for';
$redis->start;
wait_until { (api('GET', 'webhooks'))[0] == 200 } 5, 'the API';

# each worker process finds its way back by itself
wait_until {
    (api('DELETE', "webhooks/$webhook->{id}", undef,
        "If-Match: \"$webhook->{revision}\""))[0] == 204;
} 5, 'a 204';
pass 'deleted';

for my $server ($nginx, $second) {
    wait_until { $server->request('PUT', '/webhooks/kept',
        body => context(), token => $webhook->{token})->status == 404 } 2,
        'a 404';
}

pass 'and gone from both';


# No token in clear.

$redis->command('SAVE');

my @tokens = ($token, $new->{token}, $webhook->{token});
my $all = join '|', map { quotemeta } @tokens;

for my $file (glob($t->dir . '/*/*.log ' . $t->dir . '/redis/*.rdb '
    . $t->dir . '/redis/appendonlydir/*'))
{
    open my $fh, '<:raw', $file or die "$file: $!\n";
    my $text = do { local $/; <$fh> } // '';
    unlike $text, qr/$all/, "no token in $file" =~ s/\S+\///r;
}

$t->done;
