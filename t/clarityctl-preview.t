# clarityctl preview: what a workflow would do, with secrets hidden, and
# nothing done.

use Clarity::Test;
use Clarity::Jobs;

my $t = Clarity::Test->new;
my $redis = $t->redis;
my $receiver = $t->receiver;
my ($out, $err, $status);

sub preview {
    my (@arguments) = @_;

    my ($stdout, $stderr) = map { $t->dir . "/clarityctl.$_" } qw(out err);
    my $pid = fork // die "fork: $!";

    if (!$pid) {
        open STDIN, '<', $t->dir . '/input' if -e $t->dir . '/input';
        open STDOUT, '>', $stdout;
        open STDERR, '>', $stderr;
        exec $t->valgrind($t->dir), $t->build . '/clarityctl', '-c',
            $t->dir . '/worker/worker.json', @arguments
            or POSIX::_exit(127);
    }

    waitpid $pid, 0;
    $status = $? & 127 ? "signal $?" : $? >> 8;
    ($out, $err) = map { $t->read_file("clarityctl.$_") } qw(out err);

    return $status == 0 && grep({ $_ eq '--json' } @arguments)
        ? decode_json($out) : undef;
}

my $hook = $t->write_file('hook', 'hook-31415926');
$ENV{CLARITY_TEST_TOKEN} = 'token-4f1c7b9a';

my $worker = $t->worker(
    conf => { allow_exec => ['/bin/true'], drain => '1s' },
    workflows => { 'grant.json' => {
        id => 'grant',
        trigger => 'provision_entitlement',
        conditions => { parameter => 'grant_type', equals => 'role' },
        start => { delay => '0s' },
        secrets => { hook => { file => $hook } },
        actions => [
            { id => 'ticket', type => 'http_request', method => 'POST',
                url => '%%RECEIVER%%/users/{{identity_id}}?app={{app_identifier}}',
                secret => { env => 'CLARITY_TEST_TOKEN' },
                headers => { 'X-Hook' => '{{secrets.hook}}',
                    'X-Meta' => '{{meta}}' },
                body => { meta => '{{meta}}', text => 'by {{creator_id}}' } },
            { id => 'tell', type => 'http_request', method => 'PUT',
                url => '%%RECEIVER%%/{{secrets.hook}}/{{steps.ticket.body.number}}',
                retry => { delay => '1h', jitter => 'none' },
                auth => { basic => { user => 'clarity',
                    password => { file => $hook } } },
                body => { number => '{{steps.ticket.body.number}}',
                    text => 'is {{steps.ticket.body.number}}' } },
            { id => 'run', type => 'exec', command => '/bin/true',
                args => [ '--', '{{app_identifier}}' ] },
            { id => 'wait', type => 'delay', at => '{{expiration}}' },
            { id => 'news', type => 'publish', channel => 'news',
                message => { id => '{{identity_id}}' } },
        ],
    } });
my $url = $receiver->url;

my $context = context(app_identifier => '"a b\\u001b[31m"',
    expiration => '"2040-01-31T00:00:00Z"');
my $answer = preview('--json', 'preview', 'grant', $context);
is $status, 0, 'a preview' or diag $err;
is $answer->{workflow}, 'grant', 'of the workflow';
is $answer->{conditions}, JSON::PP::true(), 'whose conditions hold';

my ($ticket, $tell, $run, $wait, $news) = @{ $answer->{steps} };
is $ticket->{method}, 'POST', 'the method';
is $ticket->{url}, "$url/users/4711?app=a%20b%1B%5B31m", 'the url';
is_deeply $ticket->{headers}, { 'X-Hook' => '***',
    'X-Meta' => '{"ticket":"INC1"}', 'Content-Type' => 'application/json',
    Authorization => 'Bearer ***',
    'Idempotency-Key' => 'JOB:grant:ticket',
    traceparent => 'TRACEPARENT' }, 'the headers, secrets hidden';
is_deeply $ticket->{body}, { meta => { ticket => 'INC1' }, text => 'by 17' },
    'the body';
is $tell->{url}, "$url/***/{{steps.ticket.body.number}}",
    'what only an answer will tell stays a placeholder';
