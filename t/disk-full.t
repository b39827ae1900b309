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
    my $load = $t->load(name => "load_$sync", nginx => $nginx,
        uri => "/$sync", token => $sync);

    $load->wait_for(500, 202);
    $redis->{disk}->fill;
    $load->wait_for(500, 503);

    my $back = $mend->($redis);

    $load->wait_for(500, 202);
    $load->stop;

    note "$sync: " . $load->summary;
    note sprintf '%s: the first 202 after %.3f s, the last refusal %.3f s',
        $sync, $load->again($back), $load->settled($back);
    cmp_ok $load->again($back), '<', slack(), "$sync: accepted within a second";
    cmp_ok $load->settled($back), '<', slack(), 'by both processes';
    is_deeply [ grep { !/^(202|503 queue_unavailable|504 queue_timeout)$/ }
        keys %{ $load->answers } ], [], 'no other answers';
    is_deeply [ $load->amiss($redis) ], [],
        'each 202 is a job, no 503 is, nothing is twice';
    cmp_ok $load->longest, '<', 2 + slack(), 'no request outlives the time-outs';
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
