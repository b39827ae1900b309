#!/usr/bin/perl

# Over HTTP/2, as curl speaks it: answers come whole, those too that are due
# before the body.

use Clarity::Test;

my $t = Clarity::Test->new;
my $redis = $t->redis;
my $port = $t->port;
$t->word(H2 => $port);

my $nginx = $t->nginx(http => <<'EOF');
    log_format answers '$status $clarity_outcome $sent_http_content_type';

    server {
        listen 127.0.0.1:%%H2%% http2;

        location = /hook {
            clarity_webhook       provision_entitlement;
            clarity_webhook_token secret;
        }

        access_log %%DIR%%/answers.log answers;
        error_page 413 /problem;
        location = /problem { internal; clarity_problem; }
    }
EOF

my $version = `curl --version` // '';

if ($version !~ /HTTP2/) {
    plan skip_all => 'a curl that speaks HTTP/2 is needed';
}

$t->write_file('context', context());
$t->write_file('large', '"' . 'x' x 300_000 . '"');


$t->write_file('too-large', '"' . 'x' x 2_000_000 . '"');


# (status, body), or curl's error in the place of the status.

sub curl {
    my (@arguments) = @_;

    open my $out, '-|', 'curl', '-sS', '--http2-prior-knowledge', '-m', 10,
        '-w', '\n%{http_code}', @arguments, "http://127.0.0.1:$port/hook" or die "curl: $!\n";
    my $said = do { local $/; <$out> };
    close $out;

    return ("curl's error " . ($? >> 8), '') if $?;

    my ($body, $status) = $said =~ /^(.*)\n(\d+)$/s;

    return ($status, $body);
}


my @type = ('-H', 'content-type: application/json');
my @body = (@type, '--data-binary', '@' . $t->dir . '/context');
my @token = ('-H', 'x-clarity-webhook-token: secret');

my ($status, $body) = curl(@body, @token);
is $status, 202, 'a whole context is accepted';
is $redis->command('XLEN', '{clarity:0}:jobs'), 1, 'and is a job';

my %refused = (
    401 => [@body],
    405 => [ @body, @token, '-X', 'PUT' ],
    415 => [ '--data-binary', '@' . $t->dir . '/context', @token ],
    400 => [ @type, '-d', '{', @token ],
    422 => [ @type, '-d', '{}', @token ],
);

for my $code (sort keys %refused) {
    my %seen;

    for (1 .. 10) {
        ($status, $body) = curl(@{ $refused{$code} });
        $seen{$status}++;
    }

    is_deeply \%seen, { $code => 10 }, "$code comes through each time";
    is decode_json($body)->{status}, $code, 'with its problem';
}

# nginx resets the stream after its answer, and curl tells of that alone.
open my $stderr, '>&', \*STDERR or die "stderr: $!";
open STDERR, '>', '/dev/null' or die "stderr: $!";
curl(@type, '--data-binary', '@' . $t->dir . '/too-large', @token);
open STDERR, '>&', $stderr or die "stderr: $!";
wait_until { $t->read_file('answers.log') =~ /^413 /m } 5, 'a 413';
like $t->read_file('answers.log'),
    qr{^413 payload_too_large application/problem\+json$}m,
    'a body that is too large by its Content-Length: ours, not a page';

($status) = curl(@type, '--data-binary', '@' . $t->dir . '/large', @token);
is $status, 422, 'a large body is read';

is $redis->command('XLEN', '{clarity:0}:jobs'), 1, 'no refused one is a job';

$t->done;
