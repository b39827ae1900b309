#!/usr/bin/perl

# How a request comes: versions of HTTP, lengths, chunks, Expect, what is left
# over on the connection. Byte by byte; and each that may be read in two ways
# is refused, or ends the connection.

use Clarity::Test;

my $t = Clarity::Test->new;
my $redis = $t->redis;
my $nginx = $t->nginx(http => <<'EOF', server => <<'EOF2');
    client_max_body_size 64k;
    client_body_timeout 2s;
    client_header_timeout 2s;
    lingering_timeout 500ms;
EOF
        error_page 400 404 413 414 429 494 501 505 /problem;
        location = /problem { internal; clarity_problem; }

        location = /post {
            clarity_webhook       identity_modified;
            clarity_webhook_token secret;
        }

        location = /get {
            clarity_webhook        identity_modified;
            clarity_webhook_method GET;
            clarity_webhook_token  secret;
        }
EOF2

my $body = '{"identity_id":1,"auto_or_manual":"auto",'
    . '"action_initiating_trigger":null,"internal_or_external":"x"}';
my $length = length $body;
my $half = substr $body, 0, 20;
my $rest = substr $body, 20;

my $token = "X-Clarity-Webhook-Token: secret\r\n";
my $host = "Host: a\r\n";
my $cl = "Content-Length: $length\r\n";
my $te = "Transfer-Encoding: chunked\r\n";
my $post = "POST /post HTTP/1.1\r\n$host$token";
my $bad = "POST /post HTTP/1.1\r\n$host";
my $chunks = sprintf "%x\r\n%s\r\n%x\r\n%s\r\n", 20, $half, $length - 20,
    $rest;
my $query = 'identity_id=1&auto_or_manual=a&action_initiating_trigger=null'
    . '&internal_or_external=x';

my $next = 'GET /post HTTP/1.1' . "\r\n${host}Connection: close\r\n\r\n";


sub jobs { return $redis->command('EXISTS', '{clarity:0}:jobs')
    && $redis->command('XLEN', '{clarity:0}:jobs') }


# What is sent, and all that comes back: "202 accepted; 401 token_missing".
# Behind each goes another request, whose 401 shows that the connection is
# where it should be; it is absent where the connection ended.

