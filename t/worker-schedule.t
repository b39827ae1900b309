# Attempts are made when they are due: the first retry, the ones after it and
# those that an endpoint put off, each within a tenth of its wait.

use Clarity::Test;
use Clarity::Jobs;

use constant LATE => 0.1; # of the wait

my $t = Clarity::Test->new;
my $redis = $t->redis;
my $receiver = $t->receiver;


sub workflow {
    my ($name, %retry) = @_;

    return ("$name.json" => { id => $name, trigger => 'provision_entitlement',
        actions => [ { id => 'call', type => 'http_request', method => 'POST',
            url => "%%RECEIVER%%/$name",
            retry => { attempts => 3, %retry } } ] });
}


my $worker = $t->worker(workflows => {
    workflow('plain', delay => '2500ms', jitter => 'none'),
    workflow('jitter', delay => '8s'),
    workflow('put-off', delay => '1ms'),
});

my $busy = { status => 503 };

$receiver->answer('/plain', $busy, $busy, {});
$receiver->answer('/jitter', $busy, {});
$receiver->answer('/put-off',
    { status => 503, headers => ['Retry-After: 4'] },
    { status => 429, headers => ['Retry-After: 3'] }, {});

my $id = add_job($redis);

# What is written down as due, as people see it.

my %next;

wait_until {
    my $job = job($redis, $id) // {};

    for my $run (keys %{ $job->{runs} // {} }) {
        my $next = $job->{runs}{$run}{next} // 0;
        my $attempt = $job->{steps}{$run}{call}{attempt} // 0;

        $next{$run}{$attempt} = $next / 1000 if $next;
    }

    ($job->{state} // '') eq 'succeeded';
} 40, 'the end of the job';


# The time between two calls, of which the endpoint took none.

sub waited {
    my ($run, $n) = @_;

    my @times = map { $_->{time} } $receiver->requests("/$run");

    return $times[$n] - $times[ $n - 1 ];
}

sub on_time {
    my ($what, $run, $n, $wait, $more) = @_;

    my $waited = waited($run, $n);

    note sprintf '%s: %.3f s, expected %s', $what, $waited, $wait;
    cmp_ok $waited, '>=', $wait - 0.02, "$what: not before it is due";
    cmp_ok $waited, '<=', limit($wait * (1 + LATE + ($more // 0))),
        '... nor later than by a tenth';
}

on_time('the first retry', 'plain', 1, 2.5);
on_time('the second, after twice the time', 'plain', 2, 5);

# Up to a twentieth is added to what an endpoint asks for.
on_time('a Retry-After of 503', 'put-off', 1, 4, 0.05);
on_time('one of 429', 'put-off', 2, 3, 0.05);

# With jitter any time up to `delay` is drawn; what was drawn is kept.
my ($first, $second) = $receiver->requests('/jitter');
my $due = $next{jitter}{1} // $second->{time}; # too soon to be seen
my $wait = $due - $first->{time};
my $late = $second->{time} - $due;

cmp_ok $wait, '<=', 8.05, 'a time within the delay is drawn';
cmp_ok $late, '>=', -0.02, '... and kept: not before';
cmp_ok $late, '<=', limit($wait * LATE > 0.1 ? $wait * LATE : 0.1),
    '... nor later than by a tenth';

is_deeply [ map { scalar $receiver->requests("/$_") }
    qw(plain jitter put-off) ], [ 3, 2, 3 ], 'none is made twice';

$t->done;
