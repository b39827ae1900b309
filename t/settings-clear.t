#!/usr/bin/perl

# No token of a webhook made at run time is anywhere in clear but where it was
# asked for: not in Redis' files, commands or memory, nor in any log, nginx's
# debug log but for the request headers that nginx itself writes there.

use Digest::SHA ();
use IO::Socket::UNIX;
use MIME::Base64 ();

use Clarity::Settings;
use Clarity::Test;

my $t = Clarity::Test->new;
my $redis = $t->redis(aof => 1,
    conf => "rdbcompression no\nslowlog-log-slower-than 0\n"
        . "slowlog-max-len 10000\n");
my $settings = Clarity::Settings->new($t);

$ENV{CLARITY_DEBUG} = 1;
my $nginx = $settings->nginx(workers => 2);

$settings->wait_loaded;

# what Redis is told, as MONITOR shows it
my $monitor = IO::Socket::UNIX->new(Peer => "$redis->{dir}/redis.sock")
    or die "redis.sock: $!\n";
print {$monitor} "MONITOR\r\n";
$monitor->flush;
is scalar <$monitor>, "+OK\r\n", 'Redis tells what it is told';


my $webhook = $settings->create(endpoint => 'clear');
$settings->wait_status(202, $webhook);

my ($status, $shown) = $settings->api('GET', "webhooks/$webhook->{id}/token");
is $shown->{token}, $webhook->{token}, 'the token is shown';

($status, my $rotated) = $settings->api('POST',
    "webhooks/$webhook->{id}/rotate", { overlap => '1h' });
is $status, 200, 'rotated';

my $other = $settings->create(endpoint => 'other', method => 'PUT');
$settings->wait_status(202, $other);
$settings->wait_status(202, { %$webhook, token => $rotated->{token} });

my @tokens = ($webhook->{token}, $rotated->{token}, $other->{token});
my %different = map { $_ => 1 } @tokens;
is scalar keys %different, 3, 'three tokens';
like $_, qr/^clarity_wh_[0-9A-Za-z]{49}$/, 'of the form that scanners know'
    for @tokens;

# the same in what somebody else might look for
my @forms = map { my $token = $_;
    ($token, substr($token, 11, 43), unpack('H*', $token),
        MIME::Base64::encode_base64($token, '')) } @tokens;
my $clear = join '|', map { quotemeta } @forms;

# and the digest that requests are checked by
my $digests = join '|', map { my $token = $_;
    (quotemeta(Digest::SHA::sha256($token)), Digest::SHA::sha256_hex($token))
} @tokens;


# requests that are refused, with the token where it does not belong
for my $request (
    [ 'GET', '/webhooks/clear' ],
    [ 'POST', '/webhooks/none' ],
    [ 'DELETE', '/settings/api/webhooks' ],
    [ 'POST', '/webhooks/clear', body => '{"a":' ],
    [ 'POST', '/webhooks/clear', body => context(identity_id => 'true') ],
    [ 'PUT', '/webhooks/other', body => '{}', headers => [
        "X-Clarity-Webhook-Token: $other->{token}" ] ])
{
    my ($method, $uri, %with) = @$request;
    cmp_ok $nginx->request($method, $uri, token => $webhook->{token},
        %with)->status, '>=', 400, "$method $uri is refused";
}

for my $path ('webhooks', "webhooks/$webhook->{id}",
    "webhooks/$webhook->{id}/activity", 'triggers', 'workflows')
{
    my (undef, undef, $answer) = $settings->api('GET', $path);
    is $answer->status, 200, "GET $path";
    unlike $answer->body, qr/$clear/, 'holds no token';
    unlike $answer->head, qr/$clear/, 'nor does its head';
}

my (undef, undef, $patched) = $settings->api('PATCH',
    "webhooks/$webhook->{id}", { order => 'any' }, 'If-Match: *');
unlike $patched->body, qr/$clear/, 'nor the answer to a change';


# What Redis has been told, and has written.

$redis->command('SAVE');
$redis->command('BGREWRITEAOF');
wait_until {
    $redis->command('INFO', 'persistence') =~ /aof_rewrite_in_progress:0\r/
} 10, 'the rewrite of the AOF';

$redis->command('PING', 'the-end');
my $told = '';
while (my $line = <$monitor>) {
    $told .= $line;
    last if $line =~ /the-end/;
}

like $told, qr/webhooks.*clarity:\}?|EVAL/i, 'it has been told something';
unlike $told, qr/$clear|$digests/, 'no command holds a token or its digest';

my $slow = encode_json($redis->command('SLOWLOG', 'GET', 10000));
like $slow, qr/EVAL/, 'the slow log has the changes';
unlike $slow, qr/$clear/, 'and no token';

my @files = (glob("$redis->{dir}/*.rdb"), glob("$redis->{dir}/appendonlydir/*"));
cmp_ok scalar @files, '>=', 3, 'a dump and an AOF';

for my $file (@files) {
    my $text = slurp($file);
    my ($name) = $file =~ m{([^/]+)$};

    unlike $text, qr/$clear|$digests/, "no token or digest in $name";
    ok index($text, $webhook->{id}) >= 0, 'but the webhook'
        if $name =~ /\.rdb$/;
}

for my $key (@{ $redis->command('KEYS', '*') }) {
    unlike $redis->command('DUMP', $key), qr/$clear|$digests/,
        "none in $key";
}


# Who asked for a token, and who changed what.

my @audit = map { +{ @{ $_->[1] } } }
    @{ $redis->command('XRANGE', '{clarity}:audit', '-', '+') };
is_deeply [ map { $_->{action} } @audit ],
    [qw(create token rotate create update)], 'each is in the audit';
is_deeply [ sort keys %{ $audit[1] } ], [qw(action addr time user webhook)],
    'who looked at a token, at which, when, from where';


# The logs.

for my $log ('nginx/access.log', 'redis/redis.stderr') {
    unlike $t->read_file($log), qr/$clear/, "no token in $log";
}

my @lines = split /\n/, $t->read_file('nginx/error.log');
cmp_ok scalar(grep { /\[debug\]/ } @lines), '>', 1000,
    'the error log is at debug';

is_deeply [ grep { /$clear/ && !/\[debug\].* http header: "X-Clarity-Webhook/ }
    @lines ], [], 'no token in it but in the headers that nginx writes down';
ok scalar(grep { /$clear/ } @lines), 'which it does';
is_deeply [ grep { /$digests/ } @lines ], [], 'nor a digest';
is_deeply [ grep { /$clear/ && !/\[debug\]/ } @lines ], [],
    'at info and above none at all';

close $monitor;
$t->done;


sub slurp {
    my ($file) = @_;

    open my $fh, '<:raw', $file or die "$file: $!\n";
    local $/;
    return scalar <$fh>;
}
