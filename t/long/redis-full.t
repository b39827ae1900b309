#!/usr/bin/perl

# Redis has no more memory, and evicts nothing: 503 queue_full, and accepted
# again as soon as there is room. At the limit, where one command gets room and
# the next one does not, the log stays short.

use Time::HiRes qw(sleep time);

use Clarity::Test;

use constant CALM => 5; # seconds: NGX_CLARITY_REDIS_CALM

my $t = Clarity::Test->new;
my $redis = $t->redis(conf => "maxmemory-policy noeviction\n");
my $nginx = $t->nginx(server => <<'EOF');
        location = /hook {
            clarity_webhook       provision_entitlement;
            clarity_webhook_token secret;
        }
EOF

my $load = $t->load(nginx => $nginx, token => 'secret', rate => 2000);

# The script writes twice, and stores both or nothing.
my $keyed = $t->load(name => 'keyed', nginx => $nginx, token => 'secret',
    rate => 1000, headers => ['Idempotency-Key: own-@@@@@@@@@@'],
    body => context(identity_id => '"@@@@@@@@@@"', grant_type => '"keyed"'));


sub lines {
    my ($regex) = @_;

    my @lines = grep { $_ =~ $regex } split /\n/,
        $t->read_file('nginx/error.log');

    return scalar @lines;
}


sub used {
    my ($used) = $redis->command('INFO', 'memory') =~ /^used_memory:(\d+)/m;

    return $used;
}


# Full, and room at once.

my ($slowest, $last) = (0, 0);

for my $n (1 .. 5) {
    $load->wait_for(500, 202);
    $redis->command('CONFIG', 'SET', 'maxmemory', used() + 100_000);
    $load->wait_for(1000, 503);

    $redis->command('CONFIG', 'SET', 'maxmemory', 0);
    my $back = time;
    $load->wait_for(500, 202);

    my ($again, $settled) = ($load->again($back), $load->settled($back));
    $slowest = $again if $again > $slowest;
    $last = $settled if $settled > $last;
}

note sprintf 'the first 202 after %.3f s at most, the last refusal %.3f s',
    $slowest, $last;
cmp_ok $slowest, '<', limit(1), 'accepted again within a second';
cmp_ok $last, '<', limit(1), 'and by both processes';


# At the limit, where a little room comes now and then.

$redis->command('SET', "filler:$_", 'x' x 2000) for 1 .. 200;
$redis->command('CONFIG', 'SET', 'maxmemory', used());
$load->wait_for(500, 503);

for my $n (1 .. 200) {
    $redis->command('DEL', "filler:$n");
    sleep 0.02;
}

is lines(qr/refuses jobs \(OOM\)/), 2,
    'each process tells once that Redis is full';
is lines(qr/takes jobs again/), 0, 'and not between two refusals';

$redis->command('CONFIG', 'SET', 'maxmemory', 0);
my $back = time;
wait_until { lines(qr/takes jobs again/) == 2 } CALM + 5,
    'both processes to tell that Redis takes jobs again';
cmp_ok time - $back, '>', CALM - 1, 'the end is told after a calm';

for ($load, $keyed) {
    $_->stop;

    note $_->name . ': ' . $_->summary;
    is_deeply [ sort keys %{ $_->answers } ], [ 202, '503 queue_full' ],
        $_->name . ': no other answers';
    is_deeply [ $_->amiss($redis) ], [], 'all that was answered is true';
    cmp_ok $_->longest, '<', limit(2), 'no request outlives the time-outs';
}

my $keys = $redis->command('EVAL',
    "return #redis.call('KEYS', '{clarity:0}:idem:*')", 0);
is $keys, $keyed->answers->{202}, 'no refused request has left its key';

$t->done;
