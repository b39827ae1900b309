#!/usr/bin/perl

# The line to Redis is cut, reset, paused, or swallows, at each byte of what
# Redis says before a connection can take jobs. The requests that wait for it
# are not stored: 503, in time; and the next connection serves.

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

# to AUTH, SELECT, CLIENT SETNAME; HSETNX, HSETNX; HMGET
my $sequence = length join '', ("+OK\r\n") x 3, (":0\r\n") x 2, "*2\r\n",
    ("\$1\r\n1\r\n") x 2;

for my $harm (qw(cut reset swallow pause)) {
    my @wrong;

    for my $after (0 .. $sequence - 1) {
        # the first takes the whole time-out, the other is much like cut
        next if $harm eq 'swallow' && $after % 11;
        next if $harm eq 'reset' && $after % 5;

        my $before = jobs();

        $proxy->rule(from => 'redis', after => $after, do => $harm,
            seconds => 0.02);
        $proxy->drop;

        my ($statuses, $longest) = until_accepted();

        push @wrong, "$_ after $after bytes"
            for grep { !/^(202|503)$/ } keys %$statuses;
        push @wrong, "$longest s after $after bytes"
            if $longest > 0.2 + 0.2 + slack();
        push @wrong, jobs() - $before . " jobs after $after bytes"
            if jobs() != $before + 1;
    }

    is_deeply \@wrong, [], "$harm at each byte before a connection serves";
}


unlike $t->read_file('nginx/error.log'), qr/pass-word|secret|INC1/,
    'no password, token or value in the log';

$t->done;
