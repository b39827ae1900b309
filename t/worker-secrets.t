# Secrets come from the environment or a file, reach the endpoint, and nothing
# else.

use Clarity::Test;
use Clarity::Jobs;
use MIME::Base64 qw(encode_base64);

my $t = Clarity::Test->new;
my $redis = $t->redis;
my $receiver = $t->receiver;

my %secrets = (
    bearer => 'bearer-4f1c7b9a', file => 'file-77aa01cd',
    basic => 'basic-90ef4c12', header => 'header-5d1f00aa',
    hook => 'hook-31415926',
);

$ENV{CLARITY_TEST_BEARER} = $secrets{bearer};
$ENV{CLARITY_TEST_HEADER} = $secrets{header};

my $basic = $t->write_file('basic', "$secrets{basic}\r\n");
my $hook = $t->write_file('hook', $secrets{hook});
my $local = $t->write_file('local', '127.1.2.3');

# Where the host itself is one, not even that is told.
my @hidden = (
    { id => 'no-name', url => 'http://{{secrets.hook}}.invalid/',
      reason => 'the name of the host cannot be resolved' },
    { id => 'no-address', url => 'http://{{secrets.local}}:1/',
      reason => 'connection refused by the host' },
);

my $worker = $t->worker(start => 0, workflows => { 'grant.json' => {
    id => 'grant',
    trigger => 'provision_entitlement',
    secrets => { hook => { file => $hook } },
    actions => [ map { {
        type => 'http_request', method => 'POST', %$_,
    } }
        { id => 'bearer', url => '%%RECEIVER%%/bearer',
            secret => { env => 'CLARITY_TEST_BEARER' } },
        { id => 'file', url => '%%RECEIVER%%/file',
            secret => { file => 'secrets/file' } },
        { id => 'basic', url => '%%RECEIVER%%/basic',
            auth => { basic => { user => 'clarity',
                password => { file => $basic } } } },
        { id => 'header', url => '%%RECEIVER%%/header',
            auth => { header => { name => 'X-Key',
                value => { env => 'CLARITY_TEST_HEADER' } } } },
        { id => 'hook', url => '%%RECEIVER%%/hooks/{{secrets.hook}}',
            headers => { 'X-Hook' => 'h={{secrets.hook}}' } },
        { id => 'gone', url => 'http://127.0.0.1:1/{{secrets.hook}}',
            secret => { env => 'CLARITY_TEST_BEARER' },
            retry => { attempts => 1 } },
    ],
}, map { ("$_->{id}.json" => { id => $_->{id},
    trigger => 'provision_entitlement',
    secrets => { hook => { file => $hook }, local => { file => $local } },
    actions => [ { id => 'call', type => 'http_request', method => 'POST',
        url => $_->{url}, retry => { attempts => 1 } } ] }) } @hidden });

$t->write_file('worker/workflows/secrets/file', "$secrets{file}\n");
$worker->start;

my $id = add_job($redis);
wait_for_job($redis, $id, 'failed');

my %calls = map { $_->{uri} => $_->{headers} } $receiver->requests;

is $calls{'/bearer'}{authorization}, "Bearer $secrets{bearer}",
    'a secret of the environment is sent as a bearer token';
is $calls{'/file'}{authorization}, "Bearer $secrets{file}",
    'so is one of a file, whose path starts at the workflow\'s folder';
is $calls{'/basic'}{authorization},
    'Basic ' . encode_base64("clarity:$secrets{basic}", ''),
    'basic authentication, from a file with a Windows line end';
is $calls{'/header'}{'x-key'}, $secrets{header}, 'a header of any name';
is $calls{"/hooks/$secrets{hook}"}{'x-hook'}, "h=$secrets{hook}",
    'a named secret in a url and a header';

my $all = join "\n", map { ref $_ ? join ' ', map { $_ // '' } @$_ : $_ // '' }
    map { $redis->command(@$_) } [ 'HGETALL', hash_key($id) ];
my $log = $worker->log;

for my $name (sort keys %secrets) {
    unlike $all, qr/\Q$secrets{$name}/, "$name: not in Redis";
    unlike $log, qr/\Q$secrets{$name}/, "$name: not in the log";
}

my $steps = job($redis, $id)->{steps};
is $steps->{ $_->{id} }{call}{reason}, $_->{reason},
    "$_->{id}: the host is not named" for @hidden;
unlike $all . $log, qr/127\.1\.2\.3/, 'nor its address';

like $steps->{grant}{gone}{reason}, qr/connection refused by 127\.0\.0\.1:1$/,
    'a call that fails does not tell its url';

$t->done;
