# A job becomes a run, the run becomes calls, the job ends.

use Clarity::Test;
use Clarity::Jobs;
use Digest::SHA 'sha256_hex';

my $t = Clarity::Test->new;
my $redis = $t->redis;
my $receiver = $t->receiver;

my $worker = $t->worker(workflows => {
    'grant.json' => {
        id => 'grant',
        trigger => 'provision_entitlement',
        actions => [
            {
                id => 'ticket',
                type => 'http_request',
                method => 'POST',
                url => '%%RECEIVER%%/ticket/{{identity_id}}',
                headers => { 'X-App' => '{{app_identifier}}' },
                body => { who => '{{creator_id}}', meta => '{{meta}}' },
            },
            {
                id => 'tell',
                type => 'http_request',
                method => 'PUT',
                url => '%%RECEIVER%%/tell?n={{steps.ticket.body.number}}',
                body => {
                    text => 'see {{steps.ticket.body.number}}',
                    status => '{{steps.ticket.status}}',
                    list => '{{steps.ticket.body.list}}',
                },
            },
        ],
    },
});

my $answer = '{"number":"INC 7","list":[1,{"a":2.50}]}';

$receiver->answer('/ticket/4711', { status => 201, body => $answer });

my $id = add_job($redis);
my $job = wait_for_job($redis, $id, 'succeeded');
my ($ticket, $tell) = $receiver->requests;

is $ticket->{method}, 'POST', 'the first step is called';
is $ticket->{uri}, '/ticket/4711', 'with a value in its url';
is $ticket->{body}, '{"meta":{"ticket":"INC1"},"who":17}',
    'and values with their types in its body';
is $ticket->{headers}{'x-app'}, 'github', 'and one in a header';
is $ticket->{headers}{'content-type'}, 'application/json', 'as JSON';
is $ticket->{headers}{'idempotency-key'}, "$id:grant:ticket",
    'under the key of the step';
like $ticket->{headers}{'user-agent'}, qr{^clarity-worker/\d}, 'by the worker';

is $tell->{method}, 'PUT', 'then the second';
is $tell->{uri}, '/tell?n=INC%207', 'with a value of the first one\'s answer';
is $tell->{body}, '{"list":[1,{"a":2.50}],"status":201,"text":"see INC 7"}',
    'also whole parts of it, as they were written';
is $tell->{headers}{'idempotency-key'}, "$id:grant:tell", 'under its own key';
is scalar($receiver->requests), 2, 'each once';

# The trace of a job that came without one: of its id, and of the step's key.

sub trace_of {
    my ($job, $step) = @_;

    return join '-', '00',
        substr(sha256_hex("clarity trace $job"), 0, 32),
        substr(sha256_hex("clarity parent $job:grant:$step"), 0, 16), '00';
}

is $ticket->{headers}{traceparent}, trace_of($id, 'ticket'),
    'a job without a traceparent gets one';
is $tell->{headers}{traceparent}, trace_of($id, 'tell'),
    'the same trace for its other calls';

is $job->{reason}, '', 'the job has ended without a reason';
is $job->{webhook}, 'POST /hook', 'it keeps its webhook';
is $job->{trigger}, 'provision_entitlement', 'and its trigger';
ok !exists $job->{context}, 'but not its context';
is $job->{runs}{grant}{state}, 'succeeded', 'the run has succeeded';
is_deeply $job->{runs}{grant}{steps}, [ 'ticket', 'tell' ], 'with its steps';
is $job->{steps}{grant}{ticket}{state}, 'succeeded', 'as each of them has';
is_deeply $job->{steps}{grant}{ticket}{result},
    { status => 201, body => decode_json($answer) }, 'its answer is kept';

is pending($redis), 0, 'the entry is acknowledged';

my $ttl = $redis->command('PTTL', hash_key($id));
ok $ttl > 86_000_000 && $ttl <= 86_400_000, 'the hash stays for a day';

my @events = map { $_->{event} } grep { ($_->{job} // '') eq $id }
    $worker->events;
is_deeply \@events,
    [ qw(job_started step_succeeded step_succeeded job_succeeded) ],
    'a line of the log for each transition';
unlike $worker->log, qr/INC1|4711|INC 7/, 'and no value in any';

# What comes out of the ordinary, but is a job.

$id = add_job($redis, trigger => 'identity_modified', context =>
    '{"identity_id":1,"auto_or_manual":"auto",'
    . '"action_initiating_trigger":"x","internal_or_external":"y"}');
$job = wait_for_job($redis, $id, 'succeeded');
is $job->{reason}, 'no_active_workflow', 'a job without a workflow says so';

my $traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';

$id = add_job($redis, traceparent => $traceparent);
wait_for_job($redis, $id, 'succeeded');
is +($receiver->requests)[2]{headers}{traceparent}, $traceparent,
    'a traceparent is passed on';

my $calls = 4;

for my $bad ("00-x\r\nX-Evil: 1", $traceparent =~ s/^00/ff/r,
    $traceparent =~ s/-0[^-]*-01$/-0000000000000000-01/r, 'a' x 55)
{
    $id = add_job($redis, traceparent => $bad);
    wait_for_job($redis, $id, 'succeeded');

    my $headers = ($receiver->requests)[$calls]{headers};
    ok !exists $headers->{'x-evil'}, 'unless it is none';
    is $headers->{traceparent}, trace_of($id, 'ticket'), 'as if it had none';
    $calls += 2;
}

# What is no job.

my $log = 'a job that cannot be done is logged as failed';

$id = add_entry($redis, anything => 'else');
$job = wait_for_job($redis, $id, 'failed');
like $job->{reason}, qr/no field "trigger"/, 'an entry without a trigger';
ok((grep { $_->{job} eq $id } $worker->events('job_failed')), $log);

for my $context ('{"app_identifier":', '[]', '') {
    $id = add_job($redis, context => $context);
    $job = wait_for_job($redis, $id, 'failed');
    like $job->{reason}, qr/context/, "a job with the context '$context'";
}

is pending($redis), 0, 'none of them stays behind';

$t->done;
