#!/usr/bin/perl

# What is answered to what: a table of requests, each with its exact status,
# its code, and the place or the faults. Each is sent three times: plainly, in
# small chunks to a location that keeps bodies in files, and over HTTP/2; the
# answers are the same.

use Clarity::Test;

my $t = Clarity::Test->new;
my $redis = $t->redis;
my $h2 = $t->port;
$t->word(H2 => $h2);

my $triggers = $t->write_file('triggers.json', <<'EOF');
{"triggers": [
  {"name": "abc", "context": [{"name": "a"}, {"name": "b"}, {"name": "c"}]},
  {"name": "nothing", "context": []},
  {"name": "kinds", "context": [
    {"name": "s", "type": "string", "minLength": 2, "maxLength": 4},
    {"name": "i", "type": "integer", "minimum": -10, "maximum": 1000},
    {"name": "n", "type": "number"},
    {"name": "b", "type": "boolean"},
    {"name": "z", "type": "null"},
    {"name": "l", "type": "array"},
    {"name": "o", "type": "object"},
    {"name": "e", "enum": ["x", 1.5, true, null]},
    {"name": "d", "type": ["string", "null"], "format": "date"},
    {"name": "t", "type": "string", "format": "date-time"},
    {"name": "dt", "type": "string", "format": "date-or-date-time"},
    {"name": "u", "type": "string", "format": "uuid"},
    {"name": "m", "type": "string", "format": "email"},
    {"name": "any"}]}]}
EOF

sub location {
    my ($name, $trigger, $more) = @_;

    return map { my ($where, $options) = @$_; <<"EOF" } [ '', '' ],
        location $where/$name {
            clarity_webhook       $trigger name=$where/$name;
            clarity_webhook_token secret;
            $options $more
        }
EOF
        [ '/file', 'client_body_buffer_size 1k; '
            . 'client_body_in_file_only clean;' ];
}

my $nginx = $t->nginx(triggers => $triggers, http => <<'EOF',
    client_max_body_size 64k;
EOF
    server => join '', <<'EOF',
        listen 127.0.0.1:%%H2%% http2;
        error_page 400 404 408 413 414 429 494 500 /problem;
        location = /problem { internal; clarity_problem; }
        location = /408 { error_page 404 =408 /problem; return 404; }
        location = /500 { return 500; }
EOF
    location('post', 'abc', ''),
    location('put', 'abc', 'clarity_webhook_method PUT;'),
    location('patch', 'abc', 'clarity_webhook_method PATCH;'),
    location('delete', 'abc', 'clarity_webhook_method DELETE;'),
    location('get', 'abc', 'clarity_webhook_method GET;'),
    location('nothing', 'nothing', ''),
    location('kinds', 'kinds', ''),
    location('any', 'abc', 'clarity_context_order any;'),
    location('drop', 'abc', 'clarity_context_unknown drop;'),
    location('keep', 'abc', 'clarity_context_unknown keep;'),
    location('loose', 'abc', 'clarity_context_order any;'
        . 'clarity_context_unknown keep;'),
    location('200', 'abc', 'clarity_webhook_status 200;'),
    location('201', 'abc', 'clarity_webhook_status 201;'),
    location('header', 'abc', 'clarity_webhook_token_header x-other;'));


my @rows;

# row(WHAT, STATUS, CODE, PLACE, METHOD, URI, ...): PLACE is the offset of
# json_invalid, the faults of context_invalid ("code parameter; …"), or the
# text that the detail holds.

sub row {
    my ($what, $status, $code, $place, $method, $uri, %with) = @_;

    $what =~ s/([^ -~])/sprintf '\x%02x', ord $1/ge;
    push @rows, { only_http1 => delete $with{only_http1}, what => $what, status => $status, code => $code,
        place => $place, method => $method, uri => $uri,
        with => { token => 'secret', %with } };
}


sub post_row {
    my ($what, $status, $code, $place, $body, $uri, %with) = @_;

    row($what, $status, $code, $place, 'POST', $uri // '/post',
        body => $body, %with);
}

my $abc = '{"a":1,"b":2,"c":3}';


# Endpoints and tokens.

