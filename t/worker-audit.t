# What is wrong with a Redis for this purpose is in the worker's log at the
# start, once; a replica is refused until it is a primary.

use Clarity::Test;
use Clarity::Jobs;

my $t = Clarity::Test->new;
my $redis = $t->redis(conf => "maxmemory-policy volatile-lru\n");
my $worker = $t->worker(workflows => {});

my @found = $worker->events('redis_audit');
is scalar @found, 2, 'two findings';
is $_->{level}, 'warn', 'a warning' for @found;
like $found[0]{reason}, qr/maxmemory-policy is volatile-lru/, 'the eviction';
like $found[1]{reason}, qr/appendonly is no/, 'that nothing is kept';

my $id = add_job($redis);
wait_for_job($redis, $id, 'succeeded');
pass 'it works in spite of them';

# On a live connection, too: who changes a setting is told, and who mends it.

sub told {
    my ($event, $what) = @_;

    wait_until { grep { $_->{reason} =~ $what } $worker->events($event) } 10,
        "$event of $what";

    return scalar $worker->events($event);
}

$redis->command('CONFIG', 'SET', 'maxmemory-policy', 'noeviction');
is told('redis_mended', qr/maxmemory-policy is volatile-lru/), 1,
    'an eviction policy that was mended is told';
$redis->command('CONFIG', 'SET', 'maxmemory-policy', 'allkeys-lru');
is told('redis_audit', qr/maxmemory-policy is allkeys-lru/), 3,
    'and one that was changed, within seconds';
is +($worker->events('redis_audit'))[2]{level}, 'warn', '... as a warning';
$redis->command('CONFIG', 'SET', 'maxmemory-policy', 'noeviction');
is told('redis_mended', qr/maxmemory-policy is allkeys-lru/), 2,
    'and again that it is mended';
is scalar($worker->events('redis_connected')), 2,
    'all of that without a new connection';

# Again only what is new.

sub reconnects {
    my $before = $worker->events('redis_connected');
    $redis->command('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
    wait_until { $worker->events('redis_connected') >= $before + 2 } 5,
        'two new connections';
}

$redis->command('CONFIG', 'SET', 'appendonly', 'yes');
$redis->command('CONFIG', 'SET', 'appendfsync', 'no');
reconnects();
@found = $worker->events('redis_audit');
is scalar @found, 4, 'one more finding';
like $found[3]{reason}, qr/appendfsync is no/, 'the new one';

# A replica.

$redis->command('REPLICAOF', '127.0.0.1', 1);
$redis->command('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
wait_until {
    grep { $_->{reason} =~ /is a replica/ } $worker->events('redis_lost');
} 5, 'a line that says what it is';
pass 'a replica is refused';

$redis->command('REPLICAOF', 'NO', 'ONE');
$id = add_job($redis);
wait_for_job($redis, $id, 'succeeded');
pass 'and is taken as a primary';

$t->done;
