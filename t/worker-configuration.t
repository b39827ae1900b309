# clarity-worker -t: what is wrong, in which file, on which line.

use Clarity::Test;

my $t = Clarity::Test->new;
my $root = $t->root;

my ($out, $status);

sub check {
    my @command = ($t->build . '/clarity-worker', @_);

    my $pid = open my $fh, '-|' // die "fork: $!";
    if (!$pid) {
        open STDERR, '>&', \*STDOUT;
        exec @command or POSIX::_exit(127);
    }

    $out = join '', <$fh>;
    close $fh;
    $status = $? & 127 ? "signal $?" : $? >> 8;
}

# FILE is worker.json; its lines are counted from 1.

sub write_conf {
    my (@lines) = @_;

    return $t->write_file('worker.json', join "\n", '{', @lines, '}');
}

sub workflow {
    my ($id, $action) = @_;

    $action //= '{"id":"a","type":"http_request","method":"GET",'
        . '"url":"http://example.com/"}';

    return qq[{"id":"$id",\n"trigger":"provision_entitlement",\n]
        . qq["actions":[\n$action]}];
}

my $good = qq["triggers": "$root/examples/triggers.json",\n]
    . '"workflows": "flows"';

$t->write_file('flows/grant.json', workflow('grant'));

# What is right.

my $file = write_conf($good);

check('-t', '-c', $file);
is $out, "configuration $file is ok: 4 triggers, 1 workflow\n",
    'a good configuration is counted';
is $status, 0, 'and is a yes';

check('-c', $file, '-t');
is $status, 0, 'in any order of the options';

write_conf($good . ',', join ',', '"redis": "redis://127.0.0.1:6379/0"',
    '"prefix": "other", "shards": 1, "concurrency": 1, "lease": "6s"',
    '"drain": "0s", "keep": {"succeeded": "1s", "failed": "366d"}',
    '"log": "worker.log", "allow_addresses": ["10.0.0.0/8", "::1", "fd00::/8"]',
    '"ca_file": "/etc/ssl/certs/ca-certificates.crt"');
check('-t', '-c', $file);
is $status, 0, 'every key is known' or diag $out;

$t->write_file('flows/.hidden.json', 'x');
$t->write_file('flows/readme.txt', 'x');
check('-t', '-c', $file);
is $status, 0, 'other files in the folder do not count';

# What is wrong in worker.json: lines, then the message after FILE:LINE.

my @wrong = (
    [ '"workflow_key_file": "none",', 2, '"workflow_key_file": ' ],
    [ '"listne": "127.0.0.1:80",', 2, 'unknown key "listne", expected one of redis,' ],
    [ '"listen": "9102",', 2, '"listen" is not an address and a port such as "127.0.0.1:9102"' ],
    [ '"listen": "::1:9102",', 2, '"listen" is not an address and a port' ],
    [ '"listen": ":9102",', 2, '"listen" is not an address and a port' ],
    [ '"listen": "127.0.0.1:0",', 2, '"listen" is not an address and a port' ],
    [ '"listen": 9102,', 2, '"listen" is a number, expected an address and a port' ],
    [ '"redis": "http://x",', 2, '"redis": not a Redis URL, expected redis:' ],
    [ '"redis": 7,', 2, '"redis" is a number, expected a URL' ],
    [ "\n" . '"shards": 2,', 3, '"shards": more than 1 is not supported by this version' ],
    [ '"shards": 0,', 2, '"shards" is not an integer from 1 to 256' ],
    [ '"processes": 0,', 2, '"processes" is neither "auto" nor an integer from 1 to 256' ],
    [ '"processes": 257,', 2, '"processes" is neither "auto" nor an integer from 1 to 256' ],
    [ '"processes": "all",', 2, '"processes" is neither "auto" nor an integer from 1 to 256' ],
    [ '"concurrency": "64",', 2, '"concurrency" is not an integer from 1 to 10000' ],
    [ '"concurrency": 0,', 2, '"concurrency" is not an integer from 1 to 10000' ],
    [ '"concurrency": 10001,', 2, '"concurrency" is not an integer from 1 to 10000' ],
    [ '"concurrency": 1.5,', 2, '"concurrency" is not an integer from 1 to 10000' ],
    [ '"lease": "8",', 2, '"lease" is not a duration from "1s" to "1h"' ],
    [ '"lease": 8,', 2, '"lease" is a number, expected a duration from "1s"' ],
    [ '"lease": "999ms",', 2, '"lease" is not a duration from "1s" to "1h"' ],
    [ "\n" . '"lease": "5s",', 3, '"lease" is 5000 ms, expected more than the 5000 ms that' ],
    [ '"lease": "61m",', 2, '"lease" is not a duration' ],
    [ '"drain": "-1s",', 2, '"drain" is not a duration' ],
    [ '"keep": "1d",', 2, '"keep" is not an object such as' ],
    [ '"keep": {"failed": "1d",' . "\n" . '"cancelled": "1d"},', 3, 'unknown key "cancelled" in "keep"' ],
    [ '"keep": {"failed": "0s"},', 2, '"failed" is not a duration from "1s" to "366d"' ],
    [ '"prefix": "a{b",', 2, '"prefix" ' ],
    [ '"prefix": "",', 2, '"prefix" ' ],
    [ '"allow_addresses": "10.0.0.0/8",', 2, '"allow_addresses" is not an array' ],
    [ '"allow_addresses": ["10.0.0.0/8",' . "\n" . '"10.1.0.0/8"],', 3, 'bits set to the right' ],
    [ '"allow_addresses": ["10.0.0.0/33"],', 2, 'is not a network' ],
    [ '"allow_addresses": ["example.com"],', 2, 'is not a network' ],
    [ '"allow_addresses": [10],', 2, 'holds a number, expected networks' ],
    [ '"redis_password_file": "nowhere",', 2, '"redis_password_file": \S*/nowhere: cannot be opened: No such file' ],
    [ '"ca_file": "nowhere",', 2, '"ca_file": \S*/nowhere: cannot be opened: No such file' ],
    [ '"ca_file": "flows/grant.json",', 2, '"ca_file": \S* holds no "-----BEGIN CERTIFICATE-----", expected certificates' ],
    [ '"log": "",', 2, '"log" is not a path' ],
    [ '"log": "x", "log": "y",', 2, '' ],
    [ '"log": x,', 2, '' ],
);

