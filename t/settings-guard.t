#!/usr/bin/perl

# What other sites can make a browser send does nothing to the API, and no
# way of writing an address leads to a webhook but its own.

use Clarity::Settings;
use Clarity::Test;

my $t = Clarity::Test->new;
my $redis = $t->redis;
my $settings = Clarity::Settings->new($t);
my $nginx = $settings->nginx(workers => 1);

$settings->wait_loaded;

my $webhook = $settings->create(endpoint => 'a/b');
$settings->wait_status(202, $webhook);

my %evil = (method => 'POST', endpoint => 'evil',
    trigger => 'provision_entitlement');


# Nothing was changed and no token was shown since.

sub nothing_happened {
    my ($what) = @_;

    my @audit = map { $_->[1][3] }
        @{ $redis->command('XRANGE', '{clarity}:audit', '-', '+') };

    is_deeply \@audit, ['create'], "$what: nothing has happened";
}


sub is_problem {
    my ($answer, $status, $code, $what) = @_;

    is $answer->status, $status, "$what: $status";
    is $answer->header('content-type'), 'application/problem+json',
        'as problem+json';
    is $answer->header('x-content-type-options'), 'nosniff',
        'which no browser takes for a page';

    my $problem = decode_json($answer->body);
    is $problem->{code}, $code, "that is $code";
    is $problem->{status}, $status, 'with its status';
    ok $problem->{$_}, "and its $_" for qw(type title detail);
}


# A form of another site: it has no other media types than these.

