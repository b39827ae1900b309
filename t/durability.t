#!/usr/bin/perl

# clarity_durability: the answer says what Redis gives, as its settings have it
# now; where that is less than is asked for nothing is stored, on a connection
# that was there before and on a new one.

use IO::Select;
use IO::Socket::UNIX;

use Clarity::Test;

my $t = Clarity::Test->new;
my $redis = $t->redis(aof => 1);
my $other = $t->redis(name => 'other', conf => "replica-read-only no\n");

# One process: each finds out for itself.
my $nginx = $t->nginx(workers => 1, server => <<'EOF');
        location = /default {
            clarity_webhook       provision_entitlement;
            clarity_webhook_token default;
        }

        location = /everysec {
            clarity_durability    everysec;
            clarity_webhook       provision_entitlement;
            clarity_webhook_token everysec;
        }

        location = /fsync {
            clarity_durability    fsync;
            clarity_webhook       provision_entitlement;
            clarity_webhook_token fsync;
        }

        location = /other {
            clarity_redis         %%REDIS_other%%;
            clarity_webhook       provision_entitlement;
            clarity_webhook_token other;
        }
EOF

my $conf = $t->read_file('nginx/nginx.conf');


sub config { return $redis->command('CONFIG', 'SET', @_) }

sub jobs { return $redis->command('XLEN', '{clarity:0}:jobs') }

sub log_lines {
    my ($regex) = @_;

    return scalar grep { $_ =~ $regex }
        split /\n/, $t->read_file('nginx/error.log');
}


# Until the old process, which may not have looked yet, is gone.

sub reload {
    my ($old) = $nginx->workers;

    $nginx->reload;
    wait_until { !grep { $_ == $old } $nginx->workers } 10,
        'the end of the old process';
}


sub comes {
    my ($webhook, $expected, $what) = @_;

    my $said;
    wait_until { ($said = $nginx->says($webhook)) eq $expected } 7,
        "$webhook: $expected ($what)";
    is $nginx->says($webhook), $expected, "$what: $webhook says $expected";
}


is $nginx->says('default'), 'fsync', 'the default tells what Redis gives';
is $nginx->says('everysec'), 'fsync', 'so does what asks for less';
is $nginx->says('fsync'), 'fsync', 'and what asks for just that';
is $nginx->says('other'), 'memory', 'a Redis without a file';


# Settings that change while connections are there.

# A replica that takes writes loses them when it gets its primary's data.
$other->command('REPLICAOF', '127.0.0.1', 1);

my $started = time;
config('appendfsync', 'everysec');
comes('fsync', '503 durability_unavailable', 'appendfsync everysec');
cmp_ok time - $started, '<=', limit(6), 'within five seconds';
comes('default', 'everysec', 'told as it is');
is $nginx->says('everysec'), 'everysec', 'enough';

my $before = jobs();
my $answer = $nginx->post_job('fsync');
ok $answer->header('retry-after'), 'with Retry-After';
is jobs(), $before, 'nothing is stored';
is $nginx->says('fsync', 'Idempotency-Key: a'), '503 durability_unavailable',
    'nor with a key';
is $redis->command('KEYS', '*:idem:*')->[0], undef, 'not even that';

comes('other', '503 queue_unavailable', 'it has become a replica');
ok log_lines(qr{Redis unix:\S+/other\S* is not available: .*is a replica}),
    'and the log says so';

config('appendfsync', 'always');
$started = time;
comes('fsync', 'fsync', 'set back');
cmp_ok time - $started, '<=', limit(3), 'that is looked for each second';
is $nginx->says('fsync', 'Idempotency-Key: a'), 'fsync', 'the key is a new one';

config('no-appendfsync-on-rewrite', 'yes');
comes('fsync', '503 durability_unavailable', 'no sync in a rewrite');
comes('default', 'memory', 'which is no promise');
config('no-appendfsync-on-rewrite', 'no');
comes('fsync', 'fsync', 'set back');

config('appendonly', 'no');
comes('everysec', '503 durability_unavailable', 'no file');
comes('default', 'memory', 'no file');


# A file that is switched on is none before it has been written.

$redis->command('SET', "filler:$_", 'x' x 100) for 1 .. 1000;
config('rdb-key-save-delay', 5_000);
config('appendonly', 'yes');
is_deeply $redis->command('CONFIG', 'GET', 'appendonly'),
    [ 'appendonly', 'yes' ], 'Redis says that it is on';

my $rewriting = 0;

wait_until {
    my $said = $nginx->says('fsync');
    my $busy = $redis->command('INFO', 'persistence')
        =~ /aof_rewrite_in_progress:1/;
    $rewriting++ if $busy && $said eq '503 durability_unavailable';
    $said eq 'fsync' && !$busy;
} 20, 'fsync';
cmp_ok $rewriting, '>', 0, 'refused while it is being written';
config('rdb-key-save-delay', 0);
comes('default', 'fsync', 'then it is as before');


# A rewrite later on changes nothing.

