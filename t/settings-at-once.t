#!/usr/bin/perl

# Several administrators at once, over two nginx: of those who change the same
# webhook from the same revision one does, the others are told, and nothing is
# lost. Who did what is in the audit, which does not grow for ever.

use MIME::Base64 qw(encode_base64);

use Clarity::Settings;
use Clarity::Test;

use constant EACH    => 3; # requests to a worker process
use constant AT_ONCE => 8 * EACH;

my $t = Clarity::Test->new;
my $redis = $t->redis;
my $settings = Clarity::Settings->new($t);

$t->write_file('users', "anna:{PLAIN}a\nbob:{PLAIN}b\n");

my %basic = (api => <<'EOF');
            auth_basic           Clarity;
            auth_basic_user_file %%DIR%%/users;

            limit_except GET {
                auth_basic           "Clarity, changes";
                auth_basic_user_file %%DIR%%/users;
            }
EOF

my @nginx = ($settings->nginx(%basic),
    $settings->nginx(%basic, name => 'second'));

my %user = map { $_->[0] => 'Authorization: Basic '
    . encode_base64("$_->[0]:$_->[1]", '') } [ anna => 'a' ], [ bob => 'b' ];

my $json = JSON::PP->new->utf8->canonical;

wait_until { $_->post('/webhooks/none', '{}')->status == 404 } 5,
    'the webhooks to be loaded' for @nginx;


# The same request to each of the eight worker processes, three times, of anna
# and bob in turn: all are sent before the first answer is read.

my @http = map { values %{ $settings->each_worker(@nginx) } } 1 .. EACH;

sub at_once {
    my ($method, $path, $body, @headers) = @_;

    my @users = sort keys %user;

    for my $i (0 .. $#http) {
        $http[$i]->write(Clarity::Nginx::request_text($method,
            "/settings/api/$path", keepalive => 1,
            body => $json->encode(ref $body eq 'CODE' ? $body->($i) : $body),
            headers => [ $user{ $users[ $i % 2 ] }, @headers ]));
    }

    return map { $_->read } @http;
}


sub statuses {
    my %n;

    $n{ $_->status }++ for @_;

    return \%n;
}


sub api {
    my ($method, $path, $body) = @_;

    my $answer = $nginx[0]->request($method, "/settings/api/$path",
        headers => [ $user{anna}, 'If-Match: *' ],
        defined $body ? (body => $json->encode($body)) : ());

    return ($answer->status,
        length $answer->body ? $json->decode($answer->body) : undef);
}


sub places {
    return scalar grep { /^at:/ }
        @{ $redis->command('HKEYS', '{clarity}:webhooks') };
}


# Made at once.

my %new = (method => 'POST', endpoint => 'one',
    trigger => 'provision_entitlement');
my @answers = at_once('POST', 'webhooks', \%new);

is_deeply statuses(@answers), { 201 => 1, 409 => AT_ONCE - 1 },
    'of many who make the same webhook one does';
my ($webhook) = map { $_->json } grep { $_->status == 201 } @answers;
is places(), 1, 'and there is one';

my %workers = map { $_->header('x-worker') => 1 } @answers;
is scalar keys %workers, 8, 'eight processes had a part in it';


# Changed at once, from the same revision.

for my $round (1 .. 10) {
    my $before = (api('GET', "webhooks/$webhook->{id}"))[1];

    @answers = at_once('PATCH', "webhooks/$webhook->{id}",
        sub { +{ endpoint => "moved-$round-$_[0]" } },
        "If-Match: \"$before->{revision}\"");
    is_deeply statuses(@answers), { 200 => 1, 412 => AT_ONCE - 1 },
        'of many who change it one does';

    my ($changed) = map { $_->json } grep { $_->status == 200 } @answers;
    my $after = (api('GET', "webhooks/$webhook->{id}"))[1];
    is $after->{endpoint}, $changed->{endpoint}, 'which stays';
    is $after->{revision}, $before->{revision} + 1, 'as the one change';

    my ($stale) = grep { $_->status == 412 } @answers;
    is $stale->json->{code}, 'precondition_failed', 'the others are told';
    is $stale->header('etag'), "\"$after->{revision}\"", 'of what is there';
}

is places(), 1, 'no place is left behind';


# Moved to the same place at once, by two who change different webhooks.

my $two = (api('POST', 'webhooks', { %new, endpoint => 'two' }))[1];
my @both = map { $nginx[$_]->connect } 0 .. 1;
my @ids = ($webhook->{id}, $two->{id});

$both[$_]->write(Clarity::Nginx::request_text('PATCH',
    "/settings/api/webhooks/$ids[$_]", body => '{"endpoint":"contested"}',
    headers => [ $user{bob}, 'If-Match: *' ])) for 0 .. 1;

is_deeply statuses(map { $_->read } @both), { 200 => 1, 409 => 1 },
    'two that move to one place: one does';
is places(), 2, 'and the other stays where it was';


# Rotated at once.

