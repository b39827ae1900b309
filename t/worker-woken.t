# A job with two runs rests: one is between two attempts, the other's call stands
# in line for a busy host. The first is due, but there is no slot. The moment
# there is one the other has just failed an attempt, which is being written down:
# it must not go on before that is.

use Clarity::Test;
use Clarity::Jobs;
use Time::HiRes qw(sleep);

my $t = Clarity::Test->new;
my $redis = $t->redis;
my $proxy = $t->proxy(to => $redis);

# One call at a time to each, where a worker has two slots.
my $busy = $t->receiver;
my $second = $t->receiver(name => 'second');
my $third = $t->receiver(name => 'third');

sub workflow {
    my ($name, $kind, $receiver) = @_;

    return ("$name.json" => {
        id => $name,
        trigger => 'provision_entitlement',
        conditions => { parameter => 'grant_type', equals => $kind },
        actions => [ { id => 'call', type => 'http_request', method => 'POST',
            url => "%%$receiver%%/$name", timeout => '20s',
            retry => { attempts => 4, delay => '50ms' } } ],
    });
}

sub start_job {
    return add_job($redis, context => context(grant_type => qq{"$_[0]"}));
}

$t->worker(conf => { redis => $proxy->url, concurrency => 2, drain => '1s' },
    workflows => {
        workflow('waits', 'two', 'RECEIVER_second'),
        workflow('line', 'two', 'RECEIVER'),
        workflow('holds', 'holds', 'RECEIVER'),
        workflow('hangs', 'hangs', 'RECEIVER_third'),
    });

$busy->answer('/holds', {}, { hold => 1 });
$busy->answer('/line', { status => 503 }, {});
$second->answer('/waits', { status => 503, headers => ['Retry-After: 1'] }, {});
$third->answer('/hangs', { hang => 1 });

# A script that Redis does not know yet takes twice as long.
wait_for_job($redis, start_job('holds'), 'succeeded');

my $holds = start_job('holds');
$busy->wait_for(2, 5, '/holds');

my $id = start_job('two');
$second->wait_for(1, 5, '/waits');

start_job('hangs');
$third->wait_for(1, 5, '/hangs');

# It is due now; nothing tells that it stands in line.
sleep 1.5;
is scalar($second->requests('/waits')), 1, 'what is due has no slot';

# The first reply gives it one, the next one is that of the other run's write.
$proxy->manner(delay => 0.2);
$busy->release;

my $job = wait_for_job($redis, $id, 'succeeded', 15);

for (['waits', $second], ['line', $busy]) {
    my ($name, $receiver) = @$_;

    is scalar($receiver->requests("/$name")), 2, "$name is called twice";
    is $job->{steps}{$name}{call}{attempt}, 2, 'in two attempts';
}

is job($redis, $holds)->{state}, 'succeeded', 'the one that had the slot too';

$t->done;
