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

$t->done;