my $before = (api('GET', "webhooks/$webhook->{id}"))[1];
@answers = at_once('POST', "webhooks/$webhook->{id}/rotate",
    { overlap => '1h' }, "If-Match: \"$before->{revision}\"");

is_deeply statuses(@answers), { 200 => 1, 412 => AT_ONCE - 1 },
    'of many who rotate it one does';
is scalar @{ (api('GET', "webhooks/$webhook->{id}"))[1]{tokens} }, 2,
    'and there are two tokens';

# without a condition nobody's rotation is lost either
@answers = at_once('POST', "webhooks/$webhook->{id}/rotate",
    { overlap => '1h' });
my %n = %{ statuses(@answers) };
my @rotated = map { $_->json->{id} } grep { $_->status == 200 } @answers;
my %listed = map { $_->{id} => 1 }
    @{ (api('GET', "webhooks/$webhook->{id}"))[1]{tokens} };

is_deeply [ grep { !$listed{$_} } @rotated ], [],
    scalar(@rotated) . ' rotations without a condition, none undone';
cmp_ok scalar @rotated, '<=', 2, 'no more than there is room for';
is_deeply [ sort grep { !/^(?:200|409|412)$/ } keys %n ], [],
    'the others are told';


# Deleted at once.

@answers = at_once('DELETE', "webhooks/$webhook->{id}", {});
is_deeply statuses(@answers), { 204 => 1, 404 => AT_ONCE - 1 },
    'of many who delete it one does';

is $nginx[1]->request('DELETE', "/settings/api/webhooks/$two->{id}",
    headers => [ $user{bob}, 'If-Match: "1"' ])->status, 412,
    'who would delete what somebody has changed is told';


# What If-Match may be: RFC 9110, 13.1.1.

my $current = (api('GET', "webhooks/$two->{id}"))[1];

for my $match ([ '"1", "2"', 412 ], [ 'W/"REVISION"', 412 ],
    [ 'REVISION', 412 ], [ '', 412 ], [ '"REVISION', 412 ], [ ',', 412 ],
    [ '"1", "REVISION"', 200 ], [ ' "REVISION" ,', 200 ], [ '*', 200 ])
{
    my ($header, $expected) = @$match;
    $header =~ s/REVISION/$current->{revision}/;

    is $nginx[0]->request('PATCH', "/settings/api/webhooks/$two->{id}",
        body => '{"order":"any"}',
        headers => [ $user{anna}, "If-Match: $header" ])->status,
        $expected, "If-Match: $header";
    $current = (api('GET', "webhooks/$two->{id}"))[1];
}

is $nginx[0]->request('PATCH', "/settings/api/webhooks/$two->{id}",
    body => '{"order":"any"}', headers => [ $user{anna} ])->status, 428,
    'none at all is refused: it might overwrite what nobody has seen';


# Who did it.

my @audit = map { +{ @{ $_->[1] } } }
    @{ $redis->command('XRANGE', '{clarity}:audit', '-', '+') };
my %by;
$by{"$_->{user} $_->{action}"}++ for @audit;

is_deeply [ grep { !/^(?:anna|bob) / } keys %by ], [],
    "each change is somebody's";
is(($by{'anna create'} // 0) + ($by{'bob create'} // 0), 2,
    'what was refused is not in the audit');
is $audit[0]{addr}, '127.0.0.1', 'from where';
cmp_ok abs($audit[-1]{time} / 1000 - time), '<', 60, 'and when';

api('GET', "webhooks/$two->{id}/token");
my ($last) = @{ $redis->command('XREVRANGE', '{clarity}:audit', '+', '-',
    'COUNT', 1) };
my %last = @{ $last->[1] };
is "$last{user} $last{action} $last{webhook}", "anna token $two->{id}",
    'who looked at a token, too';
ok !exists $last{revision}, 'which changed nothing';

# who is not let in, is not
for my $request ([ 'GET', 'webhooks' ], [ 'POST', 'webhooks' ],
    [ 'GET', "webhooks/$two->{id}/token" ])
{
    is $nginx[0]->request($request->[0], "/settings/api/$request->[1]",
        body => '{}')->status, 401, "@$request without a password";
}


# About ten thousand entries are kept, however many there were.

sub add_entries {
    $redis->command('EVAL', 'for i = 1, ARGV[1] do redis.call("XADD", KEYS[1],'
        . ' "*", "action", "old") end return 1', 1, '{clarity}:audit', $_[0]);
}

add_entries(12_000);
cmp_ok $redis->command('XLEN', '{clarity}:audit'), '>', 12_000,
    'a long audit';
api('GET', "webhooks/$two->{id}/token");
my $length = $redis->command('XLEN', '{clarity}:audit');
cmp_ok $length, '<', 10_200, "is cut to $length where a token is shown";

add_entries(2000);
api('PATCH', "webhooks/$two->{id}", { order => 'strict' });
$length = $redis->command('XLEN', '{clarity}:audit');
cmp_ok $length, '<', 10_200, "and to $length by a change";
cmp_ok $length, '>=', 10_000, 'the last ten thousand are there';

$t->done;
