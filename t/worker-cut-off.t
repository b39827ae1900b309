# A worker that is cut off from Redis past its lease loses its jobs, and has not
# crashed: that is no job's fault.

use Clarity::Test;
use Clarity::Jobs;

my $t = Clarity::Test->new;
my $redis = $t->redis;
my $receiver = $t->receiver;

$receiver->answer('/call', { hold => 1 });

# Each has a line to Redis of its own.

my %side = map {
    my $proxy = $t->proxy(name => "line-$_", to => $redis);
    ($_ => { proxy => $proxy, worker => $t->worker(name => $_,
        conf => { redis => $proxy->url, lease => '1s' },
        workflows => { 'grant.json' => { id => 'grant',
            trigger => 'provision_entitlement',
            actions => [ { id => 'call', type => 'http_request',
                method => 'POST', url => '%%RECEIVER%%/call',
                timeout => '60s' } ] } }) });
} qw(left right);

my $id = add_job($redis);
my @order;

sub holder {
    my ($n) = @_;

    $receiver->wait_for($n, 15, '/call');
    my $name = (wait_until {
        $redis->command('XPENDING', stream_key(), 'workers', '-', '+', 1)->[0]
    } 5, 'the job to be pending')->[1];
    my ($holder) = grep { my $pid = $side{$_}{worker}->pid; $name =~ /-$pid-/ }
        keys %side;

    return $holder;
}

# Three times: so often fails a job that runs alone at the third.

for my $time (1 .. 3) {
    my $holder = holder($time);
    my ($heir) = grep { $_ ne $holder } keys %side;
    my $lost = $side{$holder}{worker}->events('lost_lease');

    $side{$holder}{proxy}->stop;
    is holder($time + 1), $heir, "time $time: the other worker has the job";
    $side{$holder}{proxy}->start;

    wait_until { $side{$holder}{worker}->events('lost_lease') == $lost + 1 } 15,
        'it to see that it has lost its job';
    wait_until { (job($redis, $id)->{spared} // 0) == $time } 5,
        'it to say so';
    is job($redis, $id)->{crashes}, $time, 'what looked like a crash';
}

$receiver->release;
my $job = wait_for_job($redis, $id, 'succeeded', 10);
is $job->{steps}{grant}{call}{attempt}, 4, 'the job goes on all the same';
is scalar(map { $_->{worker}->events('job_quarantined') } values %side), 0,
    'and is not set apart';

# One that is stopped, and one that dies, say nothing.

$receiver->answer('/call', { hold => 1 });
$id = add_job($redis);
my $holder = holder(5);
$side{$holder}{worker}->pause;
holder(6);
$side{$holder}{worker}->resume;
wait_until { $side{$holder}{worker}->events('lost_lease') >= 2 } 15,
    'it to see that it has lost its job';
$holder = holder(6);
$side{$holder}{worker}->kill;
$receiver->wait_for(7, 15, '/call');
is job($redis, $id)->{crashes}, 2, 'both may have been crashes';
ok !exists job($redis, $id)->{spared}, 'of which none is taken back';

$receiver->release;
wait_for_job($redis, $id, 'succeeded', 10);

$t->done;
