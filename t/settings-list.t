#!/usr/bin/perl

# The list in pages, webhooks of nginx.conf beside those made at run time, and
# the activity of both.

use MIME::Base64 qw(encode_base64);

use Clarity::Settings;
use Clarity::Test;

my $t = Clarity::Test->new;
my $redis = $t->redis;
my $settings = Clarity::Settings->new($t);

# One worker process: a request is noted after it was answered, and where
# another process answers the next one, that can be too late for it.
my $nginx = $settings->nginx(workers => 1, http => <<'EOF1', webhooks => <<'EOF2',
    limit_req_zone $clarity_webhook zone=webhooks:1m rate=1r/s;
    log_format webhook '$clarity_webhook $status $clarity_outcome';
    access_log %%DIR%%/webhooks.log webhook;
EOF1
            clarity_webhook_token_header X-Made;

            if ($arg_slow) {
                set $limited 1;
            }

            limit_req zone=webhooks burst=300 nodelay;
            limit_req_status 429;
            client_max_body_size 10k;
EOF2
    server => <<'EOF3');
        error_page 400 413 429 /problem;

        location = /problem {
            internal;
            clarity_problem;
        }

        location = /webhooks/exact {
            clarity_webhook        provision_entitlement;
            clarity_webhook_method PUT;
            clarity_webhook_token  exact;
        }

        location /webhooks/prefix/ {
            clarity_webhook              provision_entitlement name=named;
            clarity_webhook_token        prefix;
            clarity_webhook_token_header X-Api-Key;
            clarity_webhook_status       200;
            clarity_context_order        any;
            clarity_context_unknown      keep;
        }

        location = /elsewhere/activity {
            clarity_webhook       self_service_access_request;
            clarity_webhook_token elsewhere;
        }
EOF3

$settings->wait_loaded;


