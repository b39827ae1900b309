#!/usr/bin/perl

# docs/http.md says what is answered: every code, with the words that it has,
# and its longer examples as nginx gives them.

use Clarity::Test;

my $t = Clarity::Test->new;
my $redis = $t->redis;
my $nginx = $t->nginx(server => <<'EOF');
        location = /hook {
            clarity_webhook       provision_entitlement;
            clarity_webhook_token secret;
        }
EOF

sub text_of {
    my ($file) = @_;

    open my $fh, '<', $t->root . "/$file" or die "$file: $!\n";
    local $/;

    return scalar <$fh>;
}


# The table of outcomes, and the examples: (status, headers, body) of each.

my %known;
my $table = text_of('webhook/outcome.c');

while ($table =~ /\] = \{\s*"(\w+)",\s*(\d+),\s*"([^"]*)",\s*((?:"(?:[^"\\]|\\.)*"\s*)+),\s*(\w+) \}/g) {
    my ($code, $status, $title, $detail, $retry) = ($1, $2, $3, $4, $5);

    $detail = join '', $detail =~ /"((?:[^"\\]|\\.)*)"/g;
    $known{$code} = { status => $status, title => $title,
        detail => $detail, retry => $retry ne '0' };
}

delete @known{qw(accepted duplicate valid)};
cmp_ok scalar keys %known, '>', 20, 'the outcomes are read';

my %shown;
my $docs = text_of('docs/http.md');

while ($docs =~ m{```http\nHTTP/1\.1 (\d+)[^\n]*\n(.*?)\n\n(.*?)```}gs) {
    my ($status, $headers, $body) = ($1, $2, $3);
    my $problem = decode_json($body);

    $shown{$problem->{code}} = { status => $status, headers => $headers,
        body => $problem } if $problem->{code};
}

for my $code (sort keys %known) {
    my $example = $shown{$code};

    ok $example, "$code has an example" or next;

    my $body = $example->{body};

    is_deeply [ $example->{status}, @$body{qw(status title type)} ],
        [ ($known{$code}{status}) x 2, $known{$code}{title},
            "urn:problem-type:clarity:$code" ], 'with its status and title';
    is $body->{detail}, $known{$code}{detail}, 'and its detail'
        if $code !~ /^(json_invalid|context_invalid)$/;
    is !!($example->{headers} =~ /^Retry-After: /m), !!$known{$code}{retry},
        'and when to come again';
    like $docs, qr/^###? .*`$code`|`$code`/m, 'and words of its own';
}

is_deeply [ grep { !$known{$_} } keys %shown ], [], 'and no other';


# The longer ones, as they come.

sub answer { return $nginx->post('/hook', $_[0], token => 'secret')->json }

is_deeply answer("{\"a\":1\n \"b\":2}"), $shown{json_invalid}{body},
    'json_invalid is as shown';
is_deeply answer(context(app_identifier => '""') =~ s/"meta"/"metadata"/r),
    $shown{context_invalid}{body}, 'context_invalid is as shown';

for my $case ([ 'token_missing' ], [ 'token_invalid', token => 'x' ],
    [ 'media_type_unsupported', token => 'secret', type => 'text/plain' ])
{
    my ($code, @with) = @$case;

    my $answer = $nginx->post('/hook', context(), @with);

    is_deeply $answer->json, $shown{$code}{body}, "$code is as shown";

    for my $line (split /\n/, $shown{$code}{headers}) {
        my ($name, $value) = split /: /, $line, 2;
        is $answer->header($name), $value, "with $name";
    }
}

$t->done;
