# Which workflows a job starts, and what becomes of it with several.

use Clarity::Test;
use Clarity::Jobs;

my $t = Clarity::Test->new;
my $redis = $t->redis;
my $receiver = $t->receiver;

sub workflow {
    my ($id, %more) = @_;

    return ("$id.json" => {
        id => $id,
        trigger => 'provision_entitlement',
        actions => [ { id => 'call', type => 'http_request',
            method => 'POST', url => "%%RECEIVER%%/$id" } ],
        %more,
    });
}

my $worker = $t->worker(workflows => {
    workflow('always'),
    workflow('roles', conditions => { parameter => 'grant_type',
        in => [qw(role exception)] }),
    workflow('tickets', conditions => { all => [
        { parameter => 'meta.ticket', matches => '^INC[0-9]+$' },
        { not => { parameter => 'app_identifier', equals => 'test' } },
    ] }),
    workflow('off', active => JSON::PP::false()),
    workflow('other', trigger => 'identity_modified'),
    workflow('chain', conditions => { parameter => 'grant_type',
        equals => 'chain' },
        actions => [ map { { id => $_, type => 'http_request',
            method => 'POST', url => "%%RECEIVER%%/chain/$_" } } qw(a b c) ]),
});

sub states {
    my ($job) = @_;

    return { map { $_ => $job->{runs}{$_}{state} } keys %{ $job->{runs} } };
}

my $id = add_job($redis);
my $job = wait_for_job($redis, $id, 'succeeded');

is_deeply states($job), { always => 'succeeded', roles => 'succeeded',
    tickets => 'succeeded', chain => 'skipped' },
    'every active workflow of the trigger has a run';
is $job->{runs}{chain}{reason}, 'its conditions do not hold',
    'a skipped one says why';
is_deeply [ sort map { $_->{uri} } $receiver->requests ],
    [qw(/always /roles /tickets)], 'those that hold are run';

$id = add_job($redis, context => context(grant_type => '"direct"',
    meta => '{"ticket":"REQ1"}'));
$job = wait_for_job($redis, $id, 'succeeded');
is_deeply states($job), { always => 'succeeded', roles => 'skipped',
    tickets => 'skipped', chain => 'skipped' }, 'conditions decide job by job';

# A run that fails does not disturb the others.

$receiver->answer('/chain/b', { status => 400 });
$receiver->answer('/always', { delay => 0.5 });

$id = add_job($redis, context => context(grant_type => '"chain"'));
$job = wait_for_job($redis, $id, 'failed');

is_deeply states($job), { always => 'succeeded', roles => 'skipped',
    tickets => 'succeeded', chain => 'failed' },
    'when a run has failed, the others still go on';
is $job->{reason}, 'workflow "chain": step "b": answered 400',
    'the job has failed, and says by which step';
is scalar($receiver->requests('/chain/c')), 0,
    'the steps after it are not begun';

# A trigger that the worker does not know.

my $known = '{"triggers":[{"name":"mine","context":[{"name":"n"}]}]}';
my $triggers = $t->write_file('triggers.json', $known);
my %mine = ('mine.json' => { id => 'mine', trigger => 'mine', actions => [
    { id => 'call', type => 'http_request', method => 'POST',
        url => '%%RECEIVER%%/mine/{{n}}' } ] });

$worker->stop;
$worker = $t->worker(name => 'blind', workflows => \%mine,
    conf => { lease => '1s', triggers => $triggers });

$id = add_job($redis, trigger => 'yours', context => '{"n":1}');
$job = wait_for_job($redis, $id, 'waiting');
like $job->{reason}, qr/knows the trigger "yours"/,
    'a job with an unknown trigger waits, and says why';
is $redis->command('ZCARD', '{clarity:0}:delayed'), 1,
    'outside of the stream, where it holds up nobody';

my $other = add_job($redis, trigger => 'mine', context => '{"n":2}');
wait_for_job($redis, $other, 'succeeded');
pass 'meanwhile others are done';

wait_until { $worker->events('trigger_unknown') } 2, 'a line of the log';
sleep 3;
is scalar($worker->events('trigger_unknown')), 1,
    'it is loud, but not again and again';

$known =~ s/mine/yours/;
$mine{'mine.json'}{trigger} = 'yours';
my $seer = $t->worker(name => 'seer', workflows => \%mine,
    conf => { lease => '1s',
        triggers => $t->write_file('more.json', $known) });
$job = wait_for_job($redis, $id, 'succeeded', 10);
is $job->{reason}, '', 'a worker that knows it does it';
is scalar($receiver->requests('/mine/1')), 1, 'once';

$t->done;
