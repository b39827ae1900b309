#!/usr/bin/perl

# clarity_webhook_status, clarity_context_order, clarity_context_unknown: what
# they let through, what goes with the job then, and how they are inherited.

use Clarity::Test;

my $t = Clarity::Test->new;
my $redis = $t->redis;
my $nginx = $t->nginx(server => <<'EOF');
        clarity_context_order any;
        client_max_body_size  32m;

        location = /any {
            clarity_webhook       provision_entitlement;
            clarity_webhook_token any;
        }

        location = /strict {
            clarity_context_order strict;
            clarity_webhook       provision_entitlement;
            clarity_webhook_token strict;
        }

        location = /drop {
            clarity_context_unknown drop;
            clarity_webhook         provision_entitlement;
            clarity_webhook_token   drop;
        }

        location = /keep {
            clarity_context_unknown keep;
            clarity_webhook         provision_entitlement;
            clarity_webhook_token   keep;
        }

        location = /200 {
            clarity_webhook_status 200;
            clarity_webhook        provision_entitlement;
            clarity_webhook_token  200;
        }

        location = /201 {
            clarity_webhook_status 201;
            clarity_webhook        provision_entitlement;
            clarity_webhook_token  201;
        }
EOF

my @members = context() =~ /("\w+":(?:\{[^}]*\}|[^,}]+))/g;


sub object { return '{' . join(', ', @_) . '}' }

sub newest_context {
    my $entry = $redis->command('XREVRANGE', '{clarity:0}:jobs', '+', '-',
        'COUNT', 1)->[0];
    my %job = @{ $entry->[1] };

    return $job{context};
}


sub codes {
    my ($answer) = @_;

    return map { $_->{code} } @{ decode_json($answer->body)->{errors} };
}


is scalar @members, 7, 'seven members';

my $reversed = object(reverse @members);
is $nginx->post('/any', $reversed, token => 'any')->status, 202,
    'any order is accepted where it is said';
is newest_context(), $reversed, 'and goes with the job as it came';

my $answer = $nginx->post('/strict', $reversed, token => 'strict');
is $answer->status, 422, 'strict holds where it is said again';

$answer = $nginx->post('/any', object(@members[ 1 .. 6 ]), token => 'any');
is_deeply [ codes($answer) ], ['missing'],
    'in any order every parameter is still required';
$answer = $nginx->post('/any', object(@members, $members[0]),
    token => 'any');
is_deeply [ codes($answer) ], ['duplicate'], 'and once';
$answer = $nginx->post('/any', object(@members, '"x":1'), token => 'any');
is_deeply [ codes($answer) ], ['unknown'], 'and no other';

my $more = object('"first" : {"a":[1,2]}', @members[ 0 .. 3 ],
    '"\u0062e\"tween":"x,y"', @members[ 4 .. 6 ], '"last":null');

is $nginx->post('/keep', $more, token => 'keep')->status, 202,
    'unknown parameters are accepted where they are kept';
is newest_context(), $more, 'and go with the job';

is $nginx->post('/drop', $more, token => 'drop')->status, 202,
    'and where they are dropped';
is newest_context(), '{' . join(',', @members) . '}',
    'the job has the others, their values untouched';
is $nginx->post('/drop', context(), token => 'drop')->status, 202,
    'nothing to drop';
is newest_context(), context(), 'leaves the body as it came';

SKIP: {
    skip 'memory is not given back here', 3
        if Clarity::Nginx::keeps_memory($t);

    my $size = 16_000_000;

    is $nginx->post('/drop', object(@members[ 0 .. 4 ],
        '"meta":"' . 'x' x $size . '"', $members[6], '"more":1'),
        token => 'drop')->status, 202, 'one is dropped from a large context';

    # The body goes with the request, after its answer.
    for my $pid ($nginx->workers) {
        wait_until { $nginx->memory($pid) < $size / 2048 } 5;
        my $kb = $nginx->memory($pid);
        cmp_ok $kb, '<', $size / 2048, "which is not kept ($kb KB)";
    }
}

for my $status (200, 201) {
    $answer = $nginx->post("/$status", context(), token => $status);
    is $answer->status, $status, "accepted with $status";
    is decode_json($answer->body)->{status}, 'accepted', 'as any other';
}

for my $header ('If-Match: "x"', 'If-None-Match: *',
    'If-Unmodified-Since: Thu, 01 Jan 1970 00:00:00 GMT')
{
    $answer = $nginx->post('/200', context(), token => '200',
        headers => [$header]);
    is $answer->status, 200, "$header changes nothing";
    is decode_json($answer->body)->{status}, 'accepted', 'of what is told';
}

my ($code, $said) = $nginx->check('clarity_webhook_status 204;');
isnt $code, 0, 'another status is refused at load';
like $said, qr/invalid value "204" of .*; expected "200", "201" or "202" in \S+:\d+/,
    'with its place and what can be there';

$t->done;
