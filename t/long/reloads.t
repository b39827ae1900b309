#!/usr/bin/perl

# A reload each 200 ms for 20 s (under valgrind, which takes that long to start
# a process, ten times slower), under load: no request fails, no connection to
# Redis or from a client is left, nothing grows.

use Time::HiRes qw(sleep time);

use Clarity::Test;

use constant SLOWER  => $ENV{CLARITY_VALGRIND} ? 10 : 1;
use constant RELOADS => 100 / SLOWER;
use constant EACH    => 0.2 * SLOWER; # seconds
use constant GROWTH  => 512; # KB, for what malloc keeps

my $t = Clarity::Test->new;
my $redis = $t->redis;

$t->write_file('key', 'k1:' . 'A' x 43 . "=\n");
chmod 0600, $t->dir . '/key';

# With webhooks made at run time: one process has two connections more.
my $nginx = $t->nginx(http => <<'EOT', server => Clarity::Nginx::STATUS
    clarity_token_key_file %%DIR%%/key;
EOT
    . <<'EOT');
        location = /hook {
            clarity_webhook       provision_entitlement;
            clarity_webhook_token secret;
        }

        location /hooks/ {
            clarity_webhooks;
        }
EOT


sub clients {
    return scalar grep { /name=clarity-nginx/ }
        split /\n/, $redis->command('CLIENT', 'LIST');
}


# The ones make a connection for each request; none may fail. The others keep
# theirs, which an old process closes while it is idle: then the request goes
# out again (see Clarity::Load), and must not be a job twice.

my $once = $t->load(name => 'once', nginx => $nginx, token => 'secret',
    connections => 32, rate => 1500, close => 1);
my $kept = $t->load(name => 'kept', nginx => $nginx, token => 'secret',
    connections => 32, rate => 1500,
    body => context(identity_id => '"@@@@@@@@@@"', grant_type => '"kept"'));

$_->wait_for(100, 202) for $once, $kept;

my $master = $nginx->pid;
my $files = $nginx->files($master);
my @memory;
my $next = time;

for my $n (1 .. RELOADS) {
    $nginx->signal('HUP');
    $next += EACH;
    sleep $next - time if $next > time;

    # the first ones fill what is kept from one to the next
    if ($n == RELOADS / 5 || $n == RELOADS) {
        push @memory, $nginx->memory($master);
    }
}

$_->wait_for(200, 202) for $once, $kept;
$_->stop for $once, $kept;

my $reloads = () = $nginx->log =~ /\(SIGHUP\) received/g;
cmp_ok $reloads, '>', RELOADS / 2, "$reloads reloads";

note 'a connection each: ' . $once->summary;
note 'kept connections: ' . $kept->summary;

is_deeply [ keys %{ $once->answers } ], [202],
    'each request with a connection of its own is accepted';
is_deeply [ sort keys %{ $kept->answers } ], [ '0 stale', 202 ],
    'so is each one on a kept connection, at the second try at the latest';
is_deeply [ $_->amiss($redis) ], [], 'each is one job' for $once, $kept;
cmp_ok $_->longest, '<', limit(2), 'none has waited long' for $once, $kept;

wait_until { $nginx->workers == 2 } 10, 'the end of the old processes';
wait_until { clients() == 4 } 5, 'four connections to Redis';
pass 'the two processes have their connections to Redis, and no more';
is $nginx->connections, 0, 'no client\'s connection is left';

note "the master has $memory[0] KB after a fifth, then $memory[1] KB";
SKIP: {
    skip 'a sanitizer keeps memory', 1 if Clarity::Nginx::keeps_memory($t);
    cmp_ok $memory[1] - $memory[0], '<', GROWTH, 'the master does not grow';
}
is $nginx->files($master), $files, 'nor do its open files';

$t->done;
