# clarityctl check: every fault of triggers, workflows and Redis, with its
# file and line, and what was expected.

use Clarity::Test;
use Clarity::Jobs;

my $t = Clarity::Test->new;
my $dir = $t->dir;
my $redis = $t->redis(aof => 1);
my ($out, $status);

sub check {
    my (@options) = @_;

    open my $said, '-|', 'sh', '-c', 'exec "$@" 2>/dev/null', 'sh',
        $t->valgrind($t->dir), $t->build . '/clarityctl', @options, 'check'
        or die "clarityctl: $!";
    local $/;
    $out = <$said>;
    close $said;
    $status = $? >> 8;

    return grep({ $_ eq '--json' } @options) ? decode_json($out) : undef;
}

$ENV{CLARITY_TEST_TOKEN} = 'secret-4f1c7b9a';
$t->write_file('flows/secret', "secret-77aa01cd\n");

sub write_conf {
    my (%more) = @_;

    return $t->write_file('worker.json', encode_json({
        redis => $redis->url, workflows => 'flows',
        triggers => $t->root . '/examples/triggers.json',
        allow_exec => ['/bin/true'], %more }));
}

my $conf = write_conf();

# One workflow with everything in it. Each fault below is a change of it.

my $good = <<'EOW';
{
  "id": "w",
  "name": "W",
  "trigger": "provision_entitlement",
  "active": true,
  "conditions": {"all": [
    {"parameter": "grant_type", "in": ["role"]},
    {"parameter": "meta.ticket", "matches": "^INC"},
    {"time": {"days": ["mon"], "from": "08:00", "to": "18:00",
              "zone": "Europe/Berlin"}}
  ]},
  "start": {"at": "{{expiration}}"},
  "secrets": {"hook": {"file": "secret"}},
  "actions": [
    {"id": "a",
     "type": "http_request",
     "method": "POST",
     "url": "https://example.com/{{identity_id}}",
     "secret": {"env": "CLARITY_TEST_TOKEN"},
     "headers": {"X-A": "{{meta}}"},
     "body": {"x": "{{creator_id}}"},
     "timeout": "10s",
     "retry": {"attempts": 8, "delay": "5s",
               "max_delay": "1h"}
    },
    {"id": "b", "type": "exec",
     "command": "/bin/true",
     "args": ["{{steps.a.body.id}}"]
    },
    {"id": "c", "type": "publish",
     "stream": "s",
     "fields": {"f": "{{job.id}}"}
    },
    {"id": "d", "type": "delay", "delay": "1h"}
  ]
}
EOW

$t->write_file('flows/good.json', $good);
check('-c', $conf);
is $status, 0, 'a good configuration is good' or diag $out;
like $out, qr/^\Q$conf\E is good: \d+ triggers, 1 workflow\nRedis 7\.\S+ at \S+ is good\n\z/,
    'and says so';

# [what is changed, what it becomes, the line, the fault]

