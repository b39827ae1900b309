#!/usr/bin/perl

# What is refused, with which status, code, headers and words; and that a
# refused request is no job.

use Clarity::Test;

my $t = Clarity::Test->new;
my $redis = $t->redis;

$t->write_file('tokens', "first\r\n\nsecond\n");
chmod 0600, $t->dir . '/tokens';

my $nginx = $t->nginx(http => <<'EOF', server => <<'EOF2');
    client_max_body_size 64k;
    limit_req_zone $clarity_webhook zone=one:1m rate=1r/m;
    map $http_x_tenant $tenant_token {
        acme    acme-token;
        default "";
    }
EOF
        error_page 400 404 408 413 429 494 /problem;
        location = /problem { internal; clarity_problem; }
        location @named { clarity_problem; }

        location = /named {
            error_page            413 @named;
            clarity_webhook       provision_entitlement;
            clarity_webhook_token named;
        }

        location = /hook {
            clarity_webhook       provision_entitlement;
            clarity_webhook_token secret;
        }

        location = /files {
            clarity_webhook            provision_entitlement;
            clarity_webhook_token_file %%DIR%%/tokens;
            clarity_webhook_token      third;
        }

        location = /tenant {
            clarity_webhook              provision_entitlement;
            clarity_webhook_token        $tenant_token;
            clarity_webhook_token_header X-Tenant-Token;
        }

        location = /limited {
            clarity_webhook       provision_entitlement;
            clarity_webhook_token limited;
            limit_req             zone=one;
            limit_req_status      429;
        }

        location = /slow {
            clarity_webhook       provision_entitlement;
            clarity_webhook_token slow;
            client_body_timeout   100ms;
        }

        location = /error-page {
            error_page 404 = /hook;
            return 404;
        }

        location = /no-status { error_page 413 = /problem; return 413; }
        location = /200 { error_page 413 =200 /problem; return 413; }
        location = /http { error_page 497 /problem; return 497; }
        location = /other { error_page 413 =415 /problem; return 413; }
EOF2

my $accepted = 0;

sub jobs { return $redis->command('EXISTS', '{clarity:0}:jobs')
    && $redis->command('XLEN', '{clarity:0}:jobs') }


# A problem as RFC 9457 has it, of that code; returns its members.

sub is_problem {
    my ($answer, $status, $code, $what) = @_;

    is $answer->status, $status, "$what: $status";
    is $answer->header('content-type'), 'application/problem+json',
        'with a problem';

    my $problem = decode_json($answer->body);

    is_deeply [ @$problem{qw(status code type)} ],
        [ $status, $code, "urn:problem-type:clarity:$code" ],
        "that is $code";
    ok length $problem->{title} && length $problem->{detail},
        'with a title and a detail';
    is jobs(), $accepted, 'and there is no job';

    return $problem;
}


sub accepted {
    my ($answer, $what) = @_;

    is $answer->status, 202, $what;
    $accepted++;
}


# Tokens.

my $answer = $nginx->post('/hook', context());
is_problem($answer, 401, 'token_missing', 'no token');
like $answer->header('www-authenticate'), qr/x-clarity-webhook-token/,
    'names the header';

is_problem($nginx->post('/hook', context(), token => ''), 401,
    'token_missing', 'an empty token');

for my $bad ('wrong', 'secre', 'secrett', 'Secret', 'secret x', "sec\tret",
    'x' x 4000)
{
    is_problem($nginx->post('/hook', context(), token => $bad), 401,
        'token_invalid', 'the token "' . substr($bad, 0, 10) . '"');
}

is_problem($nginx->post('/hook', context(), token => 'secret',
    headers => ['x-clarity-webhook-token: secret']), 401, 'token_invalid',
    'a good token twice');

accepted($nginx->post('/files', context(), token => $_),
    "the token $_ of several") for qw(first second third);
is_problem($nginx->post('/files', context(), token => 'secret'), 401,
    'token_invalid', "another webhook's token");

accepted($nginx->post('/tenant', context(), headers => [ 'X-Tenant: acme',
    'x-tenant-token: acme-token' ]), 'a token from a variable');
is_problem($nginx->post('/tenant', context(), headers => [
    'X-Tenant: other', 'x-tenant-token: acme-token' ]), 401,
    'token_invalid', 'a variable that is empty');
is_problem($nginx->post('/tenant', context(), headers => [
    'x-tenant-token:' ]), 401, 'token_missing',
    'nothing for a variable that is empty');

is_problem($nginx->http("POST /hook HTTP/1.1\r\nHost: a\r\n"
    . "Content-Length: 60000\r\n\r\n{"), 401, 'token_missing',
    'a body that has not come');


# Methods and media types.