sub ids {
    my ($status, $list) = $settings->api('GET', 'webhooks' . ($_[0] // ''));

    return ($status, [ map { $_->{id} } @{ $list->{webhooks} } ], $list);
}


# Those of nginx.conf, read-only.

my ($status, $ids, $list) = ids();
is $status, 200, 'the list';
is_deeply $ids, [ 'conf:PUT /webhooks/exact', 'conf:named',
    'conf:POST /elsewhere/activity' ],
    'has those of nginx.conf, in its order';
is $list->{next}, undef, 'and there is no other page';

my %conf = map { $_->{id} => $_ } @{ $list->{webhooks} };
my $named = $conf{'conf:named'};

is_deeply { map { $_ => $named->{$_} } qw(source method endpoint trigger url
    active status order unknown token_header workflows last_accepted
    last_refused) },
    { source => 'nginx.conf', method => 'POST',
        endpoint => '/webhooks/prefix/', trigger => 'provision_entitlement',
        url => 'http://localhost/webhooks/prefix/', active => JSON::PP::true,
        status => 200, order => 'any', unknown => 'keep',
        token_header => 'x-api-key', workflows => 0, last_accepted => undef,
        last_refused => undef }, 'as they are configured';
is_deeply $named->{context}, [qw(app_identifier identity_id entitlement_id
    expiration grant_type meta creator_id)], 'with the context in its order';

for my $id (sort keys %conf) {
    my $escaped = $id =~ s/([^A-Za-z0-9])/sprintf '%%%02X', ord $1/ger;

    ($status, my $one) = $settings->api('GET', "webhooks/$escaped");
    is $status, 200, "GET of $id";
    is_deeply { %$one, live => 0 }, { %{ $conf{$id} }, live => 0 },
        'as in the list';

    ($status, my $activity) = $settings->api('GET',
        "webhooks/$escaped/activity");
    is $status, 200, 'its activity';
    is_deeply $activity, { activity => [] }, 'is none yet';

    for my $change ([ 'PATCH', '', { active => \0 } ], [ 'DELETE', '' ],
        [ 'GET', '/token' ], [ 'POST', '/rotate', { overlap => '0s' } ],
        [ 'POST', '/revoke', { token_id => 'tk_x' } ])
    {
        my ($method, $what, $body) = @$change;

        ($status, my $problem) = $settings->api($method,
            "webhooks/$escaped$what", $body, 'If-Match: *');
        is $status, 409, "$method$what is refused";
        is $problem->{code}, 'read_only', 'it is read-only';
        like $problem->{detail}, qr{nginx/nginx\.conf:\d+, and reload},
            'and says where it is changed';
    }
}

# with the slashes as they are it is another address
is((($settings->api('GET', 'webhooks/conf:PUT%20/webhooks/exact')))[0], 404,
    'an id is one segment');
is((($settings->api('GET', 'webhooks/conf%3Anone/activity')))[0], 404,
    'and one that nginx.conf does not have is none');


# Their activity, like that of others.

is $nginx->request('PUT', '/webhooks/exact', body => context(),
    token => 'exact', headers => ['X-Request-Id: my-own-id'])->status, 202,
    'accepted by one of nginx.conf';
is $nginx->request('PUT', '/webhooks/exact', body => context(
    identity_id => 'true', meta => undef), token => 'exact')->status, 422,
    'refused by it';
is $nginx->post('/webhooks/exact', '{}', token => 'x')->status, 401,
    'and without its token';

my $exact = 'webhooks/conf%3APUT%20%2Fwebhooks%2Fexact';
my $activity = ($settings->api('GET', "$exact/activity"))[1]{activity};
is_deeply [ map { "$_->{status} $_->{outcome} $_->{code}" } @$activity ],
    [ '401 token_invalid token_invalid', '422 context_invalid context_invalid',
        '202 accepted accepted' ], 'the newest first';
is $activity->[2]{request_id}, 'my-own-id', 'with the request id of the caller';
like $activity->[1]{request_id}, qr/^[0-9a-f]{32}$/, 'or that of nginx';
like $activity->[2]{job_id}, qr/^0-\d+-\d+$/, 'and the job';
is $activity->[1]{job_id}, '', 'where there is one';
like $activity->[1]{detail}, qr/identity_id.*meta|meta.*identity_id/,
    'the faults are named';
is $activity->[0]{addr}, '127.0.0.1', 'and from where it came';
unlike encode_json($activity), qr/github|admins|4711|INC1/, 'but no value';

my $shown = ($settings->api('GET', $exact))[1];
is $shown->{last_accepted}{request_id}, 'my-own-id', 'the last accepted';
is $shown->{last_refused}{code}, 'token_invalid', 'and the last refused';


# Made at run time; what nginx.conf has at its address is a clash.

for my $clash ([ PUT => 'exact' ], [ POST => 'exact' ], [ POST => 'prefix/x' ],
    [ DELETE => 'prefix/x/y' ])
{
    my ($method, $endpoint) = @$clash;
    ($status, my $problem) = $settings->api('POST', 'webhooks', {
        method => $method, endpoint => $endpoint,
        trigger => 'provision_entitlement' });

    is $status, 409, "$method $endpoint is nginx.conf's";
    is $problem->{code}, 'endpoint_taken', 'a clash';
    like $problem->{detail}, qr{location "/webhooks/.*nginx\.conf:\d+},
        'that says with what';
}

my %made = map { $_ => $settings->create(endpoint => $_) }
    qw(exactly prefix exact/ly b/1 b/2 a z);
$made{put} = $settings->create(endpoint => 'b/1', method => 'PUT',
    active => JSON::PP::false, order => 'any', unknown => 'drop',
    status => 201, idempotency => '1h');

is_deeply { map { $_ => $made{put}{$_} } qw(method endpoint trigger active
    order unknown status idempotency source url token_header) },
    { method => 'PUT', endpoint => 'b/1', trigger => 'provision_entitlement',
        active => JSON::PP::false, order => 'any', unknown => 'drop',
        status => 201, idempotency => '1h', source => 'settings',
        url => 'http://localhost/webhooks/b/1', token_header => 'x-made' },
    'with all that can be said of one';
is_deeply { map { $_ => $made{a}{$_} } qw(active order unknown status
    idempotency) }, { active => JSON::PP::true, order => 'strict',
    unknown => 'reject', status => 202, idempotency => undef },
    'and what holds if nothing is said';

($status, my $problem) = $settings->api('PATCH', "webhooks/$made{a}{id}",
    { endpoint => 'exact' }, 'If-Match: *');
is $status, 409, 'nor can one be moved there';
($status, $problem) = $settings->api('PATCH', "webhooks/$made{a}{id}",
    { endpoint => 'z' }, 'If-Match: *');
is $status, 409, 'or to another one made';
is $problem->{code}, 'endpoint_taken', 'which is a clash too';


# In pages.

my @all = ('conf:PUT /webhooks/exact', 'conf:named',
    'conf:POST /elsewhere/activity', map { $made{$_}{id} }
    'a', 'b/1', 'put', 'b/2', 'exact/ly', 'exactly', 'prefix', 'z');

($status, $ids, $list) = ids();
is_deeply $ids, \@all, 'by endpoint and method';
ok !exists $_->{tokens} && !exists $_->{token}, 'without tokens'
    for @{ $list->{webhooks} };

for my $limit (1, 2, 3, 4, 10, 11, 200) {
    my (@seen, $next);
    my $pages = 0;

    do {
        my $after = defined $next ? "&after=$next" : '';

        ($status, $ids, $list) = ids("?limit=$limit$after");
        cmp_ok scalar @$ids, '<=', $limit, "at most $limit on a page";
        push @seen, @$ids;
        $next = $list->{next};
        like $next, qr/^[A-Za-z0-9_-]+$/, 'next can stand in an address as is'
            if defined $next;
    } while (defined $next && $pages++ < 20);

    is_deeply \@seen, \@all, "all, in pages of $limit";
}

# A place that there need not be.

sub after { return '?after=' . encode_base64($_[0], '') =~ tr{+/=}{-_}dr }

# the last of a page is deleted meanwhile
($status, $ids, $list) = ids('?limit=5');
is $ids->[-1], $made{'b/1'}{id}, 'a page ends';
$settings->api('DELETE', "webhooks/$made{'b/1'}{id}");
($status, $ids) = ids("?limit=2&after=$list->{next}");
is_deeply $ids, [ map { $made{$_}{id} } 'put', 'b/2' ],
    'and the next page begins after it all the same';
($status, $ids) = ids(after('conf:gone'));
is $ids->[0], 'conf:PUT /webhooks/exact',
    'after one that nginx.conf has no more it begins anew';
($status, $ids) = ids(after('POST zzz'));
is_deeply $ids, [], 'after the last there is nothing';

for my $query ('limit=0', 'limit=201', 'limit=', 'limit=-1', 'limit=1e2',
    'limit=99999999999999999999', 'after=', 'after=x', 'after=POST+zzz', 'after=POST%20zzz',
    'limit=x&after=UE9TVCB6eno')
{
    ($status, my $said) = $settings->api('GET', "webhooks?$query");
    is $status, 422, "?$query is refused";
    is $said->{code}, 'invalid', 'as problem+json';
}


# Triggers, as the form needs them.

($status, my $triggers) = $settings->api('GET', 'triggers');
is $triggers->{webhooks_url}, 'http://localhost/webhooks/',
    'what an address begins with';
my ($provision) = grep { $_->{name} eq 'provision_entitlement' }
    @{ $triggers->{triggers} };
is_deeply $provision->{parameters}[3], { name => 'expiration',
    type => [ 'string', 'null' ], format => 'date-or-date-time' },
    'each parameter as triggers.json has it';
is_deeply [ map { $_->{name} } @{ $provision->{parameters} } ],
    $provision->{context}, 'in their order';


# What nginx itself refuses is in the activity too.

my $webhook = $made{z};
my $send = sub { $settings->send($webhook, $nginx, token => undef,
    headers => ["X-Made: $webhook->{token}"], @_) };

sub last_code {
    return ($settings->api('GET', "webhooks/$_[0]{id}/activity"))[1]
        {activity}[0]{code} // '';
}

wait_until { $send->()->status == 202 } 5, 'a 202';
is last_code($webhook), 'accepted', 'with a header of its own';
is $nginx->post('/webhooks/z?slow=1', context(),
    headers => ["X-Made: $webhook->{token}"])->status, 202,
    'an "if" in the location changes nothing in that';

my $chunks = join '', map { sprintf "%x\r\n%s\r\n", 4096, 'x' x 4096 } 1 .. 4;
my $large = $nginx->http("POST /webhooks/z HTTP/1.1\r\nHost: localhost\r\n"
    . "X-Made: $webhook->{token}\r\nTransfer-Encoding: chunked\r\n\r\n"
    . "${chunks}0\r\n\r\n");
is $large->status, 413, 'too large';
is last_code($webhook), 'payload_too_large', 'is in the activity';

my $malformed = $nginx->http("POST /webhooks/z HTTP/1.1\r\nHost: localhost\r\n"
    . "X-Made: $webhook->{token}\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n");
is $malformed->status, 400, 'malformed';
is last_code($webhook), 'bad_request', 'too';

my %answers;
$answers{ $nginx->post('/webhooks/z', '{}', token => undef,
    headers => ['X-Made: guess'])->status }++ for 1 .. 400;
ok $answers{429}, 'who guesses tokens is slowed down';
is last_code($webhook), 'rate_limited', 'which is in the activity';
is $nginx->post('/webhooks/b/2', context(), headers => [
    "X-Made: $made{'b/2'}{token}"])->status, 202, 'and no other webhook is';

my $entries = ($settings->api('GET', "webhooks/$webhook->{id}/activity"))[1]
    {activity};
is_deeply [ map { $_->{code} } @$entries ],
    [ ('rate_limited') x 8, ('accepted') x 2 ],
    'of those who have no token the last 8 are kept, and all others';

# an endpoint with two methods: each has what was meant for it
my $both = $settings->create(endpoint => 'b/2', method => 'PUT');
wait_until { $nginx->request('PUT', '/webhooks/b/2', body => '{}', headers => [
    "X-Made: $both->{token}"])->status == 422 } 5, 'the second method';
$nginx->post('/webhooks/b/2', '{}', headers => ["X-Made: $both->{token}"]);
is last_code($made{'b/2'}), 'token_invalid',
    "the other's token is noted at the method of the request";
is last_code($both), 'context_invalid', 'and not at the other';
$nginx->request('DELETE', '/webhooks/b/2', headers => [
    "X-Made: $both->{token}"]);
is last_code($both), 'method_not_allowed',
    'another method with a good token, at its webhook';

like $t->read_file('webhooks.log'), qr/^\Q$webhook->{id}\E 429 rate_limited$/m,
    'the access log has the webhook of what limit_req refused';
like $t->read_file('webhooks.log'), qr/^\Q$webhook->{id}\E 401 token_invalid$/m,
    'and of a wrong token';
like $t->read_file('webhooks.log'), qr/^\Q$webhook->{id}\E 413 /m,
    'and of what was too large';


# None of that costs Redis anything.

sub commands {
    return $redis->command('INFO', 'stats')
        =~ /total_commands_processed:(\d+)/ ? $1 : die;
}

my $before = commands();
$nginx->post('/webhooks/a', '{}', headers => ['X-Made: guess']) for 1 .. 200;
my $n = commands() - $before;
cmp_ok $n, '<', 60,
    "200 wrong tokens: $n commands, those that nginx sends by itself";

$t->done;