is $tell->{headers}{Authorization}, 'Basic ***', 'a password is hidden';
is_deeply $tell->{body}, { number => '{{steps.ticket.body.number}}',
    text => 'is {{steps.ticket.body.number}}' }, 'in the body too';
is_deeply $run->{command}, [ '/bin/true', '--', "a b\e[31m" ], 'a program';
is $wait->{until}, '2040-01-31T00:00:00.000Z', 'a time';
is_deeply $news->{command}, [ 'PUBLISH', 'news', '{"id":4711}' ], 'a message';

preview('preview', 'grant', $context);
like $out, qr/^workflow grant\n  conditions  hold\n  start       20\S+Z\n/,
    'the same for people';
like $out, qr/^    POST \Q$url\E\/users\/4711\?app=a%20b%1B%5B31m$/m, 'requests';
unlike $out, qr/\e/, 'nothing that would steer the terminal';
unlike $out, qr/token-4f1c|hook-3141|[A-Za-z0-9+\/]{24}/, 'no secret';

# Contexts from elsewhere, and such as are none.

$t->write_file('input', $context);
preview('preview', 'grant', '-');
is $status, 0, 'a context from standard input';
preview('preview', 'grant', '@' . $t->dir . '/input');
is $status, 0, 'or a file';

$answer = preview('--json', 'preview', 'grant',
    context(grant_type => '"direct"'));
is $answer->{conditions}, JSON::PP::false(), 'conditions that do not hold';

$answer = preview('--json', 'preview', 'grant', context(app_identifier =>
    '"a"', expiration => 'null'));
is $answer->{steps}[3]{until}, 'never', 'a time that is not there';

preview('preview', 'grant', '{"identity_id":1}');
is $status, 1, 'a context that nginx would refuse';
like $err, qr/the context is not one of trigger "provision_entitlement": \d faults?: app_identifier is missing/,
    'is refused, with its faults';
preview('preview', 'grant', '{"identity_id":');
like $err, qr/the context is no JSON object: line 1, column 16/, 'so is no JSON';

# A job: with the answers that it has had.

$receiver->answer('/users/4711?app=github', { body => '{"number":"INC7"}' });
$receiver->answer('/', { status => 503 });
my $id = add_job($redis);
wait_for_job($redis, $id, 'waiting');
my $calls = $receiver->requests;
$answer = preview('--json', 'preview', 'grant', '--job', $id);
is $status, 0, 'of a job that waits' or diag $err;
is $answer->{steps}[0]{headers}{'Idempotency-Key'}, "$id:grant:ticket",
    'with its id';
is $answer->{steps}[0]{headers}{traceparent},
    ($receiver->requests)[0]{headers}{traceparent}, 'the traceparent it has';
is $answer->{steps}[1]{url}, "$url/***/INC7", 'and the answers it has had';
is scalar($receiver->requests), $calls, 'nothing is called';

my $traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';
my $traced = add_job($redis, traceparent => $traceparent);
wait_for_job($redis, $traced, 'waiting');
preview('preview', 'grant', '--job', $traced);
like $out, qr/^    traceparent: $traceparent$/m, 'or came with';

preview('preview', 'grant', '--job', '0-1-0');
is $status, 1, 'no such job';

# A job that came back has another entry in the stream: its context is there.

$receiver->answer('/', { status => 400 });
$id = add_job($redis);
wait_for_job($redis, $id, 'failed');
$receiver->answer('/', { hang => 1 });
preview('retry', $id);
wait_for_job($redis, $id, 'running');
$answer = preview('--json', 'preview', 'grant', '--job', $id);
is $answer->{steps}[1]{url}, "$url/***/INC7", 'of a job that came back';

# One that has ended, and whose context is gone; one of another trigger.

my $skipped = add_job($redis, context => context(grant_type => '"direct"'));
wait_for_job($redis, $skipped, 'succeeded');
$redis->command('XDEL', stream_key(), substr $skipped, 2);
preview('preview', 'grant', '--job', $skipped);
is $status, 1, 'a job whose context is gone';
like $err, qr/the context of that job is not kept any more/, 'says so';

my $other = add_job($redis, trigger => 'identity_modified');
wait_for_job($redis, $other, 'succeeded');
preview('preview', 'grant', '--job', $other);
is $status, 1, 'a job of another trigger';
like $err, qr/job \Q$other\E is of trigger "identity_modified", workflow "grant" is for "provision_entitlement"/,
    'says which';