for my $method (qw(GET HEAD PUT DELETE OPTIONS)) {
    $answer = $nginx->request($method, '/hook', token => 'secret');

    is $answer->header('allow'), 'POST', "$method: Allow names the method";
    is $answer->status, 405, 'and it is refused';
    is $answer->body, '', 'without a body' if $method eq 'HEAD';
    is_problem($answer, 405, 'method_not_allowed', $method)
        if $method ne 'HEAD';
}

is_problem($nginx->request('GET', '/hook'), 401, 'token_missing',
    'another method without a token');

for my $type ('application/x-www-form-urlencoded', 'text/plain',
    'multipart/form-data; boundary=x', 'application/jsonp', 'application/',
    'application/+json', 'text/json+json', ';application/json')
{
    $answer = $nginx->post('/hook', context(), token => 'secret',
        type => $type);

    is_problem($answer, 415, 'media_type_unsupported', $type);
    is $answer->header('accept'), 'application/json', 'and says what to send';
}

like decode_json($answer->body)->{detail}, qr/curl/, 'and how with curl';

accepted($nginx->post('/hook', context(), token => 'secret', type => $_),
    'the media type ' . ($_ // 'that is not given'))
    for undef, 'application/json', 'Application/JSON; charset=utf-8',
        'application/cloudevents+json', 'application/json ;x=y', '';


# JSON.

my @texts = (
    # body, line, column, offset
    [ '', 1, 1, 0 ],
    [ ' ', 1, 2, 1 ],
    [ '{', 1, 2, 1 ],
    [ '{"a":1,}', 1, 8, 7 ],
    [ "{\"a\":1\n \"b\":2}", 2, 2, 8 ],
    [ '{"a" 1}', 1, 6, 5 ],
    [ "{\r\n\"a\":\r\n tru}", 3, 2, 10 ],
    [ '{"a":1} x', 1, 9, 8 ],
    [ "{'a':1}", 1, 2, 1 ],
    [ "\xef\xbb\xbf{}", 1, 1, 0 ],
    [ "{\"a\":\"\xff\"}", 1, 6, 5 ],
    [ "{\"a\":\"b\xc0\x80\"}", 1, 6, 5 ],
    [ "{\"a\":\"b\xed\xa0\x80\"}", 1, 6, 5 ],
    [ '{"a":"bc\ud800"}', 1, 6, 5 ],
    [ "{\"a\":\"b\x01\"}", 1, 6, 5 ],
    [ '{"a":01}', 1, 6, 5 ],
    [ '{"a":1.}', 1, 6, 5 ],
    [ "{\"a\":\x0b1}", 1, 6, 5 ],
    [ '[' x 129, 1, 129, 128 ],
);

for my $text (@texts) {
    my ($body, $line, $column, $offset) = @$text;

    my $problem = is_problem($nginx->post('/hook', $body,
        token => 'secret'), 400, 'json_invalid', "the body '"
        . substr($body, 0, 20) =~ s/([^ -~])/sprintf '\x%02x', ord $1/ger
        . "'");

    is_deeply [ @$problem{qw(line column offset)} ],
        [ $line, $column, $offset ], 'and the place is right';
}

like decode_json($nginx->post('/hook', '{"a":"bc\ud800"}',
    token => 'secret')->body)->{detail},
    qr/line 1, column 6, byte 4 of the string: a lone surrogate/,
    'and of a string the byte';


# The context: the seven, in order, once, of their types.

my @names = qw(app_identifier identity_id entitlement_id expiration
    grant_type meta creator_id);
my %all = %{ decode_json(context()) };


# {"name":value,…} of those names, whatever they are.

sub object {
    my $json = JSON::PP->new->allow_nonref;

    return '{' . join(',', map {
        "\"$_\":" . $json->encode(exists $all{$_} ? $all{$_} : 1)
    } @_) . '}';
}


sub faults {
    my ($body, $what) = @_;

    my $problem = is_problem($nginx->post('/hook', $body,
        token => 'secret'), 422, 'context_invalid', $what);

    is_deeply $problem->{expected}, \@names, 'what is expected is in order';

    for my $error (@{ $problem->{errors} }) {
        is $error->{pointer}, defined $error->{parameter}
            ? "/$error->{parameter}" : '', 'an error has its pointer';
        ok length $error->{detail}, 'and a detail';
    }

    return ([ map { [ $_->{code}, $_->{parameter} ] }
        @{ $problem->{errors} } ], $problem);
}


for my $i (0 .. $#names) {
    my ($found) = faults(object(@names[ grep { $_ != $i } 0 .. $#names ]),
        "without $names[$i]");
    is_deeply $found, [ [ 'missing', $names[$i] ] ], 'that is the fault';

    ($found) = faults(object(@names, $names[$i]), "$names[$i] twice");
    is_deeply $found, [ [ 'duplicate', $names[$i] ] ], 'that is the fault';

    my @unknown = (@names[ 0 .. $i ], 'extra', @names[ $i + 1 .. $#names ]);
    ($found) = faults(object(@unknown), "one more after $names[$i]");
    is_deeply $found, [ [ 'unknown', 'extra' ] ], 'that is the fault';

    for my $k ($i + 1 .. $#names) {
        my @swapped = @names;
        @swapped[ $i, $k ] = @swapped[ $k, $i ];

        ($found, my $problem) = faults(object(@swapped),
            "$names[$i] and $names[$k] swapped");
        is_deeply [ sort { $a->[1] cmp $b->[1] } @$found ],
            [ map { [ 'out_of_order', $_ ] } sort @names[ $i, $k ] ],
            'these two are the faults';
        is_deeply $problem->{received}, \@swapped, 'and what came is told';
    }
}

my ($found) = faults(object(reverse(@names[ 1 .. 6 ]), 'x', 'y', 'x'),
    'much at once');
is scalar(grep { $_->[0] eq 'missing' } @$found), 1, 'one is missing';
is scalar(grep { $_->[0] eq 'unknown' } @$found), 2, 'two are unknown';
cmp_ok scalar(grep { $_->[0] eq 'out_of_order' } @$found), '>=', 5,
    'and the rest is out of order';

($found) = faults('[1]', 'an array');
is_deeply $found, [ [ 'wrong_type', undef ] ], 'is no object';

($found) = faults(context(identity_id => 'true', expiration => '"soon"',
    app_identifier => '""'), 'wrong values');
is_deeply $found, [ [ 'not_allowed', 'app_identifier' ],
    [ 'wrong_type', 'identity_id' ], [ 'wrong_format', 'expiration' ] ],
    'each has its code';

my $value = 'a-value-nobody-may-see';
my ($all, $problem) = faults(context(grant_type => "[\"$value\"]",
    expiration => "\"$value\""), 'values');
unlike encode_json($problem), qr/$value/, 'are not repeated';

$answer = $nginx->post('/hook', object(map { "name$_" } 1 .. 5000),
    token => 'secret');
is $answer->status, 422, 'thousands of unknown names are refused';
cmp_ok length $answer->body, '<', 65536, 'in an answer of bounded size';


# Refusals of nginx's own.

is_problem($nginx->post('/hook', 'x' x 70_000, token => 'secret'), 413,
    'payload_too_large', 'a body over client_max_body_size');

is_problem($nginx->post('/named', 'x' x 70_000, token => 'named'), 413,
    'payload_too_large', 'the same by a named location');

my $http = $nginx->connect;
$http->write("POST /hook HTTP/1.1\r\nHost: a\r\nConnection: close\r\n"
    . "X-Clarity-Webhook-Token: secret\r\n"
    . "Transfer-Encoding: chunked\r\n\r\n");
$http->write("ff00\r\n" . 'x' x 65280 . "\r\n");
$http->write("ff00\r\n" . 'x' x 65280 . "\r\n");
is_problem($http->read, 413, 'payload_too_large', 'the same in chunks');

accepted($nginx->post('/limited', context(), token => 'limited'),
    'the first request of a minute');
$answer = $nginx->post('/limited', context(), token => 'limited');
is_problem($answer, 429, 'rate_limited', 'the second');
ok $answer->header('retry-after'), 'says when to come again';

$http = $nginx->connect;
$http->write("POST /slow HTTP/1.1\r\nHost: a\r\n"
    . "X-Clarity-Webhook-Token: slow\r\nContent-Length: 100\r\n\r\n{");
$answer = $http->read;
ok !$answer || $answer->status == 408, 'a body that does not come';

is_problem($nginx->post('/nothing-here', context(), token => 'secret'), 404,
    'webhook_not_found', 'no such endpoint');

is_problem($nginx->http("POST /hook HTTP/1.1\r\n\r\n"), 400, 'bad_request',
    'a request without Host');
is_problem($nginx->http("GARBAGE\r\n\r\n"), 400, 'bad_request',
    'what is no request');
is_problem($nginx->post('/hook', context(), token => 'x' x 40_000), 400,
    'bad_request', 'a header that is too long for nginx');
is_problem($nginx->get('/problem'), 404, 'webhook_not_found',
    'the address of the problems');

for my $uri ('/no-status', '/200') {
    is_problem($nginx->post($uri, context()), 500, 'internal',
        'an error_page that hides what it is for');
    like $t->read_file('nginx/error.log'), qr/leave out the "=" .*"POST $uri /,
        'and the log says so';
}

is $nginx->post('/other', context())->status, 415,
    'one that makes an error of no code here of it';
is_problem($nginx->post('/http', context()), 400, 'bad_request',
    'HTTP where HTTPS is spoken');

is_problem($nginx->post('/error-page', context()), 401, 'token_missing',
    'a webhook behind an error_page has its own status');

unlike $t->read_file('nginx/error.log'),
    qr/secret|acme-token|$value|INC1/, 'no token and no value in the log';

$t->done;
