#!/usr/bin/perl

# Ten thousand webhooks: seen by all, listed, and what they cost; and a zone that
# they do not fit into, which keeps what it has and says so.
#
# A few hundred are made over the API. The others are copies of their records
# under other ids, whose tokens thus open nothing: as much work, and a log that
# must not have a line for each.

use IO::Socket::UNIX;
use Time::HiRes qw(time);

use Clarity::Settings;
use Clarity::Test;

use constant MANY => 10_000;

my $t = Clarity::Test->new;
my $redis = $t->redis;
my $settings = Clarity::Settings->new($t);
my $nginx = $settings->nginx(workers => 2);
my $small = $settings->nginx(workers => 2, name => 'small',
    http => "    clarity_zone 1m;\n");

$settings->wait_loaded($nginx, $small);


sub lines {
    my ($name, $regex) = @_;

    return scalar grep { $_ =~ $regex }
        split /\n/, $t->read_file("$name/error.log");
}

sub rss {
    my ($pid) = @_;

    open my $fh, '<', "/proc/$pid/status" or die "$pid: $!\n";
    return join('', <$fh>) =~ /^VmHWM:\s+(\d+) kB/m ? $1 / 1024 : 0;
}

my $json = JSON::PP->new->canonical;

# One of those that were made, whose record the copies are of.
my $model;

# Straight into Redis, and a notice at the end.
sub copy {
    my ($from, $to) = @_;

    my $text = $redis->command('HGET', '{clarity}:webhooks', "id:$model->{id}");
    my $socket = IO::Socket::UNIX->new(Peer => "$redis->{dir}/redis.sock")
        or die "redis.sock: $!\n";
    my @commands;

    for my $i ($from .. $to - 1) {
        my $id = sprintf 'wh_%020d', $i;
        my $endpoint = endpoint($i);
        my $record = $text =~ s/\Q$model->{id}\E/$id/r
            =~ s/\Q$model->{endpoint}\E/$endpoint/r;

        push @commands, [ 'HSET', '{clarity}:webhooks', "id:$id", $record,
            "at:POST $endpoint", $id ];
    }

    push @commands, [ 'HINCRBY', '{clarity}:webhooks', 'revision', 1 ],
        [ 'PUBLISH', '{clarity}:webhooks', 'x' ];

    print {$socket} join '', map { my @words = @$_;
        '*' . @words . "\r\n", map { '$' . length($_) . "\r\n$_\r\n" } @words
    } @commands;
    $socket->flush;

    like scalar <$socket>, qr/^:\d/, 'written' for $#commands;
    <$socket> for 1 .. $#commands;
}

sub endpoint { return sprintf 'team-%d/system-%05d', $_[0] % 97, $_[0] }

# A copy has no good token, so it is there if it is not 404.
sub wait_copy {
    my ($i, $server) = @_;

    wait_until {
        $server->post('/webhooks/' . endpoint($i), '{}', token => 'x')->status
            == 401
    } 10, "copy $i on $server->{name}";
}


# As many as the small zone has room for, then more.

my @few = map { $settings->create(endpoint => "made-$_") } 0 .. 299;
$model = $few[0];
$settings->wait_status(202, $few[299], $nginx, $small);
pass 'a zone of 1 MB has room for 300';

# what was noted of requests leaves first
$settings->send($few[$_], $small) for 0 .. 99;

$t->expect_log(qr/\[alert\].*"clarity_zone" has no room for/);
copy(300, 3000);
wait_copy(2999, $nginx);
my $last = $settings->create(endpoint => 'the-last');
$settings->wait_status(202, $last, $nginx);

wait_until { lines('small', qr/"clarity_zone" has no room for \d+ bytes/) } 5,
    'a line that says so';
like $t->read_file('small/error.log'),
    qr/make it larger; until then those of before are served, but what was/,
    'and what to do, and what holds until then';

is $settings->send($few[0], $small)->status, 202, 'what was there is served';
is $settings->send($last, $small)->status, 404, 'what came later is not';

# but nothing that has ended goes on
sub within_a_second {
    my ($what, $status, $webhook, $workers) = @_;

    my $seconds = $settings->last_wrong($status, $webhook, $workers);
    cmp_ok $seconds, '<', limit(1),
        sprintf 'in the full zone, %s: %d after %.3f s', $what, $status,
        $seconds;
}

my $full = $settings->each_worker($small);
is +($settings->api('DELETE', "webhooks/$few[290]{id}"))[0], 204, 'deleted';
within_a_second('a deleted one', 404, $few[290], $full);

is +($settings->api('POST', "webhooks/$few[291]{id}/rotate",
    { overlap => '0s' }))[0], 200, 'rotated';
within_a_second('a token that has ended', 401, $few[291], $full);

is +($settings->api('POST', "webhooks/$few[292]{id}/rotate",
    { overlap => '1h' }))[0], 200, 'rotated, with an overlap';
is $settings->send($few[292], $small)->status, 202, 'the old one goes on';
my $tokens = ($settings->api('GET', "webhooks/$few[292]{id}"))[1]{tokens};
is +($settings->api('POST', "webhooks/$few[292]{id}/revoke",
    { token_id => $tokens->[1]{id} }))[0], 200, 'revoked';
within_a_second('a revoked token', 401, $few[292], $full);

