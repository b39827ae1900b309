# A job that crashes its worker, and those beside it.

use Clarity::Test;
use Clarity::Jobs;
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
        actions => [
            { id => 'one', type => 'http_request', method => 'POST',
                url => "%%RECEIVER%%/$name", timeout => '30s', %more },
            { id => 'two', type => 'http_request', method => 'POST',
                url => "%%RECEIVER%%/$name/after" },
        ],
    });
}

my @workers = (conf => { lease => '1s', concurrency => 64 }, workflows => {
    workflow('poison'), workflow('good'), workflow('long'),
    workflow('skip', if_unknown => 'skip'),
    workflow('fail', if_unknown => 'fail'),
    workflow('retry', if_unknown => 'retry'),
});

sub start_job {
    return add_job($redis, context => context(grant_type => qq{"$_[0]"}));
}

my $worker = $t->worker(@workers);

sub crash_at {
    my ($n) = @_;

    $receiver->wait_for($n, 15, '/poison');
    $worker->kill;
    $worker->start if $n < 3;
}

# What is to be done where the outcome is not known.

$receiver->answer("/$_", { hang => 1 }, {}) for qw(skip fail retry);
my %unknown = map { $_ => start_job($_) } qw(skip fail retry);
$receiver->wait_for(1, 5, "/$_") for qw(skip fail retry);
$worker->kill;
$worker->start;

my %job = map { $_ => wait_for_job($redis, $unknown{$_},
    $_ eq 'fail' ? 'failed' : 'succeeded', 10) } keys %unknown;
is_deeply { map { $_ => $job{$_}{steps}{$_}{one}{state} } keys %job },
    { skip => 'skipped', fail => 'failed', retry => 'succeeded' },
    'a step whose outcome is not known does as its workflow says';
is_deeply { map { $_ => scalar $receiver->requests("/$_") } keys %job },
    { skip => 1, fail => 1, retry => 2 }, 'it is called again or not';
is_deeply { map { $_ => scalar $receiver->requests("/$_/after") } keys %job },
    { skip => 1, fail => 0, retry => 1 }, 'and the next one begins or not';
like $job{fail}{reason}, qr/step "one": .*its outcome is not known/,
    'and why is told';

# The poison, and 63 beside it.

$receiver->answer('/poison', { hang => 1 });
$receiver->answer('/good', { delay => 3 });

my @good = map { start_job('good') } 1 .. 63;
my $poison = start_job('poison');

$receiver->wait_for(63, 10, '/good');
crash_at(1);
crash_at(2);

# Now they have been at two crashes, and run alone, one by one.

$receiver->answer('/good', {});
$receiver->wait_for(3, 30, '/poison');

my %while = map { $_->{time} > ($receiver->requests('/poison'))[2]{time}
    ? ($_->{uri} => 1) : () } $receiver->requests;
my $during = start_job('good');
sleep 1.5;
is_deeply \%while, {}, 'while it runs alone nothing else is called';
is scalar(@{ $redis->command('HKEYS', hash_key($during)) }), 0,
    'nor begun, where it came meanwhile';
is job($redis, $poison)->{crashes}, 2, 'its crashes are counted';

crash_at(3);
$worker->start;

my $job = wait_for_job($redis, $poison, 'failed', 15);
is $job->{reason}, 'workflow "poison": step "one": its worker crashed while '
    . 'it ran alone', 'after a crash alone it has failed';
is scalar($receiver->requests('/poison')), 3, 'and is called no more';
is scalar($receiver->requests('/poison/after')), 0, 'nor does it go on';

wait_for_job($redis, $_, 'succeeded', 60) for @good, $during;
pass 'all others succeed';
is pending($redis), 0, 'none is left';

# A worker that is told to end in the middle of a call has not crashed.

$receiver->answer('/long', { hang => 1 });
my $id = start_job('long');

for my $n (1 .. 3) {
    $receiver->wait_for($n, 10, '/long');
    $worker->signal('TERM');
    $worker->signal('TERM') if wait_until { $worker->events('stopping') } 5,
        'the stop';
    $worker->wait_exit(5);
    $receiver->answer('/long', {}) if $n == 3;
    $worker->start;
}

$job = wait_for_job($redis, $id, 'succeeded', 10);
ok !exists $job->{crashes}, 'to be let go of three times is no crash';
is scalar(grep { $_->{job} eq $id } $worker->events('job_quarantined')), 0, 'and no reason to be alone';

$t->done;
