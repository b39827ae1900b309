# The action publish: to a stream and a channel of the same Redis, once.

use Clarity::Test;
use Clarity::Jobs;
use IO::Socket::UNIX;

my $t = Clarity::Test->new;
my $redis = $t->redis;
my $receiver = $t->receiver;

sub workflow {
    my ($name, @actions) = @_;

    return ("$name.json" => {
        id => $name,
        trigger => 'provision_entitlement',
        conditions => { parameter => 'grant_type', equals => $name },
        actions => \@actions,
    });
}

my $call = { id => 'call', type => 'http_request', method => 'POST',
    url => '%%RECEIVER%%/call' };

my $worker = $t->worker(conf => { lease => '1s' }, workflows => {
    workflow('stream', $call, { id => 'tell', type => 'publish',
        stream => 'events', fields => { identity => '{{identity_id}}',
            text => '{{steps.call.body.number}} of {{app_identifier}}',
            meta => { was => '{{meta}}', job => '{{job.id}}' } } }),
    workflow('first', { id => 'tell', type => 'publish', stream => 'events',
        max_length => 1000, fields => { a => 1 } }, $call),
    workflow('channel', { id => 'tell', type => 'publish', channel => 'news',
        message => { id => '{{identity_id}}' } }),
    workflow('text', { id => 'tell', type => 'publish', channel => 'news',
        message => 'hello {{app_identifier}}' }),
    workflow('wrong', { id => 'tell', type => 'publish', stream => 'taken',
        fields => { a => 1 } }, $call),
    workflow('bar', { id => 'tell', type => 'publish', stream => 'events',
        fields => { a => 'x' } },
        { id => 'again', type => 'publish', stream => 'events',
        fields => { a => 'y' } }),
});

sub start_job {
    return add_job($redis, context => context(grant_type => qq{"$_[0]"}));
}

sub messages { @{ $redis->command('XRANGE', 'events', '-', '+') } }

$receiver->answer('/call', { body => '{"number":"INC7"}' });

my $id = start_job('stream');
my $job = wait_for_job($redis, $id, 'succeeded');
my @entries = messages();
is scalar(@entries), 1, 'one entry';
my %fields = @{ $entries[0][1] };
is $fields{identity}, '4711', 'a value';
is $fields{text}, 'INC7 of github', 'a text, with the result of a step';
is_deeply decode_json($fields{meta}), { was => { ticket => 'INC1' },
    job => $id }, 'an object';
is $job->{steps}{stream}{tell}{state}, 'succeeded', 'the step has succeeded';

$id = start_job('first');
wait_for_job($redis, $id, 'succeeded');
is scalar(messages()), 2, 'as the first step too';
is scalar($receiver->requests('/call')), 2, 'and the next one is done';

wait_for_job($redis, start_job('bar'), 'succeeded');
is scalar(messages()), 4, 'and two after each other';

# A channel.

my $listener = IO::Socket::UNIX->new(Peer => $redis->dir . '/redis.sock')
    or die "redis.sock: $!";
syswrite $listener, "SUBSCRIBE news\r\n";
sysread $listener, my $said, 4096;
start_job('channel');
$said = '';
sysread $listener, $said, 4096, length $said
    while $said !~ /\{.*\}\r\n\z/;
like $said, qr/\r\n\{"id":4711\}\r\n/, 'JSON to a channel';
start_job('text');
$said = '';
sysread $listener, $said, 4096, length $said
    while $said !~ /hello.*\r\n\z/;
like $said, qr/\r\nhello github\r\n/, 'text to a channel';

# What is wrong in Redis is said, and final.

$redis->command('SET', 'taken', 'text');
$job = wait_for_job($redis, start_job('wrong'), 'failed');
is $job->{reason}, 'workflow "wrong": step "tell": "taken" is a key of'
    . ' another type in Redis, expected a stream', 'a key that is no stream';
is $job->{steps}{wrong}{tell}{state}, 'failed', 'the step has failed';
is scalar($receiver->requests('/call')), 2, 'the next one is not done';

# A worker that is killed at any moment: each message is sent once.

my @jobs = map { start_job('bar') } 1 .. 200;
wait_until { messages() > 20 } 5, 'some messages';
$worker->kill;
$worker->start;
wait_for_job($redis, $_, 'succeeded', 30) for @jobs;
is scalar(messages()), 4 + 2 * @jobs, 'two messages of each of 200 jobs,'
    . ' though their worker was killed';

$t->done;
