#!/usr/bin/perl

# GET webhooks: the context in the query, or in a body, and in no log.

use Clarity::Test;

my $t = Clarity::Test->new;
my $redis = $t->redis;
$t->write_file('token.key', 'k1:' . 'A' x 43 . "=\n");
chmod 0600, $t->dir . '/token.key';

my $h2 = $t->port;
$t->word(H2 => $h2);
my $deferred_port = $t->port;
$t->word(DEFERRED => $deferred_port);
$t->word(NOBODY => $t->port);

my $nginx = $t->nginx(http => <<'EOF', server => <<'EOF2');
    clarity_token_key_file %%DIR%%/token.key;
    limit_req_zone $clarity_webhook zone=one:1m rate=1r/m;
    log_format both '$status "$request" $http_x_case "$args"';
    access_log %%DIR%%/both.log both;
EOF
        listen 127.0.0.1:%%H2%% http2;
        listen 127.0.0.1:%%DEFERRED%% deferred;

        error_page 400 404 413 414 429 494 /problem;
        location = /problem { internal; clarity_problem; }

        location = /hook {
            clarity_webhook        provision_entitlement;
            clarity_webhook_method GET;
            clarity_webhook_token  secret;
        }

        location = /any {
            clarity_webhook         provision_entitlement;
            clarity_webhook_method  GET;
            clarity_webhook_token   secret;
            clarity_context_order   any;
            clarity_context_unknown keep;
        }

        location = /post {
            clarity_webhook       provision_entitlement;
            clarity_webhook_token secret;
        }

        location = /limited {
            clarity_webhook        provision_entitlement;
            clarity_webhook_method GET;
            clarity_webhook_token  secret;
            limit_req              zone=one;
            limit_req_status       429;
        }

        location = /small {
            clarity_webhook        provision_entitlement;
            clarity_webhook_method GET;
            clarity_webhook_token  secret;
            client_max_body_size   1k;
        }

        location = /denied {
            clarity_webhook        provision_entitlement;
            clarity_webhook_method GET;
            clarity_webhook_token  secret;
            deny                   all;
        }

        location = /inside {
            internal;
            clarity_webhook        provision_entitlement;
            clarity_webhook_method GET;
            clarity_webhook_token  secret;
        }

        location = /mirrored {
            clarity_webhook        provision_entitlement;
            clarity_webhook_method GET;
            clarity_webhook_token  secret;
            mirror                 /copy;
        }

        location = /copy { internal; proxy_pass http://127.0.0.1:%%NOBODY%%; }

        location = /proxied {
            clarity_webhook        provision_entitlement;
            clarity_webhook_method GET;
            clarity_webhook_token  secret;
            if ($http_x_special) { proxy_pass http://127.0.0.1:%%NOBODY%%; }
        }

        location @elsewhere { return 418; }
        location = /named {
            error_page             403 413 = @elsewhere;
            clarity_webhook        provision_entitlement;
            clarity_webhook_method GET;
            clarity_webhook_token  secret;
            client_max_body_size   1k;
            deny                   all;
        }

        location = /with-if {
            clarity_webhook        provision_entitlement;
            clarity_webhook_method GET;
            clarity_webhook_token  secret;
            if ($http_x_special) { set $special 1; }
        }

        location = /plain { return 200 plain; }

        location /webhooks/ { clarity_webhooks; }
        location /api/ { clarity_settings_api; }
EOF2

my $query = 'app_identifier=github&identity_id=4711&entitlement_id=admins'
    . '&expiration=null&grant_type=role&meta=m&creator_id=17';
my $context = '{"app_identifier":"github","identity_id":"4711",'
    . '"entitlement_id":"admins","expiration":null,"grant_type":"role",'
    . '"meta":"m","creator_id":"17"}';


sub newest_context {
    my $entry = $redis->command('XREVRANGE', '{clarity:0}:jobs', '+', '-',
        'COUNT', 1)->[0];
    my %fields = @{ $entry->[1] };

    return $fields{context};
}


sub jobs { return $redis->command('XLEN', '{clarity:0}:jobs') }
sub code { return decode_json($_[0]->body)->{code} }


# What becomes of a query.

my $answer = $nginx->get("/hook?$query", token => 'secret');
is $answer->status, 202, 'a whole context in the query is accepted';
is newest_context(), $context, 'and is the job as JSON';

$nginx->get('/hook?' . ($query =~ s/=m&/=a+b%26%C3%A9%22%0a&/r),
    token => 'secret');
is newest_context(), $context =~ s/"m"/"a b&\xc3\xa9\\"\\n"/r,
    'escapes, in the job as JSON has them';

$nginx->get("/any?x=1&$query&y", token => 'secret');
is newest_context(), $context =~ s/^\{/{"x":"1",/r =~ s/\}$/,"y":""}/r,
    'unknown parameters that are kept';

$answer = $nginx->request('GET', '/hook', token => 'secret',
    body => context());
is $answer->status, 202, 'a body in the place of the query is accepted';
is newest_context(), context(), 'and goes on as it was sent';

$answer = $nginx->request('GET', '/hook?', token => 'secret',
    body => context());
is $answer->status, 202, 'an empty query is none';

is $nginx->get("/hook?$query", token => 'secret',
    headers => ['Content-Type: text/plain'])->status, 202,
    'what there is no body for needs no media type';

my $chunked = "GET /hook?$query HTTP/1.1\r\nHost: a\r\nConnection: close\r\n"
    . "X-Clarity-Webhook-Token: secret\r\nTransfer-Encoding: chunked\r\n\r\n";

is $nginx->http("${chunked}0\r\n\r\n")->status, 202,
    'a body in chunks that is empty is none';

$answer = $nginx->get("/hook?$query", token => 'secret',
    headers => ['X-Clarity-Dry-Run: 1']);
is $answer->status, 200, 'a dry run';


# What is refused.

my $jobs = jobs();

for my $case (
    [ '',         ('missing') x 7 ],
    [ '?',        ('missing') x 7 ],
    [ '?&&&',     ('missing') x 7 ],
    [ "?$query&x", 'unknown' ],
    [ "?$query&m%65ta=1", 'duplicate' ],
    [ '?' . ($query =~ s/&meta=m//r), 'missing' ],
    [ '?' . ($query =~ s/(meta=m)&(creator_id=17)/$2&$1/r),
        'out_of_order', 'out_of_order' ],
    [ '?' . ($query =~ s/null/soon/r), 'wrong_format' ],
    [ '?' . ($query =~ s/github//r), 'not_allowed' ],
) {
    my ($args, @codes) = @$case;

    $answer = $nginx->get("/hook$args", token => 'secret');
    is $answer->status, 422, "the query '$args': 422";
    is_deeply [ map { $_->{code} } @{ decode_json($answer->body)->{errors} } ],
        \@codes, "with @codes";
}

for my $case ([ 'a=%zz', 2 ], [ 'a=1&b=%ff', 6 ], [ 'a=%00', 2 ],
    [ "a=\xc3\x28", 2 ])
{
    my ($args, $offset) = @$case;

    $answer = $nginx->get("/hook?$args", token => 'secret');
    is $answer->status, 400, 'text that is none: 400';
    my $problem = decode_json($answer->body);
    is_deeply [ @$problem{qw(code line column offset)} ],
        [ 'json_invalid', 1, $offset + 1, $offset ], 'with the place';
    like $problem->{detail}, qr/^The query is wrong at byte /, 'in words';
}

$answer = $nginx->request('GET', "/hook?$query", token => 'secret',
    body => context());
is_deeply [ $answer->status, code($answer) ], [ 400, 'context_twice' ],
    'a query and a body';

$answer = $nginx->http("${chunked}2\r\n{}\r\n0\r\n\r\n");
is_deeply [ $answer->status, code($answer) ], [ 400, 'context_twice' ],
    'the same in chunks';

$answer = $nginx->request('GET', '/hook', token => 'secret',
    body => context(), type => 'text/plain');
is_deeply [ $answer->status, code($answer) ],
    [ 415, 'media_type_unsupported' ], 'a body of another type';

for my $method (qw(HEAD POST PUT OPTIONS)) {
    $answer = $nginx->request($method, "/hook?$query", token => 'secret');
    is_deeply [ $answer->status, $answer->header('allow') ], [ 405, 'GET' ],
        "$method is not GET";
}

$answer = $nginx->request('HEAD', '/post', token => 'secret');
is_deeply [ $answer->status, $answer->header('allow') ], [ 405, 'POST' ],
    'HEAD is not POST either';

is jobs(), $jobs, 'none of these is a job';

$answer = $nginx->post("/post?$query&x=%zz", context(), token => 'secret');
is $answer->status, 202, 'the query of a POST is not looked at';


# One that was made at run time.

wait_until { $nginx->get('/api/webhooks')->status == 200 } 5, 'the API';

$answer = $nginx->post('/api/webhooks', encode_json({ method => 'GET',
    endpoint => 'made', trigger => 'provision_entitlement' }));
is $answer->status, 201, 'a GET webhook is made at run time';

my $made = decode_json($answer->body)->{token};

wait_until { $nginx->get("/webhooks/made?$query", token => $made)->status
    == 202 } 5, 'the webhook';
is newest_context(), $context, 'its context is in the query';

$answer = $nginx->request('HEAD', "/webhooks/made?$query", token => $made);
is_deeply [ $answer->status, $answer->header('allow') ], [ 405, 'GET' ],
    'and HEAD is refused';


# The query is in no log, neither in $request nor in the error log's lines,
# however early the request is refused.

my $value = 'value-of-a-context';
my $hidden = $query =~ s/meta=m/meta=$value/r;
my $n = 0;


sub log_line {
    my ($case) = @_;

    return wait_until {
        (grep { /\b$case\b/ } split /\n/, $t->read_file('both.log'))[0];
    } 5, 'its line in the log';
}


# Sends the request, with a name for it that the log has too; returns the
# line of the log.

sub logs {
    my ($bytes, $status, $request, $what) = @_;

    my $case = 'case-' . ++$n;

    $bytes =~ s/\r\n/\r\nX-Case: $case\r\nConnection: close\r\n/;
    is $nginx->http($bytes)->status, $status, "$what: $status";

    my $line = log_line($case);
    my ($logged) = $line =~ /^\d+ "([^"]*)"/;
    is $logged, $request, 'and $request is without the query';

    return $line;
}

my $head = "Host: a\r\nX-Clarity-Webhook-Token: secret\r\n";

for my $case (
    [ 202, 'accepted', '/hook', $head ],
    [ 401, 'no token', '/hook', "Host: a\r\n" ],
    [ 404, 'no such endpoint', '/webhooks/none', $head ],
    [ 401, 'a token of another', '/webhooks/made', $head ],
    [ 202, 'one that may pass', '/limited', $head ],
    [ 429, 'one too many', '/limited', $head ],
    [ 413, 'a body that is too large', '/small',
        "${head}Content-Length: 2000\r\n" ],
    [ 403, 'denied', '/denied', $head ],
    [ 404, 'internal', '/inside', $head ],
    [ 418, 'denied, and led on by name', '/named', $head ],
    [ 418, 'too large, and led on by name', '/named',
        "${head}Content-Length: 2000\r\n" ],
    [ 202, 'with a mirror', '/mirrored', $head ],
    [ 502, 'with a proxy', '/proxied', "${head}X-Special: 1\r\n" ],
    [ 202, 'with an if', '/with-if', "${head}X-Special: 1\r\n" ],
    [ 202, 'a header that is passed over', '/hook', "x_y: z\r\n$head" ],
    [ 400, 'no host', '/hook', '' ],
    [ 400, 'a bad length', '/hook', "${head}Content-Length: x\r\n" ],
) {
    my ($status, $what, $uri, $headers) = @$case;

    my $line = logs("GET $uri?$hidden HTTP/1.1\r\n$headers\r\n", $status,
        "GET $uri HTTP/1.1", $what);

    like $line, qr/"\Q$hidden\E"$/, 'while $args has it' if $status == 202;
}

my $deferred = Clarity::HTTP->new('127.0.0.1', $deferred_port);
$deferred->write("GET /hook?$hidden HTTP/1.1\r\nd_f: r\r\n$head\r\n");
is $deferred->read->status, 202, 'over a socket that is deferred';

# A body that came without its length is the next request's line.
my $stray = $nginx->connect;
$stray->write("POST /hook HTTP/1.1\r\n${head}Content-Type: application/json\r\n"
    . "X-Clarity-Webhook-Token: none\r\n\r\n{\"a\":\"$hidden\"}\r\n\r\n");
is $stray->read->status, 401, 'a body without a length';
is $stray->read->status, 400, 'and the line that nginx takes it for';

logs("$_ /hook?$hidden HTTP/1.1\r\n$head\r\n", 405, "$_ /hook HTTP/1.1",
    'what nginx refuses') for 'TRACE', 'CONNECT';
logs("HEAD /hook?$hidden HTTP/1.1\r\n$head\r\n", 405, 'HEAD /hook HTTP/1.1',
    'another method');

# These have no name.

sub nameless {
    return [ map { /^4\d\d "(GET \/hook[^"]*)" - "-"/ } split /\n/,
        $t->read_file('both.log') ];
}

my $before = @{ nameless() };

is $nginx->http("GET /hook?$hidden and more HTTP/1.1\r\n$head\r\n")->status,
    400, 'a line that is none: 400';
is $nginx->http("GET /hook?$hidden" . 'x' x 40_000 . " HTTP/1.1\r\n$head"
    . "\r\n")->status, 400, 'one that is too long: 400 by clarity_problem';

wait_until { @{ nameless() } == $before + 2 } 5, 'both in the log';

# of two processes: in any order
is_deeply [ sort @{ nameless() }[ -2, -1 ] ],
    [ 'GET /hook', 'GET /hook HTTP/1.1' ], 'and the query is cut';

logs("GET /plain?a=b HTTP/1.1\r\n$head\r\n", 200, 'GET /plain?a=b HTTP/1.1',
    'another location');
logs("POST /post?a=b HTTP/1.1\r\n${head}Content-Type: application/json\r\n"
    . 'Content-Length: ' . length(context()) . "\r\n\r\n" . context(), 202,
    'POST /post?a=b HTTP/1.1', 'a POST webhook');

SKIP: {
    skip 'a curl that speaks HTTP/2 is needed', 1
        if `curl --version` !~ /HTTP2/;

    for my $case ([ 'hook', 202, 'secret' ], [ 'hook', 401, 'wrong' ],
        [ 'denied', 403, 'secret' ])
    {
        my ($uri, $status, $token) = @$case;

        is `curl -s -o /dev/null --http2-prior-knowledge -w '%{http_code}' \\
                -H 'x-case: h2-$uri-$status' \\
                -H 'x-clarity-webhook-token: $token' \\
                'http://127.0.0.1:$h2/$uri?$hidden'`,
            $status, "over HTTP/2: $status";

        like log_line("h2-$uri-$status"),
            qr{^$status "GET /$uri HTTP/2\.0" }, 'and not the query';
    }
}

my $log = $t->read_file('nginx/error.log');

like $log, qr{connect\(\) failed .*request: "GET /mirrored HTTP/1\.1", subrequest: "/copy", upstream: "http://127\.0\.0\.1:\d+/copy"},
    "the error log has a mirror's upstream";
like $log, qr{connect\(\) failed .*request: "GET /proxied HTTP/1\.1", upstream: "http://127\.0\.0\.1:\d+/proxied"},
    'and that of a location with a proxy';
like $log, qr/limiting requests.*request: "GET \/limited HTTP\/1\.1"/,
    'the error log has the request';
like $log, qr/too large body.*request: "GET \/small HTTP\/1\.1"/,
    'that which was too large';
like $log, qr/invalid header line: "x_y: z".* request: "GET \/hook HTTP\/1\.1"$/m,
    'that of which a header was passed over';
like $log, qr/TRACE method.* request: "TRACE \/hook HTTP\/1\.1"/,
    'that with the method TRACE';
like $log, qr/too long URI.* request: "GET \/hook"/, 'one that has no end';
like $log, qr/invalid request .* request: "GET \/hook HTTP\/1\.1"$/m,
    'and one that has another end';
like $log, qr/invalid header line: "d_f: r".* request: "GET \/hook HTTP\/1\.1"$/m,
    'the first one of a connection that is deferred';
like $log, qr/access forbidden.*request: "GET \/denied HTTP\/1\.1"/,
    'and that which was denied';

is_deeply [ grep { /$value/ } split /\n/, $log ], [], 'without the query';

$t->done;