sub answers {
    my ($bytes) = @_;

    my $http = $nginx->connect;
    my @found;

    $http->write($bytes);

    while (my $answer = eval {
        $http->read(5, head => (!@found && $bytes =~ /^HEAD/) ? 1 : 0)
    }) {
        my $json = eval { $answer->json };

        push @found, join ' ', @{ $answer->interim }, $answer->status,
            $json && ($json->{code} // $json->{status}) || ();
    }

    return join '; ', @found;
}

my $ok = '202 accepted';
my $missing = '401 token_missing';
my $go_on = "; $missing";
my $malformed = '400 bad_request';

my @rows = (
    # versions
    [ 'HTTP/1.1', "$post$cl\r\n$body", "$ok$go_on" ],
    [ 'HTTP/1.0', "POST /post HTTP/1.0\r\n$token$cl\r\n$body", $ok ],
    [ 'HTTP/1.0 that goes on', "POST /post HTTP/1.0\r\n$token$cl"
        . "Connection: keep-alive\r\n\r\n$body", "$ok$go_on" ],
    [ 'HTTP/1.2', $post =~ s/1\.1/1.2/r . "$cl\r\n$body", "$ok$go_on" ],
    [ 'HTTP/0.9', "POST /post\r\n", '' ],
    [ 'HTTP/0.9 with GET', "GET /get?$query\r\n", '' ],
    [ 'HTTP/2.0 in words', $post =~ s/1\.1/2.0/r . "$cl\r\n$body", '505' ],
    [ 'lower case', $post =~ s/HTTP/http/r . "$cl\r\n$body", $malformed ],
    [ 'bare line feeds', ("$post$cl\r\n" =~ s/\r//gr) . $body, "$ok$go_on" ],
    [ 'empty lines before it', "\r\n\r\n$post$cl\r\n$body", "$ok$go_on" ],
    [ 'an address with a host', $post =~ s{/post}{http://a/post}r
        . "$cl\r\n$body", "$ok$go_on" ],
    [ 'an address with dots', $post =~ s{/post}{/x/../post}r
        . "$cl\r\n$body", "$ok$go_on" ],
    [ 'dots above the root', $post =~ s{/post}{/../post}r . "$cl\r\n$body",
        $malformed ],
    [ 'an escaped address', $post =~ s{/post}{/%70ost}r . "$cl\r\n$body",
        "$ok$go_on" ],
    [ 'a NUL in the address', $post =~ s{/post}{/post%00}r . "$cl\r\n$body",
        $malformed ],
    [ 'a space in the address', $post =~ s{/post}{/po st}r . "$cl\r\n$body",
        $malformed ],
    [ 'no host', "POST /post HTTP/1.1\r\n$token$cl\r\n$body", $malformed ],
    [ 'two hosts', "$post$host$cl\r\n$body", $malformed ],
    [ 'a host that is none', $post =~ s/Host: a/Host: a b/r . "$cl\r\n$body",
        $malformed ],

    # lengths
    [ 'no body', "$post\r\n", "400 json_invalid$go_on" ],
    [ 'a body of nothing', "${post}Content-Length: 0\r\n\r\n",
        "400 json_invalid$go_on" ],
    [ 'one byte', "${post}Content-Length: 1\r\n\r\n1",
        "422 context_invalid$go_on" ],
    [ 'leading zeros', "${post}Content-Length: 000$length\r\n\r\n$body",
        "$ok$go_on" ],
    [ 'a length with a sign', "${post}Content-Length: +$length\r\n\r\n$body",
        $malformed ],
    [ 'less than nothing', "${post}Content-Length: -1\r\n\r\n$body",
        $malformed ],
    [ 'a length in words', "${post}Content-Length: one\r\n\r\n$body",
        $malformed ],
    [ 'a length in hex', "${post}Content-Length: 0x10\r\n\r\n$body",
        $malformed ],
    [ 'two lengths in one', "${post}Content-Length: $length, $length\r\n\r\n"
        . $body, $malformed ],
    [ 'two lengths', "$post${cl}Content-Length: 5\r\n\r\n$body",
        $malformed ],
    [ 'the same twice', "$post$cl$cl\r\n$body", $malformed ],
    [ 'a length beyond 64 bits', "${post}Content-Length: 99999999999999999999"
        . "\r\n\r\n$body", $malformed ],
    [ 'too large', "${post}Content-Length: 65537\r\n\r\n", '413 '
        . 'payload_too_large' ],
    [ 'too large by far', "${post}Content-Length: 9223372036854775807\r\n"
        . "\r\n", '413 payload_too_large' ],
    [ 'a white space before the colon', "${post}Content-Length : $length\r\n"
        . "\r\n$body", $malformed ],
    [ 'a folded line', "${post}Content-Length:\r\n $length\r\n\r\n$body",
        $malformed ],
    [ 'a line without a colon', "${post}what\r\n$cl\r\n$body", "$ok$go_on" ],
    [ 'a NUL in a header', "${post}X: a\x00b\r\n$cl\r\n$body", $malformed ],
    [ 'a header too long', "${post}X: " . 'x' x 40_000 . "\r\n$cl\r\n$body",
        $malformed ],
    [ 'headers too many', $post . 'X: y' x 1 . "\r\n" . ("X: "
        . 'x' x 4000 . "\r\n") x 12 . "$cl\r\n$body", $malformed ],

    # chunks
    [ 'chunks', "$post$te\r\n${chunks}0\r\n\r\n", "$ok$go_on" ],
    [ 'chunks in upper case', "$post" . uc($te) . "\r\n${chunks}0\r\n\r\n",
        "$ok$go_on" ],
    [ 'chunks with extensions', "$post$te\r\n" . $chunks =~ s/14\r/14;a=b\r/r
        . "0;x\r\n\r\n", "$ok$go_on" ],
    [ 'chunks with leading zeros', "$post$te\r\n" . $chunks =~ s/14/00014/r
        . "000\r\n\r\n", "$ok$go_on" ],
    [ 'chunks and trailers', "$post$te\r\n${chunks}0\r\nX: y\r\n\r\n",
        "$ok$go_on" ],
    [ 'a token in a trailer', "$bad$te\r\n${chunks}0\r\n$token\r\n",
        "$missing$go_on" ],
    [ 'no chunk', "$post$te\r\n0\r\n\r\n", "400 json_invalid$go_on" ],
    [ 'a chunk that is none', "$post$te\r\nxyz\r\n$body\r\n0\r\n\r\n",
        $malformed ],
    [ 'a chunk of less than nothing', "$post$te\r\n-1\r\n$body\r\n0\r\n\r\n",
        $malformed ],
    [ 'a chunk longer than told', "$post$te\r\n5\r\n$body\r\n0\r\n\r\n",
        $malformed ],
    [ 'a chunk beyond 64 bits', "$post$te\r\nffffffffffffffffff\r\n$body",
        $malformed ],
    [ 'chunks too large', "$post$te\r\n10001\r\n" . 'x' x 65_537
        . "\r\n0\r\n\r\n", '413 payload_too_large' ],
    [ 'a refusal with a chunk that is none', "$bad$te\r\nxyz\r\n", $missing ],
    [ 'a refusal with chunks', "$bad$te\r\n${chunks}0\r\n\r\n",
        "$missing$go_on" ],
    [ 'HTTP/1.0 with chunks', "POST /post HTTP/1.0\r\n$token$te\r\n${chunks}"
        . "0\r\n\r\n", $malformed ],

    # both, and other codings: what another server might read otherwise
    [ 'chunks and a length', "$post$te$cl\r\n${chunks}0\r\n\r\n",
        $malformed ],
    [ 'a length and chunks', "$post$cl$te\r\n0\r\n\r\n$body", $malformed ],
    [ 'chunks twice', "$post$te$te\r\n${chunks}0\r\n\r\n", $malformed ],
    [ 'another coding', "${post}Transfer-Encoding: gzip\r\n$cl\r\n$body",
        '501' ],
    [ 'a coding of none', "${post}Transfer-Encoding: identity\r\n$cl\r\n"
        . $body, '501' ],
    [ 'two codings', "${post}Transfer-Encoding: gzip, chunked\r\n\r\n$chunks"
        . "0\r\n\r\n", '501' ],
    [ 'chunked as \\x0bchunked', "${post}Transfer-Encoding: \x0bchunked\r\n"
        . "\r\n${chunks}0\r\n\r\n", '501' ],
    [ 'a coding in a header that nginx does not take',
        "${post}Transfer_Encoding: chunked\r\n$cl\r\n$body", "$ok$go_on" ],

    # Expect
    [ 'Expect and a good token', "$post${cl}Expect: 100-continue\r\n\r\n"
        . $body, "100 $ok$go_on" ],
    [ 'Expect and no token', "$bad${cl}Expect: 100-continue\r\n\r\n",
        $missing ],
    [ 'Expect in HTTP/1.0', "POST /post HTTP/1.0\r\n$token$cl"
        . "Expect: 100-continue\r\n\r\n$body", $ok ],
    [ 'Expect something else', "$post${cl}Expect: the-unexpected\r\n\r\n"
        . $body, "$ok$go_on" ],

    # refused with its body unread
    [ 'a refusal, its body behind it', "$bad$cl\r\n$body",
        "$missing$go_on" ],
    [ 'a refusal, and Connection: close', "${bad}Connection: close\r\n$cl\r\n"
        . $body, $missing ],
    [ 'a GET with a body', "GET /get HTTP/1.1\r\n$host$token${cl}\r\n$body",
        "$ok$go_on" ],
    [ 'a GET with a query', "GET /get?$query HTTP/1.1\r\n$host$token\r\n",
        "$ok$go_on" ],
    [ 'a GET with both', "GET /get?$query HTTP/1.1\r\n$host$token$cl\r\n"
        . $body, "400 context_twice$go_on" ],
    [ 'a HEAD with a body', "HEAD /get HTTP/1.1\r\n$host$token$cl\r\n$body",
        "405$go_on" ],
    [ 'CONNECT', "CONNECT a:1 HTTP/1.1\r\n$host\r\n", $malformed ],
    [ 'TRACE', "TRACE /post HTTP/1.1\r\n$host$token\r\n", '405' ],
    [ 'an upgrade', "$post${cl}Connection: upgrade\r\nUpgrade: h2c\r\n\r\n"
        . $body, "$ok$go_on" ],
);

my $accepted = 0;

for my $row (@rows) {
    my ($what, $bytes, $expected) = @$row;

    is answers($bytes . $next), $expected, $what;
    $accepted += $expected =~ /accepted/;
}

is jobs(), $accepted, 'each that was accepted is one job';


# As Expect is meant: the body comes when it has been asked for.

my $http = $nginx->connect;
$http->write("$post${cl}Expect: 100-continue\r\n\r\n");
ok !$http->closed(0.2), 'a good token waits for its body';
$http->write($body);
my $answer = $http->read;
is_deeply [ @{ $answer->interim }, $answer->status ], [ 100, 202 ],
    'which is asked for, and accepted';


# Byte by byte, and in one piece, many of them.

$http = $nginx->connect;
$http->write($_) for split //, "$post$cl\r\n$body";
is $http->read->status, 202, 'a request byte by byte';

$http->write("$post$cl\r\n$body" x 50 . "$bad$cl\r\n$body" x 50);
is join(' ', map { $http->read->status } 1 .. 100),
    join(' ', (202) x 50, (401) x 50), 'a hundred at once, in their order';
is jobs(), $accepted + 52, 'each is one job';

cmp_ok scalar @rows, '>', 60, 'there are ' . @rows . ' of them';

$t->done;
