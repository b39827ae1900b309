#!/usr/bin/perl

# A worker process that is to end is kept by requests whose bodies come slowly,
# for as long as these like. What it knows of Redis is as fresh as what the
# others know: durability, the queue's length, and whether it is there.

use Time::HiRes qw(sleep);

use Clarity::Test;

my $t = Clarity::Test->new;
my $redis = $t->redis(aof => 1);
my $nginx = $t->nginx(workers => 1, server => <<'EOF');
        clarity_queue_limit 100;

        location = /hook {
            clarity_durability    fsync;
            clarity_webhook       provision_entitlement;
            clarity_webhook_token secret;
        }
EOF

my $bytes = $nginx->can('request_text')->('POST', '/hook', token => 'secret',
    body => context());

# All but the last byte of it.
my $most = substr $bytes, 0, -1;
my $last = substr $bytes, -1;


sub says {
    my ($answer) = @_;

    my $json = $answer->json;

    return $answer->status . ' ' . ($json->{code} // $json->{durability});
}


# Requests that the old process has begun to read, then a new one. Returns what
# each is told when it is asked to go on.

sub begun {
    my ($n) = @_;

    my @waiting = map { $nginx->connect } 1 .. $n;
    $_->write($most) for @waiting;

    # read once another that came later has been answered
    is says($nginx->http($bytes)), '202 fsync', 'accepted before';

    my ($old) = $nginx->workers;
    $nginx->reload;
    wait_until { $nginx->log =~ /$old: gracefully shutting down/ } 5,
        'the old process to be told';

    return ($old, map {
        my $http = $_;
        sub { $http->write($last); return says($http->read) };
    } @waiting);
}


sub jobs { return $redis->command('XLEN', '{clarity:0}:jobs') }


# Their answers, one after the other, until one is as expected.

sub comes {
    my ($what, $expected, @waiting) = @_;

    my $said;

    wait_until {
        sleep 0.05; # each look takes one of them
        my $next = shift @waiting or die "$what: no $expected, but $said";
        $said = $next->();
        $said eq $expected;
    } 10, "$what: $expected";

    is $said, $expected, "$what: $expected";

    return @waiting;
}


my ($old, @waiting) = begun(400);

my @next = comes('as it was', '202 fsync', @waiting);

$redis->command('CONFIG', 'SET', 'appendfsync', 'everysec');
@next = comes('less durable', '503 durability_unavailable', @next);
my $before = jobs();
is $next[0]->(), '503 durability_unavailable', 'and so is the next';
shift @next;
is jobs(), $before, 'which is not stored';

$redis->command('CONFIG', 'SET', 'appendfsync', 'always');
@next = comes('set back', '202 fsync', @next);

$redis->command('XADD', '{clarity:0}:jobs', '*', 'a', 'b') while jobs() < 500;
@next = comes('too many', '503 queue_full', @next);
$redis->command('DEL', '{clarity:0}:jobs');
@next = comes('no more', '202 fsync', @next);

$redis->command('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
@next = comes('connected again', '202 fsync', @next);

$redis->kill;
@next = comes('gone', '503 queue_unavailable', @next);
$redis->start;
@next = comes('back', '202 fsync', @next);

ok kill(0, $old), 'all by the old process';
$_->() for @next;
wait_until { !kill 0, $old } 10, 'its end';
pass 'which ends when there is no request';

$t->done;