row("the endpoint $_", 404, 'webhook_not_found', undef, 'POST', $_,
    body => $abc)
    for '/', '/nowhere', '/POST', '/problem', '/%2570ost';

row('408 by nginx', 408, 'request_timeout', undef, 'GET', '/408');
row('500 by nginx', 500, 'internal', undef, 'GET', '/500');

post_row('no token', 401, 'token_missing', undef, $abc, '/post',
    token => undef);
post_row('an empty token', 401, 'token_missing', undef, $abc, '/post',
    token => '');
post_row("the token '" . substr($_, 0, 12) . "'", 401, 'token_invalid', undef,
    $abc, '/post', token => $_)
    for 'wrong', 'secre', 'secrets', 'SECRET', 'secret,secret', '"secret"',
        'Bearer secret', 'secret secret', "s\xc3\xa9cret", 'x' x 4000;
post_row('two tokens', 401, 'token_invalid', undef, $abc, '/post',
    headers => ['x-clarity-webhook-token: secret']);
post_row('a good one and a bad one', 401, 'token_invalid', undef, $abc,
    '/post', headers => ['x-clarity-webhook-token: wrong']);
post_row('in the header of another', 401, 'token_missing', undef, $abc,
    '/post', token => undef, headers => ["$_: secret"])
    for qw(authorization x-clarity-webhook-tokens x-token x-other);
post_row('in the address', 401, 'token_missing', undef, $abc,
    '/post?x-clarity-webhook-token=secret', token => undef);
post_row('in a header of our own', 202, 'accepted', undef, $abc, '/header',
    token => undef, headers => ['x-other: secret']);
post_row('not in that', 401, 'token_missing', undef, $abc, '/header');
post_row('white space around it', 202, 'accepted', undef, $abc, '/post',
    token => '  secret  ', only_http1 => 1);
post_row('no token comes first', 401, 'token_missing', undef, '{', '/put',
    token => undef, type => 'text/plain');


# Methods: HEAD nowhere.

for my $method (qw(post put patch delete get)) {
    for my $sent (qw(POST PUT PATCH DELETE GET HEAD OPTIONS PROPFIND)) {
        my $good = lc $sent eq $method;

        row("$sent to $method", $good ? (202, 'accepted')
            : (405, 'method_not_allowed'), undef, $sent, "/$method",
            $sent eq 'HEAD' ? () : (body => $abc));
    }

    row("$_ to $method", 405, 'method_not_allowed', undef, $_, "/$method",
        body => $abc) for 'FOO';
    row("HEAD to $method, no token", 401, 'token_missing', undef, 'HEAD',
        "/$method", token => undef);
}

post_row('an accepted one by 200', 200, 'accepted', undef, $abc, '/200');
post_row('an accepted one by 201', 201, 'accepted', undef, $abc, '/201');


# Media types.

post_row('no media type', 202, 'accepted', undef, $abc, '/post',
    type => undef);
post_row("the media type '$_'", 202, 'accepted', undef, $abc, '/post',
    type => $_)
    for '', 'application/json', 'APPLICATION/JSON', 'application/json;',
        'application/json; charset=utf-8', 'application/json;charset=latin1',
        "application/json \t; x=\"y\"", 'application/ld+json',
        'application/vnd.api+json; ext=x', 'application/problem+json';
post_row("the media type '$_'", 415, 'media_type_unsupported',
    qr/application\/json/, $abc, '/post', type => $_)
    for 'text/plain', 'text/json', 'application/x-www-form-urlencoded',
        'multipart/form-data; boundary=x', 'application/octet-stream',
        'application/xml', 'application/jsonx', 'application/json5',
        'application/json, text/plain', 'application', 'json', '*/*',
        'application/+json', 'image/svg+json', 'application/json+xml',
        '; application/json', 'application/ json', 'application /json';
post_row('two media types', 415, 'media_type_unsupported', qr/more than once/,
    $abc, '/post', headers => ['content-type: application/json']);
post_row("the coding $_", 415, 'media_type_unsupported',
    qr/Content-Encoding/, $abc, '/post', headers => ["content-encoding: $_"])
    for 'gzip', 'br', 'deflate', 'gzip, identity';
