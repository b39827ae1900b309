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
        exec $t->build . '/clarityctl', @arguments or POSIX::_exit(127);
    }

    waitpid $pid, 0;
    $status = $? >> 8;
    ($out, $err) = map { $t->read_file("clarityctl.$_") } qw(out err);
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
ctl('send', "$url/hook", context(), '--method', 'GET');
is $status, 2, 'and another method';
ctl('stats', '--dry-run');
is $status, 2, 'and an option of another command';

$t->done;
