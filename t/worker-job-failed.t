# The trigger job_failed: workflows that are told when a job has failed, in the
# call that ends it; and no loop where such a workflow fails itself.

use Clarity::Test;
use Clarity::Jobs qw(:DEFAULT call_action workflow);

my $t = Clarity::Test->new;
my $redis = $t->redis;
my $receiver = $t->receiver;

my %told = ('told.json' => { id => 'told', trigger => 'job_failed',
    conditions => { parameter => 'trigger', equals => 'provision_entitlement' },
    actions => [ call_action('tell', 'told',
        body => { of => '{{job_id}}', reason => '{{reason}}',
            webhook => '{{webhook}}', at => '{{failed_at}}',
            received => '{{received_at}}', trigger => '{{trigger}}' }) ] });
my %failing = workflow('failing', call_action('one', 'fails'));
my %good = workflow('good', call_action('one', 'works'));

$receiver->answer('/fails', { status => 400 });

my $worker = $t->worker(workflows => { %told, %failing, %good });


sub start_job {
    my ($name, %more) = @_;

    return add_job($redis, context => context(grant_type => qq{"$name"},
        meta => '"private"'), %more);
}

# [ id, field => value … ] of the entries that the worker put into the stream.

sub own {
    return grep { my (undef, %f) = @$_; $f{trigger} eq 'job_failed' }
        stream_entries($redis);
}

sub all_done {
    wait_until { pending($redis) == 0 && !left() } 10, 'the end of all jobs';
}

sub left {
    my ($group) = @{ $redis->command('XINFO', 'GROUPS', stream_key()) };
    my %group = @$group;

    return $group{lag} // 1;
}


# A job fails, and one is told of it.

my $trace = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';
my $id = start_job('failing', traceparent => $trace, received => 1732000000123);
my $job = wait_for_job($redis, $id, 'failed');
$receiver->wait_for(1, 5, '/told');

my ($call) = $receiver->requests('/told');
my $body = decode_json($call->{body});
is $body->{of}, $id, 'it is told which one';
is $body->{reason}, $job->{reason}, 'why it has failed';
like $body->{reason}, qr/^workflow "failing": step "one": /, '... in words';
is $body->{webhook}, 'POST /hook', 'whose it was';
is $body->{trigger}, 'provision_entitlement', 'of what trigger';
is $body->{received}, '2024-11-19T07:06:40.123Z', 'since when';
like $body->{at}, qr/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z\z/, 'and when';
like $call->{headers}{traceparent}, qr/^00-4bf92f3577b34da6a3ce929d0e0e4736-/,
    'in the same trace';

my ($entry) = own();
my ($entry_id, %fields) = @$entry;
is $fields{request}, '8f4bd55a4a8f4c2a9a5d7d3c5b1c2e0f',
    'with the same request';
unlike $fields{context}, qr/private/, "without that job's context";
my $of_it = wait_for_job($redis, "0-$entry_id", 'succeeded');
is $call->{headers}{'idempotency-key'}, "0-$entry_id:told:tell",
    'it is a job as any other';

# None comes of one that succeeds.

wait_for_job($redis, start_job('good'), 'succeeded');
all_done();
is scalar(own()), 1, 'none of one that succeeds';

# Nor of one that was told, and failed itself: else there were no end.

$receiver->answer('/told', { status => 500 });
$id = start_job('failing');
wait_for_job($redis, $id, 'failed');
wait_until { own() == 2 } 5, 'a second one';
($entry_id) = @{ (own())[-1] };
wait_for_job($redis, "0-$entry_id", 'failed');
wait_for_job($redis, start_job('good'), 'succeeded');
all_done();
is scalar(own()), 2, 'none of one that tells of another, and fails';
is scalar(grep { $_->{trigger} eq 'job_failed' }
    $worker->events('job_failed')), 1, '... which is in the log';

# A retry by hand that fails is told again; and the one that tells can be
# retried too.

sub ctl {
    my $said = $t->build . '/clarityctl';

    local $ENV{CLARITY_REDIS_URL} = $redis->url;
    my $out = qx($said @_ 2>&1);
    is $?, 0, "clarityctl @_" or diag $out;
}

$receiver->answer('/told', {});
ctl('retry', "0-$entry_id");
wait_for_job($redis, "0-$entry_id", 'succeeded');
ctl('retry', $id);
my (undef, @again) = $receiver->wait_for(4, 5, '/told');
is_deeply [ map { decode_json($_->{body})->{of} } @again ], [ $id, $id, $id ],
    'a job that was retried, and failed again, is told of again';
my @keys = map { $_->{headers}{'idempotency-key'} } @again;
is $keys[0], $keys[1], '... the one that was retried under its key';
isnt $keys[1], $keys[2], '... the second one by a job of its own';

sub reload {
    my $reloads = $worker->events('reloaded');

    $worker->write_workflow('told.json', $told{'told.json'});
    $worker->signal('HUP');
    wait_until { $worker->events('reloaded') > $reloads } 5, 'a reload';
}

# A workflow that is not active is not told, and costs no job; a reload that
# brings one back is heard.

all_done();
my $before = own();
$told{'told.json'}{active} = JSON::PP::false;
reload();
wait_for_job($redis, start_job('failing'), 'failed');
all_done();
is scalar(own()), $before, 'nobody wants to know: there is no job of it';

$told{'told.json'}{active} = JSON::PP::true;
reload();
wait_for_job($redis, start_job('failing'), 'failed');
wait_until { own() > $before } 5, 'one that is told again';
pass 'after a reload it is told again';

# No webhook and no triggers.json has that trigger.

my $file = $t->write_file('triggers.json', <<'EOT');
{"triggers": [
    {"name": "job_failed", "context": []}]}
EOT
my $conf = $t->write_file('own.json', encode_json({ triggers => $file,
    workflows => $worker->{dir} . '/workflows', redis => $redis->url }));
like qx(${\$t->build}/clarity-worker -t -c $conf 2>&1),
    qr/\Q$file\E:2: trigger "job_failed": this name is that of a trigger of Clarity's own/,
    'its name is taken';

$t->done;