post_row("the coding '$_'", 202, 'accepted', undef, $abc, '/post',
    headers => ["content-encoding: $_"]) for 'identity', 'Identity', '';
post_row('a media type before JSON', 415, 'media_type_unsupported', undef,
    '{', '/post', type => 'text/plain');


# JSON: the offset of the wrong token.

post_row('JSON that ends too early: ' . $_->[0], 400, 'json_invalid',
    $_->[1], $_->[0])
    for [ '', 0 ], [ ' ', 1 ], [ "\r\n\t ", 4 ], [ '{', 1 ], [ '{"a"', 4 ],
        [ '{"a":', 5 ], [ '{"a":1', 6 ], [ '{"a":1,', 7 ], [ '[', 1 ],
        [ '[1', 2 ], [ '[1,', 3 ], [ '"', 0 ], [ '"a', 0 ], [ '{"a', 1 ],
        [ 'tru', 0 ], [ '-', 0 ], [ '1.', 0 ], [ '1e', 0 ], [ '"\\', 0 ],
        [ '"\\u12', 0 ];

for my $case (
    [ '{"a":1,}', 7 ], [ '{,"a":1}', 1 ], [ '{"a":1,,"b":2}', 7 ],
    [ '{"a":1 "b":2}', 7 ], [ '{"a" 1}', 5 ], [ '{"a"::1}', 5 ],
    [ '{a:1}', 1 ], [ "{'a':1}", 1 ], [ '{1:1}', 1 ], [ '{"a":}', 5 ],
    [ '{null:1}', 1 ], [ '{"a":1]', 6 ], [ '[1}', 2 ], [ '{"a":[1,]}', 8 ],
    [ '{"a":1}}', 7 ], [ '{"a":1}{}', 7 ], [ '{"a":1} x', 8 ],
    [ '{"a":1}"', 7 ], [ '{}//', 2 ], [ '/**/{}', 0 ], [ '{"a":1 /* x */}', 7 ],
    [ '#{}', 0 ], [ '{"a":01}', 5 ], [ '{"a":00}', 5 ], [ '{"a":-01}', 5 ],
    [ '{"a":+1}', 5 ], [ '{"a":.5}', 5 ], [ '{"a":1.}', 5 ],
    [ '{"a":1.e5}', 5 ], [ '{"a":1e}', 5 ], [ '{"a":1e+}', 5 ],
    [ '{"a":--1}', 5 ], [ '{"a":0x10}', 6 ], [ '{"a":NaN}', 5 ],
    [ '{"a":Infinity}', 5 ], [ '{"a":-Infinity}', 5 ], [ '{"a":True}', 5 ],
    [ '{"a":nul}', 5 ], [ '{"a":undefined}', 5 ], [ '{"a":"\\x41"}', 5 ],
    [ '{"a":"\\\'"}', 5 ], [ '{"a":"\\u00g0"}', 5 ], [ "{\"a\":\"\t\"}", 5 ],
    [ "{\"a\":\"\n\"}", 5 ], [ "{\"a\":\"x\x00\"}", 5 ],
    [ "{\"a\":\"\x1f\"}", 5 ], [ "{\"a\n\":1}", 1 ], [ "{\x0c}", 1 ],
    [ "{\x0b}", 1 ], [ "{\xc2\xa0}", 1 ], [ "{}\x00", 2 ],
    [ "\xef\xbb\xbf{}", 0 ], [ "\xfe\xff", 0 ], [ "\xff\xfe{\x00", 0 ],
    [ "{\"a\":\"\xff\"}", 5 ], [ "{\"a\":\"\x80\"}", 5 ],
    [ "{\"a\":\"\xc0\x80\"}", 5 ], [ "{\"a\":\"\xc1\xbf\"}", 5 ],
    [ "{\"a\":\"\xc3\"}", 5 ], [ "{\"a\":\"\xc3(\"}", 5 ],
    [ "{\"a\":\"\xe0\x80\x80\"}", 5 ], [ "{\"a\":\"\xe2\x82\"}", 5 ],
    [ "{\"a\":\"\xed\xa0\x80\"}", 5 ], [ "{\"a\":\"\xed\xbf\xbf\"}", 5 ],
    [ "{\"a\":\"\xf0\x8f\xbf\xbf\"}", 5 ],
    [ "{\"a\":\"\xf4\x90\x80\x80\"}", 5 ],
    [ "{\"a\":\"\xf8\x88\x80\x80\x80\"}", 5 ], [ "{\"\xff\":1}", 1 ],
    [ '{"a":"\\ud800"}', 5 ], [ '{"a":"\\udc00"}', 5 ],
    [ '{"a":"\\ud800\\u0041"}', 5 ], [ '{"a":"\\udc00\\ud800"}', 5 ],
    [ '{"a":"\\ud83d\\n"}', 5 ], [ '{"\\ud800":1}', 1 ],
    [ '[' x 129 . ']' x 129, 128 ], [ '{"a":' x 129 . '1' . '}' x 129, 640 ],
) {
    my ($body, $offset) = @$case;

    post_row('no JSON: ' . substr($body, 0, 20), 400, 'json_invalid', $offset,
        $body);
}


