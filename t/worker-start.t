# Runs that begin later, and steps that wait: "start" and the action delay.

use Clarity::Test;
use Clarity::Jobs;
use POSIX qw(strftime);
use Time::HiRes qw(sleep time);

my $t = Clarity::Test->new;
my $redis = $t->redis;
my $receiver = $t->receiver;

sub workflow {
    my ($name, %more) = @_;

    return ("$name.json" => {
        id => $name,
        trigger => 'provision_entitlement',
        conditions => { parameter => 'grant_type', equals => $name },
        actions => [ { id => 'call', type => 'http_request',
            method => 'POST', url => "%%RECEIVER%%/$name" } ],
        %more,
    });
}

sub wait_action {
    my ($id, %when) = @_;

    return { id => $id, type => 'delay', %when };
}

sub call_action {
    my ($path) = @_;

    return { id => $path, type => 'http_request', method => 'POST',
        url => "%%RECEIVER%%/$path" };
}

my @workers = (conf => { lease => '2s' }, workflows => {
    workflow('at', start => { at => '{{expiration}}' }),
    workflow('after', start => { delay => '2s' }),
    workflow('told', start => { delay => '{{meta.wait}}' }),
    workflow('steps', actions => [ call_action('one'),
        wait_action('rest', delay => '1500ms'), call_action('two'),
        wait_action('nap', delay => '{{meta.nap}}'), call_action('three'),
        wait_action('end', at => '{{expiration}}') ]),
});

sub start_job {
    my ($name, %context) = @_;

    return add_job($redis, context => context(grant_type => qq{"$name"},
        %context));
}

sub moment {
    my ($time) = @_;

    return sprintf '"%s.%03dZ"', strftime('%Y-%m-%dT%H:%M:%S', gmtime $time),
        ($time - int $time) * 1000;
}

sub run_of {
    my ($id) = @_;

    my $job = job($redis, $id);

    return $job->{runs}{ (grep { $job->{runs}{$_}{state} ne 'skipped'
        || $job->{runs}{$_}{reason} ne 'its conditions do not hold' }
        keys %{ $job->{runs} })[0] };
}

my $worker = $t->worker(@workers);

# A time that is to come.

my $at = int(time * 1000) / 1000 + 2;
my $id = start_job('at', expiration => moment($at));
my $job = wait_for_job($redis, $id, 'waiting');

is $job->{runs}{at}{state}, 'waiting', 'a run waits for its start';
cmp_ok abs($job->{runs}{at}{next} - $at * 1000), '<=', 1, 'which is the one told';
is_deeply $job->{steps}, {}, 'none of its steps has begun';
is pending($redis), 0, 'and it is not in the stream';

$worker->kill;
$worker->start;
wait_for_job($redis, $id, 'succeeded');
my ($call) = $receiver->requests('/at');
cmp_ok $call->{time}, '>=', $at - 0.002, 'it does not begin before';
cmp_ok $call->{time}, '<', $at + limit(0.2), 'nor much later, whoever was killed';

# One that is past, one that is none, one that cannot be read.

for my $past (moment(time - 3600), '"2020-02-29"', '"1066-10-14"') {
    wait_for_job($redis, start_job('at', expiration => $past), 'succeeded');
    pass "a start at $past is now";
}

for my $none ('null', '""') {
    $id = start_job('at', expiration => $none);
    wait_for_job($redis, $id, 'succeeded');
    is run_of($id)->{state}, 'skipped', "with $none the run is skipped";
    is run_of($id)->{reason}, 'it has no time to start at', 'and says why';
}

$id = start_job('told', meta => '{}');
wait_for_job($redis, $id, 'succeeded');
is run_of($id)->{state}, 'skipped', 'so it is where the value is absent';

my $secret = 'next-tuesday';
$id = start_job('at', expiration => qq{"$secret"});
$job = wait_for_job($redis, $id, 'failed');
like $job->{reason}, qr/"at" comes to is neither a date nor a date-time/,
    'what is no time fails the run';
unlike $job->{reason} . $worker->log, qr/\Q$secret\E/, 'without its value';

# A delay counts from when nginx had the request.

$id = add_job($redis, received => int(time * 1000) - 1000,
    context => context(grant_type => '"after"'));
my $start = time;
wait_for_job($redis, $id, 'succeeded');
cmp_ok time - $start, '>', 0.9, 'a delayed run begins later';
cmp_ok time - $start, '<', limit(1.5), 'by what is left of its time';

$id = start_job('told', meta => '{"wait":"1m"}');
$job = wait_for_job($redis, $id, 'waiting');
cmp_ok abs($job->{runs}{told}{next} - $job->{received} - 60_000), '<', 2,
    'the delay can be a value of the job';

$id = start_job('told', meta => '{"wait":"soon"}');
like wait_for_job($redis, $id, 'failed')->{reason},
    qr/"delay" comes to is no duration/, 'if it is one';

# Steps that wait.

$at = int(time * 1000) / 1000 + 4;
$id = start_job('steps', expiration => moment($at), meta => '{}');
$receiver->wait_for(1, 5, '/one');
$job = wait_for_job($redis, $id, 'waiting');
is $job->{steps}{steps}{rest}{state}, 'running', 'a delay is a step under way';

$worker->kill;
$worker->start;
$receiver->wait_for(1, 5, '/three');
my @times = map { ($receiver->requests("/$_"))[0]{time} } qw(one two three);
cmp_ok $times[1] - $times[0], '>', 1.49, 'the next one waits for it';
cmp_ok $times[1] - $times[0], '<', limit(2.5), 'as long as told, and not much more';
cmp_ok $times[2] - $times[1], '<', limit(1), 'one without a time does not wait';

$job = wait_for_job($redis, $id, 'succeeded', 10);
cmp_ok abs(time - $at), '<', limit(0.5), 'a delay can be the last step';
is_deeply { map { $_ => $job->{steps}{steps}{$_}{state} }
    keys %{ $job->{steps}{steps} } },
    { one => 'succeeded', two => 'succeeded', three => 'succeeded',
        rest => 'succeeded', nap => 'skipped', end => 'succeeded' },
    'each has its state';
is scalar(grep { $_->{uri} =~ m{^/(?:one|two|three)$} } $receiver->requests),
    3, 'and each call was made once';

$t->done;
