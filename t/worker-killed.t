#!/usr/bin/perl

# A worker is killed right after each transition of a job (docs/jobs.md), once
# for each, and another one brings the job to its end: with no call that the
# transition had made needless, and all calls of a step under one key. The
# worker that dies is one with kill points: worker/kill_point.h.

use Clarity::Test;
use Clarity::Jobs;
use Time::HiRes qw(time);

use constant LEASE => 1;

my $t = Clarity::Test->new;
my $redis = $t->redis;
my $receiver = $t->receiver;


sub http {
    my ($id, $path, %more) = @_;

    return { id => $id, type => 'http_request', method => 'POST',
        url => "%%RECEIVER%%/$path", %more };
}

sub workflow {
    my ($name, @actions) = @_;

    return ("$name.json" => { id => $name, trigger => 'provision_entitlement',
        conditions => { parameter => 'grant_type', equals => $name },
        actions => \@actions });
}

my %workflows = (
    workflow('chain', http('first', 'first'), http('second', 'second')),
    workflow('fails', http('first', 'first'), http('wrong', 'wrong')),
    workflow('soon', http('first', 'busy',
        retry => { attempts => 2, delay => '1ms' }), http('second', 'second')),
    workflow('later', http('first', 'late', retry => { attempts => 2 }),
        http('second', 'second')),
    workflow('publish', http('first', 'first'),
        { id => 'send', type => 'publish', stream => 'sent',
            fields => { job => '{{job.id}}' } }, http('second', 'second')),
    workflow('slow', http('first', 'slow'), http('second', 'second')),
);

$receiver->answer('/wrong', { status => 400 });

my %conf = (lease => LEASE . 's', drain => '5s');
my $heir = $t->worker(name => 'heir', workflows => \%workflows, start => 0,
    conf => \%conf);
my $number = 0;


# A worker that dies at that place.

sub doomed {
    my ($at) = @_;

    my $worker = $t->worker(name => 'doomed' . $number++, start => 0,
        program => $t->build . '/kill-points/clarity-worker',
        workflows => \%workflows, conf => \%conf,
        env => { CLARITY_KILL_AT => $at });

    # it may have died before it could be waited for
    $worker->launch;

    return $worker;
}


sub dies {
    my ($worker) = @_;

    return ($worker->wait_exit(10) & 127) == 9;
}


# The calls of a step that there are, by its path.

sub calls {
    my ($id) = @_;

    my (%calls, %keys);

    for my $request ($receiver->requests) {
        my $key = $request->{headers}{'idempotency-key'};

        next if $key !~ /^\Q$id\E:/;
        $calls{ substr $request->{uri}, 1 }++;
        $keys{ $request->{uri} }{$key} = 1;
    }

    $calls{keys} = 'several' if grep { keys %$_ > 1 } values %keys;

    return \%calls;
}


sub case {
    my ($what, $at, $workflow, $calls, %more) = @_;

    # two answers a job, where its first call is not the last one
    $receiver->answer('/busy', { status => 503 }, {});
    $receiver->answer('/late',
        { status => 503, headers => ['Retry-After: 1'] }, {});
    $receiver->answer('/slow', { delay => LEASE / 2 }, {});

    my $worker = doomed($at);
    my $id = add_job($redis, context => context(grant_type => qq{"$workflow"}));

    $more{do}->($worker, $id) if $more{do};
    my $died = dies($worker);

    $heir->start;
    my $state = $more{state} // 'succeeded';
    my $job = eval { wait_for_job($redis, $id, $state, LEASE + 5) };
    wait_until { pending($redis) == 0 } 5, 'all to be acknowledged';
    $heir->stop;

    ok $died, "$what: the worker dies";
    ok $job, '... and the job has ' . $state;
    is_deeply calls($id), $calls, '... after these calls';
    $more{then}->($job, $id) if $more{then};
}


case('deliver', 'deliver:1', 'chain', { first => 1, second => 1 });
case('begin', 'record:1', 'chain', { first => 1, second => 1 });
case('a call, not its result', 'answered:1', 'chain',
    { first => 2, second => 1 });
case('end of a step', 'record:2', 'chain', { first => 1, second => 1 });
case('the last call', 'answered:2', 'chain', { first => 1, second => 2 });
case('finish', 'finish:1', 'chain', { first => 1, second => 1 });
case('heartbeat', 'beat:1', 'slow', { slow => 2, second => 1 });
case('wait, less than a second', 'record:2', 'soon', { busy => 2, second => 1 });
case('wait, a second or more', 'delay:1', 'later', { late => 2, second => 1 });
case('promote', 'promoted:1', 'later', { late => 2, second => 1 });

case('publish', 'publish:1', 'publish', { first => 1, second => 1 },
    then => sub {
        my ($job, $id) = @_;

        is scalar(grep { $_->[1][1] eq $id }
            @{ $redis->command('XRANGE', 'sent', '-', '+') }), 1,
            '... and one message';
    });

case('fail', 'fail:1', 'fails', { first => 1, wrong => 1 }, state => 'failed',
    then => sub {
        my ($job, $id) = @_;

        is scalar(grep { { @{ $_->[1] } }->{job} eq $id } @{
            $redis->command('XRANGE', '{clarity:0}:failed', '-', '+') }), 1,
            '... and is among the failed, once';
    });

case('let go', 'release:1', 'slow', { slow => 2, second => 1 },
    do => sub {
        my ($worker) = @_;

        wait_until { grep { $_->{uri} eq '/slow'
            && $_->{time} > time - 1 } $receiver->requests } 5, 'the call';
        $worker->signal('TERM');
        $worker->log_like(qr/"stopping"/);
        $worker->signal('TERM');
    },
    then => sub { ok !$_[0]{crashes}, '... and that was no crash' });

case('trim', 'trim:1', 'chain', { first => 1, second => 1 });


# Two die, one at the delivery and one at the take-over.

{
    my $first = doomed('deliver:1');
    my $id = add_job($redis, context => context(grant_type => '"chain"'));

    ok dies($first), 'take over: the first dies';
    ok dies(doomed('takeover:1')), '... and the second';
    $heir->start;
    ok wait_for_job($redis, $id, 'succeeded', LEASE + 5),
        '... and the job has succeeded';
    is_deeply calls($id), { first => 1, second => 1 }, '... after these calls';


    # Delivered again although it has ended.

    $heir->stop;
    my $entry = $id =~ s/^0-//r;
    my ($ms, $seq) = split /-/, $entry;

    $redis->command('XGROUP', 'SETID', stream_key(), 'workers',
        ($ms - 1) . '-0');
    ok dies(doomed('drop:1')), 'drop: the worker dies';
    $heir->start;
    wait_until { pending($redis) == 0 } 5, 'all to be acknowledged';
    is_deeply calls($id), { first => 1, second => 1 }, '... and nothing is called';
}


# The group is made anew, and another one finds it.

$heir->stop;
$redis->command('XGROUP', 'DESTROY', stream_key(), 'workers');
ok dies(doomed('group:1')), 'group: the worker dies';
my $id = add_job($redis, context => context(grant_type => '"chain"'));
$heir->start;
ok wait_for_job($redis, $id, 'succeeded', LEASE + 5), '... and the next job is done';

$t->done;
