#!/usr/bin/perl

# Bad configuration fails at load: each line says what, where and how to mend
# it, and no secret.

use Clarity::Test;

my $t = Clarity::Test->new;
my $nginx = $t->nginx(start => 0);

my %files = (
    'empty'       => "\n\n",
    'spaced'      => "good\nnot good\n",
    'token'       => "filed\n",
    'key'         => 'k1:' . 'A' x 43 . "=\n",
    'huge'        => "a\n" x (2 * 1024 * 1024) . 'a',
    'many'        => join('', map { "filed-$_\n" } 1 .. 100),
    'no-json'     => "{\n  \"triggers\": [\n",
    'unknown-key' => <<'EOF',
{"triggers": [
  {"name": "one", "context": [
    {"name": "a", "pattern": "x"}]}]}
EOF
    'two-names'   => <<'EOF',
{"triggers": [
  {"name": "one", "context": [{"name": "a"},
                              {"name": "a"}]}]}
EOF
);

for my $name (keys %files) {
    $t->write_file($name, $files{$name});
    chmod 0600, $t->dir . "/$name";
}

$t->write_file('open', "filed\n");
chmod 0644, $t->dir . '/open';

my $hook = 'clarity_webhook provision_entitlement;';
my $token = 'clarity_webhook_token a-secret;';


# [ what, server block, what nginx says, other options ]

