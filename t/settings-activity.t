#!/usr/bin/perl

# What the settings API tells of a webhook's requests: each is there, with its
# time, outcome, reason, request id and token, and no value; for webhooks of
# nginx.conf as for those made at run time.

use MIME::Base64 qw(encode_base64);

use Clarity::Test;

my $t = Clarity::Test->new;

$t->redis;
$t->write_file('token.key', 'one:' . encode_base64('k' x 32, ''));
chmod 0600, $t->dir . '/token.key';

# One worker process: a request is noted after it was answered, and where
# another process answers the next one, that can be too late for it.
my $nginx = $t->nginx(workers => 1, http => <<'EOF', server => <<'EOF2');
    clarity_token_key_file %%DIR%%/token.key;
    limit_conn_zone $uri zone=conn:1m;
EOF
        location /webhooks/ {
            clarity_webhooks;
            clarity_webhook_token_header x-made;
        }

        location = /hooks/fixed {
            clarity_webhook              provision_entitlement;
            clarity_webhook_token        fixed;
            clarity_webhook_token_header x-fixed;
            clarity_webhook_status       201;
            clarity_context_order        any;
            clarity_context_unknown      drop;
        }

        location = /hooks/fixed/activity {
            clarity_webhook       provision_entitlement;
            clarity_webhook_token other;
        }

        location /settings/api/ {
            clarity_settings_api;
        }

        limit_conn_status 429;

        location = /hooks/small {
            clarity_webhook       provision_entitlement;
            clarity_webhook_token small;
            client_max_body_size  100;
            limit_conn            conn 1;
        }

        location = /hooks/led {
            clarity_webhook       provision_entitlement;
            clarity_webhook_token led;
            client_max_body_size  100;
            limit_conn            conn 1;
            error_page            413 429 /problem?$clarity_webhook;
        }

        location = /problem { internal; clarity_problem; }

        location /other/ {
            rewrite ^/other/(.*)$ /settings/api/$1 last;
        }
EOF2

my $fixed = 'conf:POST%20%2Fhooks%2Ffixed';


sub api {
    my ($method, $path, $body) = @_;

    my $answer = $nginx->request($method, "/settings/api/$path",
        defined $body ? (body => encode_json($body)) : ());

    return ($answer->status, $answer->json);
}


sub made {
    my ($method) = @_;

    my $webhook;

    wait_until {
        (my $status, $webhook) = api('POST', 'webhooks', {
            method => $method, endpoint => 'made',
            trigger => 'provision_entitlement' });
        $status == 201;
    } 5, 'a webhook';

    wait_until {
        my $live = (api('GET', "webhooks/$webhook->{id}"))[1]{live};
        $live->{of} == 1 && $live->{workers} == 1;
    } 5, 'live on 1 of 1';

    return $webhook;
}


# Newest last: outcome, and the token's id if there is one.

sub outcomes {
    my ($id) = @_;

    my $activity = (api('GET', "webhooks/$id/activity"))[1]{activity};

    return [ map { join ' ', grep { length } @$_{qw(outcome token_id)} }
        reverse @$activity ];
}


my $webhook = made('POST');
my $put = made('PUT');
my $id = $webhook->{id};
my $token_id = $webhook->{tokens}[0]{id};


