#!/usr/bin/perl

# The line to Redis is cut, reset, paused, or swallows, within what Redis says
# before a connection can take jobs. The requests that wait for it are not
# stored: 503, in time; and the next connection serves. At some bytes of it;
# t/long/cut-connects.t at all but some of one long reply.

use Time::HiRes qw(time);

use Clarity::Test;

my $t = Clarity::Test->new;

# So that AUTH and SELECT are in the sequence.
$t->write_file('password', "pass-word\n");
chmod 0600, $t->dir . '/password';

my $redis = $t->redis(conf => "requirepass pass-word\n");
$redis->command('AUTH', 'pass-word');
$redis->command('SELECT', 3);

my $proxy = $t->proxy(to => $redis);
my $nginx = $t->nginx(workers => 1, redis => $proxy->url . '/3',
    server => <<'EOT');
        clarity_redis_password_file   %%DIR%%/password;
        clarity_redis_connect_timeout 200ms;
        clarity_redis_timeout         200ms;

        location = /hook {
            clarity_webhook       provision_entitlement;
            clarity_webhook_token secret;
        }
EOT


sub jobs { return $redis->command('XLEN', '{clarity:0}:jobs') }


# How often which status came until a request was accepted, and the longest
# time that one took.

sub until_accepted {
    my %statuses;
    my $longest = 0;

    wait_until {
        my $started = time;
        my $status = $nginx->post('/hook', context(), token => 'secret')
            ->status;
        my $took = time - $started;

        $longest = $took if $took > $longest;
        $statuses{$status}++;
        $status == 202;
    } 10, 'a 202';

    return (\%statuses, $longest);
}


until_accepted();

# From AUTH to the last reply before XADD's.
$proxy->drop;
until_accepted();
my ($last) = @{ $redis->command('XREVRANGE', '{clarity:0}:jobs', '+', '-',
    'COUNT', 1) };
my $sequence = $proxy->bytes - length "\$15\r\n$last->[0]\r\n";

# One in so many bytes: cut and pause differ most. INFO's reply is long.
our $ALL;
my %one_in = $ALL ? (cut => 1, pause => 1, reset => 7, swallow => 17)
    : (cut => 6, pause => 6, reset => 17, swallow => 41);
my @places = grep { $_ < 60 || $_ > $sequence - 40 || $_ % 97 == 0 }
    0 .. $sequence - 1;

for my $harm (sort keys %one_in) {
    my @wrong;
    my @some = @places[ grep { $_ % $one_in{$harm} == 0 } 0 .. $#places ];

    for my $after (@some) {
        my $before = jobs();

        $proxy->rule(from => 'redis', after => $after, do => $harm,
            seconds => 0.02);
        $proxy->drop;

        my ($statuses, $longest) = until_accepted();

        push @wrong, "$_ after $after bytes"
            for grep { !/^(202|503)$/ } keys %$statuses;
        push @wrong, "$longest s after $after bytes"
            if $longest > limit(1.4);
        push @wrong, jobs() - $before . " jobs after $after bytes"
            if jobs() != $before + 1;
    }

    is_deeply \@wrong, [],
        "$harm at " . @some . " of $sequence bytes before a connection serves";
}


unlike $t->read_file('nginx/error.log'), qr/pass-word|secret|INC1/,
    'no password, token or value in the log';

$t->done;
