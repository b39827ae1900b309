# Calls that stand in line: none has been made, and none holds anything open.

use Clarity::Test;
use Clarity::Jobs;

my $t = Clarity::Test->new;
my $redis = $t->redis;
my $receiver = $t->receiver;

sub grant {
    return { id => 'grant', trigger => 'provision_entitlement', actions => [
        { id => 'call', retry => { attempts => 1 }, @_ } ] };
}

# A slow host has three of four calls under way, the others wait. Of these it
# is known that nobody had them, whatever becomes of their worker in good
# order; of the first three it is not.

my %options = (conf => { concurrency => 4, drain => '500ms' }, workflows => {
    'grant.json' => grant(type => 'http_request', method => 'POST',
        url => '%%RECEIVER%%/call', if_unknown => 'skip') });

$receiver->answer('/call', ({ hang => 1 }) x 3, { status => 200 });

my $worker = $t->worker(%options);
my @ids = map { add_job($redis) } 1 .. 8;

$receiver->wait_for(3, 10);
wait_until { !grep { (job($redis, $_) // {})->{state} ne 'running' } @ids } 10,
    'all to be begun';

$worker->signal('TERM');
is $worker->wait_exit(20), 0, 'a worker ends with calls in line';
is scalar($worker->events('job_released')), 8, 'and lets go of their jobs';

my %made = map { (split /:/, $_->{headers}{'idempotency-key'})[0] => 1 }
    $receiver->requests;

sub step { job($redis, $_[0])->{steps}{grant}{call} }

is scalar(keys %made), 3, 'of which three were called for';
is_deeply [ map { step($_)->{state} } grep { !$made{$_} } @ids ],
    [ ('pending') x 5 ], 'the steps of the others have not begun';

my $heir = $t->worker(name => 'heir', %options);
wait_for_job($redis, $_, 'succeeded', 20) for @ids;

is_deeply [ map { step($_)->{state} } grep { !$made{$_} } @ids ],
    [ ('succeeded') x 5 ], 'so the next worker calls for them';
is_deeply [ map { step($_)->{attempt} } grep { !$made{$_} } @ids ],
    [ (1) x 5 ], 'which is their first attempt';
is_deeply [ map { step($_)->{state} } grep { $made{$_} } @ids ],
    [ ('skipped') x 3 ], 'and goes by their rule for those under way';
is scalar($receiver->requests), 8, 'nothing is called for twice';

$heir->stop;

# More programs in line than there may be files open.

@ids = map { add_job($redis,
    context => context(identity_id => $_ > 6 ? '"0"' : '"1"')) } 1 .. 300;

my $few = $t->worker(name => 'few', under => [ 'prlimit', '--nofile=128:128' ],
    conf => { concurrency => 8, allow_exec => ['/bin/sleep'] },
    workflows => { 'grant.json' => grant(type => 'exec',
        command => '/bin/sleep', args => ['{{identity_id}}'],
        if_unknown => 'fail') });

wait_for_job($redis, $_, 'succeeded', 60) for @ids;
pass 'hundreds of programs can stand in line';
is scalar($few->events('job_left')), 0, 'and no job is left for want of files';

$t->done;
