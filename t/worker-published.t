# Which workflows each worker has loaded, as it tells others in Redis.

use Clarity::Test;
use Clarity::Jobs;
use Time::HiRes qw(time);

my $t = Clarity::Test->new;
my $redis = $t->redis;

my $key = '{clarity}:workflows';

sub workflow {
    my ($id, %more) = @_;

    return { id => $id, trigger => 'provision_entitlement',
        actions => [ { id => 'call', type => 'http_request',
            method => 'GET', url => 'http://127.0.0.1/' } ], %more };
}

sub published { return @{ $redis->command('HGETALL', $key) } }

sub fields {
    my %all = published();

    return sort keys %all;
}

sub ids {
    my ($field) = @_;

    my $value = $redis->command('HGET', $key, $field) // return '';

    return join ' ', map { $_->{id} } @{ decode_json($value)->{workflows} };
}

my $start = time;
my $worker = $t->worker(workflows => {
    'a.json' => workflow('grant', name => "Gr\x{e4}nt \"it\""),
    'b.json' => workflow('off', active => JSON::PP::false(),
        trigger => 'identity_modified'),
});

wait_until { published() == 2 } 5, 'a worker to publish';

my ($name, $value) = published();
$value = decode_json($value);

# Redis knows no consumer before its first job; nothing is active for this one.
my $id = add_job($redis, trigger => 'identity_modified');
wait_for_job($redis, $id, 'succeeded');

my ($consumer) = @{ $redis->command('XINFO', 'CONSUMERS', stream_key(),
    'workers') };
is $name, { @$consumer }->{name}, 'its field is its name as a consumer';
cmp_ok $value->{at}, '>=', int($start * 1000), 'a worker that is ready says';
cmp_ok $value->{at}, '<=', time * 1000, 'when, in ms since 1970,';
is_deeply $value->{workflows}, [
    { id => 'grant', name => "Gr\x{e4}nt \"it\"",
        trigger => 'provision_entitlement', active => JSON::PP::true() },
    { id => 'off', name => 'off', trigger => 'identity_modified',
        active => JSON::PP::false() },
], 'which workflows it has, also those that are not active';

# A reload, and one that fails.

my $at = $value->{at};

$worker->write_workflow('c.json', workflow('third'));
$worker->signal('HUP');
wait_until { ids($name) eq 'grant off third' } 5, 'the reload to show';
pass 'a reload is published at once';

$worker->write_workflow('d.json', '{');
$worker->signal('HUP');
ok $worker->log_like(qr/"event":"reload_failed"/), 'a reload that fails';
is ids($name), 'grant off third', 'changes nothing';

# What others wrote: old, not old enough, of the future, none of ours.

my $now = int(time * 1000);
my %others = (
    old => $now - 3_601_000,
    quiet => $now - 3_540_000,
    ahead => $now + 3_601_000,
);

$redis->command('HSET', $key, $_,
    "{\"at\":$others{$_},\"workflows\":[]}") for keys %others;
$redis->command('HSET', $key, 'strange', "{\"id\":\"at\":1}");

my $second = $t->worker(name => 'second', workflows => {
    'a.json' => workflow('grant') });

wait_until { grep { !/^[a-z]+$/ && $_ ne $name } fields() } 5,
    'the second to publish';

my %all = published();
ok !exists $all{old}, 'what is older than an hour is deleted';
is_deeply [ sort grep { /^[a-z]+$/ } keys %all ], [qw(ahead quiet strange)],
    'what is not, and what is no worker\'s, stays';
ok exists $all{$name}, 'so does the field of another worker';

# Once more without being told.

wait_until { decode_json($redis->command('HGET', $key, $name))->{at}
    > $now + 5_000 } 15, 'it to be published again';
pass 'it is published again and again';

# A Redis that has lost it.

$redis->command('DEL', $key);
$redis->command('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
wait_until { $redis->command('HLEN', $key) == 2 } 5, 'both again';
pass 'and at once when the connection is made anew';

# Ends.

my ($other) = grep { $_ ne $name } fields();

$worker->signal('TERM');
is $worker->wait_exit(5), 0, 'a worker that ends';
is_deeply [ fields() ], [$other], 'deletes its own field';

$second->kill;
is_deeply [ fields() ], [$other], 'one that is killed cannot';

$t->expect_log(qr/redis_lost/);
$t->done;
