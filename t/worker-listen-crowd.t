#!/usr/bin/perl

# Whoever can connect to the worker's own address takes no descriptor from its
# jobs, nor its time.

use Clarity::Test;
use Clarity::Jobs;
use HTTP::Tiny;
use IO::Socket::INET;

use constant DESCRIPTORS => 128;
use constant TICKS => 200;  # what a worker that spins takes in two seconds

my $t = Clarity::Test->new;
my $redis = $t->redis;
my $receiver = $t->receiver;
my $port = $t->port;
my $http = HTTP::Tiny->new(timeout => 5);

my $worker = $t->worker(conf => { listen => "127.0.0.1:$port" },
    workflows => { 'grant.json' => {
        id => 'grant', trigger => 'provision_entitlement',
        actions => [ { id => 'call', type => 'http_request',
            method => 'POST', url => '%%RECEIVER%%/call',
            retry => { attempts => 1 } } ],
    } });

sub is_well { $http->get("http://127.0.0.1:$port/healthz")->{status} == 200 }

sub ticks {
    open my $fh, '<', '/proc/' . $worker->pid . '/stat' or die "stat: $!";
    my @fields = split ' ', <$fh>;

    return $fields[13] + $fields[14];
}

wait_until { is_well() } 5, 'the worker to be well';

system('prlimit', '--pid', $worker->pid, '--nofile=' . DESCRIPTORS) == 0
    or die "prlimit failed\n";

my $before = ticks();

my @crowd = map {
    my $socket = IO::Socket::INET->new(PeerAddr => "127.0.0.1:$port")
        or die "connect: $!";
    $socket->syswrite("GET /metr");
    $socket;
} 1 .. 2 * DESCRIPTORS;

for my $n (1 .. 3) {
    my @ids = map { add_job($redis) } 1 .. 10;
    wait_for_job($redis, $_, 'succeeded') for @ids;
    pass "jobs are done at the first attempt, $n";
}

# As long as the kernel has more of them than may be taken.
my $until = time + 2;
wait_until { time > $until } 5, 'the crowd to wait';
cmp_ok ticks() - $before, '<', TICKS, 'it does not spin';
unlike $worker->log . $t->read_file('worker/worker.stderr'), qr/accept/,
    'and says nothing of it';

close $_ for @crowd;
wait_until { is_well() } 10, 'the worker to be asked again';
pass 'and answers when they are gone';

$t->done;
