# The calls of http_request: what is retried, what is final, what is refused.

use Clarity::Test;
use Clarity::Jobs;
use IO::Socket::INET;
use Time::HiRes qw(sleep time);

my $t = Clarity::Test->new;
my $redis = $t->redis;
my $receiver = $t->receiver;
my $port = $t->port; # nobody listens there
my $plain = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 1);

$t->word(NOBODY => "http://127.0.0.1:$port");
$t->word(PLAIN => 'http://127.0.0.1:' . $plain->sockport);
$t->word(TLS => 'https://127.0.0.1:' . $plain->sockport);

my @retry = (retry => { attempts => 4, delay => '50ms' });

# Each trigger's job makes one call; which one the grant_type says.

sub workflow {
    my ($name, %action) = @_;

    return ("$name.json" => {
        id => $name,
        trigger => 'provision_entitlement',
        conditions => { parameter => 'grant_type', equals => $name },
        actions => [ { id => 'call', type => 'http_request',
            method => 'POST', url => "%%RECEIVER%%/$name", @retry, %action } ],
    });
}

my $worker = $t->worker(workflows => {
    workflow('busy'),
    workflow('wrong'),
    workflow('ever'),
    workflow('moved'),
    workflow('nobody', url => '%%NOBODY%%/'),
    workflow('slow', timeout => '300ms', retry => { attempts => 2,
        delay => '1ms' }),
    workflow('long'),
    workflow('silent'),
    workflow('short'),
    workflow('text'),
    workflow('binary'),
    workflow('deep'),
    workflow('large'),
    workflow('tls', url => '%%TLS%%/', retry => { attempts => 1 }),
    workflow('kept', url => '%%PLAIN%%/', body => {}),
    workflow('empty', method => 'POST'),
    workflow('get', method => 'GET'),
    workflow('head', method => 'HEAD'),
    workflow('delete', method => 'DELETE'),
});

sub start_job {
    my ($name) = @_;

    return add_job($redis, context => context(grant_type => qq{"$name"}));
}

sub do_job {
    my ($name, $state) = @_;

    my $id = start_job($name);
    my $job = wait_for_job($redis, $id, $state, 10);

    return ($job, $job->{steps}{$name}{call}, $id);
}

sub calls { return $receiver->requests("/$_[0]") }

# Answers that pass.

$receiver->answer('/busy', map { { status => $_ } } 503, 429, 408, 201);
my ($job, $step, $id) = do_job('busy', 'succeeded');
is $step->{attempt}, 4, '503, 429 and 408 are tried again';
is_deeply [ map { $_->{headers}{'idempotency-key'} } calls('busy') ],
    [ ("$id:busy:call") x 4 ], 'always under the same key';
is scalar($worker->events('step_retried')), 3, 'each retry is logged';
is +($worker->events('step_retried'))[0]{reason}, 'answered 503', 'and why';

$receiver->answer('/ever', { status => 500 });
($job, $step) = do_job('ever', 'failed');
is scalar(calls('ever')), 4, 'not for ever: after the last attempt it failed';
is $job->{reason}, 'workflow "ever": step "call": answered 500', 'and says why';
is $step->{result}{status}, 500, 'with the last answer';
my $ttl = $redis->command('PTTL', hash_key('0-' .
    $redis->command('XREVRANGE', stream_key(), '+', '-', 'COUNT', 1)->[0][0]));
cmp_ok $ttl, '>', 13 * 86_400_000, 'a failed job stays for two weeks';

# Answers that are final.

$receiver->answer('/wrong', { status => 422, body => '{"why":"x"}' });
($job, $step) = do_job('wrong', 'failed');
is scalar(calls('wrong')), 1, '422 is final';
is_deeply $step->{result}, { status => 422, body => { why => 'x' } },
    'its body is kept';

$receiver->answer('/moved', { status => 302,
    headers => [ 'Location: ' . $receiver->url . '/elsewhere' ] });
($job, $step) = do_job('moved', 'failed');
like $step->{reason}, qr/^answered 302; redirects are not followed$/,
    'so is a redirect';
is scalar(calls('elsewhere')), 0, 'which is not followed';

# No answer.

($job, $step) = do_job('nobody', 'failed');
is $step->{reason}, "connection refused by 127.0.0.1:$port",
    'nobody listens: tried again, then the reason names the address';
is $step->{attempt}, 4, 'as often as it may be';

