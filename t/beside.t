#!/usr/bin/perl

# What else nginx can do in and around a location of ours.

use Clarity::Test;

my $t = Clarity::Test->new;
my $redis = $t->redis;

$t->write_file('token.key', 'k1:' . 'A' x 43 . "=\n");
$t->write_file('users', "admin:{PLAIN}pass\n");
chmod 0600, map { $t->dir . "/$_" } 'token.key', 'users';



$t->word(OTHER => $t->port);


# A location of that kind with a webhook in it, the token being its name.

sub hook {
    my ($location, $name, $more) = @_;

    return <<"EOF";
        location $location {
            clarity_webhook       provision_entitlement name=$name;
            clarity_webhook_token $name;
            @{[ $more // '' ]}
        }
EOF
}

my $nginx = $t->nginx(http => <<'EOF', server => join '', <<'EOF2',
    clarity_token_key_file %%DIR%%/token.key;
    limit_req_zone $clarity_webhook zone=each:1m rate=1r/m;
    limit_conn_zone $clarity_webhook zone=conn:1m;
    log_format trail '$uri|$clarity_webhook|$clarity_outcome|$status';
    log_format early '$uri|$clarity_trigger|$status';
    access_log %%DIR%%/trail.log trail;
    access_log %%DIR%%/early.log early;
    gzip on; gzip_types *; gzip_min_length 1;
    server { listen 127.0.0.1:%%OTHER%%; return 200 other; }
EOF
        location = /allowed { internal; return 204; }
        location = /refused { internal; return 403; }
        location = /copy { internal; return 204; }
        location = /page { return 200 page; }
        location /webhooks/ {
            clarity_webhooks;
            if ($http_x_special) { set $special 1; }
            limit_except POST PUT { deny all; }
        }
        location /api/ {
            clarity_settings_api;
            if ($http_x_special) { set $special 1; }
        }
        location = /metrics {
            clarity_metrics;
            if ($http_x_special) { set $special 1; }
        }
        location @outside { return 299; }
        rewrite ^/server-rewritten$ /plain last;
        # asked for before there is a location
        if ($clarity_webhook = none) { return 298; }
        if ($clarity_trigger = none) { return 298; }
EOF2
    hook('= /plain', 'plain'),
    hook('= /if', 'if', 'if ($http_x_special) { set $special 1; }
        if ($http_x_stop) { return 418; }'),
    hook('= /proxied', 'proxied', 'if ($http_x_proxy) {
        proxy_pass http://127.0.0.1:%%OTHER%%; }'),
    hook('~ ^/regex/(?<number>\d+)$', 'regex'),
    hook('~* \.hook$', 'suffix'),
    hook('/outer/', 'outer', hook('= /outer/exact', 'exact')
        . hook('/outer/inner/', 'inner',
            hook('~ /outer/inner/\d+$', 'digits'))
        . 'location /outer/none/ { return 299; }'),
    hook('@named', 'named'),
    'location = /try { try_files /nothing-here @named; }',
    'location = /falls-back { error_page 502 @named;
        proxy_pass http://unix:/nowhere:/; }',
    'location = /unbuffered { error_page 502 @named; client_body_buffer_size 1k;
        proxy_request_buffering off; proxy_pass http://unix:/nowhere:/; }',
    hook('= /too-large', 'too-large', 'error_page 413 @named;
        clarity_webhook_token named;
        client_max_body_size 1k; client_body_buffer_size 100;'),
    'location = /rewritten { rewrite ^ /inside last; }',
    hook('= /inside', 'inside', 'internal;'),
    hook('= /auth-allowed', 'allowed', 'auth_request /allowed;'),
    hook('= /auth-refused', 'refused', 'auth_request /refused;'),
    hook('= /mirrors', 'mirrors', 'mirror /copy;'),
    hook('= /acted', 'acted', 'post_action /plain;'),
    hook('= /basic', 'basic',
        'auth_basic x; auth_basic_user_file %%DIR%%/users;'),
    hook('= /any', 'any', 'satisfy any; allow 127.0.0.1; deny all;
        auth_basic x; auth_basic_user_file %%DIR%%/users;'),
    hook('= /denied', 'denied', 'deny all;'),
    hook('= /limit-a', 'limit-a', 'limit_req zone=each;'),
    hook('= /limit-b', 'limit-b', 'limit_req zone=each;
        limit_req_status 429;'),
    hook('= /conn', 'conn', 'limit_conn conn 1; limit_conn_status 429;'),
    hook('= /pages', 'pages', 'error_page 400 401 405 415 422 =200 /page;
        error_page 503 @outside;'),
    hook('= /headers', 'headers', 'add_header X-Always yes always;
        add_header X-Good yes; expires 1h;'),
    hook('= /except', 'except', 'limit_except POST { deny all; }'),
    hook('= /returns', 'returns', 'return 299;'),
    hook('= /redis-gone', 'gone', 'clarity_redis unix:///nowhere;
        error_page 503 @outside;'));


sub jobs { return $redis->command('EXISTS', '{clarity:0}:jobs')
    && $redis->command('XLEN', '{clarity:0}:jobs') }

my $jobs = 0;

sub accepted {
    my ($uri, $token, $what, @headers) = @_;

    is $nginx->post($uri, context(), token => $token, headers => \@headers)
        ->status, 202, $what;
    is jobs(), ++$jobs, 'is one job';

    my $entry = $redis->command('XREVRANGE', '{clarity:0}:jobs', '+', '-',
        'COUNT', 1)->[0];
    my %fields = @{ $entry->[1] };
    is $fields{webhook}, $token, 'of its webhook';
}

sub refused {
    my ($status, $uri, $token, $what, @headers) = @_;

    is $nginx->post($uri, context(), token => $token, headers => \@headers)
        ->status, $status, "$what: $status";
    is jobs(), $jobs, 'is no job';
}


# Locations of every kind.

accepted('/plain', 'plain', 'an exact location');
accepted('/regex/17', 'regex', 'one by a regular expression');
accepted('/anything/at.HOOK', 'suffix', 'one without regard to case');
accepted('/outer/x', 'outer', 'a prefix');
accepted('/outer/exact', 'exact', 'one within another');
accepted('/outer/inner/x', 'inner', 'a prefix within it');
accepted('/outer/inner/17', 'digits', 'one within that');
refused(299, '/outer/none/x', 'outer', 'one within it that is no webhook');
refused(401, '/outer/exact', 'outer', 'the token of the outer one');
accepted('/try', 'named', 'a named one, by try_files');
accepted('/rewritten', 'inside', 'an internal one, by rewrite');
accepted('/server-rewritten', 'plain', 'one by a rewrite of the server');
refused(404, '/inside', 'inside', 'an internal one from outside');


# Led to one after the body was read, or before it had come.

my $long = context() . ' ' x 3000;

accepted('/falls-back', 'named', 'one by error_page, in the place of an upstream');
is $nginx->post('/falls-back', $long, token => 'named')->status, 202,
    'with a body in a file';
is jobs(), ++$jobs, 'is one job';

is $nginx->post('/unbuffered', $long, token => 'named')->status, 500,
    'where the body is not read first, it is a fault of ours';

is eval { $nginx->http("POST /too-large HTTP/1.1\r\nHost: a\r\n"
    . "Connection: close\r\nX-Clarity-Webhook-Token: named\r\n"
    . "Transfer-Encoding: chunked\r\n\r\n"
    . sprintf("%x\r\n%s\r\n", length context(), context())
    . "fff\r\n" . ' ' x 4095 . "\r\n0\r\n\r\n")->status }, 500,
    'nor is what came of one that turned out too large';

is jobs(), $jobs, 'a part of a body is no job';
like $t->read_file('nginx/error.log'), qr/before its body had come/,
    'and the log says why';


# "if", "limit_except", "return".

accepted('/if', 'if', 'a location with an if');
accepted('/if', 'if', 'whose condition holds', 'X-Special: 1');
refused(401, '/if', 'x', 'a bad token there', 'X-Special: 1');
refused(418, '/if', 'if', 'an if that returns', 'X-Stop: 1');
accepted('/proxied', 'proxied', 'an if with another handler');
refused(200, '/proxied', 'proxied', 'which has it', 'X-Proxy: 1');
accepted('/except', 'except', 'a method that limit_except lets pass');
is $nginx->request('PUT', '/except', token => 'except', body => context())
    ->status, 403, 'and one that it does not';
refused(299, '/returns', 'returns', 'a return');

wait_until { $nginx->get('/api/webhooks')->status == 200 } 5, 'the API';
is $nginx->get('/api/webhooks', headers => ['X-Special: 1'])->status, 200,
    'the API with an if';
is $nginx->get('/metrics', headers => ['X-Special: 1'])->status, 200,
    'the metrics too';

my $made = $nginx->post('/api/webhooks', encode_json({ method => 'POST',
    endpoint => 'made', trigger => 'provision_entitlement' }))->json;
my @special = (token => $made->{token}, headers => ['X-Special: 1']);

wait_until { $nginx->post('/webhooks/made', context(), @special)->status
    == 202 } 5, 'a webhook made at run time, with an if';
is jobs(), ++$jobs, 'is one job';
is $nginx->request('DELETE', '/webhooks/made', @special)->status, 403,
    'and limit_except holds there';
is $nginx->post('/webhooks/made', context(), token => 'x')->status, 401,
    'and a token has to be one of its own';


# Access.

accepted('/auth-allowed', 'allowed', 'auth_request lets it pass');
refused(401, '/auth-allowed', 'x', 'but not a bad token');
refused(403, '/auth-refused', 'refused', 'auth_request does not');
refused(401, '/basic', 'basic', 'auth_basic without a password');
accepted('/basic', 'basic', 'and with it',
    'Authorization: Basic YWRtaW46cGFzcw==');
accepted('/any', 'any', 'satisfy any');
refused(403, '/denied', 'denied', 'deny');

like $nginx->post('/basic', context(), token => 'basic')
    ->header('www-authenticate'), qr/^Basic/, "auth_basic's 401 is its own";


# Limits: a key each, counted before the token is looked at.

accepted('/limit-a', 'limit-a', 'the first of a webhook');
refused(503, '/limit-a', 'limit-a', 'its second, as nginx has it');
accepted('/limit-b', 'limit-b', 'the first of another');
refused(429, '/limit-b', 'limit-b', 'its second, as it should be');
refused(429, '/limit-b', 'x', 'one with a bad token');

my $slow = $nginx->connect;
$slow->write("POST /conn HTTP/1.1\r\nHost: a\r\nConnection: close\r\n"
    . "X-Clarity-Webhook-Token: conn\r\nContent-Length: "
    . length(context()) . "\r\n\r\n{");
wait_until { $nginx->post('/conn', context(), token => 'conn')->status
    == 429 } 20, 'limit_conn to count';
$slow->write(substr context(), 1);
is $slow->read->status, 202, 'the one that came first is accepted';
$slow->close;
$jobs = jobs();


# post_action comes after the answer, and makes no second job.

accepted('/acted', 'acted', 'a location with a post_action');
wait_until { $t->read_file('trail.log') =~ m{^/plain\|\S+\|-\|}m } 5,
    'its line in the log';
is jobs(), $jobs, 'is one job';


# mirror sends a copy, and our answer is the answer.

accepted('/mirrors', 'mirrors', 'a location that mirrors');
wait_until { $t->read_file('trail.log') =~ m{^/mirrors\|mirrors\|accepted}m }
    5, 'its line in the log';


# Own answers are not subject to error_page, nginx's are; other headers are.

for my $case ([ 401, token => 'x' ], [ 405, method => 'PUT' ],
    [ 415, type => 'text/plain' ], [ 400, body => '{' ],
    [ 422, body => '{}' ])
{
    my ($status, %with) = @$case;

    my $answer = $nginx->request($with{method} // 'POST', '/pages',
        body => context(), token => 'pages', %with);

    is $answer->status, $status, "error_page does not change $status";
    is $answer->header('content-type'), 'application/problem+json',
        'nor its body';
}

is $nginx->post('/redis-gone', context(), token => 'gone')->status, 503,
    'nor 503';

my $answer = $nginx->post('/headers', context(), token => 'headers');
is_deeply [ map { scalar $answer->header($_) } 'x-always', 'x-good' ],
    [ 'yes', undef ], 'add_header knows 200 and 201, not 202, as elsewhere';
like $answer->header('cache-control'), qr/no-store/, 'it is not kept';
$answer = $nginx->post('/headers', context(), token => 'x');
is $answer->header('x-always'), 'yes', 'add_header … always for all';

$answer = $nginx->post('/plain', context(), token => 'plain',
    headers => ['Accept-Encoding: gzip']);
is $answer->status, 202, 'gzip is asked for';
$answer = $nginx->post('/plain', '{}', token => 'plain',
    headers => ['Accept-Encoding: gzip']);
is $answer->status, 422, 'for a refusal too';


# The log, when a request was led elsewhere.

my %trail = map { $_ => 1 } split /\n/, $t->read_file('trail.log');
ok $trail{$_}, "the log has $_"
    for '/inside|inside|accepted|202', '/plain|plain|accepted|202',
        '/regex/17|regex|accepted|202', '/limit-b|limit-b|rate_limited|429',
        '/denied|denied|-|403';
like $t->read_file('early.log'), qr{^$_$}m, 'and the trigger'
    for '/plain\|provision_entitlement\|202',
        '/webhooks/made\|provision_entitlement\|401',
        '/webhooks/made\|provision_entitlement\|403', '/outer/none/x\|-\|299';

$t->done;
