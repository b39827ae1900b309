#!/usr/bin/perl

# A trigger may have a thousand active workflows, all of which one job starts.

use Clarity::Test;
use Clarity::Jobs;

use constant MOST => 1000;

my $t = Clarity::Test->new;
my $redis = $t->redis;
my $receiver = $t->receiver;

my %workflows = map { ("w$_.json" => {
    id => "w$_", trigger => 'provision_entitlement',
    conditions => { parameter => 'grant_type',
        equals => $_ % 100 ? 'none' : 'role' },
    actions => [ { id => 'call', type => 'http_request', method => 'POST',
        url => "%%RECEIVER%%/$_" } ],
} ) } 1 .. MOST;

my $worker = $t->worker(workflows => \%workflows);
my $id = add_job($redis);
my $job = wait_for_job($redis, $id, 'succeeded', 20);

is keys %{ $job->{runs} }, MOST, 'a run of each';
is_deeply [ sort map { $_->{uri} } $receiver->requests ],
    [ sort map { "/$_" } grep { $_ % 100 == 0 } 1 .. MOST ],
    'those whose conditions hold have called';

$worker->write_workflow('one-more.json', { %{ $workflows{'w1.json'} },
    id => 'one-more' });
$worker->signal('HUP');
wait_until { $worker->log =~ /"event":"reload_failed"/ } 5, 'the reload';
like $worker->log, qr{\w\.json:\d+: active, with 1000 others of trigger \\"provision_entitlement\\", expected 1000 in all},
    'one more is refused';

$worker->stop;

# With steps that end at once: 100 runs, and 60 steps of each, are one write.

my %steps = map { ("s$_.json" => {
    id => "s$_", trigger => 'provision_entitlement',
    actions => [
        (map { { id => "d$_", type => 'delay', delay => '{{meta.none}}' } }
            1 .. 60),
        { id => 'last', type => 'delay', delay => '1ms' } ],
} ) } 1 .. 100;

$t->worker(name => 'steps', workflows => \%steps);
$job = wait_for_job($redis, add_job($redis), 'succeeded', 20);
is scalar(grep { $_->{d60}{state} eq 'skipped' } values %{ $job->{steps} }),
    100, 'thousands of steps that begin at once do too';

$t->done;
