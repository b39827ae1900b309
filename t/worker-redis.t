# Redis goes away and comes back, or loses what it had.

use Clarity::Test;
use Clarity::Jobs;
use Time::HiRes qw(sleep);

my $t = Clarity::Test->new;
my $redis = $t->redis(aof => 1);
my $receiver = $t->receiver;

my %workflows = (workflows => { 'grant.json' => {
    id => 'grant',
    trigger => 'provision_entitlement',
    actions => [
        { id => 'one', type => 'http_request', method => 'POST',
            url => '%%RECEIVER%%/one' },
        { id => 'two', type => 'http_request', method => 'POST',
            url => '%%RECEIVER%%/two' },
    ],
} });

sub calls {
    my ($id, $step) = @_;

    return scalar grep {
        $_->{headers}{'idempotency-key'} eq "$id:grant:$step"
    } $receiver->requests;
}

# It is not there when the worker starts.

$redis->stop;

my $worker = $t->worker(%workflows, start => 0, conf => { lease => '2s' });
$worker->launch;
ok $worker->log_like(qr/"event":"redis_lost"/), 'without Redis a worker waits';
sleep 1;
is scalar($worker->events('redis_lost')), 2,
    'and says it once for each connection';

$redis->start;
$worker->wait_ready;
my $id = add_job($redis);
wait_for_job($redis, $id, 'succeeded');
pass 'when Redis is there it begins';

# It restarts in the middle of a job.

$receiver->answer('/one', { delay => 1 });
$id = add_job($redis);
$receiver->wait_for(3, 5);
$redis->kill;
sleep 1.3;
is calls($id, 'two'), 0, 'no step is begun while its intent cannot be written';

$redis->start;
my $job = wait_for_job($redis, $id, 'succeeded', 10);
is calls($id, 'one'), 1, 'a step that ended while Redis was away is done once';
is calls($id, 'two'), 1, 'and so is the next';
is pending($redis), 0, 'the entry is acknowledged';

# It is away for longer than a lease, and several workers come back to it.

my @others = map { $t->worker(name => $_, %workflows,
    conf => { lease => '2s' }) } qw(other another);

$receiver->answer('/one', { delay => 6 });
$id = add_job($redis);
wait_until { calls($id, 'one') } 5, 'the call';
$redis->kill;
sleep 3;
$redis->start;
wait_for_job($redis, $id, 'succeeded', 10);
is calls($id, 'one'), 1, 'a job stays with the worker that has it in hand';
$_->stop for @others;

# While nothing is in hand.

$receiver->answer('/one', {});
$redis->kill;
$redis->start;
$id = add_job($redis);
wait_for_job($redis, $id, 'succeeded', 10);
pass 'after a restart the worker reads on';

# Its scripts are gone.

$redis->command('SCRIPT', 'FLUSH');
$id = add_job($redis);
wait_for_job($redis, $id, 'succeeded');
is scalar($worker->events('redis_refused')), 0,
    'scripts that are gone are loaded again, without a word';

# The group is deleted: every entry that is not trimmed is delivered again.

my @done = map { add_job($redis) } 1 .. 20;
wait_for_job($redis, $_, 'succeeded') for @done;

$redis->command('XGROUP', 'DESTROY', stream_key(), 'workers');
$id = add_job($redis);
wait_for_job($redis, $id, 'succeeded', 10);
ok $worker->log =~ /"event":"redis_lost".*group is gone/,
    'a deleted group is made again, loudly';
is_deeply [ grep { calls($_, 'one') != 1 } @done, $id ], [],
    'and no finished job runs twice';
wait_until { pending($redis) == 0 } 5, 'all to be acknowledged';

# With a job in hand.

$receiver->answer('/two', { delay => 1.5 }, {});
$id = add_job($redis);
wait_until { calls($id, 'two') } 5, 'the second step';
$redis->command('XGROUP', 'DESTROY', stream_key(), 'workers');
wait_for_job($redis, $id, 'succeeded', 10);
is calls($id, 'one'), 1, 'a step with a memo is not done again';
is calls($id, 'two'), 2, 'one that was under way is';

# All is gone.

$receiver->answer('/two', {});
$redis->command('FLUSHALL');
sleep 0.3;
$id = add_job($redis);
wait_for_job($redis, $id, 'succeeded', 10);
pass 'a flushed Redis is taken into service again';

is $redis->command('HGET', '{clarity}:meta', 'format'), 1,
    'with what all must agree on';

# Something that does not belong to us.

$redis->command('SET', hash_key($id = add_job($redis)), 'x');
ok $worker->log_like(qr/"event":"redis_refused"/),
    'a key of another type is loud';
$redis->command('DEL', hash_key($id));
wait_for_job($redis, $id, 'succeeded', 10);
pass 'and goes on when it is mended';

# What Redis holds is for another.

$worker->stop;
$redis->command('HSET', '{clarity}:meta', 'shards', 4);

my $stranger = $t->worker(name => 'stranger', %workflows, start => 0);
$stranger->launch;
is $stranger->wait_exit(5) >> 8, 1, 'who disagrees about the shards exits';
like $stranger->log, qr/shards.*is 4, here it is 1/, 'naming both numbers';

$redis->command('HSET', '{clarity}:meta', 'shards', 1);

# Passwords.

my $file = $t->write_file('password', "s3cret\n");
$redis->command('CONFIG', 'SET', 'requirepass', 's3cret');

my $guest = $t->worker(name => 'guest', %workflows,
    conf => { redis_password_file => $file });
pass 'a worker has its password from a file';
unlike $guest->log, qr/s3cret/, 'and keeps it to itself';

my $wrong = $t->worker(name => 'wrong', %workflows, start => 0,
    conf => { redis_password_file => $t->write_file('wrong.password', 'other') });
$wrong->launch;
ok $wrong->log_like(qr/"event":"redis_lost".*AUTH was refused/),
    'a wrong one is refused, and it says so';
unlike $wrong->log, qr/other/, 'without the password';

# It is mended at Redis: who was refused begins by itself, and who is refused
# now says so, goes on with what it had when that is mended too, and runs
# nothing twice.

$receiver->answer('/one', {}, {}, { delay => 1 });
my $asked = $receiver->requests('/one');
my @ended = map { add_job($redis) } 1 .. 2;
wait_for_job($redis, $_, 'succeeded') for @ended;
$id = add_job($redis);
$receiver->wait_for($asked + 3, 5, '/one');

my ($lost) = scalar $guest->events('redis_lost');
$redis->command('CONFIG', 'SET', 'requirepass', 'other');
$wrong->wait_ready;
pass 'one whose password is right now begins by itself';
$wrong->stop;

$redis->command('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
wait_until { grep { $_->{reason} =~ /AUTH was refused/ }
    ($guest->events('redis_lost'))[ $lost .. $guest->events('redis_lost') - 1 ]
} 5, 'a line that says that the password is wrong';
pass 'one whose password is wrong now says so';

$redis->command('CONFIG', 'SET', 'requirepass', 's3cret');
wait_for_job($redis, $id, 'succeeded', 15);
wait_for_job($redis, add_job($redis), 'succeeded', 10);
is_deeply [ map { calls($_, 'one') } @ended, $id ], [ 1, 1, 1 ],
    'when it is right again it goes on, and no job that has ended runs again';

$t->done;
