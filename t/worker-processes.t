# A worker of several processes: they share the work and die one by one, and
# are one worker to whoever signals, asks or counts.

use Clarity::Test;
use Clarity::Jobs;
use HTTP::Tiny;
use IO::Socket::UNIX;
use Socket qw(SOCK_DGRAM);
use Time::HiRes qw(sleep time);

my $t = Clarity::Test->new;
my $redis = $t->redis;
my $receiver = $t->receiver;
my $port = $t->port;
my $http = HTTP::Tiny->new(timeout => 5);

my $manager = IO::Socket::UNIX->new(Type => SOCK_DGRAM,
    Local => $t->dir . '/notify') or die "notify: $!";
my $told = '';

# All that the service manager was told.

sub told {
    my $message;

    $manager->blocking(0);
    $told .= $message while defined recv $manager, $message, 4096, 0;

    return $told;
}

sub said { my $n = () = told() =~ /^\Q$_[0]\E$/mg; return $n }

sub processes {
    my ($pid) = @_;

    open my $fh, '<', "/proc/$pid/task/$pid/children" or return;
    return split ' ', <$fh> // '';
}

sub get { return $http->get("http://127.0.0.1:$port/$_[0]") }

sub metric {
    my ($name) = @_;

    my ($value) = get('metrics')->{content} =~ /^\Q$name\E ([0-9.]+)$/m;

    return $value;
}

sub consumers {
    return map { { @$_ } }
        @{ $redis->command('XINFO', 'CONSUMERS', stream_key(), 'workers') };
}

# The process that has the only job in hand: its consumer is HOST-PID-RANDOM.

sub holder {
    my $name = wait_until {
        my @holders = grep { $_->{pending} > 0 } consumers();
        @holders == 1 ? $holders[0]{name} : undef;
    } 5, 'a process to have the job';

    return $name =~ /-(\d+)-[0-9a-f]{8}$/ ? $1 : die "$name\n";
}

sub workflow_to {
    my ($path) = @_;

    return { id => 'grant', trigger => 'provision_entitlement',
        actions => [ { id => 'call', type => 'http_request', method => 'POST',
            url => "%%RECEIVER%%/$path", timeout => '30s' } ] };
}

# So many jobs that are under way until the receiver is told to release them.

sub calls_to {
    my ($path, $n) = @_;

    my $before = $receiver->requests("/$path");
    $receiver->answer("/$path", { hold => 1 });
    my @jobs = map { add_job($redis) } 1 .. $n;
    $receiver->wait_for($before + $n, 10, "/$path");

    return @jobs;
}

my $worker = $t->worker(
    env => { NOTIFY_SOCKET => $t->dir . '/notify' },
    conf => { processes => 3, concurrency => 49, lease => '2s',
        listen => "127.0.0.1:$port" },
    workflows => { 'grant.json' => workflow_to('call') });

is scalar(processes($worker->pid)), 3, 'there are so many processes';
wait_until { said('READY=1') } 5, 'the service manager to be told';
is said('READY=1'), 1, 'the service manager is told once';
is scalar($worker->events('process_ready')), 3, 'when all of them take jobs';
is get('healthz')->{status}, 200, 'all are healthy';
is get('readyz')->{status}, 200, 'and ready';
is metric('clarity_worker_processes'), 3, 'which metrics count';

# What has nothing to do, whichever process it comes to.

sub add_idle {
    return add_job($redis, trigger => 'identity_modified', context =>
        '{"identity_id":1,"auto_or_manual":"auto",'
        . '"action_initiating_trigger":"x","internal_or_external":"y"}');
}

is metric('clarity_worker_jobs_no_active_workflow_total'), 0,
    'no job has been without a workflow';
my @idle = map { add_idle() } 1 .. 7;
is wait_for_job($redis, $_, 'succeeded')->{reason}, 'no_active_workflow',
    'a job without one' for @idle;