$receiver->answer('/slow', { hang => 1 });
my $start = time;
($job, $step) = do_job('slow', 'failed');
is $step->{reason}, 'timed out after 300ms', 'a call has a time-out';
cmp_ok time - $start, '<', limit(2), 'which is kept';

$receiver->answer('/silent', { close => 1 }, { status => 200 });
($job, $step) = do_job('silent', 'succeeded');
is $step->{attempt}, 2, 'a closed connection is tried again';

$receiver->answer('/short',
    { raw => "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc" },
    { raw => "nonsense\r\n\r\n" }, { status => 200 });
($job, $step) = do_job('short', 'succeeded');
is $step->{attempt}, 3, 'so are half an answer, and one that is no HTTP';

$id = start_job('tls');
my $client = $plain->accept;
print $client "HTTP/1.1 400 Bad Request\r\n\r\n";
close $client;
$job = wait_for_job($redis, $id, 'failed');
like $job->{reason}, qr/TLS with 127\.0\.0\.1 failed: /, 'TLS that fails says so';

# A connection that is used again, and brings something else then.

sub serve_kept {
    my ($client, $answer) = @_;

    my $request = '';
    sysread $client, $request, 4096, length $request
        until $request =~ /\r\n\r\n.*\}/s;
    syswrite $client, $answer;
}

my $good = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}";

$id = start_job('kept');
$client = $plain->accept;
serve_kept($client, $good);
wait_for_job($redis, $id, 'succeeded');

$id = start_job('kept');
serve_kept($client, "nonsense\r\n\r\n");
close $client;
$client = $plain->accept;
serve_kept($client, $good);
$job = wait_for_job($redis, $id, 'succeeded');
is $job->{steps}{kept}{call}{attempt}, 2,
    'what is no HTTP on a connection used again is tried again';
is +($worker->events('step_retried'))[-1]{reason},
    'what 127.0.0.1 answers is not HTTP', 'and the reason is true';

# Bodies.

$receiver->answer('/text', { body => "plain \"text\"\n\x01" });
($job, $step) = do_job('text', 'succeeded');
is $step->{result}{body}, "plain \"text\"\n\x01",
    'what is no JSON is kept as a string';

$receiver->answer('/binary', { raw => "HTTP/1.1 200 OK\r\n\r\n\xff\xfe" });
($job, $step) = do_job('binary', 'succeeded');
is_deeply $step->{result}, { status => 200, body => undef, body_dropped => 2 },
    'what is no text is not';

$receiver->answer('/deep', { body => '[' x 127 . ']' x 127 });
($job, $step) = do_job('deep', 'succeeded');
is $step->{result}{body}, '[' x 127 . ']' x 127,
    'JSON that would nest too deep is kept as a string too';

$receiver->answer('/large', { body => '"' . 'x' x 70_000 . '"' });
($job, $step) = do_job('large', 'succeeded');
is_deeply $step->{result},
    { status => 200, body => undef, body_dropped => 70_002 },
    'a body beyond 64 KB is not kept';

$receiver->answer('/long', { body => 'x' x 1_100_000 });
($job, $step) = do_job('long', 'failed');
is $step->{reason}, 'answered with more than the 1048576 bytes that are read',
    'beyond 1 MB it is not even read';
is $step->{attempt}, 1, 'and not asked for again';

# Methods.

do_job($_, 'succeeded') for qw(empty get head delete);
my ($empty, $get, $head, $delete) = map { (calls($_))[0] }
    qw(empty get head delete);

is $empty->{headers}{'content-length'}, 0, 'a POST without a body says so';
ok !exists $empty->{headers}{'content-type'}, 'and claims no type';
is_deeply [ map { $_->{method} } $get, $head, $delete ],
    [qw(GET HEAD DELETE)], 'methods are what they are called';
ok !(grep { exists $_->{headers}{'content-length'} } $get, $delete),
    'a GET and a DELETE have no body';
ok !(grep { exists $_->{headers}{expect} } $receiver->requests),
    'nobody waits for 100 Continue';

# Proxies of the environment would connect in the worker's place.

$worker->stop;
{
    local $ENV{http_proxy} = local $ENV{ALL_PROXY} = "http://127.0.0.1:$port";
    $worker->start;
}
do_job('get', 'succeeded');
pass 'a proxy of the environment is not used';

unlike $worker->log, qr/4711|INC1/, 'no value is in the log';

$t->done;
