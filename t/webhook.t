#!/usr/bin/perl

# A request becomes a job: what is answered, and what is then in Redis.

use Clarity::Test;

my $t = Clarity::Test->new;
my $redis = $t->redis;
my $nginx = $t->nginx(http => <<'EOF', server => <<'EOF2');
    log_format clarity '$clarity_webhook|$clarity_trigger|$clarity_outcome|'
                       '$clarity_job_id|$clarity_enqueue_time|$status';
    access_log %%DIR%%/clarity.log clarity;
    client_body_buffer_size 16k;
    client_max_body_size 8m;
    lingering_timeout 500ms;
EOF
        location = /webhooks/custom-provision-entitlement {
            clarity_webhook       provision_entitlement;
            clarity_webhook_token secret;
        }

        location = /named {
            clarity_webhook        provision_entitlement name=grants;
            clarity_webhook_method PUT;
            clarity_webhook_token  other;
        }

        location = /in-file {
            clarity_webhook            provision_entitlement;
            clarity_webhook_token      third;
            client_body_in_file_only   clean;
        }

        location /with-if {
            clarity_webhook       provision_entitlement;
            clarity_webhook_token fourth;

            if ($http_x_special) {
                set $special 1;
            }
        }

        location = /mirrored {
            mirror     /with-if;
            proxy_pass http://127.0.0.1:%%PORT%%/done;
        }

        location = /asks {
            auth_request /with-if;
            proxy_pass   http://127.0.0.1:%%PORT%%/done;
        }

        location = /done {
            return 204;
        }
EOF2

my $uri = '/webhooks/custom-provision-entitlement';
my @names = qw(app_identifier identity_id entitlement_id expiration
    grant_type meta creator_id);


# The newest entry of the stream: (its id, its fields).

sub newest_job {
    my $entry = $redis->command('XREVRANGE', '{clarity:0}:jobs', '+', '-',
        'COUNT', 1)->[0] or return;

    return ($entry->[0], @{ $entry->[1] });
}


sub jobs { return $redis->command('XLEN', '{clarity:0}:jobs') }


sub last_log_line {
    my $before = shift;

    return wait_until {
        my @lines = split /\n/, $t->read_file('clarity.log');
        @lines > $before && $lines[-1];
    } 5, 'a line in the access log';
}


my $answer = $nginx->post($uri, context(), token => 'secret');
my ($entry, %job) = newest_job();

is $answer->status, 202, 'a whole context is accepted';
is $answer->header('content-type'), 'application/json', 'with JSON';
is_deeply decode_json($answer->body), {
    job_id     => "0-$entry",
    trigger    => 'provision_entitlement',
    status     => 'accepted',
    durability => 'memory',
    duplicate  => JSON::PP::false,
}, 'that names the job as it is in the stream';

is $job{trigger}, 'provision_entitlement', 'the job has its trigger';
is $job{webhook}, "POST $uri", 'its webhook';
is $job{context}, context(), 'the context byte by byte as it was sent';
is $job{addr}, '127.0.0.1', "the sender's address";
like $job{request}, qr/^[0-9a-f]{32}$/, "nginx's request id";
cmp_ok abs($job{received} - 1000 * time), '<', 60_000,
    'and the time in ms since 1970';
ok !exists $job{traceparent}, 'and no traceparent where none was sent';

like last_log_line(0), qr{
    ^POST\ $uri\|provision_entitlement\|accepted\|0-$entry\|\d+\.\d{3}\|202$
}x, 'the variables tell it in the log';

is_deeply [ @{ $redis->command('HMGET', '{clarity}:meta', 'format',
    'shards') } ], [ 1, 1 ], 'the prefix has its format and shards';


my $trace = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';

$nginx->post($uri, context(), token => 'secret',
    headers => [ "traceparent: $trace", 'X-Request-Id: INC-4711' ]);
(undef, %job) = newest_job();

is $job{traceparent}, $trace, 'traceparent goes with the job';
is $job{request}, 'INC-4711', 'and so does x-request-id';

$nginx->post($uri, context(), token => 'secret',
    headers => [ 'traceparent: ' . $trace =~ s/^00/cc/r . '-more' ]);
(undef, %job) = newest_job();

is $job{traceparent}, $trace, 'of a later version, what is known of it';

for my $bad ('00-xyz', "00-$trace", "${trace}x" =~ s/0af/0AF/r, '',
    $trace =~ s/^00/ff/r, "$trace-more", '00-' . '0' x 32 . '-' . 'a' x 16
    . '-01', '00-' . 'a' x 32 . '-' . '0' x 16 . '-01')
{
    $nginx->post($uri, context(), token => 'secret',
        headers => [ "traceparent: $bad", 'X-Request-Id: a b' ]);
    (undef, %job) = newest_job();

    ok !exists $job{traceparent}, "\"$bad\" is no traceparent";
    like $job{request}, qr/^[0-9a-f]{32}$/, 'and "a b" no request id';
}


