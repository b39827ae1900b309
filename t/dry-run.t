#!/usr/bin/perl

# x-clarity-dry-run: every check of a request is made, and no job.

use Clarity::Test;

my $t = Clarity::Test->new;
my $redis = $t->redis;
my $nginx = $t->nginx(http => <<'EOF', server => <<'EOF2');
    log_format outcome '$status $clarity_outcome $clarity_job_id|';
    access_log %%DIR%%/outcome.log outcome;
EOF
        location = /hook {
            clarity_webhook       provision_entitlement;
            clarity_webhook_token secret;
        }

        location = /two-hundred-and-one {
            clarity_webhook        provision_entitlement;
            clarity_webhook_token  other;
            clarity_webhook_status 201;
        }
EOF2

my @dry = (headers => ['X-Clarity-Dry-Run: 1']);


sub jobs { return $redis->command('XLEN', '{clarity:0}:jobs') }


my $answer = $nginx->post('/hook', context(), token => 'secret', @dry);

is $answer->status, 200, 'a request that would be accepted';
is $answer->header('content-type'), 'application/json', 'gets JSON';
is_deeply $answer->json,
    { status => 'valid', trigger => 'provision_entitlement' },
    'that says so';
is $nginx->post('/two-hundred-and-one', context(), token => 'other', @dry)
    ->status, 200, 'it is 200 whatever an accepted one is answered with';
is jobs(), 0, 'and makes no job';


# Each check, by what it refuses.

for my $case (
    ['the token', 401, 'token_invalid', token => 'wrong'],
    ['the method', 405, 'method_not_allowed', method => 'PUT'],
    ['the media type', 415, 'media_type_unsupported', type => 'text/plain'],
    ['JSON', 400, 'json_invalid', body => '{'],
    ['the context', 422, 'context_invalid', body => '{}'],
) {
    my ($what, $status, $code, %request) = @$case;

    $answer = $nginx->request($request{method} // 'POST', '/hook',
        body => context(), token => 'secret', @dry, %request);

    is $answer->status, $status, "$what is checked";
    is $answer->json->{code}, $code, "with $code";
}


# What it is not.

my @unclear = ('2', '', 'true', 'yes', '1, 1', "1\r\nX-Clarity-Dry-Run: 1",
    "0\r\nX-Clarity-Dry-Run: 1", '1' x 4000);

for my $value (@unclear) {
    $answer = $nginx->post('/hook', context(), token => 'secret',
        headers => ["X-Clarity-Dry-Run: $value"]);

    my $shown = substr $value =~ s/\r\n/ and /r, 0, 40;

    is $answer->status, 400, "\"$shown\" is not guessed at";
    is $answer->json->{code}, 'bad_request', 'but refused';
    like $answer->json->{detail}, qr/x-clarity-dry-run/, 'by name';
}

is jobs(), 0, 'none of them made a job';

$answer = $nginx->post('/hook', context(), token => 'secret',
    headers => ['X-Clarity-Dry-Run: 0']);
is $answer->status, 202, '"0" is a request for real';
is jobs(), 1, 'and makes its job';

$redis->stop;
is $nginx->post('/hook', context(), token => 'secret', @dry)->status, 200,
    'Redis is not asked';

my $lines = wait_until {
    my @lines = split /\|\n/, $t->read_file('outcome.log');
    @lines == 2 + 5 + @unclear + 2 && \@lines;
} 5, 'the access log';

is $lines->[0], '200 valid -', 'the log calls it valid, and names no job';

$t->done;