for (@wrong) {
    my ($lines, $line, $message) = @$_;

    write_conf($lines, $good);
    check('-t', '-c', $file);
    is $status, 1, 'wrong: ' . $lines =~ tr/\n/ /r;
    like $out, qr/^(?:clarity-worker: )?\Q$file\E:$line:.*$message/, 'says where';
}

write_conf('"workflows": "flows"');
check('-t', '-c', $file);
like $out, qr/\Q$file\E:1: has no "triggers"/, 'a key that must be there is missed';

for (['[]', 'is an array, expected an object'], ['{', ''], ['', ''],
    ["\xef\xbb\xbf{}", ''])
{
    $t->write_file('worker.json', $_->[0]);
    check('-t', '-c', $file);
    is $status, 1, "no configuration: '$_->[0]'";
    like $out, qr/\Q$file\E:1:.*$_->[1]/, 'says where';
}

check('-t', '-c', $t->dir . '/none.json');
like $out, qr{/none\.json: cannot be opened: No such file or directory},
    'a file that is not there is named';

check(@$_), is($status, 2, "misused: clarity-worker @$_")
    for [], ['-t'], ['-x'], ['-c', $file, 'more'], ['-c'];

# What is wrong in triggers and workflows: every file's first error at once.

write_conf($good);
$t->write_file('flows/a.json', workflow('a', '{"id":"a","type":"ftp"}'));
$t->write_file('flows/b.json', workflow('b',
    '{"id":"a","type":"http_request","method":"GET",' . "\n"
    . '"url":"http://example.com/{{nobody}}"}'));
$t->write_file('flows/z.json', "\n" . workflow('grant'));
$t->write_file('flows/secret.json', workflow('secret',
    '{"id":"a","type":"http_request","method":"GET",' . "\n"
    . '"url":"http://example.com/", "secret":{"env":"CLARITY_NOT_SET"}}'));

$t->write_file('flows/zone.json', workflow('zone', '{"id":"a",'
    . '"type":"http_request","method":"GET","url":"http://example.com/"}')
    =~ s/"trigger"/"conditions": {"time": {"days": ["mon"],\n"zone": "Europe\/Berln"}},\n"trigger"/r);

check('-t', '-c', $file);
is $status, 1, 'wrong workflows are a no';
like $out, qr{^\S*/flows/a\.json:4: .*"ftp"}m, 'an unknown action';
like $out, qr{^\S*/flows/b\.json:5: .*nobody}m, 'an unknown parameter';
like $out, qr{^\S*/flows/z\.json:2: the id "grant" is also that of \S*/flows/grant\.json}m,
    'an id that is taken, with both files';
like $out, qr{^\S*/flows/secret\.json:5: the environment variable CLARITY_NOT_SET is not set}m,
    'a secret that is not there';
like $out, qr{^\S*/flows/zone\.json:\d+: the time zone "Europe/Berln": /\S+: cannot be opened: No such file.*, expected a zone of the package tzdata}m,
    'a time zone that is not there';
is scalar(() = $out =~ /^/mg), 5, 'nothing else';

{
    local $ENV{CLARITY_NOT_SET} = '';
    check('-t', '-c', $file);
    like $out, qr/CLARITY_NOT_SET is empty/, 'or is empty';

    local $ENV{CLARITY_NOT_SET} = "tops\necret";
    check('-t', '-c', $file);
    like $out, qr/CLARITY_NOT_SET holds a line end or another control byte/,
        'or cannot stand in a header';
    unlike $out, qr/tops/, 'which is not shown';
}

write_conf(qq["triggers": "none.json", "workflows": "flows"]);
check('-t', '-c', $file);
like $out, qr{^\S*/none\.json: cannot be opened: No such file}, 'no triggers';
is scalar(() = $out =~ /^/mg), 1, 'then nothing is said of workflows';

write_conf(qq["triggers": "$root/examples/triggers.json", "workflows": "none"]);
check('-t', '-c', $file);
like $out, qr{^\S*/none: cannot be read as a folder: No such file}, 'no folder';

# Without -t the same stops it from starting.

check('-c', $file);
is $status, 1, 'a worker does not start with a wrong configuration';
like $out, qr{/none: cannot be read}, 'and says the same';

write_conf($good . ',', '"log": "none/worker.log"');
unlink map { $t->dir . "/flows/$_.json" } qw(a b z secret zone);
check('-c', $file);
is $status, 1, 'nor without its log';
like $out, qr{/none/worker\.log: cannot be opened to write the log}, 'and says so';

$t->done;
