#!/usr/bin/perl

# Redis gone, back, stopped, refusing: what is known not to be stored is 503,
# what is not known is 504, and nginx recovers by itself.

use IO::Socket::INET;
use Time::HiRes qw(time);

use Clarity::Test;

my $t = Clarity::Test->new;

$t->write_file('password', "password/\@:\n");
$t->write_file('wrong', "another Redis' password\n");
chmod 0600, map { $t->dir . "/$_" } qw(password wrong);

my $redis = $t->redis(aof => 1);
my $other = $t->redis(name => 'other', tcp => 1,
    conf => 'requirepass password/@:');

my $mute = $t->port;
my $inner = $other->url =~ s{//}{//:password%2F%40%3A@}r;

# One process: each has connections of its own, and finds out for itself.
my $nginx = $t->nginx(workers => 1, server => <<'EOF' . <<"EOF2");
        clarity_redis_connect_timeout 500ms;
        clarity_redis_timeout         500ms;

        location = /hook {
            clarity_webhook       provision_entitlement;
            clarity_webhook_token secret;
        }

        location = /password {
            clarity_redis               %%REDIS_other%%/2;
            clarity_redis_password_file %%DIR%%/password;
            clarity_redis_prefix        other;
            clarity_webhook             provision_entitlement;
            clarity_webhook_token       password-token;
        }

        location = /no-password {
            clarity_redis         %%REDIS_other%%;
            clarity_webhook       provision_entitlement;
            clarity_webhook_token no-password-token;
        }

        location = /nowhere {
            clarity_redis         unix://%%DIR%%/nowhere.sock;
            clarity_webhook       provision_entitlement;
            clarity_webhook_token nowhere;
        }

        location = /few {
            clarity_redis_max_pending 1;
            clarity_webhook           provision_entitlement;
            clarity_webhook_token     few;
        }

        location /outer/ {
            clarity_redis_password_file %%DIR%%/wrong;
EOF
            location = /outer/inner {
                clarity_redis         $inner;
                clarity_webhook       provision_entitlement;
                clarity_webhook_token inner;
            }
        }

        location = /mute {
            clarity_redis                 redis://127.0.0.1:$mute;
            clarity_redis_connect_timeout 100ms;
            clarity_webhook               provision_entitlement;
            clarity_webhook_token         mute;
        }
EOF2


sub post { return $nginx->post('/hook', context(), token => 'secret') }

sub jobs { return $redis->command('XLEN', '{clarity:0}:jobs') }

sub log_lines {
    my ($regex) = @_;

    return scalar grep { $_ =~ $regex }
        split /\n/, $t->read_file('nginx/error.log');
}


# Refused, not stored, and told when to come again.

sub is_away {
    my ($answer, $status, $code, $what) = @_;

    is $answer->status, $status, "$what: $status";
    is decode_json($answer->body)->{code}, $code, "that is $code";
    ok $answer->header('retry-after'), 'with Retry-After';
}


sub is_back {
    my ($what) = @_;

    wait_until { post()->status == 202 } 5, "a 202 after $what";
    pass "accepted again after $what";
}


wait_until { post()->status == 202 } 5, 'a 202';
pass 'accepted while Redis is there';

my $answer = $nginx->post('/password', context(), token => 'password-token');
is $answer->status, 202, 'over TCP, with a password, into a database';

$answer = $other->ask('AUTH', 'password/@:');
$other->command('SELECT', 2);
is $other->command('XLEN', '{other:0}:jobs'), 1, 'with a prefix of its own';

is $nginx->post('/outer/inner', context(), token => 'inner')->status, 202,
    'with one in the address, not that of an outer level';

is_away($nginx->post('/no-password', context(),
    token => 'no-password-token'), 503, 'queue_unavailable',
    'without the password');
is_away($nginx->post('/nowhere', context(), token => 'nowhere'), 503,
    'queue_unavailable', 'no Redis there');


# Gone and back.

for my $way (qw(TERM KILL)) {
    my $before = jobs();

    $redis->signal($way);
    $redis->wait_exit(5);

    is_away(post(), 503, 'queue_unavailable', "Redis ended by SIG$way")
        for 1 .. 5;

    $redis->start;
    is_back("a restart after SIG$way");
    is jobs(), $before + 1, 'and no refused request is a job';
}


# Stopped: the command has left, so nobody can say.

my $before = jobs();
$redis->signal('STOP');

my $started = time;
is_away(post(), 504, 'queue_timeout', 'Redis is stopped');
cmp_ok time - $started, '<', limit(2), 'told within the time-outs';

is_away(post(), 503, 'queue_unavailable', 'and then');

$redis->signal('CONT');
is_back('SIGCONT');
cmp_ok jobs(), '>=', $before + 1, 'what was not known may be stored';


# What takes connections and says nothing is tried again as soon as the time of
# an attempt is over: else it could be back for as long as the wait, 200 ms or
# more by now, before that is noticed.

my $listener = IO::Socket::INET->new(LocalAddr => "127.0.0.1:$mute",
    Listen => 16, ReuseAddr => 1, Timeout => 5) or die "port $mute: $!";
my (@attempts, @kept);

wait_until {
    push @kept, $listener->accept || die "no attempt: $!";
    push @attempts, time;
    @attempts > 2 && $attempts[-1] - $attempts[-3] < 0.5;
} 20, 'two attempts within 500 ms';

undef $listener;
pass 'no wait after an attempt that took long';


# Refusing.

$redis->command('CONFIG', 'SET', 'maxmemory', 1);
$redis->command('CONFIG', 'SET', 'maxmemory-policy', 'noeviction');
$before = jobs();
is_away(post(), 503, 'queue_full', 'Redis is full') for 1 .. 3;
is jobs(), $before, 'and nothing is stored';
$redis->command('CONFIG', 'SET', 'maxmemory', 0);
is post()->status, 202, 'accepted again once it has room';

is log_lines(qr/refuses jobs \(OOM\)/), 1, 'the log tells it once';

$redis->command('SET', '{clarity:0}:jobs.saved', 1);
$redis->command('RENAME', '{clarity:0}:jobs', 'saved');
$redis->command('SET', '{clarity:0}:jobs', 'no stream');
is_away(post(), 503, 'queue_unavailable', 'the stream is no stream');
$redis->command('RENAME', 'saved', '{clarity:0}:jobs');
is post()->status, 202, 'accepted again once it is mended';


# More than clarity_redis_max_pending at once, while the reply is waited for.

sub few { return $nginx->post('/few', context(), token => 'few')->status }

wait_until { few() == 202 } 5, 'a connection of that location';
$redis->signal('STOP');

my @waiting = map { $nginx->connect } 1 .. 8;
$_->write($nginx->can('request_text')->('POST', '/few', token => 'few',
    body => context())) for @waiting;

my %answers;
$answers{ $_->read->status }++ for @waiting;

$redis->signal('CONT');

is_deeply \%answers, { 504 => 1, 503 => 7 },
    'one may wait, the others are refused at once';
is_back('SIGCONT');


# A replica takes no jobs, and that is told once.

$redis->command('REPLICAOF', '127.0.0.1', 1);
wait_until { post()->status == 503 } 5, 'a 503';
my $before_lines = log_lines(qr/Redis/);
is_away(post(), 503, 'queue_unavailable', 'Redis is a replica') for 1 .. 20;
wait_until { log_lines(qr/replica/) } 5, 'a line that says so';
is_away(post(), 503, 'queue_unavailable', 'and stays one') for 1 .. 20;
cmp_ok log_lines(qr/Redis/) - $before_lines, '<', 10, 'in few lines';
$redis->command('REPLICAOF', 'NO', 'ONE');
is_back('the end of that');


# A new prefix cannot be begun where nothing can be written.

# In that order: a connection that is just made would begin it again.
$redis->command('CONFIG', 'SET', 'maxmemory', 1);
$redis->command('DEL', '{clarity}:meta');
$redis->command('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
wait_until { log_lines(qr/is not available: .*maxmemory/) } 5,
    'a line that names the cause';
is_away(post(), 503, 'queue_full', 'no memory for the format');
$redis->command('CONFIG', 'SET', 'maxmemory', 0);
is_back('room for it');


# Who disagrees about what is kept below the prefix is refused.

$redis->command('HSET', '{clarity}:meta', 'shards', 4);
$redis->command('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
wait_until { post()->status == 503 } 5, 'a 503';
is_away(post(), 503, 'queue_unavailable', 'another number of shards');
wait_until { log_lines(qr/shards.*4.*1|shards.*1.*4/) } 5,
    'a line with both numbers';
$redis->command('HSET', '{clarity}:meta', 'shards', 1);
is_back('agreement');


my $lines = log_lines(qr/is not available/);
cmp_ok $lines, '<', 40, "few lines for what happened ($lines)";

unlike $t->read_file('nginx/error.log'), qr/secret|password\/\@|INC1/,
    'no token, password or value in the log';

$t->done;
