# A name server that does not answer costs the one call, not the whole worker.

use Clarity::Test;
use Clarity::Jobs;
use IO::Socket::INET;
use Time::HiRes qw(time);

my $t = Clarity::Test->new;

# The worker gets an /etc/resolv.conf of its own, in a name space of its own.

my $dir = $t->dir;
my $conf = $t->write_file('resolv.conf',
    "nameserver 127.0.0.77\noptions timeout:5 attempts:2\n");
my @under = ('unshare', '-m', 'sh', '-c',
    'mount --bind "$0" /etc/resolv.conf && exec "$@"', $conf);

plan skip_all => 'mounts are not permitted here'
    if system("unshare -m mount --bind $conf /etc/resolv.conf 2>/dev/null");

my $silent = IO::Socket::INET->new(LocalAddr => '127.0.0.77',
    LocalPort => 53, Proto => 'udp')
    or plan skip_all => "port 53 cannot be had: $!";

my $redis = $t->redis;
my $receiver = $t->receiver;

sub workflow {
    my ($name, $url, %action) = @_;

    return ("$name.json" => {
        id => $name,
        trigger => 'provision_entitlement',
        conditions => { parameter => 'grant_type', equals => $name },
        actions => [ { id => 'call', type => 'http_request',
            method => 'POST', url => $url, timeout => '2s',
            retry => { attempts => 1 }, %action } ],
    });
}

my $worker = $t->worker(under => \@under, conf => { lease => '2s' },
    workflows => {
        workflow('slow', 'http://slow.example.com/x'),
        workflow('quick', '%%RECEIVER%%/x'),
    });

sub start_job {
    return add_job($redis, context => context(grant_type => qq{"$_[0]"}));
}

my $start = time;
my $slow = start_job('slow');
my $other = start_job('quick');

wait_for_job($redis, $other, 'succeeded');
cmp_ok time - $start, '<', limit(1), 'another job does not wait for the name';

wait_for_job($redis, $slow, 'failed', 20);
cmp_ok time - $start, '<', limit(4), 'nor does its own for longer than its time-out';
is job($redis, $slow)->{reason},
    'workflow "slow": step "call": timed out after 2s', 'it says so';

$start = time;
$other = start_job('quick');
wait_for_job($redis, $other, 'succeeded', 20);
cmp_ok time - $start, '<', limit(1), 'and nothing waits after it';
is scalar($worker->events('lost_lease')), 0, 'no lease was lost';

# A call that is given up while its name is being asked for.

start_job('slow');
wait_until { scalar($worker->events('job_started')) == 4 } 5;

$start = time;
$worker->signal('TERM');
$worker->log_like(qr/"event":"stopping"/);
$worker->signal('TERM');
is $worker->wait_exit(20), 0, 'nor does the end of the worker';
cmp_ok time - $start, '<', limit(1), 'wait for it';

$t->done;