is +($settings->api('PATCH', "webhooks/$few[293]{id}", { active => \0 },
    'If-Match: *'))[0], 200, 'switched off';
within_a_second('one that is switched off', 410, $few[293], $full);

is +($settings->api('PATCH', "webhooks/$few[294]{id}",
    { endpoint => 'has/gone/to/another/address' }, 'If-Match: *'))[0], 200,
    'moved';
within_a_second('a moved one', 404, $few[294], $full);
is $settings->send($few[295], $small)->status, 202, 'its neighbour stays';

$few[294]{endpoint} = 'has/gone/to/another/address';
my @left = grep { $_ != $few[290] } @few;

wait_until {
    my $live = ($settings->api('GET', "webhooks/$last->{id}"))[1]{live};
    $live->{workers} == 2 && $live->{of} == 4
        && ($live->{reason} // '') =~ /clarity_zone/;
} 10, 'the API to tell of it';
pass 'the API tells on how many processes it is live, and why not on all';

# the log is told again only where the size is another one
for (1 .. 5) {
    $settings->api('PATCH', "webhooks/$few[1]{id}", { order => 'any' },
        'If-Match: *');
}
wait_until {
    ($settings->api('GET', "webhooks/$few[1]{id}"))[1]{live}{workers} == 2
} 5, 'the changes';

my @sizes = $t->read_file('small/error.log') =~ /has no room for (\d+) bytes/g;
is scalar(grep { $sizes[$_] == $sizes[ $_ - 1 ] } 1 .. $#sizes), 0,
    'that is told once';

# a larger zone has room
my $conf = $t->read_file('small/nginx.conf');
$small->configure($conf =~ s/clarity_zone 1m/clarity_zone 8m/r);
$small->renew;
$settings->wait_status(202, $last, $small);
$settings->wait_status(202, $few[0], $small);
pass 'with a larger zone all are served';

$small->configure($conf =~ s/clarity_zone 1m/clarity_zone 2m/r);
$small->renew;
is $settings->send($few[0], $small)->status, 202,
    'made smaller again it serves what it had';


# All of them.

my $told_of_tokens = lines('nginx', qr/is not good for requests/);
my $started = time;
copy(3000, MANY - 2);
wait_copy(MANY - 3, $nginx);
my $seconds = time - $started;

cmp_ok lines('nginx', qr/is not good for requests/), '<=', 2 * 32,
    'bad tokens by the thousand are a few lines';
ok lines('nginx', qr/\d+ webhooks or tokens in Redis are passed over, the first
    .32 were told/x) || lines('nginx', qr/are passed over, the first 32 were/),
    'and one that says how many they are';

$started = time;
my $newest = $settings->create(endpoint => 'the-newest');
my $workers = $settings->each_worker($nginx);
my $wrong = $settings->last_wrong(202, $newest, $workers);
cmp_ok $wrong, '<', limit(1), sprintf 'among %d a new one is on all after %.3f s',
    MANY, $wrong;

is $settings->send($few[0])->status, 202, 'and the first one is';
is $settings->send($few[299])->status, 202, 'and another';

$started = time;
my ($status, $list) = $settings->api('GET', 'webhooks?limit=200');
is $status, 200, sprintf 'a page of the list takes %.3f s', time - $started;
is scalar @{ $list->{webhooks} }, 200, 'and has 200';

my @endpoints = map { $_->{endpoint} } @{ $list->{webhooks} };
($status, $list) = $settings->api('GET',
    "webhooks?limit=200&after=$list->{next}");
push @endpoints, map { $_->{endpoint} } @{ $list->{webhooks} };
is_deeply \@endpoints, [ (sort map({ endpoint($_) } 300 .. MANY - 3),
    map({ $_->{endpoint} } @left), 'the-last', 'the-newest')[0 .. 399] ],
    'the next page follows it';

($status, $list) = $settings->api('GET',
    'webhooks?limit=200&after=' . 'UE9TVCB0ZWFtLTk2'); # POST team-96
cmp_ok scalar @{ $list->{webhooks} }, '<', 200, 'there is a last one';
is $list->{next}, undef, 'that says so';

# what the page asks for every two seconds does not read them all
for my $path ("webhooks/$newest->{id}", "webhooks/$newest->{id}/activity",
    'triggers', 'workflows')
{
    my $before = bytes_out();
    $settings->api('GET', $path) for 1 .. 10;
    cmp_ok bytes_out() - $before, '<', 200_000,
        "GET $path has Redis send little";
}

sub bytes_out {
    return $redis->command('INFO', 'stats')
        =~ /total_net_output_bytes:(\d+)/ ? $1 : die;
}

SKIP: {
    skip 'a sanitizer takes memory', 1 if Clarity::Nginx::sanitizer($t);

    my ($megabytes) = sort { $b <=> $a } map { rss($_) } $nginx->workers;
    cmp_ok $megabytes, '<', 150, sprintf 'a process has had %.0f MB at most',
        $megabytes;
}


# A zone that has no room for them from the start.

$small->stop;
$small->start;
wait_until { lines('small', qr/until then none is served/) } 10,
    'a line that says so';
is $settings->send($few[0], $small)->status, 503, 'none is served';
is decode_json($settings->send($few[0], $small)->body)->{code},
    'webhooks_not_loaded', 'and nobody is told that there is none';

$t->done;