$answer = $nginx->request('PUT', '/named', body => context(),
    token => 'other');
(undef, %job) = newest_job();

is $answer->status, 202, 'another method and token';
is $job{webhook}, 'grants', 'and a name of its own';


# One body in many shapes: in the header's buffer, byte by byte, chunked, too
# large for the buffer, in a file.

my %bodies = (
    small => context(),
    large => context(meta => '"' . 'x' x 1_000_000 . '"'),
    spaced => context() =~ s/,/ ,\r\n\t/gr,
    escaped => context() =~ s/"app_/"\\u0061pp_/r,
    utf8 => context(meta => "\"\xc3\xa9\xf0\x9f\x98\x80\\ud83d\\ude00\""),
);

for my $kind (sort keys %bodies) {
    my $body = $bodies{$kind};

    for my $path ([ $uri, 'secret' ], [ '/in-file', 'third' ]) {
        $answer = $nginx->post($path->[0], $body, token => $path->[1]);
        (undef, %job) = newest_job();

        is $answer->status, 202, "a $kind body to $path->[0]";
        ok $job{context} eq $body, 'arrives as it was sent';
    }
}

for my $size (1, 7, 4096, 100_000) {
    my $body = $bodies{$size < 100 ? 'small' : 'large'};
    my $head = "POST $uri HTTP/1.1\r\nHost: a\r\nConnection: close\r\n"
        . "X-Clarity-Webhook-Token: secret\r\n";
    my @pieces = unpack "(a$size)*", $body;

    my $http = $nginx->connect;
    $http->write($head . "Transfer-Encoding: chunked\r\n\r\n");
    $http->write(sprintf "%x\r\n%s\r\n", length, $_) for @pieces;
    $http->write("0\r\n\r\n");
    my $status = $http->read->status;
    (undef, %job) = newest_job();

    is $status, 202, "a body in chunks of $size";
    ok $job{context} eq $body, 'arrives whole';

    $http = $nginx->connect;
    $http->write($head . 'Content-Length: ' . length($body) . "\r\n\r\n");
    $http->write($_) for @pieces;
    $status = $http->read->status;
    (undef, %job) = newest_job();

    is $status, 202, "a body in writes of $size";
    ok $job{context} eq $body, 'arrives whole';
}


# Connections that go on.

my $http = $nginx->connect;
my $bytes = $nginx->can('request_text')->('POST', $uri, keepalive => 1,
    token => 'secret', body => context());

my $before = jobs();
$http->write($bytes x 20);
is $http->read->status, 202, "pipelined request $_" for 1 .. 20;
is jobs(), $before + 20, 'each is a job';

$http->write($bytes =~ s/secret/wrong/r . $bytes);
is $http->read->status, 401, 'after a refusal with its body unread';
is $http->read->status, 202, 'the next request is understood';


# Expect: 100-continue, with and without a good token.

my $expecting = "POST $uri HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n"
    . 'Content-Length: ' . length(context()) . "\r\n";

$http = $nginx->connect;
$http->write($expecting . "X-Clarity-Webhook-Token: secret\r\n\r\n");
$http->write(context());
$answer = $http->read;
is_deeply $answer->interim, [100], 'a good token is asked to go on';
is $answer->status, 202, 'and is accepted';

$http = $nginx->connect;
$http->write($expecting . "X-Clarity-Webhook-Token: wrong\r\n\r\n");
$answer = $http->read;
is_deeply $answer->interim, [], 'a bad token is not asked for its body';
is $answer->status, 401, 'and is refused';
ok $http->closed(5), 'and the connection ends';


# What nginx does around a location.

$before = jobs();
$answer = $nginx->post('/with-if', context(), token => 'fourth',
    headers => ['X-Special: 1']);
is $answer->status, 202, 'an "if" in the location keeps the webhook';
is jobs(), $before + 1, 'and it makes the job';

$before = jobs();
is $nginx->post('/mirrored', context(), token => 'fourth')->status, 204,
    'a mirrored request goes on';
is $nginx->post('/asks', context(), token => 'fourth')->status, 403,
    'a webhook does not serve auth_request';
is jobs(), $before, 'subrequests make no job';

$before = jobs();
$http = $nginx->connect;
$http->write($nginx->can('request_text')->('POST', $uri, token => 'secret',
    body => context()));
$http->reset;
wait_until { jobs() == $before + 1 } 5, 'the job of a client that left';
pass 'a client that leaves after its request leaves a job';

is $nginx->post($uri, context(), token => 'secret')->status, 202,
    'and others are served';

unlike $t->read_file('nginx/error.log'), qr/secret|INC1|4711/,
    'no token and no value in the log';

$t->done;
