#!/usr/bin/perl

# docs/http.md says what is answered: every code, with the words that it has,
# and every example as nginx gives it.

use Clarity::Settings;
use Clarity::Test;

my $t = Clarity::Test->new;
my $redis = $t->redis;
my $settings = Clarity::Settings->new($t);
$t->word(NOBODY => $t->port);

sub location {
    my ($name, $more) = @_;

    return <<"EOF";
        location = /$name {
            clarity_webhook       provision_entitlement name=$name;
            clarity_webhook_token secret;
            $more
        }
EOF
}

my $nginx = $settings->nginx(workers => 1, http => <<'EOF1', server => join '',
    limit_req_zone all zone=all:64k rate=1r/m;
    limit_req_status 429;
EOF1
    <<'EOF2',
        error_page 400 408 413 429 500 /problem;
        location = /problem { internal; clarity_problem; }
        location = /408 { error_page 404 =408 /problem; return 404; }
        location = /500 { return 500; }
        location /jobs/ { clarity_jobs; }
EOF2
    location('hook', ''),
    location('get', 'clarity_webhook_method GET;'),
    location('small', 'client_max_body_size 1k;'),
    location('limited', 'limit_req zone=all;'),
    location('fsync', 'clarity_durability fsync;'),
    location('slow', 'clarity_redis_timeout 200ms;'),
    location('away', 'clarity_redis redis://127.0.0.1:%%NOBODY%%;'));

$settings->wait_loaded;

sub text_of {
    my ($file) = @_;

    open my $fh, '<', $t->root . "/$file" or die "$file: $!\n";
    local $/;

    return scalar <$fh>;
}


# The table of outcomes, and the examples: (status, headers, body) of each.

my %known;
my $table = text_of('webhook/outcome.c');

while ($table =~ /\] = \{\s*"(\w+)",\s*(\d+),\s*"([^"]*)",\s*((?:"(?:[^"\\]|\\.)*"\s*)+),\s*(\w+) \}/g) {
    my ($code, $status, $title, $detail, $retry) = ($1, $2, $3, $4, $5);

    $detail = join '', $detail =~ /"((?:[^"\\]|\\.)*)"/g;
    $known{$code} = { status => $status, title => $title,
        detail => $detail, retry => $retry ne '0' };
}

delete @known{qw(accepted duplicate valid)};
cmp_ok scalar keys %known, '>', 20, 'the outcomes are read';

my %shown;
my $docs = text_of('docs/http.md');

while ($docs =~ m{```http\nHTTP/1\.1 ((\d+)[^\n]*)\n(.*?)\n\n(.*?)```}gs) {
    my ($line, $status, $headers, $body) = ($1, $2, $3, $4);
    my $problem = decode_json($body);

    $shown{$problem->{code}} = { line => $line, status => $status, headers => $headers,
        body => $problem } if $problem->{code};
}

for my $code (sort keys %known) {
    my $example = $shown{$code};

    ok $example, "$code has an example" or next;

    my $body = $example->{body};

    is_deeply [ $example->{status}, @$body{qw(status title type)} ],
        [ ($known{$code}{status}) x 2, $known{$code}{title},
            "urn:problem-type:clarity:$code" ], 'with its status and title';
    is $body->{detail}, $known{$code}{detail}, 'and its detail'
        if $code !~ /^(json_invalid|context_invalid)$/;
    is !!($example->{headers} =~ /^Retry-After: /m), !!$known{$code}{retry},
        'and when to come again';
    like $docs, qr/^###? .*`$code`|`$code`/m, 'and words of its own';
}

is_deeply [ grep { !$known{$_} } keys %shown ], [], 'and no other';


# Each of them as it comes, from real parts: the example's status, the headers
# that it shows, and its body.

my %came;

sub comes {
    my ($code, $answer) = @_;

    my $example = $shown{$code} // return fail "$code has no example";

    $came{$code} = 1;
    is $answer->status, $example->{status}, "$code: $example->{status}"
        or return;
    is_deeply $answer->json, $example->{body}, 'and the body is as shown';
    like $answer->head, qr{\AHTTP/1\.1 \Q$example->{line}\E *\r\n},
        'and the status line';

    for my $line (split /\n/, $example->{headers}) {
        my ($name, $value) = split /: /, $line, 2;
        is $answer->header($name), $value, "with $name";
    }
}

sub hook {
    my ($location, $body, %with) = @_;

    return $nginx->post("/$location", $body // context(), token => 'secret',
        %with);
}

comes('token_missing', hook('hook', undef, token => undef));
comes('token_invalid', hook('hook', undef, token => 'x'));
comes('method_not_allowed', $nginx->get('/hook', token => 'secret'));
comes('media_type_unsupported', hook('hook', undef, type => 'text/plain'));
comes('json_invalid', hook('hook', "{\"a\":1\n \"b\":2}"));
comes('context_invalid', hook('hook',
    context(app_identifier => '""') =~ s/"meta"/"metadata"/r));
comes('context_twice', $nginx->get('/get?a=1', token => 'secret',
    body => context()));

is hook('hook', undef, headers => ['Idempotency-Key: k'])->status, 202,
    'a request with a key';
comes('idempotency_key_reused', hook('hook', context(meta => 'null'),
    headers => ['Idempotency-Key: k']));
comes('job_not_found', $nginx->get('/jobs/0-1-0', token => 'secret'));


# Those of nginx itself. A 408 it never sends by itself: it closes.

comes('bad_request', $nginx->http("POST /hook HTTP/1.1\r\n\r\n"));
comes('payload_too_large', hook('small', context(meta => '"' . 'x' x 2000
    . '"')));
comes('request_timeout', $nginx->get('/408'));
comes('internal', $nginx->get('/500'));
hook('limited');
comes('rate_limited', hook('limited'));


# Webhooks made at run time.

my $made = $settings->create(endpoint => 'made');
$settings->wait_status(202, $made);
comes('webhook_not_found', hook('webhooks/none'));
is(($settings->api('PATCH', "webhooks/$made->{id}",
    { active => JSON::PP::false() }, 'If-Match: *'))[0], 200,
    'one is switched off');
$settings->wait_status(410, $made);
comes('webhook_disabled', $settings->send($made));


# Redis: less durable than is asked for, full, slow, and away.

comes('durability_unavailable', hook('fsync'));
$redis->command('CONFIG', 'SET', 'maxmemory', 1);
comes('queue_full', hook('hook'));
$redis->command('CONFIG', 'SET', 'maxmemory', 0);

$redis->signal('STOP');
comes('queue_timeout', hook('slow'));
my $second = $settings->nginx(name => 'second', workers => 1,
    http => '    clarity_redis_connect_timeout 100ms;');
comes('webhooks_not_loaded', $second->post('/webhooks/made', '{}'));
$redis->signal('CONT');

comes('queue_unavailable', hook('away'));

is_deeply [ grep { !$came{$_} } sort keys %known ], [],
    'there is no code that has not come';

$t->done;
