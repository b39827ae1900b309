# What takes long says how far it is, on a terminal and nowhere else.

use Clarity::Test;
use Clarity::Jobs qw(:DEFAULT call_action workflow);

my $t = Clarity::Test->new;
my $redis = $t->redis;
my $receiver = $t->receiver;
my $proxy = $t->proxy(to => $redis);
my $err = $t->dir . '/err';

$receiver->answer('/end', { status => 400 });
my $worker = $t->worker(workflows => { workflow('w', call_action('end', 'end')) });
my @ids = map { add_job($redis, context => context(grant_type => '"w"')) } 1 .. 4;
wait_for_job($redis, $_, 'failed') for @ids;
$worker->stop;

# Each answer of Redis takes its time, so a few jobs are a long work.

$proxy->manner(delay => 0.1);
$ENV{CLARITY_REDIS_URL} = $proxy->url;
my $ctl = $t->build . '/clarityctl';

# script's terminal is standard output and standard error of the command.

sub on_terminal {
    my ($command) = @_;

    my $said = `script -qec '$ctl $command' /dev/null </dev/null`;
    is $? >> 8, 0, "$command is done" or diag $said;

    return $said;
}

my $said = on_terminal('jobs');
like $said, qr/\r… \d jobs read/, 'jobs says how many it has read';
like $said, qr/jobs read\r\n(?:\e\[\d*m)*0-\d/, 'the list begins in a line of its own';
is scalar(() = $said =~ /^0-\d+-\d+ /mg), 4, 'and is whole';

for my $command ('--json jobs', '--json retry --all-failed') {
    my $out = `$ctl $command 2>$err`;
    is $? >> 8, 0, "$command, which no terminal sees";
    is $t->read_file('err'), '', 'says nothing of that';
    ok decode_json($out), 'but gives its answer';
}

$proxy->manner;
$worker->start;
wait_until { $redis->command('XLEN', '{clarity:0}:failed') == 4 } 20,
    'the jobs to fail again';
$worker->stop;
$proxy->manner(delay => 0.1);

like on_terminal('retry --all-failed'), qr/\r… \d retried.*4/s,
    'a retry of all says how many are retried';

$t->done;
