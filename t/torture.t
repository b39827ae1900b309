#!/usr/bin/perl

# Jobs come through nginx, and are worked on by four workers, which are killed,
# stopped past their lease, cut off and told to end meanwhile, as is Redis.
# Then what an endpoint of its own saw, and what is in Redis, is held against
# what was promised: see Clarity::History.
#
# CLARITY_TORTURE=SECONDS takes longer, CLARITY_SEED=N draws the same harm again.

use Time::HiRes qw(sleep time);

use Clarity::History;
use Clarity::Jobs;
use Clarity::Test;
use Clarity::Torture;

use constant LEASE   => 2;
use constant TIMEOUT => 1;                            # of a call
use constant SECONDS => $ENV{CLARITY_TORTURE} // 15;

# To end all jobs in: those that were at two faults are done one by one.
use constant CALM => 100 + 2 * SECONDS;

my $t = Clarity::Test->new;
$t->patience(SECONDS + CALM + 100);

my $seed = $ENV{CLARITY_SEED} // int time;
srand $seed;
diag "CLARITY_SEED=$seed";

my $redis = $t->redis(aof => 1);
my $proxy = $t->proxy(to => $redis);
my $endpoint = $t->endpoint(seed => $seed);
my $nginx = $t->nginx(server => <<'EOF');
        access_log off;

        location = /hook {
            clarity_webhook       provision_entitlement;
            clarity_webhook_token secret;
        }
EOF


sub step {
    my ($how, $workflow, $id, $before, %more) = @_;

    my $from = defined $before ? "?from={{steps.$before.body.n}}" : '';

    return {
        id => $id,
        type => 'http_request',
        method => 'POST',
        url => "%%ENDPOINT%%/$how/{{job.id}}/$workflow/$id$from",
        headers => { 'X-Worker' => '{{secrets.who}}' },
        timeout => TIMEOUT . 's',
        retry => { attempts => 100, delay => '200ms', max_delay => '2s' },
        %more,
    };
}


sub workflow {
    my ($name, $digits, @actions) = @_;

    return ("$name.json" => {
        id => $name,
        trigger => 'provision_entitlement',
        conditions => { any => [ map {
            { parameter => 'identity_id', ends_with => "$_" }
        } @$digits ] },
        secrets => { who => { env => 'TORTURE_WORKER' } },
        actions => \@actions,
    });
}


my %workflows = (
    workflow('chain', [ 0 .. 9 ], step('ok', 'chain', 'first'),
        step('flaky', 'chain', 'second', 'first'),
        step('slow', 'chain', 'third', 'second')),

    # leaves the stream, and comes back
    workflow('wait', [ 1, 5 ], step('flaky', 'wait', 'before'),
        { id => 'pause', type => 'delay', delay => '1200ms' },
        step('ok', 'wait', 'after', 'before')),

    workflow('publish', [ 2, 5, 7 ], step('slow', 'publish', 'before'),
        { id => 'send', type => 'publish', stream => 'torture',
            fields => { job => '{{job.id}}' } },
        step('ok', 'publish', 'after', 'before')),

    workflow('never', [7], step('ok', 'never', 'before'),
        step('never', 'never', 'refused', 'before',
            retry => { attempts => 3, delay => '100ms' })),

    'told.json' => { id => 'told', trigger => 'job_failed', actions => [
        { id => 'send', type => 'publish', stream => 'told',
            fields => { job => '{{job_id}}' } } ] },
);

my @workers = map {
    my $name = "w$_";

    $t->worker(name => $name, workflows => \%workflows,
        env => { TORTURE_WORKER => $name },
        conf => { lease => LEASE . 's', concurrency => 32, drain => '10s',
            $_ == 4 ? (redis => $proxy->url) : () })
} 1 .. 4;

my $load = $t->load(nginx => $nginx, token => 'secret', rate => 120,
    connections => 32);


# The faults.

my $torture = Clarity::Torture->new(redis => $redis, workers => \@workers,
    proxies => { w4 => $proxy }, lease => LEASE, gap => 0.7);

$torture->run(SECONDS);
$load->stop;

note $load->summary;
cmp_ok $load->answers->{202}, '>', 20 * SECONDS, 'jobs were accepted';


# All jobs end.

sub left {
    my ($group) = @{ $redis->command('XINFO', 'GROUPS', stream_key()) };
    my %group = @$group;
    my ($last) = @{ $redis->command('XREVRANGE', stream_key(), '+', '-',
        'COUNT', 1) };
    my $waiting = $last && $last->[0] ne $group{'last-delivered-id'};

    return $group{pending} + $waiting
        + $redis->command('ZCARD', '{clarity:0}:delayed');
}

my $calm = time;
ok wait_until { !left() } CALM, 'nothing is left to do'
    or diag left() . ' are left';
note sprintf 'all were done after %.1f s', time - $calm;


# What is told of them.

my %ids = map { $_ => 1 } $load->told,
    map { /^\{clarity:0\}:job:(.*)/ } @{ $redis->command('KEYS', '*') };
my %jobs;

for my $id (keys %ids) {
    my $job = job($redis, $id) // next;

    $jobs{$id} = $job;
    $job->{id} = $id;
}

my @published = map { { @{ $_->[1] } }->{job} }
    @{ $redis->command('XRANGE', 'torture', '-', '+') };

my $history = Clarity::History->new(
    accepted => [ $load->told ],
    jobs => \%jobs,
    published => \@published,
    calls => [ $endpoint->calls ],
    faults => [ $torture->faults,
        map { { what => 'stall', from => $_->[0], to => $_->[1] } }
            $endpoint->stalls ],
    lease => LEASE,
    timeout => TIMEOUT,
    fails => ['never'],
);

my %faults;
$faults{ $_->{what} }++ for $torture->faults;
diag 'faults: ' . join ', ', map { "$_: $faults{$_}" } sort keys %faults;
diag $history->summary;

# Of each that has failed somebody is told, once; but by one that failed itself.

my %told;
$told{ $_->[1][1] }++ # the value of its one field
    for @{ $redis->command('XRANGE', 'told', '-', '+') };
my @failed = grep { $_->{state} eq 'failed' } values %jobs;
my @silent = grep { !$told{ $_->{id} } && $_->{trigger} ne 'job_failed' }
    @failed;
my $tellers = grep { $_->{trigger} eq 'job_failed' } @failed;

is_deeply [ grep { $told{$_} > 1 || $jobs{$_}{state} ne 'failed' } keys %told ],
    [], 'who is told of is told of once, and has failed';
is scalar(@silent), $tellers, 'each that has failed is told of'
    or diag map { "$_->{id}: $_->{reason}\n" } @silent;

ok !$history->amiss, 'the history is sound'
    or diag map { "$_\n" } $history->amiss;

# with the rest of the files, where this failed
$t->write_file('faults', join '', map { encode_json($_) . "\n" }
    $torture->faults);

$t->done;
