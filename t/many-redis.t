#!/usr/bin/perl

# Many locations with different settings of Redis: each job goes where its
# location says, locations with the same settings share a connection, and a
# server that is away harms none but its own, over reloads too.

use Time::HiRes qw(time);

use Clarity::Test;

use constant WORKERS => 2;

my $t = Clarity::Test->new;
my %redis = map { $_ => $t->redis(name => $_, aof => 1) } qw(a b c);

my @settings = (
    ['', 'clarity'],
    ['clarity_redis_prefix other;', 'other'],
    ['clarity_redis_timeout 900ms;', 'clarity'],
    ['clarity_redis_connect_timeout 900ms;', 'clarity'],
    ['clarity_redis_max_pending 100;', 'clarity'],
    ['clarity_durability everysec;', 'clarity'],
    ['clarity_durability fsync;', 'clarity'],
    ['clarity_durability fsync trust;', 'clarity'],
);

# By name of the location: its server, and its key of jobs.
my %where;


# A location for each of the settings and servers. A round more: the same again.

sub locations {
    my ($round, @servers) = @_;

    my $text = '';

    for my $server (@servers) {
        for my $n (0 .. $#settings) {
            my ($setting, $prefix) = @{ $settings[$n] };
            my $name = "$server$n$round";

            $where{$name} = [ $server, "{$prefix:0}:jobs" ];
            $text .= <<"EOF";
        location = /$name {
            clarity_redis         %%REDIS_$server%%;
            $setting
            clarity_webhook       provision_entitlement name=$name;
            clarity_webhook_token $name;
        }
EOF
        }
    }

    return $text;
}


my $nginx = $t->nginx(workers => WORKERS,
    server => locations('x', qw(a b c)) . locations('y', qw(a b)));


# Posts to each of them; by name: status, or "N s" where it took long.

sub post_to {
    my (@names) = @_;

    my %said;

    for my $name (@names) {
        my $started = time;
        my $answer = $nginx->post("/$name",
            context(grant_type => "\"$name\""), token => $name);

        $said{$name} = time - $started < limit(2) ? $answer->status
            : time - $started . ' s';
    }

    return \%said;
}


sub of { my ($server) = @_; return grep { /^$server/ } sort keys %where }

sub all_say {
    my ($status, @names) = @_;
    return { map { $_ => $status } @names };
}


sub clients {
    my ($server) = @_;

    return scalar grep { /name=clarity-nginx/ }
        split /\n/, $redis{$server}->command('CLIENT', 'LIST');
}


sub wait_for_clients {
    my ($server, $n) = @_;

    wait_until { clients($server) == $n } 10, "$n connections to $server";
    pass "$n connections to $server";
}


# Of each location the jobs are where they should be, and nowhere else.

sub jobs_are_right {
    my ($n, @names) = @_;

    my %found;

    for my $server (keys %redis) {
        for my $key (map { "{$_:0}:jobs" } qw(clarity other)) {
            for my $entry (@{ $redis{$server}->command('XRANGE', $key, '-',
                '+') })
            {
                my %fields = @{ $entry->[1] };
                my ($name) = $fields{context} =~ /"grant_type":"(\w+)"/;
                $found{"$name in $server $key"}++;
            }
        }
    }

    is_deeply \%found,
        { map { ("$_ in $where{$_}[0] $where{$_}[1]" => $n) } @names },
        'each job is where its location says';
}


wait_for_clients($_, @settings * WORKERS) for sort keys %redis;

my @all = sort keys %where;
is_deeply post_to(@all), all_say(202, @all), 'all are accepted';
jobs_are_right(1, @all);
wait_for_clients($_, @settings * WORKERS) for sort keys %redis;


# One of them goes; the others do not notice, nor over reloads.

$redis{b}->kill;
my @others = (of('a'), of('c'));

wait_until { post_to('b0x')->{b0x} == 503 } 5, 'a 503';
is_deeply post_to(of('b')), all_say(503, of('b')), 'one is away';
is_deeply post_to(@others), all_say(202, @others), 'the others are not';

for (1 .. 3) {
    $nginx->renew;
    is_deeply post_to(@others), all_say(202, @others), 'nor after a reload';
}

is_deeply post_to(of('b')), all_say(503, of('b')), 'it is still away';

$redis{b}->start;
my $back = time;
my $said;
wait_until {
    $said = post_to(of('b'));
    !grep { $_ != 202 } values %$said;
} 5, 'a 202 of each';
cmp_ok time - $back, '<', limit(2), 'it is back for all its locations';
wait_for_clients($_, @settings * WORKERS) for sort keys %redis;


# A stop is each one's own too.

$redis{c}->pause;
is_deeply post_to(of('a')), all_say(202, of('a')), 'one is stopped';
$redis{c}->resume;


# What a new configuration has no more is connected to no more.

$nginx->configure($t->read_file('nginx/nginx.conf')
    =~ s/location = \/(?:c|\w\dy).*?\n        \}\n//sgr);
$nginx->renew;
wait_for_clients('c', 0);
wait_for_clients('a', @settings * WORKERS);

# On a busy machine a new process may take longer than its connections have.
wait_until {
    $said = post_to('a3x', 'b3x');
    !grep { $_ != 202 } values %$said;
} 20, 'the new processes to be connected';
is_deeply $said, all_say(202, 'a3x', 'b3x'), 'the others are served';

my $lines = () = $nginx->log =~ /is not available/g;
cmp_ok $lines, '<=', @settings * WORKERS * 2 * 6,
    "the log is not longer than it needs ($lines lines)";

$t->done;
