# One endpoint that hangs, and one that is busy for long, beside one that
# works: they hold no job of the third.

use Clarity::Test;
use Clarity::Jobs;
use List::Util qw(max);
use Time::HiRes qw(time);

use constant JOBS => 300;    # of each of the two; 64 are worked on at once
use constant SAMPLES => 61;

my $t = Clarity::Test->new;
my $redis = $t->redis;

my %endpoints = map { $_ => $t->receiver(name => $_) } qw(hangs busy works);
$endpoints{hangs}->answer('/', { hang => 1 });
$endpoints{busy}->answer('/', { status => 503 });

my $worker = $t->worker(workflows => { map {
    ("$_.json" => {
        id => $_,
        trigger => 'provision_entitlement',
        conditions => { parameter => 'grant_type', equals => $_ },
        actions => [ { id => 'call', type => 'http_request', method => 'POST',
            url => "%%RECEIVER_$_%%/{{identity_id}}", timeout => '120s',
            retry => { attempts => 100, delay => '10s', max_delay => '10s' } } ],
    })
} keys %endpoints }, conf => { lease => '2s' });

sub start_job {
    my ($name, $number) = @_;

    return add_job($redis, context => context(
        grant_type => qq{"$name"}, identity_id => $number // 1));
}

# The median of the time from a job to its call, in ms.

my $jobs = 0;

sub measure {
    my %added;

    for (1 .. SAMPLES) {
        $added{ '/' . ++$jobs } = time;
        start_job('works', $jobs);
        $endpoints{works}->wait_for($jobs, 10);
    }

    my @times = sort { $a <=> $b } map { ($_->{time} - $added{ $_->{uri} }) }
        grep { $added{ $_->{uri} } } $endpoints{works}->requests;

    return 1000 * $times[ @times / 2 ];
}

measure(); # connections are made, files are read
my $calm = measure();

start_job($_ % 2 ? 'hangs' : 'busy') for 1 .. 2 * JOBS;
$endpoints{busy}->wait_for(JOBS, 20);
$endpoints{hangs}->wait_for(48, 20);

my $beside = measure();
diag sprintf 'median time to the call: %.1f ms alone, %.1f ms beside the two',
    $calm, $beside;

# Below 5 ms, and where others run beside this, it is the machine that is
# measured.
cmp_ok $beside, '<', max(2 * $calm, 1000 * limit(0.01)),
    'the median time to its call stays below twice its calm value';
is scalar($endpoints{hangs}->requests), 48,
    'three quarters of what may be under way go to one endpoint';
cmp_ok scalar($worker->events('job_started')), '>=', 2 * JOBS,
    'all its other jobs stand in line, and hold no slot';

is scalar($worker->events('step_failed')), 0, 'nothing has failed by then';

# A worker that is asked to end lets go of those in line at once; the next one
# calls, and when the endpoint is there again all of them are done.

$worker->signal('TERM');
wait_until { $worker->events('job_released') >= JOBS - 48 } 10,
    'the jobs in line to be let go of';
$worker->signal('TERM');
is $worker->wait_exit(20), 0, 'the end of a worker lets go of those in line';

$endpoints{hangs}->kill;
$endpoints{hangs}->answer('/', { status => 200 });
$endpoints{busy}->answer('/', { status => 200 });
$endpoints{hangs}->start;
$worker->start;

wait_until { $worker->events('job_succeeded') >= 2 * SAMPLES + 2 * JOBS } 60,
    'every job to succeed';
pass 'every job was done in the end';

$t->done;
