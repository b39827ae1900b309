#!/usr/bin/perl

# The line to Redis is cut, reset, paused, or swallows (at some), at each byte
# of XADD's reply. Only a whole reply is a 202; all else is 504, since the job
# may be stored, and is told in time. t/long/cut-replies.t under load.

use Time::HiRes qw(sleep time);

use Clarity::Test;

my $t = Clarity::Test->new;
my $redis = $t->redis;
my $proxy = $t->proxy(to => $redis);
my $nginx = $t->nginx(workers => 1, redis => $proxy->url, server => <<'EOT');
        clarity_redis_connect_timeout 200ms;
        clarity_redis_timeout         200ms;

        location = /hook {
            clarity_webhook       provision_entitlement;
            clarity_webhook_token secret;
        }
EOT


sub post {
    my $started = time;
    my $answer = $nginx->post('/hook', context(), token => 'secret');

    return ($answer->status, time - $started);
}


sub jobs { return $redis->command('XLEN', '{clarity:0}:jobs') }


# How often which status came until a request was accepted.

sub until_accepted {
    my %statuses;

    wait_until {
        my ($status) = post();
        $statuses{$status}++;
        $status == 202;
    } 10, 'a 202';

    return \%statuses;
}


sub last_job {
    return $redis->command('XREVRANGE', '{clarity:0}:jobs', '+', '-',
        'COUNT', 1)->[0][0];
}


until_accepted();

my $id = last_job();
my $whole = length '$' . length($id) . "\r\n$id\r\n";

for my $harm (qw(cut reset swallow pause)) {
    my @wrong;

    for my $after (0 .. $whole - 1) {
        # it takes the whole time-out
        next if $harm eq 'swallow' && $after % 7 && $after < $whole - 2;

        my $before = jobs();

        $proxy->rule(since => 'XADD', from => 'redis', after => $after,
            do => $harm, seconds => 0.02);

        my ($status, $took) = post();
        my $statuses = until_accepted();

        push @wrong, "$status after $after bytes"
            if $status != ($harm eq 'pause' ? 202 : 504);
        push @wrong, "$took s after $after bytes" if $took > limit(1.2);
        push @wrong, "then $_" for grep { !/^(202|503)$/ } keys %$statuses;
        push @wrong, jobs() - $before . " jobs after $after bytes"
            if jobs() != $before + 2;
    }

    is_deeply \@wrong, [], "$harm at each byte of XADD's reply";
}


# What is cut off behind a whole reply does not harm it.

$proxy->rule(since => 'XADD', from => 'redis', after => $whole, do => 'cut');
is +(post())[0], 202, 'a whole reply, and then the end';
until_accepted();


# A command of which a part has left may have been executed, for all nginx
# knows.

for my $after (0, 1, 20, 200) {
    $proxy->rule(since => 'XADD', from => 'nginx', after => $after,
        do => 'cut');
    my $before = jobs();
    is +(post())[0], 504, "$after bytes of the command, and then the end";
    is jobs(), $before, 'it was not';
    until_accepted();
}


# Byte by byte, and late.

$proxy->manner(piece => 1);
my %statuses;
$statuses{ (post())[0] }++ for 1 .. 20;
is_deeply \%statuses, { 202 => 20 }, 'byte by byte';

$proxy->manner(delay => 0.05);
%statuses = ();
$statuses{ (post())[0] }++ for 1 .. 5;
is_deeply \%statuses, { 202 => 5 }, 'each way 50 ms later';

$t->done;
