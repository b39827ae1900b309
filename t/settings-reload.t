#!/usr/bin/perl

# Webhooks made at run time over reloads, with 64 busy connections, and over
# the death of the process that follows Redis.

use Time::HiRes qw(time);

use Clarity::Settings;
use Clarity::Test;

use constant RELOADS => 6;

my $t = Clarity::Test->new;
my $redis = $t->redis(tcp => 1);
my $settings = Clarity::Settings->new($t);
my $nginx = $settings->nginx;

$settings->wait_loaded;


# Under load, on 48 connections that are made for each request and 16 that are
# kept: no 503, no other answer than 202, none that does not come, and each is
# one job. (A kept connection may be closed for being idle just when the next
# request is under way, which then goes out again: see Clarity::Load.)

my $webhook = $settings->create(endpoint => 'busy');
$settings->wait_status(202, $webhook);

my %target = (nginx => $nginx, uri => '/webhooks/busy',
    token => $webhook->{token});
my $once = $t->load(%target, name => 'once', connections => 48, close => 1);
my $kept = $t->load(%target, name => 'kept', connections => 16,
    body => context(identity_id => '"@@@@@@@@@@"', grant_type => '"kept"'));

for my $round (1 .. RELOADS) {
    $_->wait_for(200, 202) for $once, $kept;
    $nginx->renew;
}

$_->wait_for(200, 202) for $once, $kept;
$_->stop for $once, $kept;
note $_->summary for $once, $kept;

is_deeply [ keys %{ $once->answers } ], [202],
    'over ' . RELOADS . ' reloads each request is accepted';
is_deeply [ grep { $_ ne '0 stale' } sort keys %{ $kept->answers } ], [202],
    'so is each one on a kept connection, at the second try at the latest';
is_deeply [ $_->amiss($redis) ], [], 'none is lost, each is one job'
    for $once, $kept;
cmp_ok $_->longest, '<', limit(2), 'and none has waited long' for $once, $kept;


# With Redis away a reload starts from what shared memory has, also where the
# zone gets another size.

$redis->signal('STOP');

for my $size ('32m', '8m', '64m') {
    my $conf = $t->read_file('nginx/nginx.conf');
    $conf =~ s/\n    clarity_zone [^;]*;//;
    $conf =~ s/\nhttp \{/\nhttp {\n    clarity_zone $size;/;
    $nginx->configure($conf);

    $nginx->renew;

    my %statuses;
    my $workers = $settings->each_worker($nginx);

    for my $http (values %$workers) {
        $http->write(Clarity::Nginx::request_text('POST', '/webhooks/busy',
            token => 'none', body => '{}', keepalive => 1));
        $statuses{ $http->read->status }++;
        $http->write(Clarity::Nginx::request_text('POST', '/webhooks/other',
            token => 'none', body => '{}', keepalive => 1));
        $statuses{ $http->read->status }++;
    }

    is_deeply \%statuses, { 401 => 4, 404 => 4 },
        "clarity_zone $size: kept over a reload while Redis is stopped";
}

$redis->signal('CONT');
$settings->wait_status(202, $webhook);
pass 'and accepted again with Redis';


# The process that follows Redis is killed, again and again; each time another
# one sees the next change. The master starts it in the place of the dead one.

$t->expect_log(qr/exited on signal 9/);

# whose lock the master takes away
$t->expect_log(qr/shared memory zone "clarity" was locked by/);

for my $round (1 .. 3) {
    my $victim = wait_until { follower() } 5, 'the process that follows';
    my $next = $settings->create(endpoint => "after-kill-$round");

    $nginx->kill_workers($victim);

    my $made;
    wait_until {
        $made = eval { $settings->create(endpoint => "made-$round") }
    } 5, 'a webhook to be made';
    my $started = time;

    wait_until { $nginx->workers == 4 } 5, 'four processes';

    my $workers = $settings->each_worker($nginx);
    $settings->last_wrong(202, $made, $workers);
    my $seconds = time - $started;
    cmp_ok $seconds, '<', limit(2),
        sprintf 'seen by all %.3f s after the one that follows was killed',
            $seconds;

    is $settings->last_wrong(202, $next, $workers), 0,
        'and what was there before is';
    my $follows = wait_until { follower() } 5;
    isnt $follows, $victim, 'another process follows';
}


# The same while a reload begins: whichever of the processes follows then.

for my $round (1 .. 5) {
    my $victim = wait_until { follower() } 5, 'the process that follows';
    my @old = $nginx->workers;

    $nginx->signal('HUP');
    $nginx->kill_workers($victim);

    my $made;
    wait_until {
        $made = eval { $settings->create(endpoint => "over-both-$round") }
    } 5, 'a webhook to be made';
    wait_until {
        my %now = map { $_ => 1 } $nginx->workers;
        keys %now == 4 && !grep { $now{$_} } @old;
    } 15, 'four new processes';

    my $seconds = $settings->last_wrong(202, $made,
        $settings->each_worker($nginx));
    cmp_ok $seconds, '<', limit(1),
        sprintf 'killed over a reload: seen by all after %.3f s', $seconds;
}


# Killed at any time, by chance also while it swaps what it has read: what was
# on its way into shared memory does not stay there, and nothing is broken.

for my $round (1 .. 40) {
    my $victim = wait_until { follower() } 5, 'the process that follows';

    $redis->command('PUBLISH', '{clarity}:webhooks', 'x') for 1 .. $round % 7;
    $nginx->kill_workers($victim);
}

my $last;
wait_until { $last = eval { $settings->create(endpoint => 'last') } } 5,
    'a webhook to be made';
wait_until { $nginx->workers == 4 } 5, 'four processes';
cmp_ok $settings->last_wrong(202, $last, $settings->each_worker($nginx)),
    '<', limit(1), 'seen by all after forty deaths';

$t->done;


# The process that has the subscription: Redis knows its port, the kernel whose
# socket that is.

sub follower {
    my @subscribed = map { / addr=127\.0\.0\.1:(\d+) .* sub=1 / ? $1 : () }
        split /\n/, $redis->command('CLIENT', 'LIST');
    return if @subscribed != 1;

    my $ends = sprintf '0100007F:%04X 0100007F:%04X', $subscribed[0],
        $redis->{port};
    my ($inode) = map { (split)[9] } grep { / $ends / }
        split /\n/, slurp('/proc/net/tcp');
    return if !$inode;

    my ($pid) = grep {
        grep { (readlink $_ // '') eq "socket:[$inode]" } glob "/proc/$_/fd/*"
    } $nginx->workers;

    return $pid;
}


sub slurp {
    my ($file) = @_;

    open my $fh, '<', $file or die "$file: $!\n";
    local $/;
    return scalar <$fh>;
}