# The context: names.

my $seven = join ',', map { "\"$_\":0" } 'd' .. 'j';

for my $case (
    [ $abc ],
    [ " \n{\t\"a\" : [ ] , \"b\":{}\r\n,\"c\":\"\"} " ],
    [ '{"\\u0061":1,"b":"\\ud83d\\ude00","c":"\\u0000"}' ],
    [ '{"a":1e400,"b":-0,"c":123456789012345678901234567890}' ],
    [ '{"a":{"a":1,"a":2,"c":{}},"b":[{"z":1}],"c":"\\/"}' ],
    [ '{"a":' . '[' x 127 . ']' x 127 . ',"b":2,"c":3}' ],
    [ '{"a":"' . 'x' x 50_000 . '","b":2,"c":3}' ],
    [ '{}', 'missing a; missing b; missing c' ],
    [ '{"a":1}', 'missing b; missing c' ],
    [ '{"b":1,"c":2}', 'missing a' ],
    [ '{"a":1,"c":2}', 'missing b' ],
    [ '{"A":1,"b":2,"c":3}', 'missing a; unknown A' ],
    [ '{"a ":1,"b":2,"c":3}', 'missing a; unknown a ' ],
    [ '{"":1,"a":1,"b":2,"c":3}', 'unknown ' ],
    [ '{"a":1,"b":2,"c":3,"d":4}', 'unknown d' ],
    [ '{"d":4,"a":1,"b":2,"c":3}', 'unknown d' ],
    [ '{"a":1,"d":{"a":1},"b":2,"c":3}', 'unknown d' ],
    [ "{\"a\":1,\"b\":2,\"c\":3,$seven}",
        join '; ', map { "unknown $_" } 'd' .. 'j' ],
    [ '{"a":1,"b":2,"c":3,"x":1,"x":2,"\\u0078":3}',
        'unknown x; duplicate x' ],
    [ '{"b":1,"a":2,"c":3}', 'out_of_order a; out_of_order b' ],
    [ '{"a":1,"c":2,"b":3}', 'out_of_order b; out_of_order c' ],
    [ '{"c":1,"b":2,"a":3}', 'out_of_order a; out_of_order c' ],
    [ '{"b":1,"c":2,"a":3}',
        'out_of_order a; out_of_order b; out_of_order c' ],
    [ '{"c":1,"a":2}', 'out_of_order a; missing b; out_of_order c' ],
    [ '{"a":1,"a":2,"b":3,"c":4}', 'duplicate a' ],
    [ '{"a":1,"b":3,"c":4,"\\u0061":2}', 'duplicate a' ],
    [ '{"\\u0061":1,"\\u0061":1,"b":3,"c":4}', 'duplicate a' ],
    [ '{"a":1,"b":3,"c":4,"c":5,"c":6}', 'duplicate c' ],
    [ '{"b":1,"a":1,"b":2,"x":1}',
        'out_of_order a; out_of_order b; duplicate b; missing c; unknown x' ],
    [ '{"a":{"b":1,"c":2}}', 'missing b; missing c' ],
    [ '[]', 'wrong_type -' ], [ '[{"a":1,"b":2,"c":3}]', 'wrong_type -' ],
    [ '"a"', 'wrong_type -' ], [ '1', 'wrong_type -' ],
    [ '-0.5e+3', 'wrong_type -' ], [ 'true', 'wrong_type -' ],
    [ 'null', 'wrong_type -' ], [ '[' x 128 . ']' x 128, 'wrong_type -' ],
) {
    my ($body, $faults) = @$case;

    post_row('the context ' . substr($body, 0, 40),
        $faults ? (422, 'context_invalid') : (202, 'accepted'), $faults,
        $body);
}

