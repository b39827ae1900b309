#!/usr/bin/perl

# A worker has the file descriptors that its jobs need, or says so: a call is
# not to fail for want of one.

use Clarity::Test;
use Clarity::Jobs;

use constant { JOBS => 100, SOFT => 64, HARD => 4096 };

my $t = Clarity::Test->new;
my $redis = $t->redis;
my $receiver = $t->receiver;

my $worker = $t->worker(
    under => [ 'prlimit', '--nofile=' . SOFT . ':' . HARD ],
    conf => { concurrency => JOBS, allow_exec => ['/bin/sleep'] },
    workflows => { 'grant.json' => {
        id => 'grant', trigger => 'provision_entitlement',
        actions => [
            { id => 'run', type => 'exec', command => '/bin/sleep',
              args => ['1'], retry => { attempts => 1 } },
            { id => 'call', type => 'http_request', method => 'POST',
              url => '%%RECEIVER%%/call', retry => { attempts => 1 } } ],
    } });

my @ids = map { add_job($redis) } 1 .. JOBS;
wait_for_job($redis, $_, 'succeeded', 60) for @ids;
pass 'the soft limit is in nobody\'s way';
unlike $worker->log, qr/descriptors_too_few/, 'so nothing is to be said';

my $conf = $t->dir . '/worker/worker.json';
my $out = `prlimit --nofile=128:128 $ENV{CLARITY_BUILD}/clarity-worker -t -c $conf 2>&1`;
isnt $?, 0, 'where the hard one is too low, -t refuses';
like $out, qr/\Q$conf\E:\d+: "concurrency" is 100, for which a process may need 364 file descriptors; it can have 128 here: expected less, or a higher/,
    'says what is wanted, and where';

my $other = $t->worker(name => 'other', under => [ 'prlimit',
    '--nofile=128:128' ], conf => { concurrency => JOBS });
like $other->log, qr/"level":"warn","event":"descriptors_too_few"/,
    'and a worker warns';

$t->done;
