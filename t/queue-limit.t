#!/usr/bin/perl

# clarity_queue_limit: jobs that are not finished, wherever they are: waiting in
# the stream, in hand, put off; what is finished does not count. Each location
# has a limit of its own. What was stored before is answered as such, also where
# Redis has no memory left.

use Clarity::Test;

my $t = Clarity::Test->new;
my $redis = $t->redis;
my $nginx = $t->nginx(workers => 1, server => <<'EOF');
        clarity_queue_limit 5;

        location = /five {
            clarity_webhook       provision_entitlement;
            clarity_webhook_token five;
        }

        location = /nine {
            clarity_queue_limit   9;
            clarity_webhook       provision_entitlement;
            clarity_webhook_token nine;
        }

        location = /none {
            clarity_queue_limit   0;
            clarity_webhook       provision_entitlement;
            clarity_webhook_token none;
        }
EOF

my $stream = '{clarity:0}:jobs';


sub says {
    my ($webhook, $body, @headers) = @_;

    my $answer = $nginx->post("/$webhook", $body // context(),
        token => $webhook, headers => \@headers);
    my $json = decode_json($answer->body);

    return $answer->status . ' ' . ($json->{code}
        // ($json->{duplicate} ? "duplicate $json->{job_id}" : $json->{status}));
}

sub is_open {
    my ($webhook, $what) = @_;

    is says($webhook), '202 accepted', "$what: $webhook is open";
}


# Until nginx has looked twice, and so has the answer of once. It looks each
# second.

sub looks {
    return $redis->command('INFO', 'commandstats')
        =~ /cmdstat_xinfo\|groups:calls=(\d+)/ ? $1 : 0;
}

sub has_looked {
    my $start = time;
    my $before = looks();

    wait_until { looks() >= $before + 2 } 5, 'two looks';
    cmp_ok time - $start, '<=', limit(3), 'nginx looks each second';
}

sub is_full {
    my ($webhook, $what) = @_;

    is says($webhook), '503 queue_full', "$what: $webhook is full";
}

sub lines { return scalar(() = $nginx->log =~ /$_[0]/g) }

sub reached {
    my ($limit) = @_;

    return lines(qr/\[error\] .* Redis \S+ has \d+ jobs that are not finished: /
        . qr/"clarity_queue_limit" $limit is reached/);
}

sub below {
    my ($limit) = @_;

    return lines(qr/\[notice\] .* Redis \S+ has \d+ jobs that are not finished, /
        . qr/below "clarity_queue_limit" $limit again/);
}

sub jobs { return $redis->command('XLEN', $stream) }


is_open('five', 'an empty queue');
$redis->command('XADD', $stream, '*', 'a', 'b') while jobs() < 6;
has_looked();
is_full('five', 'six that wait');
is jobs(), 6, 'nothing is stored';
my $answer = $nginx->post('/five', context(), token => 'five');
ok $answer->header('retry-after'), 'with Retry-After';
is_full('five', 'still') for 1 .. 5;
is reached(5), 1, 'one line says that it is';
is reached(9), 0, 'of that limit';
is below(5), 0, 'and none that it is not';
is_open('nine', 'another limit');
is_open('none', 'no limit');

# What was stored before the queue was full, is; nothing is stored for the rest.

sub repeats {
    my ($webhook, $id, $what) = @_;

    my ($before, $keys) = (jobs(), $redis->command('DBSIZE'));
    is says($webhook, undef, 'Idempotency-Key: a'), "202 duplicate $id",
        "$what: the key of a stored job";
    is says($webhook, context() . ' ', 'Idempotency-Key: a'),
        '422 idempotency_key_reused', 'its key with another body';
    is says($webhook, undef, 'Idempotency-Key: b'), '503 queue_full',
        'another key';
    is says($webhook), '503 queue_full', 'none';
    is jobs(), $before, 'nothing is queued';
    is $redis->command('DBSIZE'), $keys, 'and no key kept';
}

$redis->command('DEL', $stream);
has_looked();
wait_until { below(5) } 3, 'a line that it is not full any more';
is below(5), 1, 'one line says that it is not full any more';
$answer = $nginx->post('/five', context(), token => 'five',
    headers => ['Idempotency-Key: a']);
is $answer->status, 202, 'a job with a key';
my $id = decode_json($answer->body)->{job_id};
$redis->command('XADD', $stream, '*', 'a', 'b') while jobs() < 7;
has_looked();
repeats('five', $id, 'at the limit');
$redis->command('SCRIPT', 'FLUSH');
repeats('five', $id, 'without the script');
is reached(5), 2, 'one more line';
is says('nine', undef, 'Idempotency-Key: a'), '202 accepted',
    'another webhook, below its limit';
$redis->command('XTRIM', $stream, 'MAXLEN', 6);

# Likewise at Redis' maxmemory.

$redis->command('XTRIM', $stream, 'MAXLEN', 0);
has_looked();
$redis->command('CONFIG', 'SET', 'maxmemory', 1);
repeats('five', $id, 'no memory');
$redis->command('SCRIPT', 'FLUSH');
repeats('five', $id, 'neither memory nor script');
$redis->command('CONFIG', 'SET', 'maxmemory', 0);
is says('five', undef, 'Idempotency-Key: b'), '202 accepted',
    'a key that was refused is as good as new';
$redis->command('DEL', $stream);
$redis->command('XADD', $stream, '*', 'a', 'b') while jobs() < 8;

# A group has come: five are in hand, three wait.

$redis->command('XGROUP', 'CREATE', $stream, 'workers', 0);
my @taken = map { $_->[0] } @{ $redis->command('XREADGROUP', 'GROUP',
    'workers', 'w', 'COUNT', 5, 'STREAMS', $stream, '>')->[0][1] };
has_looked();
is_full('five', 'five in hand, three that wait');

$redis->command('XACK', $stream, 'workers', @taken);
has_looked();
is_open('five', 'five are finished');
is jobs(), 9, 'though still in the stream';

# Put off, with the four that are there: nine.

$redis->command('ZADD', '{clarity:0}:delayed', $_, $_) for 1 .. 5;
has_looked();
is_full('five', 'five put off');
is_full('nine', 'and four more are nine');
is_open('none', 'no limit');
$redis->command('DEL', '{clarity:0}:delayed');
has_looked();
is_open('nine', 'they are gone');

# A group that cannot say what it has yet to get.

$redis->command('DEL', $stream);
$redis->command('XGROUP', 'CREATE', $stream, 'workers', 0, 'MKSTREAM');
my @ids = map { $redis->command('XADD', $stream, '*', 'a', 'b') } 1 .. 20;
$redis->command('XDEL', $stream, $ids[10]);
$redis->command('XREADGROUP', 'GROUP', 'workers', 'w', 'COUNT', 1,
    'STREAMS', $stream, '>');
has_looked();
is_full('nine', 'entries that were deleted');

# The first look comes before the first job.

my ($old) = $nginx->workers;
$nginx->reload;
wait_until { !grep { $_ == $old } $nginx->workers } 10, 'the old one gone';
is says('none'), '202 accepted', 'a new process';
is says('nine'), '503 queue_full', 'knows it by then';

# Redis goes, and comes back empty.

$redis->kill;
$redis->start;
wait_until { says('five') eq '202 accepted' } 5, 'Redis is back, and empty';
pass 'Redis is back';

my ($code, $told) = $nginx->check('clarity_queue_limit many;');
isnt $code, 0, 'a limit is a number';
like $told, qr/expected a whole number from 0 on in \S+:\d+/, 'and that is told';

$t->done;