for my $case (
    [ 'any', '{"c":1,"a":2,"b":3}' ],
    [ 'any', '{"c":1,"a":2,"b":3,"x":1}', 'unknown x' ],
    [ 'any', '{"c":1,"a":2}', 'missing b' ],
    [ 'any', '{"c":1,"a":2,"b":1,"a":3}', 'duplicate a' ],
    [ 'drop', '{"x":1,"a":1,"y":2,"b":2,"c":3,"x":2}' ],
    [ 'drop', '{"x":1,"b":1,"y":2,"a":2,"c":3}',
        'out_of_order a; out_of_order b' ],
    [ 'keep', '{"x":1,"a":1,"y":2,"b":2,"c":3,"X":2}' ],
    [ 'keep', '{"x":1,"a":1,"y":2,"b":2,"c":3,"x":2}', 'duplicate x' ],
    [ 'keep', '{"x":1,"a":1,"y":2,"b":2,"\\u0078":2}',
        'missing c; duplicate x' ],
    [ 'keep', '{"a":1,"b":2,"c":3,' . join(',', map { "\"x$_\":0" }
        0 .. 999, 500) . '}', 'duplicate x500' ],
    [ 'keep', '{"x":1}', 'missing a; missing b; missing c' ],
    [ 'keep', '[]', 'wrong_type -' ],
    [ 'loose', '{"x":1,"c":1,"b":2,"a":3}' ],
    [ 'loose', '{"c":1,"b":2,"a":3,"c":1}', 'duplicate c' ],
    [ 'nothing', '{}' ], [ 'nothing', ' { } ' ],
    [ 'nothing', '{"a":1}', 'unknown a' ], [ 'nothing', '[]', 'wrong_type -' ],
) {
    my ($uri, $body, $faults) = @$case;

    post_row("to $uri: $body",
        $faults ? (422, 'context_invalid') : (202, 'accepted'), $faults,
        $body, "/$uri");
}


# The context: values.

my @kinds = (
    s => '"abc"', i => 7, n => '-1.5e3', b => 'false', z => 'null',
    l => '[1,[2]]', o => '{"x":{}}', e => '"x"', d => '"2026-08-02"',
    t => '"2026-08-02T09:30:00Z"', dt => '"2026-08-02"',
    u => '"f81d4fae-7dec-11d0-a765-00a0c91e6bf6"', m => '"a.b@example.com"',
    any => 'null',
);