# What would fail says why, and what a handler would get is shown.

my $types = $t->write_file('types.json', encode_json({
    triggers => $t->root . '/examples/triggers.json', workflows => 'more',
    redis => $redis->url, action_types => ['ticket'],
    allow_exec => ['/bin/true'] }));
my %custom = (id => 'custom', trigger => 'provision_entitlement',
    conditions => { parameter => 'meta.n', greater => 3 },
    start => { at => '{{meta.when}}' },
    actions => [
        { id => 'bare', type => 'ticket' },
        { id => 'filled', type => 'ticket',
            input => { who => '{{identity_id}}', n => '{{meta.n}}' } },
        { id => 'call', type => 'http_request', method => 'GET',
            url => 'https://example.com/{{meta.path}}',
            headers => { 'X-A' => '{{meta.text}}' } },
        { id => 'run', type => 'exec', command => '/bin/true',
            args => ['{{meta.nul}}'] },
        { id => 'pause', type => 'delay', delay => '{{meta.when}}' },
    ]);
$t->write_file('more/custom.json', encode_json(\%custom));

my $values = context(meta => '{"n":4,"when":"soon","path":null,'
    . '"text":"a\\r\\nb","nul":"a\\u0000b"}');
my @more = ('-c', $types, 'preview', 'custom', $values);
$answer = preview('--json', @more);
is $status, 0, 'a preview of what would fail' or diag $err;
is $answer->{conditions}, JSON::PP::true(), 'whose conditions hold';
my ($bare, $filled, $call, $program, $pause) = @{ $answer->{steps} };
is_deeply $bare->{input}, decode_json($values), 'a handler gets the context';
is_deeply $filled->{input}, { who => 4711, n => 4 }, '... or its input';
like $call->{error}, qr/"meta\.path"/, 'a part of a path that is null';
like $program->{error}, qr/argument 1 holds a NUL byte/, 'a NUL in an argument';
like $pause->{error}, qr/"delay".*duration/, 'a time that is none';
unlike $out, qr/a\\r\\nb.*"headers"/, 'and no header with a line end';

preview(@more);
like $out, qr/^  start       unknown\n    it would fail: \S/m,
    'the same for people: the start';
is scalar(() = $out =~ /^    it would fail: /mg), 4, '... and three steps';
like $out, qr/^    \{"who":4711,"n":4\}$|^    \{"n":4,"who":4711\}$/m,
    '... and an input';

# A workflow that is told of failures.

$t->write_file('more/told.json', encode_json({ id => 'told',
    trigger => 'job_failed', active => JSON::PP::false(), actions => [
        { id => 'send', type => 'publish', stream => 's',
            fields => { of => '{{job_id}}', why => '{{reason}}' } } ] }));
$answer = preview('--json', '-c', $types, 'preview', 'told',
    '{"job_id":"0-1-0","trigger":"t","webhook":"w","reason":"r","received_at":'
    . 'null,"failed_at":"2024-11-19T07:06:40.123Z"}');
is_deeply $answer->{steps}[0]{command},
    [ 'XADD', 's', '*', 'of', '0-1-0', 'why', 'r' ], 'of a failed job'
    or diag $err . $out;
is $answer->{active}, JSON::PP::false(), 'that it is not active is told';
preview('-c', $types, 'preview', 'told', '{"job_id":1}');
like $err, qr/the context is not one of trigger "job_failed"/, 'its context';
preview('preview', 'told', '--job', '0-1-0', 'more');
is $status, 2, 'more than is understood';

# Misuse.

preview('preview', 'other', $context);
is $status, 1, 'no such workflow';
like $err, qr/no workflow "other", there are "grant"/, 'says which there are';
preview('preview', 'grant');
is $status, 2, 'no context is misuse';
preview('preview', 'grant', $context, '--job', $id);
is $status, 2, 'so are two';
preview('preview', 'grant', '--job', 'x');
is $status, 2, 'and what is no id';

{
    local $ENV{CLARITY_TEST_TOKEN};
    delete $ENV{CLARITY_TEST_TOKEN};
    unlink $hook;
    preview('preview', 'grant', $context);
    is $status, 0, 'secrets are not even read' or diag $err;
}

$t->done;
