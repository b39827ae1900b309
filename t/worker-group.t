# The consumer group is deleted, or all of Redis; workers come and go.

use Clarity::Test;
use Clarity::Jobs;

my $t = Clarity::Test->new;
my $redis = $t->redis;
my $receiver = $t->receiver;

my $mark = '{clarity:0}:mark';

my @workers = (conf => { lease => '1s' }, workflows => { 'grant.json' => {
    id => 'grant', trigger => 'provision_entitlement',
    actions => [ { id => 'call', type => 'http_request', method => 'POST',
        url => '%%RECEIVER%%/call' } ],
} });

my $worker = $t->worker(@workers);

sub consumers {
    return map { my %info = @$_; $info{name} }
        @{ $redis->command('XINFO', 'CONSUMERS', stream_key(), 'workers') };
}

# Jobs that have ended are not run again, even where nothing but the stream
# remembers them: their entries leave it in whole nodes.

my @ids = map { add_job($redis) } 1 .. 20;
wait_for_job($redis, $_, 'succeeded') for @ids;
wait_until { ($redis->ask('GET', $mark)->[1] // '') eq substr $ids[-1], 2 } 5,
    'the mark';
$redis->command('DEL', map { hash_key($_) } @ids);
cmp_ok $redis->command('XLEN', stream_key()), '>', 0, 'some entries are left';

my $groups = $worker->events('group_created');
$redis->command('XGROUP', 'DESTROY', stream_key(), 'workers');
wait_until { $worker->events('group_created') > $groups } 5, 'the group';
is +($worker->events('group_created'))[-1]{after}, substr($ids[-1], 2),
    'a group that was deleted is made again, after what was done';

wait_for_job($redis, add_job($redis), 'succeeded');
is scalar($receiver->requests), 21, 'no job is run a second time';

# One in hand when the group is deleted goes on where it was.

$receiver->answer('/call', { delay => 1.5 });
my $id = add_job($redis);
$receiver->wait_for(22, 5);
$redis->command('XGROUP', 'DESTROY', stream_key(), 'workers');
my $job = wait_for_job($redis, $id, 'succeeded', 15);
cmp_ok $job->{steps}{grant}{call}{attempt}, '<=', 2,
    'one that was in hand is done';
$receiver->answer('/call', {});

# All is gone: nothing is known any more, and everything works.

$redis->command('FLUSHALL');
$id = add_job($redis);
wait_for_job($redis, $id, 'succeeded', 10);
pass 'after a flush the next job is done';
wait_until { ($redis->ask('GET', $mark)->[1] // '') eq substr $id, 2 } 5,
    'the mark';
pass 'and noted';

# Workers that were killed leave nothing but their names, and those not long.

my $dead = $t->worker(name => 'dead', @workers);
my $pid = $dead->pid;
wait_until { add_job($redis); grep { /-$pid-/ } consumers() } 5, 'its name';
my ($name) = grep { /-$pid-/ } consumers();
wait_until { pending($redis) == 0 } 5, 'the end of all jobs';
$dead->kill;
wait_until { !grep { $_ eq $name } consumers() } 25, 'its name to go';
pass 'one that was killed is none after ten leases';
wait_for_job($redis, add_job($redis), 'succeeded');
pass 'and the one that lives works, whether its name went too or not';

$t->done;