sub kinds {
    my %change = @_;

    my @members;
    for (my $i = 0; $i < @kinds; $i += 2) {
        push @members, "\"$kinds[$i]\":"
            . ($change{$kinds[$i]} // $kinds[$i + 1]);
    }

    return '{' . join(',', @members) . '}';
}

my @every = ('"abc"', '7', '7.5', 'true', 'null', '[]', '{}');
my %fits = (
    s => '"abc"', i => '7', n => '7 7.5', b => 'true', z => 'null', l => '[]',
    o => '{}', d => 'null', t => '', u => '', m => '',
    any => join(' ', @every),
);

for my $name (qw(s i n b z l o d t u m any)) {
    for my $value (@every) {
        my @good = split ' ', $fits{$name};
        my $is_text = $value eq '"abc"' && $name =~ /^[dtum]$/;
        my $good = grep { $_ eq $value } @good;

        post_row("$name: $value",
            $good ? (202, 'accepted', undef) : (422, 'context_invalid',
                ($is_text ? 'wrong_format ' : 'wrong_type ') . $name),
            kinds($name => $value), '/kinds');
    }
}

my %values = (
    s  => [ [ '"ab"' ], [ '"abcd"' ], [ "\"\xc3\xa9\xc3\xa9\"" ],
            [ '"\\ud83d\\ude00\\ud83d\\ude00\\u0041\\n"' ],
            [ '"a"', 'not_allowed' ], [ '""', 'not_allowed' ],
            [ '"abcde"', 'not_allowed' ],
            [ "\"\xf0\x9f\x98\x80\"", 'not_allowed' ] ],
    i  => [ [ '-10' ], [ '1000' ], [ '-0' ], [ '1.0' ], [ '1e3' ],
            [ '10000e-1' ], [ '-11', 'not_allowed' ],
            [ '1001', 'not_allowed' ], [ '1e4', 'not_allowed' ],
            [ '1.5', 'wrong_type' ], [ '1e-1', 'wrong_type' ],
            [ '1000.0000000000000000001', 'wrong_type' ],
            [ '1e999999', 'not_allowed' ], [ '"7"', 'wrong_type' ] ],
    e  => [ [ '1.5' ], [ '15e-1' ], [ '1.50' ], [ 'true' ], [ 'null' ],
            [ '"\\u0078"' ], [ 'false', 'not_allowed' ],
            [ '"X"', 'not_allowed' ], [ '"true"', 'not_allowed' ],
            [ '1', 'not_allowed' ], [ '[]', 'not_allowed' ],
            [ '{}', 'not_allowed' ] ],
    d  => [ [ '"2024-02-29"' ], [ '"0000-01-01"' ],
            map({ [ "\"$_\"", 'wrong_format' ] } '2026-02-29', '2026-13-01',
                '2026-00-10', '2026-1-1', '26-01-01', '2026-01-32',
                '2026/01/01', '2026-01-01T00:00:00Z', '', ' 2026-01-01',
                "2026-01-01\\n", 'null') ],
    t  => [ map({ [ "\"$_\"" ] } '2026-08-02T09:30:00+02:00',
                '2026-08-02t09:30:00z', '2026-08-02T09:30:00.123456789Z',
                '2016-12-31T23:59:60Z', '2017-01-01T00:59:60+01:00'),
            map({ [ "\"$_\"", 'wrong_format' ] } '2026-08-02',
                '2026-08-02T09:30:00', '2026-08-02 09:30:00Z',
                '2026-08-02T24:00:00Z', '2026-08-02T09:60:00Z',
                '2026-08-02T09:30:60Z', '2026-08-02T09:30Z',
                '2026-08-02T09:30:00.Z', '2026-08-02T09:30:00+2:00',
                '2026-08-02T09:30:00+24:00') ],
    dt => [ [ '"2026-08-02T09:30:00Z"' ], [ '"soon"', 'wrong_format' ],
            [ '"2026-08-02T"', 'wrong_format' ], [ 'null', 'wrong_type' ] ],
    u  => [ [ '"F81D4FAE-7DEC-11D0-A765-00A0C91E6BF6"' ],
            map({ [ "\"$_\"", 'wrong_format' ] }
                'f81d4fae7dec11d0a76500a0c91e6bf6',
                '{f81d4fae-7dec-11d0-a765-00a0c91e6bf6}',
                'f81d4fae-7dec-11d0-a765-00a0c91e6bf',
                'g81d4fae-7dec-11d0-a765-00a0c91e6bf6') ],
    m  => [ [ '"a@b"' ], [ '"a+b@x-y.example"' ],
            map({ [ "\"$_\"", 'wrong_format' ] } 'a', '@b', 'a@', 'a@@b',
                'a b@c', '.a@b', 'a.@b', 'a@b..c', 'a@-b', 'a@b,c@d') ],
);

for my $name (sort keys %values) {
    for my $case (@{ $values{$name} }) {
        my ($value, $fault) = @$case;

        post_row("$name: $value", $fault
            ? (422, 'context_invalid', "$fault $name")
            : (202, 'accepted', undef), kinds($name => $value), '/kinds');
    }
}

post_row('a fault of each', 422, 'context_invalid', join('; ',
    'not_allowed s', 'wrong_type i', 'wrong_type n', 'wrong_format d'),
    kinds(s => '""', i => '1.1', n => '"1"', d => '"x"'), '/kinds');
post_row('two faults of a value', 422, 'context_invalid', 'not_allowed s',
    kinds(s => '""'), '/kinds');


# What goes with the job, or only checks it.

post_row("x-clarity-dry-run: $_->[0]", @$_[ 1 .. 3 ], $abc, '/post',
    headers => ["x-clarity-dry-run: $_->[0]"])
    for [ '1', 200, 'valid' ], [ '0', 202, 'accepted' ],
        [ '2', 400, 'bad_request', qr/x-clarity-dry-run/ ],
        [ 'true', 400, 'bad_request', qr/x-clarity-dry-run/ ];
post_row('x_clarity_dry_run, which nginx drops', 202, 'accepted', undef, $abc,
    '/post', headers => ['x_clarity_dry_run: 1']);
post_row("the header $_", 202, 'accepted', undef, $abc, '/post',
    headers => [$_])
    for 'traceparent: x', 'x-request-id: ' . 'y' x 4000, 'cookie: a=b',
        'authorization: Basic eDp5', 'accept: text/html',
        'accept-encoding: gzip', 'if-match: "x"', 'range: bytes=0-1';


# The query.

my @get = ('GET', '/get');

row('a query', 202, 'accepted', undef, 'GET', '/get?a=1&b=2&c=3');
row('a query of a POST', 202, 'accepted', undef, 'POST', '/post?a=%zz',
    body => $abc);
row('no query', 422, 'context_invalid', 'missing a; missing b; missing c',
    @get);
row("the query $_->[0]", 422, 'context_invalid', $_->[1], 'GET',
    "/get?$_->[0]")
    for [ '&', 'missing a; missing b; missing c' ],
        [ 'a=1&c=2', 'missing b' ], [ 'a=1&b=2&c=3&d', 'unknown d' ],
        [ 'b=1&a=2&c=3', 'out_of_order a; out_of_order b' ],
        [ 'a=1&%61=2&b=3&c=4', 'duplicate a' ],
        [ 'a=1;b=2;c=3', 'missing b; missing c' ],
        [ 'a=1&B=2&c=3', 'missing b; unknown B' ];
row("the query $_->[0]", 400, 'json_invalid', $_->[1], 'GET',
    "/get?$_->[0]")
    for [ 'a=%', 2 ], [ 'a=%f', 2 ], [ 'a=%fg', 2 ], [ 'a=1&%=2', 4 ],
        [ 'a=%ff', 2 ], [ 'a=x%c3%28', 3 ], [ 'a=%00', 2 ], [ 'a=%u0041', 2 ];
row('a query and a body', 400, 'context_twice', undef, 'GET', '/get?a=1',
    body => $abc);
row('a GET with a body of another type', 415, 'media_type_unsupported', undef,
    @get, body => $abc, type => 'text/plain');
row('a GET with a body that is none', 400, 'json_invalid', 1, @get,
    body => '{');


# The three ways.

sub head_of { return $_[0]{method} eq 'HEAD' }


sub send_plainly {
    my ($row) = @_;

    my $answer = $nginx->request(@$row{qw(method uri)}, %{ $row->{with} });

    return ($answer->status, $answer->body);
}


# In chunks of 1 to 7 bytes, or larger ones where there are many.

sub send_in_chunks {
    my ($row) = @_;

    my %with = %{ $row->{with} };
    my $body = delete $with{body};
    my $text = $nginx->can('request_text')->($row->{method},
        "/file$row->{uri}", %with);
    my $type = exists $with{type} ? $with{type} : 'application/json';
    my $size = 1 + length($body) % 7 + int length($body) / 100;
    my $chunks = join '', map { sprintf "%x\r\n%s\r\n", length, $_ }
        unpack "(a$size)*", $body;

    $type = defined $type ? "Content-Type: $type\r\n" : '';
    $text =~ s/\r\n\r\n/\r\n${type}Transfer-Encoding: chunked\r\n\r\n/;

    my $answer = $nginx->http("$text${chunks}0\r\n\r\n");

    return ($answer->status, $answer->body);
}


# All by one curl: (status, body) of each. Each goes to a host of its own, as
# curl 7.88 fails at the second request over a connection like these.

sub send_over_h2 {
    my ($dir) = ($t->dir);
    my $config = '';

    for my $i (0 .. $#rows) {
        my $row = $rows[$i];
        my %with = %{ $row->{with} };
        my @headers = @{ $with{headers} // [] };

        push @headers, "x-clarity-webhook-token: $with{token}"
            if defined $with{token};
        s/:\s*$/;/ for @headers;

        if (defined $with{body}) {
            my $type = exists $with{type} ? $with{type} : 'application/json';
            push @headers, !defined $type ? 'content-type:'
                : $type eq '' ? 'content-type;' : "content-type: $type";
            $t->write_file("h2.$i.body", $with{body});
            $config .= "data-binary = \"\@$dir/h2.$i.body\"\n";
        }

        $config .= head_of($row) ? "head\n" : "request = $row->{method}\n";
        $config .= 'header = "' . s/(["\\])/\\$1/gr . "\"\n" for @headers;
        $config .= "url = \"http://h$i.test:$h2$row->{uri}\"\n"
            . "connect-to = \"::127.0.0.1:$h2\"\n"
            . "output = \"$dir/h2.$i.out\"\n"
            . "write-out = \"%{http_code}\\n\"\n"
            . "http2-prior-knowledge\nmax-time = 10\nsilent\n"
            . "globoff\npath-as-is\nnext\n";
    }

    my $file = $t->write_file('h2.config', $config =~ s/next\n\z//r);
    my @statuses = split /\n/, `curl -K $file 2>&1`;

    return map { [ $statuses[$_], scalar eval {
        $t->read_file("h2.$_.out") } // '' ] } 0 .. $#rows;
}


sub found {
    my ($row, $status, $body) = @_;

    return $status if head_of($row);

    my $problem = eval { decode_json($body) } // {};
    my $code = $problem->{code} // $problem->{status} // '';
    my $found = "$status $code";

    if ($code eq 'json_invalid') {
        $found .= " at $problem->{offset}";

    } elsif ($code eq 'context_invalid') {
        $found .= ': ' . join '; ', map { "$_->{code} "
            . ($_->{parameter} // '-') } @{ $problem->{errors} };

    } elsif (ref $row->{place}) {
        $found .= ' as said'
            if ($problem->{detail} // '') =~ $row->{place};
    }

    return $found;
}


sub expected {
    my ($row) = @_;

    return $row->{status} if head_of($row);

    my $place = $row->{place};
    my $expected = "$row->{status} $row->{code}";

    return !defined $place ? $expected
        : ref $place ? "$expected as said"
        : $row->{code} eq 'json_invalid' ? "$expected at $place"
        : "$expected: $place";
}


sub jobs { return $redis->command('EXISTS', '{clarity:0}:jobs')
    && $redis->command('XLEN', '{clarity:0}:jobs') }

my $accepted = grep { $_->{code} eq 'accepted' } @rows;

for my $row (@rows) {
    is found($row, send_plainly($row)), expected($row), $row->{what};
}

is jobs(), $accepted, 'what is accepted is a job, and nothing else';

my $in_chunks = 0;

for my $row (@rows) {
    next if !defined $row->{with}{body} || $row->{code} eq 'webhook_not_found';

    $in_chunks += $row->{code} eq 'accepted';
    is found($row, send_in_chunks($row)), expected($row),
        "$row->{what}, in chunks and files";
}

is jobs(), $accepted + $in_chunks, 'the same in chunks';

if (`curl --version` =~ /HTTP2/) {
    @rows = grep { !$_->{only_http1} } @rows;

    my @answers = send_over_h2();

    for my $i (0 .. $#rows) {
        is found($rows[$i], @{ $answers[$i] }), expected($rows[$i]),
            "$rows[$i]{what}, over HTTP/2";
    }

    is jobs(), $accepted + $in_chunks
        + grep({ $_->{code} eq 'accepted' } @rows), 'the same over HTTP/2';
}

cmp_ok scalar @rows, '>', 400, 'the table has ' . @rows . ' requests';

$t->done;
