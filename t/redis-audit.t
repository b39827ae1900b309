#!/usr/bin/perl

# What is wrong with a Redis for this purpose is a warning in nginx's error log
# at the start, once, however many processes and connections there are; again
# after a reconnect only what is new. And nginx serves.

use Clarity::Test;

my $t = Clarity::Test->new;
my $redis = $t->redis(conf => "maxmemory-policy allkeys-lru\n");
# it takes its time to read its file; each 1,024 commands it looks who asks
my $good = $t->redis(name => 'good', aof => 1, conf => "key-load-delay 50\n");

my $nginx = $t->nginx(workers => 4, server => <<'EOF');
        location = /hook {
            clarity_webhook       provision_entitlement;
            clarity_webhook_token secret;
        }

        location = /other-class {
            clarity_durability    everysec;
            clarity_webhook       provision_entitlement;
            clarity_webhook_token other;
        }

        location = /good {
            clarity_redis         %%REDIS_good%%;
            clarity_webhook       provision_entitlement;
            clarity_webhook_token good;
        }
EOF


sub log_lines {
    my ($regex) = @_;

    return scalar grep { $_ =~ $regex }
        split /\n/, $t->read_file('nginx/error.log');
}

sub status { return $nginx->post('/hook', context(), token => 'secret')->status }


wait_until { log_lines(qr/appendonly/) } 5, 'the audit';
is status(), 202, 'nginx serves';
is $nginx->post('/good', context(), token => 'good')->status, 202,
    'the other too';

my $socket = qr{unix:\S+/redis/redis\.sock};
is log_lines(qr/\[warn\] .*$socket: .*maxmemory-policy is allkeys-lru/), 1,
    'the eviction policy, once';
is log_lines(qr/\[warn\] .*$socket: .*appendonly is no/), 1,
    'that nothing is kept, once';
is log_lines(qr/\[warn\]/), 2, 'and nothing else';

# Again only what is new.

$redis->command('CONFIG', 'SET', 'appendonly', 'yes');
$redis->command('CONFIG', 'SET', 'appendfsync', 'no');
$redis->command('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
wait_until { log_lines(qr/appendfsync is no/) } 5, 'the audit of a reconnect';
is log_lines(qr/maxmemory-policy/), 1, 'what was told is not told again';

# A new set of processes tells it anew.

$nginx->reload;
wait_until { log_lines(qr/maxmemory-policy/) == 2 } 5, 'the audit';
is log_lines(qr/\[warn\]/), 5, 'a reload tells what is wrong';

# One that reads its file does not write it, which is no finding.

my $reads = qr{\Q$good->{socket}\E is not available: .*LOADING};

$good->command('EVAL', 'for i = 1, 20000 do redis.call("SET", "key" .. i, 1)'
    . ' end', 0);
$good->kill;
$good->start;
wait_until {
    $nginx->post('/good', context(), token => 'good')->status == 202;
} 5, 'a 202';
ok log_lines($reads), 'it was asked while it was reading';
is log_lines(qr/\[warn\] .*\Q$good->{socket}\E: /), 0, 'no finding';

# A replica is no place for jobs.

$redis->command('REPLICAOF', '127.0.0.1', 1);
$redis->command('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
wait_until { log_lines(qr/$socket \(.*\) is not available: .*is a replica/) } 5,
    'a line that says what it is';
is status(), 503, 'a replica gets no jobs';
$redis->command('REPLICAOF', 'NO', 'ONE');
wait_until { status() == 202 } 5, 'a primary gets them';

$t->done;
