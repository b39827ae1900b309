# Whose jobs clarityctl is about: a worker's file, or the environment; and what
# it says where that is no Redis, or not let in.

use Clarity::Test;
use Clarity::Jobs;

my $t = Clarity::Test->new;
my $redis = $t->redis(aof => 1);
my ($out, $status);

$ENV{CLARITY_REDIS_URL} = $redis->url;
delete $ENV{CLARITY_REDIS_PASSWORD_FILE};


sub ctl {
    my (@arguments) = @_;

    open my $said, '-|', 'sh', '-c', 'exec "$@" 2>&1', 'sh',
        $t->valgrind($t->dir), $t->build . '/clarityctl', @arguments
        or die "clarityctl: $!";
    local $/;
    $out = <$said>;
    close $said;
    $status = $? & 127 ? "signal $?" : $? >> 8;
}


sub refused {
    my ($what, $regex, @arguments) = @_;

    ctl(@arguments ? @arguments : 'stats');
    is $status, 1, $what;
    like $out, qr/^clarityctl: $regex/, '... says why';
    is scalar(() = $out =~ /\n/g), 1, '... in one line';
}


my $id = add_job($redis);

ctl('job', $id);
is $status, 0, 'a Redis of the environment' or diag $out;

# Passwords.

$redis->command('CONFIG', 'SET', 'requirepass', 's3cret');
refused('none, where there is one to be given', '.*NOAUTH|.*password');

for (
    [ 'none.password', undef,
        'CLARITY_REDIS_PASSWORD_FILE: \S+/none\.password: cannot be opened' ],
    [ 'empty.password', '', 'CLARITY_REDIS_PASSWORD_FILE: \S+ is empty' ],
    [ 'long.password', 'x' x 2000,
        'CLARITY_REDIS_PASSWORD_FILE: \S+: is longer than \d+ bytes' ],
    [ 'wrong.password', "wr0ng\n", '.*AUTH was refused' ],
) {
    my ($file, $text, $regex) = @$_;

    $t->write_file($file, $text) if defined $text;
    local $ENV{CLARITY_REDIS_PASSWORD_FILE} = $t->dir . "/$file";
    refused($file, $regex);
    unlike $out, qr/wr0ng|xxx/, '... without what is in it';
}

{
    local $ENV{CLARITY_REDIS_PASSWORD_FILE} =
        $t->write_file('right.password', "s3cret\n");
    ctl('job', $id);
    is $status, 0, 'the right one' or diag $out;
}

my $file = $t->write_file('worker.json', encode_json({
    redis => $redis->url, redis_password_file => 'right.password',
    triggers => $t->root . '/examples/triggers.json', workflows => '.' }));
{
    local $ENV{CLARITY_REDIS_URL} = 'redis://127.0.0.1:1';
    ctl('-c', $file, 'job', $id);
    is $status, 0, 'a worker\'s file comes before the environment'
        or diag $out;
}

$redis->command('CONFIG', 'SET', 'requirepass', '');

# What is no Redis.

{
    local $ENV{CLARITY_REDIS_URL} = 'http://user:s3cret@x';
    refused('a URL that is none', 'CLARITY_REDIS_URL: not a Redis URL');
    unlike $out, qr/s3cret/, '... which is not shown';
}

{
    local $ENV{CLARITY_REDIS_URL} = 'unix://' . $t->dir . '/nobody.sock';
    refused('a socket that nobody listens on', 'cannot reach Redis at \S+nobody');
}

refused('a file that is not there', '\S+none\.json: cannot be opened',
    '-c', $t->dir . '/none.json', 'stats');

$t->write_file('bad.json', '{"redis": 7}');
refused('a file with a fault', '\S+bad\.json:1: ',
    '-c', $t->dir . '/bad.json', 'stats');

ctl('--prefix', 'x' x 100, 'stats');
isnt $status, 0, 'a prefix that is too long';
like $out, qr/prefix/, '... says so';

$t->done;
