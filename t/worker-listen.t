# The worker's own address: metrics, and whether it consumes.

use Clarity::Test;
use Clarity::Jobs;
use HTTP::Tiny;
use IO::Socket::INET;
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

sub get { return $http->get("http://127.0.0.1:$port/$_[0]") }

sub status {
    my $answer = get($_[0]);

    return ($answer->{status}, $answer->{content} =~ /^\{/
        ? decode_json($answer->{content}) : undef);
}

# Every line is one of Prometheus' text format; {name{labels} => value}.

sub metrics {
    my $answer = get('metrics');
    my (%values, %types);

    is $answer->{headers}{'content-type'},
        'text/plain; version=0.0.4; charset=utf-8', 'the type of metrics'
        if $_[0];

    for (split /\n/, $answer->{content}) {
        if (/^# TYPE (\w+) (counter|gauge|histogram)$/) {
            die "$1 has two types\n" if $types{$1};
            $types{$1} = $2;
        } elsif (/^([a-z_]+)((?:\{(?:\w+="[^"]*",?)+\})?) ([0-9.]+)$/) {
            my ($name, $labels, $value) = ($1, $2, $3);
            my $family = $name =~ s/_(?:bucket|sum|count)$//r;
            die "$name has no type\n"
                if !$types{$name} && ($types{$family} // '') ne 'histogram';
            die "$name$labels stands twice\n" if exists $values{"$name$labels"};
            $values{"$name$labels"} = $value;
        } elsif (!/^# HELP \w+ \S/) {
            die "no line of metrics: $_\n";
        }
    }

    return \%values;
}

# What was not read fills the socket: then there is no room for more.

sub drain {
    $manager->blocking(0);
    1 while defined recv $manager, my $message, 4096, 0;
    $manager->blocking(1);
}

# A message of the worker to its service manager.

sub told {
    my ($regex) = @_;

    return wait_until {
        my $message = '';
        my $ready = '';
        vec($ready, fileno $manager, 1) = 1;
        return if !select $ready, undef, undef, 0.01;
        recv $manager, $message, 4096, 0;
        $message =~ $regex;
    } 5;
}

my $worker = $t->worker(
    env => { NOTIFY_SOCKET => $t->dir . '/notify', WATCHDOG_USEC => 200_000 },
    conf => { listen => "127.0.0.1:$port", concurrency => 4, lease => '2s' },
    workflows => { map {
        ("$_.json" => {
            id => $_,
            trigger => 'provision_entitlement',
            conditions => { parameter => 'grant_type', equals => $_ },
            actions => [ { id => 'call', type => 'http_request',
                method => 'POST', url => "%%RECEIVER%%/$_",
                retry => { attempts => 3, delay => $_ eq 'later' ? '1h' : '1ms',
                    jitter => 'none' } } ],
        })
    } qw(good bad later slow) });

ok told(qr/^READY=1$/m), 'systemd is told when it takes jobs';
ok told(qr/^WATCHDOG=1$/m), 'and that it lives';

is_deeply [ status('healthz') ], [ 200, { status => 'ok' } ], 'it is healthy';

my $raw = IO::Socket::INET->new(PeerAddr => "127.0.0.1:$port")
    or die "the listener: $!";

print $raw "HEAD /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
like join('', <$raw>), qr{^HTTP/1.1 200 .*\r\nContent-Length: 16\r\n.*\r\n\r\n\z}s,
    'to HEAD it says that without a body';
is_deeply [ status('readyz') ], [ 200, { status => 'ok' } ], 'and ready';

sub do_job {
    my ($name, $state) = @_;

    my $id = add_job($redis, context => context(grant_type => qq{"$name"}));
    wait_for_job($redis, $id, $state);

    return $id;
}

$receiver->answer('/bad', { status => 503 });
$receiver->answer('/later', { status => 503 });
$receiver->answer('/slow', { delay => 0.3 });
do_job('good', 'succeeded') for 1 .. 3;
my $failed = do_job('bad', 'failed');
do_job('later', 'waiting');
do_job('slow', 'succeeded');

wait_until { metrics()->{'clarity_queue_delayed'} } 10, 'the depth to be read';
my $metrics = metrics(1);

my %expected = (
    'clarity_worker_jobs_begun_total{how="new"}' => 6,
    'clarity_worker_jobs_begun_total{how="taken_over"}' => 0,
    'clarity_worker_jobs_ended_total{state="succeeded"}' => 4,
    'clarity_worker_jobs_ended_total{state="failed"}' => 1,
    'clarity_worker_attempts_total{workflow="good",step="call",result="succeeded"}' => 3,
    'clarity_worker_attempts_total{workflow="bad",step="call",result="retried"}' => 2,
    'clarity_worker_attempts_total{workflow="bad",step="call",result="failed"}' => 1,
    'clarity_worker_step_seconds_count{workflow="bad",step="call"}' => 3,
    'clarity_worker_step_seconds_bucket{workflow="slow",step="call",le="0.25"}' => 0,
    'clarity_worker_step_seconds_bucket{workflow="slow",step="call",le="1"}' => 1,
    'clarity_worker_step_seconds_bucket{workflow="slow",step="call",le="+Inf"}' => 1,
    clarity_worker_slots_free => 4,
    clarity_worker_calls_active => 0,
    clarity_worker_consuming => 1,
    clarity_worker_redis_connections => 2,
    clarity_worker_workflows => 4,
    clarity_queue_depth => 0,
    clarity_queue_delayed => 1,
    clarity_queue_failed => 1,
    clarity_worker_lost_leases_total => 0,
);

is $metrics->{$_}, $expected{$_}, $_ for sort keys %expected;
cmp_ok $metrics->{'clarity_worker_step_seconds_sum{workflow="slow",step="call"}'},
    '>=', 0.3, 'the time that a step took';
unlike get('metrics')->{content}, qr/4711|INC1|github/, 'no value is in them';

# Its time over, a failed job is not counted any more, by nobody.

$redis->command('PEXPIRE', hash_key($failed), 1);
wait_until { !$redis->command('XLEN', '{clarity:0}:failed') } 15,
    'the failed one to be forgotten';
wait_until { metrics()->{clarity_queue_failed} == 0 } 15, 'the metric';
pass 'a failed job that is not kept any more is not counted';

# What is not there, and what is not asked so.

is get('other')->{status}, 404, 'another path';
isnt $http->post("http://127.0.0.1:$port/metrics")->{status}, 200,
    'another method';

# A worker that is alive, connected and does not consume.

$redis->command('ACL', 'SETUSER', 'default', '-xreadgroup');
wait_until { (status('healthz'))[0] == 503 } 10, 'healthz to see it';
is_deeply [ status('healthz') ], [ 503, { status => 'failing',
    reason => 'Redis refuses to read jobs, see the log' } ],
    'the connection that reads jobs is what is tested';
is +(status('readyz'))[0], 503, 'it is not ready either';
is metrics()->{clarity_worker_consuming}, 0, 'and metrics tell';
$redis->command('ACL', 'SETUSER', 'default', '+xreadgroup');
wait_until { (status('healthz'))[0] == 200 } 10, 'healthz to see that it is mended';

$redis->pause;
wait_until { (status('healthz'))[0] == 503 } 20, 'healthz to see a Redis that hangs';
$redis->resume;
wait_until { (status('healthz'))[0] == 200 } 20, 'and that it is back';
pass 'a Redis that hangs is seen too';

# Reload and drain.

drain();
$worker->signal('HUP');
ok told(qr/^RELOADING=1\nMONOTONIC_USEC=\d+$/m), 'systemd is told of a reload';
ok told(qr/^READY=1$/m), 'and of its end';

$receiver->answer('/slow', { delay => 2 });
add_job($redis, context => context(grant_type => '"slow"'));
$receiver->wait_for(2, 5, '/slow');
drain();
$worker->signal('TERM');
ok told(qr/^STOPPING=1$/m), 'systemd is told that it stops';
is_deeply [ status('readyz') ], [ 503, { status => 'failing',
    reason => 'it stops' } ], 'in a drain it is not ready';
is +(status('healthz'))[0], 200, 'but healthy';
is $worker->wait_exit(10), 0, 'and it ends';

# Redis is not there yet, and an address that is taken.

$redis->stop;
$worker->launch;
wait_until { (status('readyz'))[0] == 503 } 5, 'an answer without Redis';
like +(status('readyz'))[1]{reason}, qr/has not reached Redis yet/,
    'without Redis it is not ready';

my $reloads = $worker->events('reloaded');
drain();
$worker->signal('HUP');
wait_until { $worker->events('reloaded') > $reloads } 5, 'a reload';

# Alone and as one of several; who starts it may look at stderr or at the log.

my $in_use = qr/127\.0\.0\.1, port $port: Address already in use/;

for my $processes (1, 2) {
    my $name = "other-$processes";
    my $log = $t->dir . "/$name.log";
    my $other = $t->worker(name => $name, start => 0, conf => {
        listen => "127.0.0.1:$port", log => $log, processes => $processes });
    $other->launch;
    is $other->wait_exit(5) >> 8, 1, 'an address that is taken is no start';
    like $other->log, qr/^clarity-worker: "listen": $in_use$/m,
        'stderr says so';

    my @lines = split /\n/, $t->read_file("$name.log");
    like $lines[-1],
        qr/"event":"not_started","reason":"\\"listen\\": $in_use"\}$/,
        'as does the last line of its log';
}

my @told;
$manager->blocking(0);
while (defined recv $manager, my $message, 4096, 0) { push @told, $message }
$manager->blocking(1);
is_deeply [ grep { /^(?:READY|RELOADING)=/m } @told ], [],
    'nor by a reload, as systemd is told';

$redis->start;
wait_until { (status('readyz'))[0] == 200 } 10, 'the worker to be ready';

$t->done;
