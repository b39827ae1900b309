#!/usr/bin/perl

# The tokens of webhooks made at run time: which one was used, rotation and its
# bounds, keys that change, and what somebody who can write to Redis cannot do.

use Clarity::Settings;
use Clarity::Test;

my $t = Clarity::Test->new;
my $redis = $t->redis;
my $settings = Clarity::Settings->new($t);
my @nginx = ($settings->nginx(workers => 2),
    $settings->nginx(workers => 2, name => 'second'));
my $nginx = $nginx[0];

$settings->wait_loaded(@nginx);


sub shown { return ($settings->api('GET', "webhooks/$_[0]{id}"))[1] }

sub rotate {
    my ($webhook, $overlap, @headers) = @_;

    return $settings->api('POST', "webhooks/$webhook->{id}/rotate",
        { overlap => $overlap }, @headers);
}

sub revoke {
    my ($webhook, $token) = @_;

    return $settings->api('POST', "webhooks/$webhook->{id}/revoke",
        { token_id => $token });
}

sub with_token {
    my ($webhook, $token) = @_;

    return { %$webhook, token => $token };
}

sub lines {
    my ($regex, $log) = @_;

    return scalar grep { $_ =~ $regex }
        split /\n/, $t->read_file(($log // 'nginx') . '/error.log');
}


# Which of the two was last used.

my $webhook = $settings->create(endpoint => 'used');
$settings->wait_status(401, with_token($webhook, 'none'));

my ($token) = @{ shown($webhook)->{tokens} };
is $token->{last_used_at}, undef, 'a new token has not been used';
ok exists $token->{last_used_at}, 'which is said';

$settings->wait_status(202, $webhook);
my $first_use = shown($webhook)->{tokens}[0]{last_used_at};
like $first_use, qr/^20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/,
    'when it was last used is said in RFC 3339';

my (undef, $new) = rotate($webhook, '1h');
my $newest = with_token($webhook, $new->{token});
$settings->wait_status(401, with_token($webhook, 'none'), @nginx);

my @tokens = @{ shown($webhook)->{tokens} };
is $tokens[0]{last_used_at}, undef, 'after a rotation the new one is not';
is $tokens[1]{last_used_at}, $first_use, 'and the old one keeps its time';

wait_until {
    $settings->send($webhook);
    time_of(1) gt $first_use;
} 5, 'a later time';
is time_of(0), undef, 'a use of the old one is its own';
my $second_use = time_of(1);

$settings->wait_status(202, $newest);
like time_of(0), qr/^20/, 'a use of the new one, too';
is time_of(1), $second_use, 'and not of the old one';

sub time_of { return shown($webhook)->{tokens}[ $_[0] ]{last_used_at} }

# a request that is refused further on has used it; a wrong token nothing
my $third_use = time_of(0);
wait_until {
    $nginx->post('/webhooks/used', '{', token => $new->{token});
    time_of(0) gt $third_use;
} 5, 'a later time';
pass 'a request that is refused further on counts';

my @before = map { $_->{last_used_at} } @{ shown($webhook)->{tokens} };
$settings->send(with_token($webhook, $new->{token} . 'x'));
is_deeply [ map { $_->{last_used_at} } @{ shown($webhook)->{tokens} } ],
    \@before, 'one with a wrong token does not';

# of each nginx, and kept over its reload
$settings->{nginx} = $nginx[1];
is_deeply [ map { $_->{last_used_at} } @{ shown($webhook)->{tokens} } ],
    [ undef, undef ], 'the other nginx has seen no use of them';
$settings->{nginx} = $nginx;

$nginx->renew;
is_deeply [ map { $_->{last_used_at} } @{ shown($webhook)->{tokens} } ],
    \@before, 'it is kept over a reload';

# and while others change, and the webhook itself moves
$settings->create(endpoint => 'another');
my ($status, $moved) = $settings->api('PATCH', "webhooks/$webhook->{id}",
    { endpoint => 'a-moved' }, 'If-Match: *');
$webhook->{endpoint} = 'a-moved';
$settings->wait_status(401, with_token($webhook, 'none'), @nginx);
is_deeply [ map { $_->{last_used_at} } @{ shown($webhook)->{tokens} } ],
    \@before, 'over changes of any webhook, too';

is scalar(grep { /last_used|"used/ }
    @{ $redis->command('HGETALL', '{clarity}:webhooks') }), 0,
    'and Redis knows nothing of it';


# Rotation, and what it does not do to callers.

my $many = $settings->create(endpoint => 'many');
my @good = ($many->{token});

for (2 .. 4) {
    my ($rotated, $answer) = rotate($many, '1h');
    is $rotated, 200, 'rotated';
    unshift @good, $answer->{token};
}

$settings->wait_status(202, with_token($many, $good[0]), @nginx);
$settings->wait_status(202, with_token($many, $_), @nginx) for @good;
pass 'four tokens are good at once';

my ($refused, $problem) = rotate($many, '1h');
is $refused, 409, 'a fifth would end one that callers use';
is $problem->{code}, 'too_many_tokens', 'which is said';
$settings->wait_status(202, with_token($many, $_), @nginx) for @good;

my @ids = map { $_->{id} } @{ shown($many)->{tokens} };
is scalar @ids, 4, 'all four are listed';

($status, $problem) = revoke($many, $ids[0]);
is $status, 409, 'the only one without an end stays';
is $problem->{code}, 'last_token', 'which is said';

is((revoke($many, $ids[3]))[0], 200, 'another is revoked');
$settings->wait_status(401, with_token($many, $good[3]), @nginx);
$settings->wait_status(202, with_token($many, $_), @nginx) for @good[0 .. 2];
is((revoke($many, $ids[3]))[0], 422, 'and then is none of its tokens');

is((rotate($many, '1s'))[0], 200, 'there is room for a fourth again');
wait_until { @{ shown($many)->{tokens} } == 1 } 5, 'the end of the others';
pass 'those that have ended are not listed';
$settings->wait_status(401, with_token($many, $_), @nginx) for @good;
is((rotate($many, '1h'))[0], 200, 'and take no room');

($status, my $last) = rotate($many, '0s');
is_deeply [ map { $_->{id} } @{ shown($many)->{tokens} } ], [ $last->{id} ],
    'an overlap of 0s ends all others';
is $last->{previous_expires_at}, undef, 'and none is left';

for my $body ({ overlap => '91d' }, { overlap => '' }, { overlap => 24 },
    { overlap => '24' }, { overlap => '-1h' }, [], { overlap => '1h',
    surprise => 1 }, { overlap => undef })
{
    ($status, $problem) = $settings->api('POST',
        "webhooks/$many->{id}/rotate", $body);
    is $status, 422, 'refused: ' . encode_json($body);
    ok $problem->{errors}[0]{detail}, 'with a reason';
}

# two at once
my $etag = '"' . shown($many)->{revision} . '"';
is((rotate($many, '1h', "If-Match: $etag"))[0], 200, 'one rotates it');
is((rotate($many, '1h', "If-Match: $etag"))[0], 412, 'the second is told');
is scalar @{ shown($many)->{tokens} }, 2, 'and has not rotated it';


# Who can write to Redis can take tokens away, but not make or move them.

my %made = map { $_ => $settings->create(endpoint => $_) } qw(a b c);
$settings->wait_status(202, $_, @nginx) for values %made;

my %record = map { $_ => stored($made{$_}) } keys %made;

sub stored {
    my ($one) = @_;

    return decode_json($redis->command('HGET', '{clarity}:webhooks',
        "id:$one->{id}"));
}

# what somebody writes, and a change of another webhook, which has them all
# read
sub store {
    my ($one, $text) = @_;

    $redis->command('HSET', '{clarity}:webhooks', "id:$one->{id}",
        ref $text ? encode_json($text) : $text);
    $redis->command('PUBLISH', '{clarity}:webhooks', 'x');
}

my $other = 0;

sub everything_else_works {
    my ($what) = @_;

    my $change = $settings->create(endpoint => 'change-' . ++$other);

    $settings->wait_status(202, $change, @nginx);
    is $settings->send($made{c}, $_)->status, 202, $what for @nginx;
}

my %swapped = (
    a => { %{ $record{a} }, tokens => [ { %{ $record{a}{tokens}[0] },
        sealed => $record{b}{tokens}[0]{sealed} } ] },
    b => { %{ $record{b} }, tokens => [ { %{ $record{b}{tokens}[0] },
        sealed => $record{a}{tokens}[0]{sealed} } ] },
);

store($made{$_}, $swapped{$_}) for qw(a b);
everything_else_works('sealed tokens that are swapped disturb no other');

for my $to (qw(a b)) {
    for my $of (qw(a b)) {
        is $settings->send(with_token($made{$to}, $made{$of}{token}))->status,
            401, "the token of $of is none of $to";
    }

    my $id = $record{$to}{tokens}[0]{id};
    is lines(qr/token $id of the webhook $made{$to}{id} .* it was changed, or/),
        1, "the log says so once for $to";

    my ($shown_status, $shown) = $settings->api('GET',
        "webhooks/$made{$to}{id}/token");
    is $shown_status, 500, 'the API does not show it';
    is $shown->{code}, 'token_unreadable', 'and says why';
}

# the whole list of tokens with their ids does not move either
store($made{a}, { %{ $record{a} }, tokens => $record{b}{tokens} });
everything_else_works('tokens that are moved disturb no other');
is $settings->send(with_token($made{a}, $made{b}{token}))->status, 401,
    'a token and its id are bound to their webhook';

store($made{$_}, $record{$_}) for qw(a b);
$settings->wait_status(202, $made{$_}, @nginx) for qw(a b);
pass 'put back, they are good again';

my $sealed = $record{a}{tokens}[0]{sealed};
my ($head, $body) = $sealed =~ /^(v1\.one\.)(.*)/;

my %bad_seals = (
    'a changed byte' => $head . ($body =~ s/^(.{20})(.)/$1
        . ($2 eq 'A' ? 'B' : 'A')/er),
    'a changed tag' => $head . ($body =~ s/(.)(.)$/($1 eq 'A' ? 'B' : 'A')
        . $2/er),
    'a shorter one' => substr($sealed, 0, 60),
    'no nonce' => 'v1.one.',
    'another version' => $sealed =~ s/^v1/v2/r,
    'an unknown key' => $sealed =~ s/^v1\.one/v1.nobody/r,
    'the token in clear' => $made{a}{token},
    'no base64url' => $head . '!' . $body,
);

for my $how (sort keys %bad_seals) {
    store($made{a}, $record{a});
    $settings->wait_status(202, $made{a}, @nginx);
    store($made{a}, { %{ $record{a} }, tokens => [ {
        %{ $record{a}{tokens}[0] }, sealed => $bad_seals{$how} } ] });
    $settings->wait_status($how eq 'an unknown key' ? 503 : 401, $made{a},
        @nginx);
    pass "$how opens nothing";
}

cmp_ok lines(qr/\Q$made{a}{id}\E/), '<', 30, 'in few lines';
everything_else_works('and no other is disturbed');
store($made{a}, $record{a});
$settings->wait_status(202, $made{a}, @nginx);


# A record that is none.

my %bad_records = (
    'not JSON' => '{"id":"',
    'empty' => '',
    'an array' => '[]',
    'a NUL' => "\0",
    'no token' => encode_json({ %{ $record{a} }, tokens => [] }),
    'five tokens' => encode_json({ %{ $record{a} },
        tokens => [ ($record{a}{tokens}[0]) x 5 ] }),
    'another id' => encode_json({ %{ $record{a} }, id => $made{b}{id} }),
    'an endpoint that is none' => encode_json({ %{ $record{a} },
        endpoint => '../x' }),
    'a status that is none' => encode_json({ %{ $record{a} },
        status => 404 }),
    'a method that is none' => encode_json({ %{ $record{a} },
        method => "GET\r\n" }),
    'a trigger that is long' => encode_json({ %{ $record{a} },
        trigger => 'x' x 100_000 }),
    'a megabyte' => '[' x 1_000_000,
);

for my $how (sort keys %bad_records) {
    store($made{a}, $record{a});
    $settings->wait_status(202, $made{a}, @nginx);
    store($made{a}, $bad_records{$how});
    $settings->wait_status(404, $made{a}, @nginx);
    pass "a record that is $how is passed over";
}

my $before_lines = lines(qr/is passed over/);
is $before_lines, keys %bad_records, 'each is told once';
everything_else_works('and no other is disturbed');
is lines(qr/is passed over/), $before_lines, 'not at each change';

($status, my $list) = $settings->api('GET', 'webhooks?limit=200');
is_deeply [ map { $_->{id} } @{ $list->{unreadable} } ], [ $made{a}{id} ],
    'the list tells of it';
ok scalar(grep { $_->{id} eq $made{c}{id} } @{ $list->{webhooks} }),
    'and has all others';
($status, $problem) = $settings->api('GET', "webhooks/$made{a}{id}");
is $problem->{code}, 'record_unreadable', 'so does the webhook itself';
like $problem->{detail}, qr/HDEL "\{clarity\}:webhooks" "id:$made{a}{id}"/,
    'and says how it is removed';
($status) = $settings->api('DELETE', "webhooks/$made{a}{id}", undef,
    'If-Match: "1"');
is $status, 500, 'not where it should be as it was';
($status) = $settings->api('DELETE', "webhooks/$made{a}{id}");
is $status, 204, 'but as it is';
is_deeply +($settings->api('GET', 'webhooks'))[1]{unreadable}, [],
    'and is gone';

store($made{a}, $record{a});
$settings->wait_status(202, $made{a}, @nginx);
pass 'put back, it serves again';
is_deeply +($settings->api('GET', 'webhooks'))[1]{unreadable}, [],
    'and the list tells of none';

store($made{a}, 'broken again');
$settings->wait_status(404, $made{a}, @nginx);
is lines(qr/is passed over/), $before_lines + 1,
    'what breaks after it was mended is told anew';
store($made{a}, $record{a});
$settings->wait_status(202, $made{a}, @nginx);


# Keys change: a new one in front, all open; then the old one goes.

$settings->write_keys(two => 'K' x 32, one => 'k' x 32);
$_->renew for @nginx;

$made{d} = $settings->create(endpoint => 'd');
like stored($made{d})->{tokens}[0]{sealed}, qr/^v1\.two\./,
    'the first key seals';
$settings->wait_status(202, $made{$_}, @nginx) for qw(a b c d);
pass 'all keys open';

(undef, $new) = rotate($made{b}, '1h');
like stored($made{b})->{tokens}[0]{sealed}, qr/^v1\.two\./,
    'a rotation seals with the new key';
$settings->wait_status(202, with_token($made{b}, $new->{token}), @nginx);

$settings->write_keys(two => 'K' x 32);
$_->renew for @nginx;

$settings->wait_status(503, $made{a}, @nginx);
$settings->wait_status(503, $made{b}, @nginx);
$settings->wait_status(202, with_token($made{b}, $new->{token}), @nginx);
$settings->wait_status(202, $made{d}, @nginx);
$settings->wait_status(401, with_token($made{d}, 'x'), @nginx);
pass 'without the old key its tokens are good no more, others are';

ok lines(qr/webhook $made{a}{id} .* sealed with the key "one", which is not in/),
    'the log says why';
($status, $problem) = $settings->api('GET', "webhooks/$made{a}{id}/token");
is $status, 500, 'the API does not show such a token';
like $problem->{detail}, qr/key "one".*Put the key back.*or rotate/,
    'and says what to do';

(undef, $new) = rotate($made{a}, '0s');
$settings->wait_status(202, with_token($made{a}, $new->{token}), @nginx);
$settings->wait_status(401, $made{a}, @nginx);
pass 'a rotation mends it';

$settings->write_keys(two => 'K' x 32, one => 'k' x 32);
$_->renew for @nginx;
$settings->wait_status(202, $made{c}, @nginx);
pass 'and so does the old key';

# the right id with other bytes
$settings->write_keys(two => 'K' x 32, one => 'x' x 32);
$_->renew for @nginx;
$settings->wait_status(401, $made{c}, @nginx);
ok lines(qr/\Q$made{c}{id}\E .* with another key of the same id/),
    'a key of the same id with other bytes is told';


for my $name (qw(nginx second)) {
    unlike $t->read_file("$name/error.log"), qr/clarity_wh_|v1\.\w+\.\w{20}/,
        "no token, nor a sealed one, in the log of $name";
}

$t->done;