for my $type ('application/x-www-form-urlencoded', 'multipart/form-data',
    'text/plain', 'text/plain; charset=application/json', undef, '',
    'application/jsonx', 'application/json-seq', 'text/json',
    'application/csp-report')
{
    for my $change ([ 'POST', 'webhooks', encode_json(\%evil) ],
        [ 'PATCH', "webhooks/$webhook->{id}", '{"active":false}' ],
        [ 'POST', "webhooks/$webhook->{id}/rotate", '{"overlap":"0s"}' ],
        [ 'POST', "webhooks/$webhook->{id}/revoke", '{"token_id":"x"}' ])
    {
        my ($method, $path, $body) = @$change;

        is_problem($nginx->request($method, "/settings/api/$path",
            body => $body, type => $type, headers => ['If-Match: *']), 415,
            'media_type_unsupported', "$method of " . ($type // 'no type'));
    }
}

nothing_happened('forms');

for my $type ('application/json', 'application/json; charset=utf-8',
    'Application/JSON', 'application/json;x', "application/json\t;x")
{
    is $nginx->post('/settings/api/webhooks', '{}', type => $type)->status,
        422, "$type is JSON";
}


# A script of another site: its origin tells, whatever it asks for.

my $port = $nginx->port;

for my $headers (
    ['Origin: http://evil.example'],
    ['Origin: https://evil.example'],
    ['Origin: null'],
    ['Origin: '],
    ['Origin: localhost'],
    ['Origin: http://'],
    ['Origin: http://localhost.evil.example'],
    ['Origin: http://evil.example/localhost'],
    ['Origin: http://localhost@evil.example'],
    ["Origin: http://localhost:$port"],
    ['Origin: http://localhost:443'], ['Origin: https://localhost:80'],
    ['Origin: http://localhos'],
    ['Origin: file://localhost'],
    ['Origin: http://localhost', 'Origin: http://evil.example'],
    ['Origin: http://localhost http://evil.example'],
    ['Sec-Fetch-Site: cross-site'],
    ['Sec-Fetch-Site: same-site'],
    ['Sec-Fetch-Site: '],
    ['Sec-Fetch-Site: same-origin', 'Sec-Fetch-Site: cross-site'],
    ['Origin: http://localhost', 'Sec-Fetch-Site: cross-site'],
    ['Origin: http://evil.example', 'Sec-Fetch-Site: same-origin'])
{
    my $what = join ' and ', @$headers;

    for my $request ([ 'POST', 'webhooks', \%evil ],
        [ 'PATCH', "webhooks/$webhook->{id}", { active => \0 } ],
        [ 'DELETE', "webhooks/$webhook->{id}" ],
        [ 'POST', "webhooks/$webhook->{id}/rotate", { overlap => '0s' } ],
        [ 'GET', "webhooks/$webhook->{id}/token" ],
        [ 'GET', 'webhooks' ], [ 'GET', 'nothing' ])
    {
        my ($status) = $settings->api(@$request[0 .. 1], $request->[2],
            'If-Match: *', @$headers);

        is $status, 403, "@$request[0, 1] with $what";
    }
}

my (undef, undef, $refused) = $settings->api('GET', 'webhooks', undef,
    'Origin: http://evil.example');
is_problem($refused, 403, 'cross_origin', 'another origin');

for my $method (qw(OPTIONS HEAD TRACE PUT)) {
    my $answer = $nginx->request($method, '/settings/api/webhooks',
        headers => [ 'Origin: http://evil.example',
            'Access-Control-Request-Method: POST',
            'Access-Control-Request-Headers: content-type' ]);

    cmp_ok $answer->status, '>=', 400, "$method of another origin";
    unlike $answer->head, qr/access-control-allow/i, 'gets no leave';
}

nothing_happened('scripts');

for my $headers (['Origin: http://localhost'], ['Origin: https://LOCALHOST'],
    ['Origin: http://localhost:80'], ['Origin: https://localhost:443'],
    ['Sec-Fetch-Site: same-origin'], ['Sec-Fetch-Site: none'],
    ['Origin: http://localhost', 'Sec-Fetch-Site: same-origin'])
{
    is((($settings->api('GET', 'webhooks', undef, @$headers)))[0], 200,
        "@$headers is our own page");
}

# as some proxies pass it on
for my $pair ([ 'localhost:443', 'https://localhost', 200 ],
    [ 'localhost:80', 'http://localhost', 200 ],
    [ 'localhost:80', 'https://localhost', 403 ])
{
    my ($host, $origin, $status) = @$pair;
    my $http = $nginx->connect;

    $http->write(Clarity::Nginx::request_text('GET', '/settings/api/triggers',
        headers => ["Origin: $origin"]) =~ s/Host: localhost/Host: $host/r);
    is $http->read->status, $status, "$origin on the Host $host";
}


# HEAD is GET without its body.

for my $path ('triggers', 'webhooks', "webhooks/$webhook->{id}") {
    my $head = $nginx->request('HEAD', "/settings/api/$path");
    is $head->status, 200, "HEAD $path";
    is $head->header('content-type'), 'application/json', 'is as GET';
}


# What Redis says of a change that it refuses is in the answer or in the log.

{
    my $revision = $redis->command('HGET', '{clarity}:webhooks', 'revision');

    $redis->command('HSET', '{clarity}:webhooks', 'revision', 'abc');
    $t->expect_log(qr/Redis does not take the change/);

    my ($status, $problem) = $settings->api('POST', 'webhooks', {
        method => 'POST', endpoint => 'abc',
        trigger => 'provision_entitlement' });
    is $status, 503, 'a counter that is no number';
    like $problem->{detail}, qr/revision in .* is no number/,
        'the answer says what is wrong';
    like $t->read_file('nginx/error.log'),
        qr/Redis does not take the change: "ERR the revision/,
        "the log has Redis' own words";

    $redis->command('HSET', '{clarity}:webhooks', 'revision', $revision);
}


# Addresses of the API that are none.

for my $path ('', '/', 'nothing', 'webhooks/', '/webhooks', './webhooks',
    'x/../webhooks', 'webhooks/x/../..', 'webhooks/x/y',
    'webhooks/x/token/z', 'webhooks//token', 'WEBHOOKS', 'webhooks%2F')
{
    my (undef, undef, $answer) = $settings->api('GET', $path);
    is_problem($answer, 404, 'not_found', "GET $path");
}

# nginx has resolved it before: it is not in the API's location
is $nginx->get('/settings/api/webhooks/..%2f..%2ftriggers')->status, 404,
    'what leads out of the location is not the API\'s';

for my $id ('x', '..', 'wh_', "$webhook->{id}x", substr($webhook->{id}, 0, -1),
    'conf:', 'conf:none', 'conf%3A%2F..%2F', '%2e%2e', '%2F', '%5C', '%c0%ae',
    '*', 'revision', 'x' x 4000, '%20' x 1000)
{
    my (undef, undef, $answer) = $settings->api('GET', "webhooks/$id");
    is_problem($answer, 404, 'webhook_not_found',
        'GET webhooks/' . substr $id, 0, 40);
}

is $nginx->get('/settings/api/webhooks/%00')->status, 400, 'a NUL is refused';

for my $change ([ 'PUT', 'webhooks', 'GET, HEAD, POST' ],
    [ 'DELETE', 'webhooks', 'GET, HEAD, POST' ],
    [ 'POST', "webhooks/$webhook->{id}", 'GET, HEAD, PATCH, DELETE' ],
    [ 'PUT', "webhooks/$webhook->{id}", 'GET, HEAD, PATCH, DELETE' ],
    [ 'POST', "webhooks/$webhook->{id}/token", 'GET, HEAD' ],
    [ 'GET', "webhooks/$webhook->{id}/rotate", 'POST' ],
    [ 'HEAD', "webhooks/$webhook->{id}/rotate", 'POST' ],
    [ 'POST', 'workflows', 'GET, HEAD' ])
{
    my ($method, $path, $allow) = @$change;
    my $answer = $nginx->request($method, "/settings/api/$path");

    is $answer->status, 405, "$method $path is refused";
    is $answer->header('allow'), $allow, "which takes $allow";
}


# Bodies that are none.

for my $body ([ 400, '' ], [ 400, '{' ], [ 400, '{"method":"POST",}' ],
    [ 400, '{"method":"POST","method":"PUT"}' ], [ 400, "\xef\xbb\xbf{}" ],
    [ 400, '[' x 200 ], [ 400, "{\"endpoint\":\"\xc0\xae\xc0\xae\"}" ],
    [ 400, "{\"endpoint\":\"\xe0\x80\xaf\"}" ], [ 400, '{"a":"\ud800"}' ],
    [ 413, '{"a":"' . 'x' x 65536 . '"}' ], [ 422, '[]' ], [ 422, '"x"' ],
    [ 422, 'null' ], [ 422, '{}' ])
{
    my ($status, $text) = @$body;
    my (undef, undef, $answer) = $settings->api('POST', 'webhooks', $text);

    is $answer->status, $status,
        "$status for " . substr $text =~ s/[^ -~]/?/gr, 0, 50;
    is $answer->header('content-type'), 'application/problem+json',
        'as problem+json';
}


# Endpoints that can be none. Each fault is told at its member.

for my $endpoint ('', '.', '..', '../a', 'a/..', 'a/../b', './a', 'a/.', '/a',
    'a/', '/', '//', 'a//b', '%2e%2e', '%2F', 'a%2Fb', 'a%2fb', 'a%00b', '\\',
    'a\\b', '..\\a', "a\0b", "a b", "a\tb", "a\r\nX: y", 'a?b', 'a#b', 'a;b',
    'a:b', 'a@b', 'a+b', 'a&b', "a'b", 'a"b', '<script>alert(1)</script>',
    "caf\xe9", "\x{ff0e}\x{ff0e}", "\x{202e}a", "a\x{2215}b", 'a' x 201,
    'x/' x 100 . 'x')
{
    my ($status, $problem) = $settings->api('POST', 'webhooks',
        { %evil, endpoint => $endpoint });
    my $name = substr encode_json($endpoint) =~ s/[^ -~]/?/gr, 0, 50;

    is $status, 422, "no endpoint: $name";
    is $problem->{errors}[0]{pointer}, '/endpoint', 'told at its member';
}

# written with escapes they are the same
for my $text ('\u002e\u002e', '\u002e\u002e/a', 'a\/..\/b', '\u0061\u0000',
    '\u002fa', 'a\u005cb')
{
    is((($settings->api('POST', 'webhooks', '{"method":"POST","endpoint":"'
        . $text . '","trigger":"provision_entitlement"}')))[0], 422,
        "no endpoint: $text");
}

for my $member ([ method => 'HEAD' ], [ method => 'post' ], [ method => 7 ],
    [ method => "POST\r\nX: y" ], [ trigger => 'none' ], [ trigger => undef ],
    [ active => 1 ], [ order => 'loose' ], [ unknown => 'ask' ],
    [ status => 204 ], [ status => '202' ], [ idempotency => '0s' ],
    [ idempotency => '91d' ], [ id => $webhook->{id} ], [ token => 'mine' ],
    [ tokens => [] ], [ revision => 7 ], [ url => 'http://evil.example/' ],
    [ surprise => 1 ], [ "<b>\x{1f600}" => 1 ])
{
    my ($name, $value) = @$member;
    my ($status, $problem) = $settings->api('POST', 'webhooks',
        { %evil, $name => $value });

    is $status, 422, 'refused: ' . (encode_json({ $name => $value })
        =~ s/[^ -~]/?/gr);
    like $problem->{errors}[0]{pointer}, qr{^/}, 'told at its member';
}

nothing_happened('whatever was sent');


# The longest endpoint, and all bytes that one can have.

for my $endpoint ('a' x 200, 'x/' x 99 . 'xx', 'AZaz09.-_~', '...', '.a', 'a.',
    '~', '-', 'a/..b', 'a/.../b')
{
    my $made = $settings->create(endpoint => $endpoint);
    $settings->wait_status(202, $made);
    is((($settings->api('POST', 'webhooks', { method => 'POST',
        endpoint => $endpoint, trigger => 'provision_entitlement' })))[0],
        409, 'an endpoint: ' . substr $endpoint, 0, 40);
}


# Ways to write an address, to whom has its token: only its own is good.

my %as_token = (token => $webhook->{token});

for my $uri ('/webhooks/a%2Fb', '/webhooks/a%2fb', '/webhooks/%61/b',
    '/webhooks/a/./b', '/webhooks/./a/b', '/webhooks/a/b/.',
    '/webhooks/x/../a/b', '/webhooks/a/x/../b', '/webhooks/../webhooks/a/b',
    '/x/../webhooks/a/b', '/webhooks//a/b', '/webhooks/a//b', '//webhooks/a/b',
    '/webhooks/a/b/', '/webhooks/a/b//', '/webhooks/a\\b', '/webhooks/a\\..\\b',
    '/webhooks/A/b', '/WEBHOOKS/a/b', '/webhooks/a/b;x', '/webhooks/a/b%20',
    '/webhooks/a/b%0a', '/webhooks/a/b%3Fx', '/webhooks/a%5Cb',
    '/webhooks/%2e%2e/webhooks/a/b', '/webhooks/a/%2e/b',
    '/webhooks/a%c0%afb', '/webhooks/a%e0%80%afb', "/webhooks/a\xc0\xafb",
    "/webhooks/a\xe2\x88\x95b", '/webhooks/a/b#x', '/webhooks/',
    '/webhooks', '/webhooks/a', '/webhooks/a/', '/webhooks/a/bb')
{
    my $answer = $nginx->post($uri, context(), %as_token);
    my $name = $uri =~ s/[^ -~]/?/gr;

    is $answer->status, 404, "$name is no address of it";
}

for my $uri ("/webhooks/a/b\0", "/webhooks/a/b%00", '/webhooks/a/%',
    '/webhooks/a/%zz', "/webhooks/a/b\x01")
{
    is $nginx->post($uri, context(), %as_token)->status, 400,
        ($uri =~ s/[^ -~]/?/gr) . ' is no address at all';
}

for my $uri ('/webhooks/a/b', '/webhooks/a/b?x=1', '/webhooks/a/b?',
    'http://localhost/webhooks/a/b')
{
    is $nginx->post($uri, context(), %as_token)->status, 202, "$uri is its own";
}

is $nginx->post('/webhooks/' . 'a' x 7000, context(), %as_token)->status, 404,
    'a long one is none';

$t->done;