my @faults = (
    [ '"id": "w",', '"id": "a b",', 2, '"id" is "a b", expected 1 to 64 of' ],
    [ '"id": "w",', '', 1, '"id" is missing in a workflow, expected a string' ],
    [ '"id": "w",', '"id": "w", "nmae": 1,', 2, 'unknown key "nmae" in a workflow, expected one of' ],
    [ '"name": "W"', '"name": ""', 3, '"name" is empty, long or has a control byte, expected' ],
    [ '"provision_entitlement"', '"provision"', 4, 'unknown trigger "provision", triggers are' ],
    [ '"active": true', '"active": "yes"', 5, '"active" is a string, expected' ],
    [ '"all": [', '"every": [', 6, 'unknown key "every" in a condition, expected "parameter" with an operator' ],
    [ '"in": ["role"]', '"in": "role"', 7, '"in" is a string, expected a list of values' ],
    [ '"in": ["role"]', '"is": "role"', 7, 'unknown key "is" in a condition, expected' ],
    [ '"in": ["role"]', '"in": ["role"], "equals": 1', 7, '"in" and "equals" in one condition, expected one operator' ],
    [ '"grant_type", "in"', '"grant", "in"', 7, 'unknown parameter "grant", trigger "provision_entitlement" has' ],
    [ '"^INC"', '"^INC("', 8, '"matches" has bad regular expression: missing closing parenthesis at offset 5' ],
    [ '"mon"', '"monday"', 9, 'an unknown day in "days", expected "mon"' ],
    [ '"08:00"', '"8:00"', 9, '"from" is no time of day, expected one such as "08:00"' ],
    [ ', "to": "18:00"', '', 9, '"from" without "to", expected both' ],
    [ 'Europe/Berlin', 'Europe/Berln', 10, 'the time zone "Europe/Berln": \S+ cannot be opened: No such file or directory, expected a zone' ],
    [ 'Europe/Berlin', '+25:00', 10, '"zone" is "\+25:00", expected "UTC", an offset' ],
    [ '"{{expiration}}"', '"tomorrow"', 12, '"at" is "tomorrow", expected a date or date-time' ],
    [ '{"file": "secret"}', '{"file": "nowhere"}', 13, 'the secret "hook": \S+/nowhere: cannot be opened: No such file' ],
    [ '{"file": "secret"}', '{"value": "x"}', 13, 'unknown key "value" in "hook", expected one of "env", "file"' ],
    [ '"id": "a",', '"id": "a", "on_error": 1,', 15, 'unknown key "on_error" in an action, expected one of' ],
    [ '"http_request"', '"http"', 16, 'unknown action type "http", expected one of "http_request", "exec"' ],
    [ '"POST"', '"post"', 17, 'unknown method "post", expected GET, HEAD, POST' ],
    [ 'https://example.com/{{identity_id}}', 'example.com', 18, '"url": expected a url that starts with http:// or https://' ],
    [ '{{identity_id}}', '{{identity}}', 18, '"url": placeholder "identity": unknown parameter "identity", trigger' ],
    [ '{{identity_id}}', '{{steps.b.body}}', 18, '"url": placeholder "steps\.b\.body": no step "b" before this one, which is the first' ],
    [ 'example.com/', '{{meta}}/', 18, '"url": placeholder "meta" would choose the host' ],
    [ 'example.com/', 'example.com:0/', 18, '"url": port "0" in the url, expected a number from 1 to 65535' ],
    [ 'CLARITY_TEST_TOKEN', 'CLARITY_TEST_NONE', 19, 'the environment variable CLARITY_TEST_NONE is not set, expected the secret' ],
    [ '"secret": {"env"', '"secret": {"var"', 19, 'unknown key "var" in "secret", expected one of "env", "file"' ],
    [ '"X-A"', '"X A"', 20, '"X A" is no header\'s name, expected letters' ],
    [ '"X-A"', '"Idempotency-Key"', 20, 'header "Idempotency-Key" is not for a workflow to set' ],
    [ '"X-A"', '"Authorization"', 19, 'header "Authorization" is in "headers" and carries the credential' ],
    [ '"{{creator_id}}"', '"{{secrets.hook}}"', 21, 'placeholder "secrets\.hook": .* in "url" and "headers" only' ],
    [ '"{{creator_id}}"', '"{{creator_id"', 21, '"\{\{" without a "\}\}" after it' ],
    [ '"10s"', '"10"', 22, '"timeout" is "10", expected a duration such as' ],
    [ '"attempts": 8', '"attempts": 0', 23, '"attempts" is out of range, expected a whole number from 1 to 100' ],
    [ '"max_delay": "1h"', '"max_delay": "1s"', 24, '"max_delay" is below "delay", expected at least that' ],
    [ '"/bin/true"', '"true"', 27, '"command" is "true", expected the absolute path of a program' ],
    [ '"/bin/true"', '"/bin/false"', 27, '"command" is "/bin/false", expected one that "allow_exec" of \S+ has' ],
    [ 'steps.a.body', 'steps.a.text', 28, '"args": placeholder "steps\.a\.text\.id": a step has no "text\.id", expected "body" or "status"' ],
    [ '"stream": "s"', '"channel": "s"', 30, 'a "publish" expects "channel" and "message", or "stream" and "fields"' ],
    [ '"stream": "s"', '"stream": "{clarity:0}:jobs"', 31, '"stream" begins with "\{", as the keys of Clarity itself do' ],
    [ '"id": "d"', '"id": "c"', 34, 'the second action with id "c", expected an id of its own' ],
    [ '"delay": "1h"', '"for": "1h"', 34, 'unknown key "for" in a "delay", expected one of' ],
    [ '"delay": "1h"}', '"delay": "1h"},', 35, "expected a value after ','|expected " ],
    [ "]\n}", ']', 36, 'expected ' ],

    # what a file is, and what JSON is not
    [ $good, '', 1, 'expected a JSON value' ],
    [ $good, '[]', 1, 'a workflow is an array, expected an object' ],
    [ $good, "\xef\xbb\xbf$good", 1, 'a byte order mark; JSON starts without' ],
    [ $good, "$good$good", 37, 'expected the end of the text after the JSON' ],
    [ $good, ' ' x 1048577, 0, 'is longer than the 1048576 bytes it may have' ],
    [ '"name": "W"', "\"name\": \"W\xff\"", 3, 'byte 3 of the string: not UTF-8' ],
    [ '"name": "W"', "\"name\": \"W\x01\"", 3, 'byte 3 of the string: a control byte; in a string it is written' ],
    [ '"name": "W"', '"name": "\ud83d"', 3, 'byte 2 of the string: a lone surrogate' ],
    [ '"name": "W"', '"name": "W', 3, 'byte 4 of the string: a control byte in a string' ],
    [ '"name": "W"', '"name": "W", "name": "V"', 3, 'the name "name" stands twice in one object, first in line 3' ],
    [ '"name": "W",', '"name": "W"', 4, "expected ',' or '}'" ],
    [ '"name"', '// a note', 3, 'a comment; JSON has none' ],
    [ '"name"', "'name'", 3, 'a single quote; JSON strings stand in double quotes' ],
    [ 'true', 'True', 5, 'not a JSON literal; expected true, false, null' ],
    [ '"attempts": 8', '"attempts": 08', 23, 'a leading zero; a number has none' ],
    [ '{"x": "{{creator_id}}"}', '[' x 200 . ']' x 200, 21, 'nested deeper than 128 objects and arrays' ],

    # the workflow
    [ '"id": "w",', '"id": 7,', 2, '"id" is a number, expected a string' ],
    [ '"trigger": "provision_entitlement",', '', 1, '"trigger" is missing in a workflow, expected a string' ],
    [ '"actions": [', '"actions": [' . join(',', map { qq[{"id": "x$_", "type": "delay", "delay": "1h"}] } 1 .. 61) . ',', 14, '"actions" has 65, expected 1 to 64' ],

    # conditions
    [ '"meta.ticket"', '"meta..ticket"', 8, 'nothing before a dot in "meta..ticket", expected a name' ],
    [ '"grant_type", "in": ["role"]', '"grant_type"', 7, 'a condition without an operator, expected one of' ],
    [ '"parameter": "grant_type", ', '', 7, '"parameter" is missing in a condition, expected a string' ],
    [ '"in": ["role"]', '"in": []', 7, '"in" is empty, expected a list of values' ],
    [ '"in": ["role"]', '"greater": "7"', 7, '"greater" is a string, expected a number' ],
    [ '"in": ["role"]', '"before": "soon"', 7, '"before" has no RFC 3339 date, expected one such as' ],
    [ '"in": ["role"]', '"exists": "yes"', 7, '"exists" is a string, expected true or false' ],
    [ '"conditions": {', '"conditions": {"any": [], ', 6, '"any" and another key in one condition, expected "any" alone' ],
    [ '{"parameter": "grant_type", "in": ["role"]}', '{"not": ' x 17 . '{}' . '}' x 17, 7, 'conditions nested deeper than 16 groups, expected that at most' ],
    [ '"08:00"', '"18:00"', 9, '"from" and "to" are the same, expected two' ],
    [ '["mon"]', '[]', 9, '"days" is empty, expected at least one day' ],

    # start and secrets
    [ '{{expiration}}"}', '{{expiration}}", "delay": "1h"}', 12, '"start" has both "at" and "delay", expected one' ],
    [ '"at": "{{expiration}}"', '"delay": "3661d"', 12, '"delay" is "3661d", expected a duration .* of up to 3660d' ],
    [ '{{expiration}}', '{{steps.a.body}}', 12, '"at": placeholder "steps.a.body": no step "a" before this one' ],
    [ '{"hook": ', '{"ho ok": ', 13, 'a secret\'s name is "ho ok", expected 1 to 64 of' ],
    [ '{"file": "secret"}', '{"env": "A=B"}', 13, '"env" of "hook" is no name of an environment variable' ],
    [ '{"file": "secret"}', '"secret-12"', 13, '"hook" is no source of a secret, expected \{"env": NAME\}' ],

    # actions
    [ '{"id": "d", "type": "delay", "delay": "1h"}', '"d"', 34, 'an action is a string, expected an object' ],
    [ '"type": "delay", ', '', 34, '"type" is missing in an action, expected one of "http_request", "exec"' ],
    [ '"type": "delay", "delay": "1h"', '"type": "delay"', 34, 'a "delay" has neither "at" nor "delay", expected' ],
    [ 'https://example.com/{{identity_id}}', 'https://example.com/a b', 18, '"url": byte 0x20 cannot stand in a url, write %20' ],
    [ 'https://example.com/{{identity_id}}', 'https://u:secret-3@example.com/', 18, '"url": a user in the url, expected one in "auth"' ],
    [ '{{identity_id}}', '{{}}', 18, '"url": an empty placeholder "\{\{\}\}", expected a name in it' ],
    [ '{{identity_id}}', '{{secrets.none}}', 18, '"url": placeholder "secrets.none": unknown secret "none", "secrets" has "hook"' ],
    [ '{{identity_id}}', '{{job.nothing}}', 18, '"url": placeholder "job.nothing": expected job.id' ],
    [ '"secret": {"env"', '"auth": {"digest": {}}, "x": {"env"', 19, 'unknown key "x" in an action' ],
    [ '"secret": {"env": "CLARITY_TEST_TOKEN"}', '"auth": {"digest": {}}', 19, 'unknown key "digest" in "auth", expected one of "basic", "header"' ],
    [ '"secret": {"env": "CLARITY_TEST_TOKEN"}', '"secret": "secret-99"', 19, '"secret" is a string, expected an object' ],
    [ '"{{meta}}"', '"a\r\nX-B: b"', 20, '"X-A": a line break or another control byte, which cannot stand in a header' ],
    [ '"X-A"', '"X-A\r\nX-B"', 20, '"X-A\\\\r\\\\nX-B" is no header\'s name, expected letters' ],
    [ '"X-A": "{{meta}}"', '"X-A": "1", "x-a": "2"', 20, 'header "x-a" is set twice, expected once' ],
    [ '"10s"', '"25h"', 22, '"timeout" is "25h", expected "1ms" to "1h"' ],
    [ '"attempts": 8', '"attempts": 101', 23, '"attempts" is out of range, expected a whole number from 1 to 100' ],
    [ '"5s"', '"-5s"', 23, '"delay" is "-5s", expected a duration such as' ],
    [ '"max_delay": "1h"', '"jitter": "some"', 24, '"jitter" is "some", expected "full" or "none"' ],
    [ '{{steps.a.body.id}}', '{{secrets.hook}}', 28, '"args": placeholder "secrets.hook": a secret may stand in "url" and "headers" only' ],
    [ '{{steps.a.body.id}}', '{{steps.c.body}}', 28, '"args": placeholder "steps.c.body": no step "c" before this one, expected one of "a"' ],
    [ '"args": ["{{steps.a.body.id}}"]', '"args": [7]', 28, '"args" holds a number, expected strings' ],
    [ '{"f": "{{job.id}}"}', '{}', 32, '"fields" has 0, expected 1 to 64' ],
);

