# Standard streams that are closed, or that nobody reads.

use Clarity::Test;
use Clarity::Jobs;

my $t = Clarity::Test->new;
my $redis = $t->redis;
my $receiver = $t->receiver;

my %workflows = (workflows => { 'grant.json' => { id => 'grant',
    trigger => 'provision_entitlement', actions => [
        { id => 'call', type => 'http_request', method => 'POST',
            url => '%%RECEIVER%%/call' } ] } });

# Started with them closed: what it opens next, such as the connection to
# Redis, would have their numbers, and be written to by whoever means them.

my $worker = $t->worker(%workflows,
    under => [ 'sh', '-c', 'exec "$@" <&- >&-', 'sh' ]);

is readlink('/proc/' . $worker->pid . "/fd/$_"), '/dev/null',
    "descriptor $_ is taken" for 0, 1;

my $conf = $worker->dir . '/worker.json';

wait_for_job($redis, add_job($redis), 'succeeded');
is system("$ENV{CLARITY_BUILD}/clarityctl -c $conf jobs >&- 2>/dev/null")
    >> 8, 1, 'an answer that cannot be written is a failure';
$worker->stop;

# One that logs into a pipe that has lost its reader before.

pipe my $reader, my $writer or die "pipe: $!";
close $reader;

my $pid = fork // die "fork: $!";

if ($pid == 0) {
    $SIG{PIPE} = 'DEFAULT';
    open STDERR, '>&', $writer or die "dup: $!";
    exec "$ENV{CLARITY_BUILD}/clarity-worker", '-c', $conf or die;
}

close $writer;

my $id = add_job($redis);
my $dead = 0;

wait_until {
    $dead = waitpid $pid, 1; # WNOHANG
    $dead || ((job($redis, $id) // {})->{state} // '') eq 'succeeded';
} 20, 'the job to be done';

is $dead, 0, 'works all the same';

kill TERM => $pid;
waitpid $pid, 0 if !$dead;
is $?, 0, 'and ends as any other';

$t->done;