wait_until { (metric('clarity_worker_jobs_no_active_workflow_total') // 0) == 7 }
    5, 'all of them to be counted';
wait_until { (metric('clarity_worker_slots_free') // 0) == 49 } 5,
    'the slots of all to be free';
pass 'with the slots of all';
is metric('clarity_worker_redis_connections'), 6, 'and their connections';

# They share the work, and "concurrency".

is_deeply [ sort map { $_->{concurrency} } $worker->events('process_ready') ],
    [ 16, 16, 17 ], 'each has its share of "concurrency"';

my @ids = calls_to('call', 12);
wait_until { (metric('clarity_worker_jobs_held') // 0) == 12 } 5,
    'the jobs in hand of all';
is scalar(grep { $_->{pending} > 0 } consumers()) > 1, 1, 'they share the work';
$receiver->release;
wait_for_job($redis, $_, 'succeeded', 20) for @ids;
wait_until { (metric('clarity_worker_jobs_ended_total{state="succeeded"}') // 0)
    == 19 } 5, 'all jobs to be counted';
is metric('clarity_worker_attempts_total{workflow="grant",step="call",result="succeeded"}'),
    12, 'attempts of a step are summed';
my ($count) = get('metrics')->{content}
    =~ /(clarity_worker_step_seconds_count\{.*)/s;
is scalar(() = $count =~ /^clarity_worker_step_seconds_count/mg), 1,
    'each step stands once';

# One that is killed is missed by nobody for long.

$receiver->answer('/call', { hang => 1 }, { status => 200 });
my $id = add_job($redis);
my $doomed = holder();
$receiver->wait_for(13, 5, '/call');
kill 'KILL', $doomed or die "kill: $!";
my $killed = time;
wait_for_job($redis, $id, 'succeeded', 12);
cmp_ok time - $killed, '<', limit(10), 'the jobs of one that is killed are taken over';
my ($died) = $worker->events('process_died');
is $died->{pid}, $doomed, 'the log has its process id';
is $died->{reason}, 'killed by signal 9 (Killed)', 'and how it died';
wait_until { metric('clarity_worker_processes') == 3
    && get('readyz')->{status} == 200 } 5, 'another process';
isnt((grep { $_ == $doomed } processes($worker->pid)) + 0, 1,
    'it is another one');
is metric('clarity_worker_jobs_ended_total{state="succeeded"}'), 20,
    'no count goes back';
is metric('clarity_worker_processes_died_total'), 1, 'a death is counted';
is metric('clarity_worker_jobs_begun_total{how="taken_over"}'), 1,
    'so is what was taken over';

# One that dies again and again is started later and later.

my $number = $died->{number};

for my $time (1 .. 2) {
    my $next = (grep { $_->{process} == $number }
        $worker->events('process_started'))[-1]{pid};
    kill 'KILL', $next or die "kill: $!";
    wait_until { $worker->events('process_died') > $time
        && (grep { $_->{process} == $number }
            $worker->events('process_started')) == $time + 2 } 10,
        'it to be started again';
}

my @waits = map { $_->{restart_ms} } $worker->events('process_died');
cmp_ok $waits[2], '>=', 2 * $waits[1], 'a process that dies again waits longer';
cmp_ok $waits[2], '<=', 1000, 'but not long';
wait_until { get('readyz')->{status} == 200 } 5, 'all to be ready';

# One that is stopped.

my ($stopped) = processes($worker->pid);
kill 'STOP', $stopped or die "kill: $!";
wait_until { get('healthz')->{status} == 503 } 8, 'a stopped process to be seen';
like decode_json(get('healthz')->{content})->{reason},
    qr/^process [123] of 3: its loop does not turn$/, 'and to be named';
is metric('clarity_worker_consuming'), 0, 'metrics tell, too';
kill 'CONT', $stopped or die "kill: $!";
wait_until { get('healthz')->{status} == 200 } 8, 'it to go on';

# Reload: what is good is everybody's, what is bad nobody's.

my $ready = said('READY=1');
$worker->write_workflow('grant.json', workflow_to('new'));
$worker->signal('HUP');
wait_until { said('READY=1') > $ready } 10, 'the reload to be done';
is said('RELOADING=1'), 1, 'the service manager is told of a reload once';
is scalar($worker->events('reloaded')), 1, 'the log has it once';
@ids = calls_to('new', 12);
$receiver->release;
wait_for_job($redis, $_, 'succeeded', 10) for @ids;
pass 'all processes have the new workflows';

$worker->write_workflow('grant.json', "{\n\"id\": 1}");
$worker->signal('HUP');
wait_until { said('READY=1') > $ready + 1 } 10, 'the bad reload to be done';
my @faults = $worker->events('reload_failed');
is scalar(grep { $_->{reason} =~ m{/grant\.json:2: "id" } } @faults), 1,
    'a fault is told once';
kill 'KILL', (processes($worker->pid))[0];
wait_until { $worker->events('process_died') == 4 } 5, 'its death to be seen';
wait_until { get('readyz')->{status} == 200
    && metric('clarity_worker_processes') == 3 } 15, 'another process';
@ids = calls_to('new', 12);
$receiver->release;
wait_for_job($redis, $_, 'succeeded', 10) for @ids;
pass 'all keep the old ones, one that is started later too';

is +(grep { ($_->{process} // 0) == 3 } $worker->events('job_succeeded')) > 0, 1,
    'lines say which process they are of';

# SIGTERM drains them all.

@ids = calls_to('new', 8);
my @pids = processes($worker->pid);
$worker->signal('TERM');
wait_until { get('readyz')->{status} == 503 } 5, 'it not to be ready';
is get('healthz')->{status}, 200, 'one that stops is healthy';
$receiver->release;
is $worker->wait_exit(10), 0, 'SIGTERM ends it';
is job($redis, $_)->{state}, 'succeeded', 'a job in hand was finished' for @ids;
is scalar(grep { kill 0, $_ } @pids), 0, 'no process is left';
my $mine = join '|', @pids;
is scalar(grep { $_->{name} =~ /-(?:$mine)-/ } consumers()), 0,
    'nor a consumer of theirs';
is said('STOPPING=1'), 1, 'the service manager is told once';

# So does what a terminal sends to all of them at once.

$worker->write_workflow('grant.json', workflow_to('new'));
$worker->start;
@ids = calls_to('new', 4);
kill 'INT', -$worker->pid or die "kill: $!";
wait_until { $worker->events('process_stopping') == 6 } 5, 'it to stop';
$receiver->release;
is $worker->wait_exit(10), 0, 'SIGINT to the whole group ends it';
is job($redis, $_)->{state}, 'succeeded', 'after the jobs in hand' for @ids;

# A second SIGTERM does not wait for them.

$worker->start;
@ids = calls_to('new', 3);
$worker->signal('TERM');
wait_until { $worker->events('process_stopping') == 9 } 5, 'it to stop';
my $asked = time;
$worker->signal('TERM');
is $worker->wait_exit(10), 0, 'a second SIGTERM';
cmp_ok time - $asked, '<', limit(5), 'cuts the drain short';
is pending($redis), 3, 'jobs that were let go of';
$receiver->release;
$receiver->answer('/new', { status => 200 });
$worker->start;
wait_for_job($redis, $_, 'succeeded', 20) for @ids;
pass 'are taken over';

# The master is killed: what it leaves ends its jobs, and itself.

@ids = calls_to('new', 5);
@pids = processes($worker->pid);
$worker->kill;
wait_until { $worker->events('process_stopping') == 12 } 5, 'them to see it';
$receiver->release;
wait_until { !grep { kill 0, $_ } @pids } 10, 'the processes to end';
is job($redis, $_)->{state}, 'succeeded', 'what was in hand is done' for @ids;
is pending($redis), 0, 'and nothing is held';
is scalar(grep { $_->{reason} && $_->{reason} =~ /master/ }
    $worker->events('process_stopping')), 3, 'the log says why they ended';

# What is no start, and no more processes than jobs.

my $other = $t->worker(name => 'other', start => 0,
    conf => { processes => 'auto', concurrency => 1 });
$other->start;
is scalar(processes($other->pid)), 0,
    'one that does one job at a time is one process';
$other->stop;

# Those that hang: the watchdog ends one, a drain does not wait for one.

my $watched = $t->worker(name => 'watched',
    env => { NOTIFY_SOCKET => $t->dir . '/notify', WATCHDOG_USEC => 1_000_000 },
    conf => { processes => 2, drain => '0s' });
($stopped) = processes($watched->pid);
kill 'STOP', $stopped or die "kill: $!";
wait_until { $watched->events('process_died') == 1 } 15,
    'one that hangs to be ended';
is +($watched->events('process_stuck'))[0]{pid}, $stopped,
    'the watchdog is one of each process';
wait_until { $watched->events('process_ready') == 3 } 10, 'another process';
($stopped) = processes($watched->pid);
kill 'STOP', $stopped or die "kill: $!";
$watched->signal('TERM');
is $watched->wait_exit(15), 0, 'one that hangs does not hold up the end';

$redis->command('HSET', '{clarity}:meta', 'format', '9');
$worker->launch;
is $worker->wait_exit(10) >> 8, 1, 'a Redis that must not be worked with';
is scalar(grep { $_->{reason} =~ /format/ }
    $worker->events('redis_disagrees')) > 0, 1, 'is told';
is scalar(grep { kill 0, $_->{pid} } $worker->events('process_started')), 0,
    'and no process is left';

$t->done;