cmp_ok scalar(@faults), '>=', 100, 'a hundred broken files';

# The reader of JSON knows the column too.
my $of_json = qr/^(?:byte \d|a (?:comment|single|leading|byte order)|not a JSON|the name "name" stands|nested deeper|expected (?:a JSON|the end))/;

my %expected;
my $n = 0;

for (@faults) {
    my ($from, $to, $line, $fault) = @$_;
    my $file = sprintf 'flows/f%03d.json', ++$n;
    my $text = $good;

    # An id of its own, so that each has the one fault.
    $text =~ s/"id": "w"/"id": "w$n"/ if $from !~ /"id": "w"/;
    $text =~ s/\Q$from\E/$to/ or die "$from is not there";
    open my $fh, '>:raw', "$dir/$file" or die "$file: $!";
    print $fh $text;
    close $fh or die "$file: $!";
    $expected{"$dir/$file"} = [ $line, $fault, $to ];
}

my $answer = check('--json', '-c', $conf);
is $status, 1, 'faults are a no';
my %found;
push @{ $found{ $_->{file} // '' } }, $_ for @{ $answer->{faults} };

for my $file (sort keys %expected) {
    my ($line, $fault, $change) = @{ $expected{$file} };
    my @own = @{ $found{$file} // [] };

    ($change) = substr($change, 0, 60) =~ /^([ -~]*)/;
    is scalar(@own), 1, "$change: one fault" or diag encode_json(\@own);
    is $own[0]{line}, $line || undef, 'at its line';
    ok +($own[0]{column} // 0) > 0, '... and column' if $fault =~ $of_json;
    like $own[0]{fault}, qr/^$fault/, 'and what was expected';
}

is scalar(@{ $answer->{faults} }), scalar(@faults), 'and no other';
unlike $out, qr/secret-/, 'no secret is in it';

check('-c', $conf);
is $status, 1, 'the same for people';
is scalar(() = $out =~ /^\Q$dir\E\/flows\/f\d+\.json:(?:\d+:){0,2} /mg),
    scalar(@faults), 'a line each';
like $out, qr/^\d+ faults\n\z/m, 'and their number';

unlink glob "$dir/flows/f*.json";

# Several faults of one file are told at once.

my $bad = $good;
$bad =~ s/"id": "w"/"id": "many"/;
$bad =~ s/"in": \["role"\]/"is": 1/;
$bad =~ s/"mon"/"monday"/;
$bad =~ s/"POST"/"post"/;
$bad =~ s/\{\{identity_id\}\}/{{identity}}/;
$bad =~ s/"X-A"/"X A"/;
$bad =~ s/"\/bin\/true"/"true"/;
$bad =~ s/"stream": "s"/"stream": ""/;
$t->write_file('flows/many.json', $bad);
$answer = check('--json', '-c', $conf);
is_deeply [ map { $_->{line} } @{ $answer->{faults} } ],
    [ 7, 9, 17, 18, 20, 27, 31 ], 'seven faults of one file, in its order';
unlink "$dir/flows/many.json";

# Triggers and worker.json.

$t->write_file('triggers.json',
    qq[{"triggers": [\n{"name": "t", "context": [\n{"name": "n", "size": 1}]}]}]);
$answer = check('--json', '-c', write_conf(triggers => 'triggers.json'));
is $answer->{faults}[0]{file}, "$dir/triggers.json", 'a fault of the triggers';
is $answer->{faults}[0]{line}, 3, 'with its line';
like $answer->{faults}[0]{fault}, qr/"size"/, 'and its keyword';

$answer = check('--json', '-c', write_conf(concurency => 5));
like $answer->{faults}[0]{fault}, qr/^unknown key "concurency", expected one of/,
    'a fault of worker.json';

$answer = check('--json', '-c', write_conf(lease => '2s'));
is $status, 1, 'a lease that cannot be kept';
like $answer->{faults}[0]{fault}, qr/"lease" is 2000 ms, expected more than/,
    'is told';
is $answer->{faults}[0]{file}, $conf, 'with the file';
is $answer->{faults}[0]{line}, 1, 'and its line';

# Redis.

write_conf();
my %settings = (
    'maxmemory-policy' => [ 'allkeys-lru', 'noeviction',
        "Redis' maxmemory-policy is allkeys-lru, expected noeviction" ],
    'appendonly' => [ 'no', 'yes', "Redis' appendonly is no, expected yes" ],
    'appendfsync' => [ 'no', 'always', "Redis' appendfsync is no, expected" ],
);

for my $name (sort keys %settings) {
    my ($wrong, $right, $fault) = @{ $settings{$name} };

    $redis->command('CONFIG', 'SET', $name, $wrong);
    check('-c', $conf);
    is $status, 1, "$name $wrong is a fault";
    like $out, qr/^$fault/m, 'which is told';
    $redis->command('CONFIG', 'SET', $name, $right);
}

$redis->command('REPLICAOF', '127.0.0.1', $t->port);
check('-c', $conf);
is $status, 1, 'a replica is a fault';
like $out, qr/^Redis is a replica, expected the primary/m, 'which is told';
$redis->command('REPLICAOF', 'NO', 'ONE');

{
    local $ENV{CLARITY_REDIS_URL} = $redis->url;
    check();
    is $status, 0, 'without a file it is Redis alone';
    like $out, qr/^Redis 7\S+ at \S+ is good\n\z/, 'and says so';
}

# What nginx and workers refuse.

for my $case ([ format => 2, 'use the version that wrote it' ],
    [ shards => 4, 'set the same number of shards everywhere' ])
{
    my ($field, $value, $advice) = @$case;

    $redis->command('HSET', '{clarity}:meta', format => 1, shards => 1,
        $field, $value);
    check('-c', $conf);
    is $status, 1, "another $field is a fault";
    like $out, qr/^"$field" in the meta hash in Redis is $value, here it is 1: $advice/m,
        'with both values';

    for my $command (['stats'], ['jobs'], ['retry', '--all-failed'],
        ['webhooks'], ['preview', 'w', '--job', '0-1-0'])
    {
        my $said = qx{@{[ $t->build ]}/clarityctl -c $conf @$command 2>&1};
        is $? >> 8, 1, "so $command->[0] does nothing";
        like $said, qr/"$field" in the meta hash in Redis is $value/,
            'and says why';
    }
}

check('-c', $conf, '--prefix', 'other');
is $status, 0, 'another prefix is another\'s' or diag $out;
is $redis->command('EXISTS', '{other}:meta'), 0, 'where nothing is written';
$redis->command('DEL', '{clarity}:meta');

$redis->kill; # it is busy with its first append-only file
check('-c', $conf);
is $status, 1, 'a Redis that is away is a fault';
like $out, qr/^cannot reach Redis at /m, 'which is told';

check('more');
is $status, 2, 'misused';

$t->done;
