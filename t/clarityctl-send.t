# clarityctl send: a request to a webhook.

use Clarity::Test;
use Clarity::Jobs;

my $t = Clarity::Test->new;
my $redis = $t->redis;
my $token = 'a-token-of-the-webhook-0123456789';
my $nginx = $t->nginx(server => <<"EOS");
        location = /hook {
            clarity_webhook        provision_entitlement;
            clarity_webhook_token  $token;
        }
        location = /put {
            clarity_webhook         provision_entitlement;
            clarity_webhook_method  PUT;
            clarity_webhook_token   $token;
        }
        location = /get {
            clarity_webhook         provision_entitlement;
            clarity_webhook_method  GET;
            clarity_webhook_token   $token;
        }
EOS
my $url = 'http://127.0.0.1:' . $nginx->port;
my $file = $t->write_file('token', "$token\n");
my ($out, $err, $status);

sub ctl {
    my (@arguments) = @_;

    my ($stdout, $stderr) = map { $t->dir . "/clarityctl.$_" } qw(out err);
    my $pid = fork // die "fork: $!";

    if (!$pid) {
        open STDOUT, '>', $stdout;
        open STDERR, '>', $stderr;
        exec $t->valgrind($t->dir), $t->build . '/clarityctl', @arguments
            or POSIX::_exit(127);
    }

    waitpid $pid, 0;
    $status = $? >> 8;
    ($out, $err) = map { $t->read_file("clarityctl.$_") } qw(out err);
}

sub newest_context {
    my $entry = $redis->command('XREVRANGE', stream_key(), '+', '-',
        'COUNT', 1)->[0];

    return { @{ $entry->[1] } }->{context};
}

ctl('send', "$url/hook", context(), '--token-file', $file);
is $status, 0, 'accepted' or diag $err;
like $out, qr/^202\n\{"job_id":"0-\d+-0",.*\}\n\z/, 'the answer is shown';
is $redis->command('XLEN', stream_key()), 1, 'and there is a job';

{
    local $ENV{CLARITY_WEBHOOK_TOKEN} = $token;
    ctl('--json', 'send', "$url/put", context(), '--method', 'PUT');
    is $status, 0, 'with the token of the environment, and another method';
    my $answer = decode_json($out);
    is $answer->{status}, 202, 'as JSON';
    is $answer->{body}{status}, 'accepted', 'with the body';

    ctl('send', "$url/hook", context(), '--dry-run');
    is $status, 0, 'a dry run';
    like $out, qr/^200\n.*"valid"/, 'is valid';
    is $redis->command('XLEN', stream_key()), 2, 'and makes no job';

    ctl('send', "$url/hook", '{"identity_id":1}');
    is $status, 1, 'a refusal is a no';
    like $out, qr/^422\n.*context_invalid/, 'with its problem';
    like $err, qr/the webhook answered 422/, 'and the status';

    # A GET: the context is the query, in its order.

    my %sent = (app_identifier => '"a b&c=d/\\u00e9+%?#\\"~"',
        expiration => 'null', meta => '{"ticket": ["INC1", null, 1.50]}');
    ctl('send', "$url/get#top", context(%sent), '--method', 'GET');
    is $status, 0, 'a GET' or diag "$out$err";
    is newest_context(), context(%sent, app_identifier =>
        qq{"a b&c=d/\xc3\xa9+%?#\\"~"}, creator_id => '"17"', meta =>
        '"{\\"ticket\\": [\\"INC1\\", null, 1.50]}"')
        =~ s/4711/"4711"/r, 'strings are sent as they are, all else as JSON';
    ctl('--json', 'send', "$url/get?x=1", context(), '--method', 'GET');
    my $problem = decode_json($out)->{body};
    is_deeply $problem->{received}, [ 'x', @{ $problem->{expected} } ],
        'a query that the URL has stays before it';
    ctl('send', "$url/get", '[1]', '--method', 'GET');
    is $status, 1, 'what is no object is no query';
    like $err, qr/the context is no JSON object/, 'as is told';
    ctl('send', "$url/get", '{"a":', '--method', 'GET');
    is $status, 1, 'nor is what is no JSON';
    like $err, qr/^clarityctl: context:1/, 'as is told too';

    ctl('send', 'http://127.0.0.1:' . $t->port . '/hook', context());
    is $status, 1, 'nobody there';
    like $err, qr{no answer of http://127\.0\.0\.1:\d+/hook: .*onnect}, 'says so';

    $ENV{CLARITY_WEBHOOK_TOKEN} = "x\r\nX-Evil: 1";
    ctl('send', "$url/hook", context());
    is $status, 1, 'a token with a line end is not sent';
    unlike $err, qr/Evil/, 'nor shown';
}

$t->write_file('wrong', 'wrong-token-0123456789');
ctl('send', "$url/hook", context(), '--token-file', $t->dir . '/wrong');
is $status, 1, 'a wrong token';
like $out, qr/^401\n/, 'is refused';
unlike "$out$err", qr/wrong-token/, 'and not shown';

ctl('send', "$url/hook", context());
is $status, 1, 'no token';
like $err, qr/no token, expected one in CLARITY_WEBHOOK_TOKEN or by/, 'says so';

ctl('send', "$url/hook");
is $status, 2, 'no context is misuse';
ctl('send', 'hook', context());
is $status, 2, 'so is what is no URL';
ctl('send', "$url/hook", context(), '--method', 'HEAD');
is $status, 2, 'and another method';
ctl('stats', '--dry-run');
is $status, 2, 'and an option of another command';

$t->done;