my @bad = (
    [ 'two shards', "clarity_redis_shards 2; location /a { $hook $token }",
      qr/invalid number of shards "2"; expected 1: .* in \S+check.conf:\d+/ ],
    [ 'shards twice', 'clarity_redis_shards 1; clarity_redis_shards 1;',
      qr/"clarity_redis_shards" directive is duplicate in \S+check.conf:\d+/ ],
    [ 'no token', "location /a { $hook }",
      qr/webhook "POST \/a" has no token in \S+check.conf:\d+/ ],
    [ 'an empty token', "location /a { $hook clarity_webhook_token ''; }",
      qr/the token is empty; expected 1 to 1024 printable characters of ASCII and no space in \S+check.conf:\d+$/m ],
    [ 'a token with a space',
      "location /a { $hook clarity_webhook_token 'a-secret x'; }",
      qr/the token holds white space; expected 1 to 1024 .* in \S+check.conf:\d+/ ],
    [ 'a token file that is not there',
      "location /a { $hook clarity_webhook_token_file nowhere; }",
      qr/open\(\) "\S+nowhere" failed \(2.*check.conf:\d+/ ],
    [ 'a token file that is a folder',
      "location /a { $hook clarity_webhook_token_file %%DIR%%; }",
      qr/"\S+" is a folder; expected a regular file in \S+check.conf:\d+/ ],
    [ 'a token file that is a device',
      "location /a { $hook clarity_webhook_token_file /dev/null; }",
      qr/"\/dev\/null" is a device or a pipe; expected a regular file in \S+check.conf:\d+/ ],
    [ 'a token file that is huge',
      "location /a { $hook clarity_webhook_token_file %%DIR%%/huge; }",
      qr/"\S+huge" has 4194305 bytes; expected 4194304 at most in \S+:\d+/ ],
    [ 'a token file without a name',
      "location /a { $hook clarity_webhook_token_file ''; }",
      qr/the file's name is empty; expected that of a file in \S+check.conf:\d+/ ],
    [ 'a token file without one',
      "location /a { $hook clarity_webhook_token_file %%DIR%%/empty; }",
      qr/no token in "\S+empty"; expected one a line/ ],
    [ 'a bad token in a file',
      "location /a { $hook clarity_webhook_token_file %%DIR%%/spaced; }",
      qr/the token in \S+spaced:2 holds white space; expected 1 to 1024 .* in \S+check.conf:\d+/ ],
    [ 'an unknown trigger', 'location /a { clarity_webhook no_such; }',
      qr/no trigger "no_such" .*check.conf:\d+/ ],
    [ 'another parameter',
      'location /a { clarity_webhook provision_entitlement title=x; }',
      qr/invalid parameter "title=x"; expected "name=NAME"/ ],
    [ 'an empty name',
      'location /a { clarity_webhook provision_entitlement name=; }',
      qr/invalid parameter "name="/ ],
    [ 'two webhooks in a location', "location /a { $hook $hook $token }",
      qr/"clarity_webhook" directive is duplicate .*check.conf:\d+/ ],
    [ 'two webhooks of one name', "location /a { $token "
      . 'clarity_webhook provision_entitlement name=x; } '
      . 'location /b { clarity_webhook_token other; '
      . 'clarity_webhook provision_entitlement name=x; }',
      qr/two webhooks are named "x", in \S+check.conf:\d+ and in \S+:\d+/ ],
    map({ my ($name, $why) = @$_;
        [ "a name that $why", "location /a { $token "
          . "clarity_webhook provision_entitlement 'name=$name'; }",
          qr/the name ".*" of the webhook in \S+check.conf:\d+ \Q$why\E.*; give it one with "name=NAME": 1 to 255 bytes/ ] }
        [ "caf\xe9", 'is not UTF-8' ], [ "a\xed\xa0\x80", 'is not UTF-8' ],
        [ 'a\nb', 'holds a control character' ],
        [ "a\x7f", 'holds a control character' ],
        [ 'x' x 256, 'is too long' ],
        [ '_none', 'is that of requests without a webhook' ],
        [ '_other', 'is that of all webhooks without a series' ],
        [ 'wh_x', 'begins as the ids of webhooks that are made at run time' ]),
    [ 'a location that cannot be a name', "location /\xe9 { $hook $token }",
      qr/the name "POST \/\\ufffd" of the webhook in \S+check.conf:\d+ is made of its location, and is not UTF-8; give it one with "name=NAME"/ ],
    map({ my ($first, $second) = @$_;
        [ "$first beside $second",
          "location /a/ { $token $first; $second; }",
          qr/"$first" and "$second" cannot stand in one location; give each .* in \S+check.conf:\d+/ ] }
        [ 'clarity_metrics', 'clarity_problem' ],
        [ 'clarity_webhooks', 'clarity_settings_api' ],
        [ 'clarity_jobs', 'clarity_webhooks' ]),
    map({ my $other = $_;
        [ "a webhook before $other", "location /a/ { $token $hook $other; }",
          qr/"clarity_webhook" and "$other" cannot stand in one location; give each .* in \S+check.conf:\d+/ ],
        [ "a webhook after $other", "location /a/ { $token $other; $hook }",
          qr/"$other" and "clarity_webhook" cannot stand in one location; give each .* in \S+check.conf:\d+/ ] }
        qw(clarity_metrics clarity_problem clarity_jobs clarity_webhooks
           clarity_settings_api)),
    map({ my ($ours, $other) = @$_;
        [ "$ours before $other", "location /a/ { $ours; $other; }",
          qr/"\Q@{[ $ours =~ s{ .*}{}r ]}\E" in \S+check.conf:\d+ does not answer its location: a directive after it does/ ],
        [ "$ours after $other", "location /a/ { $other; $ours; }",
          qr/"\Q@{[ $ours =~ s{ .*}{}r ]}\E" directive cannot stand in a location that another directive answers.* in \S+check.conf:\d+/ ] }
        [ 'clarity_webhook provision_entitlement',
            "$token proxy_pass http://127.0.0.1:9" ],
        [ 'clarity_metrics', 'empty_gif' ], [ 'clarity_problem', 'stub_status' ],
        [ 'clarity_jobs', 'fastcgi_pass 127.0.0.1:9' ]),
    [ 'a method that is none',
      "location /a { $hook $token clarity_webhook_method post; }",
      qr/invalid method "post"; expected POST, GET, PUT, PATCH or DELETE/ ],
    [ 'a method without a webhook',
      'location /a { clarity_webhook_method PUT; }',
      qr/"clarity_webhook_method" without "clarity_webhook" .*:\d+/ ],
    [ 'a header that nginx would drop',
      "clarity_webhook_token_header x_token; location /a { $hook $token }",
      qr/invalid header name "x_token"; expected letters, digits/ ],
    map({ [ "the token in $_",
        "clarity_webhook_token_header $_; location /a { $hook $token }",
        qr/the header "\L$_\E" cannot hold a token, as .*; expected one of its own, as "x-clarity-webhook-token" in \S+check.conf:\d+/ ] }
        qw(X-Request-ID Idempotency-Key webhook-id Host Content-Type
           Content-Length Transfer-Encoding Content-Encoding Connection TE
           Expect Cookie traceparent x-clarity-dry-run Referer User-Agent
           X-Forwarded-For)),
    map({ [ "the idempotency key in $_", "clarity_idempotency 1h header=$_;",
        qr/the header "\L$_\E" cannot hold an idempotency key, as .* in \S+check.conf:\d+/ ] }
        qw(Host Content-Length traceparent Authorization x-clarity-dry-run)),
    map({ [ "the token and the key in $_->[0]",
        "$_->[1]; location /a { $hook $token }",
        qr/"clarity_webhook" in \S+check.conf:\d+ has its token and its idempotency key in one header, "$_->[0]"; give/ ] }
        [ 'x-clarity-webhook-token',
          'clarity_idempotency 1h header=X-Clarity-Webhook-Token' ],
        [ 'x-both', 'clarity_webhook_token_header x-both; '
          . 'clarity_idempotency 1h header=x-both' ]),
    [ 'the same for those made at run time', 'clarity_webhook_token_header '
      . 'x-both; location /a/ { clarity_webhooks; '
      . 'clarity_idempotency 1h header=x-both; }',
      qr/"clarity_webhooks" in \S+check.conf:\d+ has its token and its idem/,
      http => 'clarity_token_key_file %%DIR%%/key;' ],
    map({ [ "the token $_", "location ~ /a(.*) { $hook "
        . "clarity_webhook_token '$_'; }",
        qr/the token holds "\$\w+", which is what the caller sends; expected a secret, or a variable .*"map" in \S+check.conf:\d+/ ] }
        '$http_x_clarity_webhook_token', '${HTTP_X_A}', 'a-secret-$arg_x',
        '$cookie_a', '$server_protocol', '$ssl_server_name',
        '$remote_addr', '$args', '$query_string', '$request_uri', '$uri',
        '$request_body', '$host', '$1', '${request_id}$content_type'),
    [ 'no Redis URL', 'clarity_redis localhost:6379;',
      qr/clarity_redis: .*redis:\/\/.* in \S+check.conf:\d+/ ],
    [ 'a Redis URL with a bad port',
      'clarity_redis redis://user:a-secret@localhost:99999;',
      qr/clarity_redis: .*port/ ],
    [ 'a Redis of another topology',
      'clarity_redis redis+sentinel://a,b/master;',
      qr/clarity_redis: .*not supported/ ],
    [ 'a Redis that has no address', 'clarity_redis redis://no.such.host.'
      . "invalid; location /a { $hook $token }",
      qr/host not found in .*"clarity_redis" address "no.such.host.invalid:6379" in \S+check.conf:\d+/ ],
    [ 'a prefix with a brace', 'clarity_redis_prefix "a{b";',
      qr/the prefix "a\{b" / ],
    map({ my ($name, $expected, @values) = @$_;
        map { [ "$name '$_'", "\n$name '$_'; # here\n",
            qr/invalid value "$_" of "$name"; expected $expected in \S+check.conf:%%HERE%%$/m ] }
            @values }
        (map { [ $_, 'a time that is longer than 0, as "1s" or "500ms"',
            'soon', 0, '0s', -1, '' ] }
            qw(clarity_redis_timeout clarity_redis_connect_timeout)),
        [ 'clarity_redis_max_pending', 'a whole number from 1 on',
            0, -1, 'many', '1k', '9' x 20 ],
        [ 'clarity_queue_limit', 'a whole number from 0 on', -1, 'many' ]),
    map({ [ "$_ twice", "$_ 1; $_ 1;",
        qr/"$_" directive is duplicate in \S+check.conf:\d+/ ] }
        qw(clarity_redis_timeout clarity_queue_limit)),
    map({ my ($what, $file, $says) = @$_;
        [ "a password file $what",
          "\nclarity_redis_password_file $file; # here\n\n"
          . "location /a { $hook $token }\n",
          qr/$says in \S+check.conf:%%HERE%%$/m ] }
        [ 'that is empty', '%%DIR%%/empty',
          '"\S+empty" holds no password; expected one line of up to \d+ bytes' ],
        [ 'that is a folder', '%%DIR%%', '"\S+" is a folder; .*' ],
        [ 'that is not there', 'nowhere', 'open\(\) "\S+" failed .*' ]),
    map({ [ "a zone of '$_'", '', qr/invalid size "$_" of "clarity_zone"; expected at least 32768 bytes, as "32m" in \S+check.conf:%%HERE%%$/m,
        http => "\n\nclarity_zone '$_'; # here\n\n" ] }
        '1k', '', 'many'),
    map({ my ($name, @words) = @$_;
        my $last = pop @words;
        my $list = join(', ', map { "\"$_\"" } @words) . " or \"$last\"";
        [ "$name that is none of its words", "$name strict1;",
          qr/invalid value "strict1" of "$name"; expected $list in \S+check.conf:\d+/ ],
        [ "$name twice", "$name $last; $name $last;",
          qr/"$name" directive is duplicate in \S+check.conf:\d+/ ] }
        [ 'clarity_webhook_status', 200, 201, 202 ],
        [ 'clarity_context_order', 'strict', 'any' ],
        [ 'clarity_context_unknown', 'reject', 'drop', 'keep' ]),
    [ 'a token of a variable that nothing sets',
      "location /a {\n$hook\nclarity_webhook_token a-secret\$no_such; # here\n}",
      qr/the token in \S+check.conf:%%HERE%% holds "\$no_such", which nothing sets.*unknown "no_such" variable/s ],
    map({ my $name = $_;
        [ "$name without a key file", "location /a/ {\n$name; # here\n}",
          qr/"$name" in \S+check.conf:%%HERE%% needs "clarity_token_key_file" at http level/ ] }
        qw(clarity_settings_api clarity_webhooks)),
    [ 'two that look at two Redis', 'location /a/ { clarity_webhooks; } '
      . 'location /b/ { clarity_settings_api; clarity_redis_prefix b; }',
      qr/"clarity_webhooks" in \S+check.conf:\d+ and "clarity_settings_api" in \S+check.conf:\d+ look at two Redis; give them/,
      http => 'clarity_token_key_file %%DIR%%/key;' ],
    [ 'metrics twice', 'location /m { clarity_metrics; clarity_metrics; }',
      qr/"clarity_metrics" directive is duplicate in \S+:\d+/ ],
    [ 'jobs in an exact location', 'location = /jobs/ { clarity_jobs; }',
      qr/"clarity_jobs" directive needs a location that is a prefix and ends with "\/" in \S+:\d+/ ],
    [ 'jobs in a location without a slash', 'location /jobs { clarity_jobs; }',
      qr/"clarity_jobs" directive needs a location that is a prefix/ ],
    [ 'jobs in a regex location', 'location ~ /jobs/ { clarity_jobs; }',
      qr/"clarity_jobs" directive needs a location that is a prefix/ ],
    [ 'jobs twice', 'location /jobs/ { clarity_jobs; clarity_jobs; }',
      qr/"clarity_jobs" directive is duplicate in \S+:\d+/ ],
    map({ [ "jobs at '$_'", "clarity_jobs_uri '$_';",
        qr/invalid address "[^\x00-\x1f]*"; expected what stands before a job's id, as "\/jobs\/" .* in \S+:\d+/s ] }
        'jobs/', '', 'ftp://a/', '/jo bs/', "/\xc3\xa9/", "/a\nb/", "/a\rb/"),
    [ 'jobs at two places', 'clarity_jobs_uri /a/; clarity_jobs_uri /b/;',
      qr/"clarity_jobs_uri" directive is duplicate/ ],
    [ 'a webhook without triggers', "location /a { $hook $token }",
      qr/"clarity_webhook" in \S+check.conf:\d+ needs "clarity_triggers" at http level/,
      triggers => undef ],
    [ 'no trigger of a name', "location /a { clarity_webhook ''; $token }",
      qr/no trigger "" in the file of "clarity_triggers" for "clarity_webhook" in \S+check.conf:\d+/ ],
    [ 'triggers that are not there', '', qr/open\(\) "\S+nowhere" failed/,
      triggers => '%%DIR%%/nowhere' ],
    [ 'triggers that are no JSON', '', qr/\S+no-json:3:1: /,
      triggers => '%%DIR%%/no-json' ],
    [ 'triggers with an unknown keyword', '',
      qr/\S+unknown-key:3: .*"pattern"/, triggers => '%%DIR%%/unknown-key' ],
    [ 'a parameter twice', '', qr/\S+two-names:3: .*"a"/,
      triggers => '%%DIR%%/two-names' ],
);

# %%HERE%% is the line that has "# here" in it.

sub at_here {
    my ($says) = @_;

    my @lines = split /\n/, $t->read_file("$nginx->{name}/check.conf");
    my ($here) = grep { $lines[$_ - 1] =~ /# here/ } 1 .. @lines;

    $says =~ s/%%HERE%%/$here/g;
    return qr/$says/;
}


for my $case (@bad) {
    my ($what, $server, $says, %with) = @$case;

    my ($code, $said) = $nginx->check($server, %with);
    $says = at_here($says);

    isnt $code, 0, "$what is refused";
    like $said, qr/\[(?:emerg|warn)\].*$says/s, 'with the reason and the place';
    unlike $said, qr/a-secret|filed/, 'and no secret';
}


my @good = (
    [ 'one token for two webhooks is a warning',
      "location /a { $hook $token } location /b { $hook $token }",
      qr/\[warn\].*one token opens 2 webhooks, "POST \/a" in \S+check.conf:\d+, "POST \/b" in \S+check.conf:\d+; give each a token of its own/ ],
    [ 'one for many is one line', join(' ', map {
        "location /$_ { $hook $token }" } 1 .. 300),
      qr/\A(?!.*opens.*opens).*one token opens 300 webhooks, (?:"POST \/\d+" in \S+:\d+(?:, )?){4} and 296 more; give each/s ],
    [ 'many for two are few', join(' ', map {
        "location /$_ { $hook clarity_webhook_token_file %%DIR%%/many; }" }
        1 .. 2), qr/(?:one token opens 2 .*){16}84 more tokens open more than one webhook each/s ],
    [ 'one twice for one webhook', "location /a { $hook $token $token }",
      qr/^(?!.*warn).*test is successful/s ],
    [ 'a token of no webhook', "location /a {\n\n$token # here\n}",
      qr/\[warn\].*the token in \S+check.conf:%%HERE%% opens no webhook; add "clarity_webhook" to its location, or leave it out/ ],
    [ 'a token of a nested webhook alone',
      "location /a/ { $token location /a/b { $hook } }",
      qr/^(?!.*warn).*test is successful/s ],
    [ 'a token file that all may read is a warning',
      "location /a { $hook clarity_webhook_token_file %%DIR%%/open; }",
      qr/\[warn\].*every user may read the secret file "\S+open"/ ],
    [ 'a token file of our own is fine',
      "location /a { $hook clarity_webhook_token_file %%DIR%%/token; }",
      qr/^(?!.*warn).*test is successful/s ],
    [ 'one shard', "clarity_redis_shards 1; location /a { $hook $token }",
      qr/test is successful/ ],
    [ 'all that is inherited',
      "clarity_redis redis://localhost:1/3; clarity_redis_timeout 5s; "
      . "location /a { $token location /a/b { $hook } }",
      qr/test is successful/ ],
    [ 'a Location that leads nowhere',
      "clarity_jobs_uri /jobs/; location /a { $hook $token }",
      qr/\[warn\].*"clarity_jobs_uri \/jobs\/" in \S+check.conf:\d+ leads to no "clarity_jobs"; add "location \/jobs\/ \{ clarity_jobs; \}"/ ],
    [ 'one that leads to jobs',
      "clarity_jobs_uri /jobs/; location /a { $hook $token } "
      . 'location /jobs/ { clarity_jobs; }',
      qr/^(?!.*warn).*test is successful/s ],
    [ 'one that leads to another server',
      "clarity_jobs_uri https://a/jobs/; location /a { $hook $token }",
      qr/^(?!.*warn).*test is successful/s ],
    [ 'one of nobody', 'clarity_jobs_uri /jobs/;',
      qr/^(?!.*warn).*test is successful/s ],
    [ 'the token in Authorization', "clarity_webhook_token_header "
      . "Authorization; location /a { $hook $token }",
      qr/test is successful/ ],
    [ 'the key in a header of its own, and off where the token is',
      "clarity_idempotency 1h header=X-Github-Delivery; location /a { $hook "
      . "$token } location /b { $hook clarity_webhook_token b; "
      . 'clarity_webhook_token_header X-Github-Delivery; '
      . 'clarity_idempotency off; }', qr/test is successful/ ],
    [ 'tokens with variables that a caller cannot set',
      "set \$good x; location /a { $hook clarity_webhook_token "
      . '"${good}-$request_id-$server_name"; }', qr/test is successful/ ],
    [ 'metrics, and no webhook', 'location /m { clarity_metrics; }',
      qr/test is successful/ ],
    [ 'names that can just be had', "location /a { $token clarity_webhook "
      . "provision_entitlement 'name=" . 'x' x 255 . "'; } location /\xe9 { "
      . "clarity_webhook provision_entitlement 'name=_none \xc3\xa9'; "
      . 'clarity_webhook_token b; }', qr/test is successful/ ],
    [ 'triggers after what needs them', "location /a { $hook $token } } "
      . 'clarity_triggers %%ROOT%%/examples/triggers.json; server {',
      qr/^(?!.*warn).*test is successful/s, triggers => undef ],
    [ 'a webhook in a regex location',
      "location ~ ^/a/\\d+\$ { $hook $token }", qr/test is successful/ ],
);

for my $case (@good) {
    my ($what, $server, $says, %with) = @$case;
    my ($code, $said) = $nginx->check($server, %with);
    $says = at_here($says);

    is $code, 0, $what;
    like $said, $says, 'as it says';
    unlike $said, qr/a-secret|filed/, 'and no secret';
}

$t->done;