sub try_it {
    my ($token, %with) = @_;

    my @token = defined $token ? ("X-Made: $token") : ();

    return $nginx->request($with{method} // 'POST', '/webhooks/made',
        body => $with{body} // context(),
        headers => [@token, @{ $with{headers} // [] }]);
}


# Whose a refusal is.

is_deeply outcomes($id), [], 'no request, no activity';
is try_it(undef)->status, 401, 'no token';
is try_it('wrong')->status, 401, 'a wrong token';
is try_it($webhook->{token}, method => 'DELETE')->status, 405, 'no DELETE';
is try_it($put->{token}, method => 'DELETE')->status, 405, 'nor with this';
is try_it($put->{token})->status, 401, 'the token of another method';
is try_it(undef, method => 'DELETE')->status, 401, 'no token, no method';
is try_it(undef, method => 'PUT')->status, 401, 'no token, PUT';

is_deeply outcomes($id), ['token_missing', 'token_invalid',
    "method_not_allowed $token_id", 'token_invalid', 'token_missing'],
    'a refusal counts for the webhook of its method, else for the first';
is_deeply outcomes($put->{id}),
    ["method_not_allowed $put->{tokens}[0]{id}", 'token_missing'],
    'or for the one whose token it came with';


# What is told of each.

my ($status, $shown) = api('GET', "webhooks/$id");
my $refused = $shown->{last_refused};

is $refused->{code}, 'token_missing', 'the last refused one';
like $refused->{request_id}, qr/^[0-9a-f]{32}$/, "has nginx's request id";
is $refused->{addr}, '127.0.0.1', 'and the address';

is try_it($webhook->{token}, headers => ['X-Request-Id: mine-1'])->status,
    202, 'accepted';
is try_it($webhook->{token}, headers => ['X-Clarity-Dry-Run: 1'])->status,
    200, 'a dry run';

($status, my $list) = api('GET', "webhooks/$id/activity");
my ($dry, $accepted) = @{ $list->{activity} };

is $accepted->{request_id}, 'mine-1', "the sender's request id";
like $accepted->{job_id}, qr/^0-\d+-\d+$/, 'the job';
is $accepted->{token_id}, $token_id, 'and the token';
is $dry->{outcome}, 'valid', 'a dry run is told from others';

($status, $shown) = api('GET', "webhooks/$id");
is $shown->{last_accepted}{request_id}, 'mine-1',
    'and is no accepted request';

is try_it($webhook->{token}, body => context(expiration => undef))->status,
    422, 'a parameter short';
($status, $list) = api('GET', "webhooks/$id/activity");
like $list->{activity}[0]{detail}, qr/expiration is missing/,
    'is told with its fault';
unlike encode_json($list), qr/github|4711|INC1/, 'and no value is';
is_deeply $list->{activity}[0]{faults},
    [ { code => 'missing', parameter => 'expiration' } ],
    'which is told by itself, too';
is $list->{activity}[0]{faults_omitted}, 0, 'and is all';
is_deeply $list->{activity}[1]{faults}, [], 'a valid one has none';

is try_it($webhook->{token}, body => '[]')->status, 422, 'no object';
($status, $shown) = api('GET', "webhooks/$id");
is_deeply $shown->{last_refused}{faults},
    [ { code => 'wrong_type', parameter => undef } ], 'a fault of the whole';

my $names = join ',', map { sprintf '"%s%03d":4711', 'n' x 20, $_ } 1 .. 200;
is try_it($webhook->{token}, body => "{$names}")->status, 422,
    'two hundred unknown parameters';
($status, $shown) = api('GET', "webhooks/$id");
my $faults = $shown->{last_refused}{faults};
is @$faults + $shown->{last_refused}{faults_omitted}, 207,
    'are told of as far as there is room for them';
is $faults->[0]{parameter}, 'app_identifier', 'the first ones';
cmp_ok scalar @$faults, '>=', 7, 'as many as this trigger can lack';


# Who has no token cannot push out those who have one.

my $before = (api('GET', "webhooks/$id/activity"))[1]{activity};
my @known = grep { $_->{code} !~ /^token_/ } @$before;

try_it('wrong') for 1 .. 100;
my $after = (api('GET', "webhooks/$id/activity"))[1]{activity};

is_deeply [ grep { $_->{code} !~ /^token_/ } @$after ], \@known,
    'a hundred wrong tokens push out none but each other';
is scalar @$after, @known + 8, 'of which the last 8 are kept';
is $after->[0]{code}, 'token_invalid', 'and the newest comes first';

try_it($webhook->{token}) for 1 .. 40;
$after = (api('GET', "webhooks/$id/activity"))[1]{activity};
is_deeply [ map { $_->{code} } @$after ],
    [ ('accepted') x 24, ('token_invalid') x 8 ],
    'of the others the last 24 are kept';


# Webhooks of nginx.conf.

is $nginx->post('/hooks/fixed', context(), headers => ['X-Fixed: fixed'])
    ->status, 201, 'one of nginx.conf';
is $nginx->post('/hooks/fixed', context(), headers => ['X-Fixed: x'])
    ->status, 401, 'and a wrong token of it';

($status, $shown) = api('GET', "webhooks/$fixed");

is $status, 200, 'it is shown by its name, slashes and all';
is_deeply { map { $_ => $shown->{$_} } qw(id source method endpoint active
        order unknown status token_header) },
    {
        id => 'conf:POST /hooks/fixed', source => 'nginx.conf',
        method => 'POST', endpoint => '/hooks/fixed',
        active => JSON::PP::true, order => 'any', unknown => 'drop',
        status => 201, token_header => 'x-fixed',
    }, 'as nginx.conf has it';
is $shown->{last_refused}{code}, 'token_invalid', 'with its last refusal';
is_deeply outcomes($fixed), ['accepted', 'token_invalid'],
    'and its activity';

($status, $shown) = api('GET', "webhooks/$fixed%2Factivity");
is $shown->{endpoint}, '/hooks/fixed/activity', 'a name may end like a path';
is((api('GET', 'webhooks/conf:none'))[0], 404, 'one that is not there');
is((api('GET', 'webhooks/conf:none/activity'))[0], 404, 'has no activity');
is((api('POST', "webhooks/$fixed/rotate", { overlap => '1h' }))[0], 409,
    'it is changed in nginx.conf alone');
is $nginx->get("/other/webhooks/$id")->json->{id}, $id,
    'a rewrite may lead to the API';
($status, $shown) = api('GET', "webhooks/$id");
is $shown->{token_header}, 'x-made', "the header of the token";


# What nginx refuses before it has come to the webhook.

for my $name ('small', 'led') {
    my $of = "conf:POST%20%2Fhooks%2F$name";

    is $nginx->post("/hooks/$name", 'x' x 101, token => $name)->status, 413,
        "too large by its length for $name";
    is_deeply outcomes($of), ['payload_too_large'], 'is in the activity';

    my $slow = $nginx->connect;
    $slow->write("POST /hooks/$name HTTP/1.1\r\nHost: a\r\n"
        . "X-Clarity-Webhook-Token: $name\r\nContent-Length: 2\r\n\r\n{");
    wait_until { $nginx->post("/hooks/$name", '{}', token => $name)->status
        == 429 } 5, 'one connection too many';

    is outcomes($of)->[-1], 'rate_limited', 'which is there too';
    $slow->close;
}


# What a page needs to make a webhook.

($status, my $triggers) = api('GET', 'triggers');

is $triggers->{webhooks_url}, 'http://localhost/webhooks/',
    'what an address begins with';
is_deeply $triggers->{triggers}[0]{parameters}[3],
    { name => 'expiration', type => ['string', 'null'],
        format => 'date-or-date-time' }, 'what a value may be';

$t->done;