config('rdb-key-save-delay', 2_000);
$redis->command('BGREWRITEAOF');
my %said;
wait_until {
    $said{ $nginx->says('fsync') }++;
    $redis->command('INFO', 'persistence') =~ /aof_rewrite_in_progress:0/;
} 20, 'the end of the rewrite';
is_deeply [ keys %said ], ['fsync'], 'a rewrite changes nothing';
config('rdb-key-save-delay', 0);


# A new connection knows before the first job leaves.

config('appendfsync', 'everysec');
reload();
$before = jobs();
%said = ();
$said{ $nginx->says('fsync') }++ for 1 .. 20;
is_deeply [ keys %said ], ['503 durability_unavailable'],
    'a new process refuses from its first request on';
is jobs(), $before, 'and stores nothing';

$redis->command('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
%said = ();
wait_until {
    $said{ $nginx->says('fsync') }++;
    $said{'503 durability_unavailable'}
        && $nginx->says('default') eq 'everysec';
} 5, 'new connections';
$said{ $nginx->says('fsync') }++ for 1 .. 20;
delete $said{'503 queue_unavailable'};
is_deeply [ keys %said ], ['503 durability_unavailable'],
    'nor does a new connection';
comes('everysec', 'everysec', 'those that ask for less');

# A request that waits for the connection is refused when that is there.

$before = jobs();
my $lost = log_lines(qr/is not available/);
$redis->pause;
wait_until { log_lines(qr/is not available/) > $lost } limit(6),
    'a lost connection';

my $waits;
wait_until {
    $waits = $nginx->connect;
    $waits->write($nginx->can('request_text')->('POST', '/fsync',
        token => 'fsync', body => context()));
    !IO::Select->new($waits->socket)->can_read(0.1);
} 5, 'a request that waits';

$redis->resume;
is decode_json($waits->read->body)->{code}, 'durability_unavailable',
    'a request that waited is refused';
is jobs(), $before, 'and is no job';
config('appendfsync', 'always');
comes('fsync', 'fsync', 'set back');


# A Redis that is busy says nothing, which is not that it bars us.

config('busy-reply-threshold', 50);
my $busy = IO::Socket::UNIX->new(Peer => $redis->{socket})
    or die "$redis->{socket}: $!";
my $loop = 'while true do end';
$busy->syswrite("*3\r\n\$4\r\nEVAL\r\n\$" . length($loop)
    . "\r\n$loop\r\n\$1\r\n0\r\n");
wait_until { $redis->ask('PING')->[0] =~ /^BUSY/ } 5, 'a busy Redis';
%said = ();
$started = time;
$said{ $nginx->says('fsync') }++ while time - $started < 6; # a look is due
is_deeply [ keys %said ], ['503 queue_unavailable'], 'a busy Redis';
is $redis->ask('SCRIPT', 'KILL')->[0], '', 'is not busy any more';
comes('fsync', 'fsync', 'busy no more');
is log_lines(qr/barred/), 0, 'nothing was barred';


# Redis bars us from asking.

$redis->command('ACL', 'SETUSER', 'default', '-config');
comes('default', 'unknown', 'CONFIG is barred');
comes('fsync', '503 durability_unavailable', 'CONFIG is barred');
comes('everysec', '503 durability_unavailable', 'so is that');

(my $trusting = $conf) =~ s/(clarity_durability +fsync);/$1 trust;/;
$nginx->configure($trusting);
reload();
comes('fsync', 'fsync', 'trusted');
is $nginx->says('everysec'), '503 durability_unavailable', 'the other is not';

$redis->command('ACL', 'SETUSER', 'default', '+config');
config('appendfsync', 'everysec');
comes('fsync', '503 durability_unavailable', 'what can be seen is not trusted');
config('appendfsync', 'always');
comes('fsync', 'fsync', 'set back');


# The log: each change once.

my $lines = log_lines(qr/does not give the durability "fsync"/);
my $changes = () = $t->read_file('nginx/error.log')
    =~ /gives the durability "fsync" again/g;
cmp_ok $lines, '<=', 10, "few lines ($lines)";
ok log_lines(qr{Redis unix:/\S+ \(durability fsync\) does not give the }
    . qr{durability "fsync".*it gives everysec: set "appendfsync always"}),
    'with the server, what is wrong and the mend';
ok log_lines(qr/CONFIG GET is barred, .*"trust"/), 'also where it is barred';
cmp_ok $changes, '>=', 4, 'and when it is well again';
unlike $t->read_file('nginx/error.log'), qr/INC1/, 'no value in it';


# Directives that are none.

for my $case ([ 'disk', 'invalid durability "disk"' ],
    [ 'replicas=0', 'invalid durability' ],
    [ 'replicas=', 'invalid durability' ],
    [ 'replicas=101', 'N from 1 to 100' ],
    [ 'fsync timeout=1s', 'invalid parameter "timeout=1s"' ],
    [ 'replicas=1 timeout=0', 'invalid parameter' ],
    [ 'fsync distrust', 'invalid parameter "distrust"' ],
    [ 'fsync; clarity_durability memory', 'is duplicate' ])
{
    my ($text, $why) = @$case;
    my ($code, $told) = $nginx->check("clarity_durability $text;");
    isnt $code, 0, "clarity_durability $text";
    like $told, qr/\Q$why\E.* in \S+:\d+/, 'is refused, with its place';
}

$t->done;
