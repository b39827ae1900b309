#!/usr/bin/perl

# The disk of Redis' append-only file is full, while 64 connections send
# requests. With everysec Redis refuses writes (MISCONF) until there is room;
# with always it ends itself, since it cannot say that anything is kept.

use Time::HiRes qw(time);

use Clarity::Disk;
use Clarity::Test;

my $t = Clarity::Test->new;

if (!Clarity::Disk::possible()) {
    plan skip_all => 'a name space with a disk of its own cannot be made';
}

my %redis;

for my $sync (qw(everysec always)) {
    my $disk = $t->disk(name => "disk_$sync", mb => 16);

    $redis{$sync} = $t->redis(name => $sync, aof => 1,
        under => [ $disk->under ],
        conf => 'dir ' . $disk->path . "\nappendfsync $sync\n");
    $redis{$sync}{disk} = $disk;
}

my $nginx = $t->nginx(server => <<'EOF');
        location = /everysec {
            clarity_redis         %%REDIS_everysec%%;
            clarity_webhook       provision_entitlement;
            clarity_webhook_token everysec;
        }

        location = /always {
            clarity_redis         %%REDIS_always%%;
            clarity_webhook       provision_entitlement;
            clarity_webhook_token always;
        }
EOF


sub lines {
    my ($regex) = @_;

    my @lines = grep { $_ =~ $regex } split /\n/,
        $t->read_file('nginx/error.log');

    return scalar @lines;
}


# Lets it be full, does what is to be done, and looks at what was answered.

sub survives {
    my ($sync, $mend) = @_;

    my $redis = $redis{$sync};
    # half of them with idempotency keys
    my @load = map {
        $t->load(name => "$sync-$_", nginx => $nginx, uri => "/$sync",
            token => $sync, connections => 32, rate => 1000,
            body => context(identity_id => '"@@@@@@@@@@"',
                grant_type => "\"$_\""),
            headers => $_ eq 'keyed' ? ['Idempotency-Key: @@@@@@@@@@'] : []);
    } qw(plain keyed);

    $_->wait_for(250, 202) for @load;
    $redis->{disk}->fill;
    $_->wait_for(250, 503) for @load;

    my $back = $mend->($redis);

    $_->wait_for(250, 202) for @load;
    $_->stop for @load;

    for my $load (@load) {
        my ($what, $again, $settled) = ($load->name, $load->again($back),
            $load->settled($back));

        note "$what: " . $load->summary;
        note sprintf '%s: the first 202 after %.3f s, the last refusal %.3f s',
            $what, $again, $settled;
        cmp_ok $again, '<', limit(1), "$what: accepted within a second";
        cmp_ok $settled, '<', limit(1), 'by both processes';
        is_deeply [ grep { !/^(202|503 queue_unavailable|504 queue_timeout)$/ }
            keys %{ $load->answers } ], [], 'no other answers';
        is_deeply [ $load->amiss($redis) ], [],
            'each 202 is a job, no 503 is, nothing is twice';
        cmp_ok $load->longest, '<', limit(3),
            'no request outlives the time-outs';
    }
}


survives('everysec', sub {
    my ($redis) = @_;

    $redis->{disk}->free;
    wait_until { $redis->ask('SET', 'probe', 1)->[0] eq '' } 10,
        'Redis to take writes';

    return time;
});

is lines(qr/refuses jobs \(MISCONF\)/), 2, 'told once by each process';


survives('always', sub {
    my ($redis) = @_;

    isnt $redis->wait_exit(10), 0, 'Redis ends itself';
    $redis->{disk}->free;
    $redis->start;

    return time;
});

cmp_ok lines(qr/Redis \S+always\S+ is not available/), '<=', 2 * 3,
    'told once by each process and cause';

$t->done;
