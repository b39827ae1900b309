#!/usr/bin/perl

# {clarity}:meta, what all parts agree on: written by who comes first, and again
# where Redis was emptied under a live connection; where it is another's, nginx
# refuses, says once which values differ, and serves again once it is mended.

use Clarity::Test;

my $t = Clarity::Test->new;
my $redis = $t->redis;
my $nginx = $t->nginx(workers => 1, server => <<'EOC');
        location = /hook {
            clarity_webhook       provision_entitlement;
            clarity_webhook_token secret;
        }
EOC

my $key = '{clarity}:meta';


sub says {
    my $answer = $nginx->post('/hook', context(), token => 'secret');
    my $json = decode_json($answer->body);

    return $answer->status . ' ' . ($json->{code} // $json->{status});
}

sub meta {
    my %meta = @{ $redis->command('HGETALL', $key) };
    return join ' ', map { "$_=$meta{$_}" } sort keys %meta;
}

sub lines { return scalar(() = $nginx->log =~ /$_[0]/g) }

sub jobs { return $redis->command('XLEN', '{clarity:0}:jobs') }

sub connection {
    return join ' ', $redis->command('CLIENT', 'LIST')
        =~ /^id=(\d+) .* name=clarity-nginx /mg;
}


is says(), '202 accepted', 'a job';
is meta(), 'format=1 shards=1', 'who comes first writes it';
my $connection = connection();
like $connection, qr/^\d+$/, 'one connection';


# Emptied under a live connection.

$redis->command('FLUSHALL');
my %said;
wait_until { $said{ says() }++; meta() ne '' } 6, 'it is written again';
is meta(), 'format=1 shards=1', 'written again';
is_deeply [ keys %said ], ['202 accepted'], 'jobs were taken meanwhile';


# Another's, one way and the other.

sub differs {
    my ($what, $change, $mend, $regex) = @_;

    my $before = lines(qr/gets no jobs any more/);
    $change->();
    wait_until { says() eq '503 queue_unavailable' } 6, "$what: refused";
    my $jobs = jobs();
    is says(), '503 queue_unavailable', "$what: refused" for 1 .. 5;
    is jobs(), $jobs, 'nothing is stored';
    is lines(qr/\[error\] .* Redis \S+ gets no jobs any more: $regex/),
        1, 'one line, with both values';
    is lines(qr/gets no jobs any more/), $before + 1, 'and no other';

    my $again = lines(qr/\[notice\] .* gets jobs again/);
    $mend->();
    wait_until { says() eq '202 accepted' } 3, "$what: mended";
    is meta(), 'format=1 shards=1', 'mended';
    is lines(qr/\[notice\] .* gets jobs again/), $again + 1, 'which is told';
    is connection(), $connection, 'all on the same connection';
}

differs('shards', sub { $redis->command('HSET', $key, 'shards', 4) },
    sub { $redis->command('HSET', $key, 'shards', 1) },
    qr/"shards" in the meta hash in Redis is 4, here it is 1: /);

differs('format', sub { $redis->command('HSET', $key, 'format', 7) },
    sub { $redis->command('DEL', $key) },
    qr/"format" in the meta hash in Redis is 7, here it is 1: /);

differs('another type',
    sub { $redis->command('DEL', $key); $redis->command('SET', $key, 'x') },
    sub { $redis->command('DEL', $key) },
    qr/HMGET was refused \(WRONGTYPE\): /);


# A new connection finds it so, and is made again until it is mended.

$redis->command('HSET', $key, 'shards', 4);
$redis->command('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
wait_until { lines(qr/is not available: "shards" .* is 4, here it is 1/) } 6,
    'a line of the new connection';
is says(), '503 queue_unavailable', 'refused';
$redis->command('HSET', $key, 'shards', 1);
wait_until { says() eq '202 accepted' } 3, 'mended';
is lines(qr/is not available: "shards"/), 1, 'one line';


# Emptied while Redis is at its maxmemory, it cannot be written: on a live
# connection, and on a new one, jobs are refused for what is the matter.

$redis->command('CONFIG', 'SET', 'maxmemory', 1);
$redis->command('DEL', $key);
wait_until { lines(qr/gets no jobs any more: HSETNX was refused \(OOM\)/) } 6,
    'a line that it cannot be written';
is says(), '503 queue_full', 'no memory for it' for 1 .. 3;
$redis->command('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
wait_until { lines(qr/is not available: HSETNX was refused \(OOM\)/) } 6,
    'a line of the new connection';
%said = ();
$said{ says() }++ for 1 .. 20;
is_deeply [ keys %said ], ['503 queue_full'], 'nor on a new connection';
$redis->command('CONFIG', 'SET', 'maxmemory', 0);
wait_until { says() eq '202 accepted' } 5, 'memory again';
is meta(), 'format=1 shards=1', 'written again';


# A Redis that says nothing changes nothing.

$redis->command('CONFIG', 'SET', 'busy-reply-threshold', 50);
my $loop = 'while true do end';
my $busy = IO::Socket::UNIX->new(Peer => $redis->{socket}) or die "connect: $!";
$busy->syswrite("*3\r\n\$4\r\nEVAL\r\n\$" . length($loop)
    . "\r\n$loop\r\n\$1\r\n0\r\n");
wait_until { $redis->ask('PING')->[0] =~ /^BUSY/ } 5, 'a busy Redis';
my $end = time + 6;
says() while time < $end; # a look is due
$redis->ask('SCRIPT', 'KILL');
wait_until { says() eq '202 accepted' } 3, 'busy no more';
is lines(qr/gets no jobs any more/), 4, 'a busy Redis is no other one';

$t->done;
