#!/usr/bin/perl

# The binary is replaced (USR2, WINCH, QUIT) under load: no request fails, and
# no connection is left.

use Clarity::Test;

my $t = Clarity::Test->new;
my $redis = $t->redis;
my $nginx = $t->nginx(daemon => 1, server => Clarity::Nginx::STATUS . <<'EOT');
        location = /hook {
            clarity_webhook       provision_entitlement;
            clarity_webhook_token secret;
        }
EOT


sub clients {
    return scalar grep { /name=clarity-nginx/ }
        split /\n/, $redis->command('CLIENT', 'LIST');
}


my $once = $t->load(name => 'once', nginx => $nginx, token => 'secret',
    connections => 32, rate => 1000, close => 1);
my $kept = $t->load(name => 'kept', nginx => $nginx, token => 'secret',
    connections => 32, rate => 1000,
    body => context(identity_id => '"@@@@@@@@@@"', grant_type => '"kept"'));

my @masters = $nginx->pid;
my $memory = $nginx->memory($masters[0]);

for my $n (1 .. 3) {
    $_->wait_for(200, 202) for $once, $kept;
    $nginx->upgrade;
    push @masters, $nginx->pid;
}

$_->wait_for(200, 202) for $once, $kept;
$_->stop for $once, $kept;

note 'a connection each: ' . $once->summary;
note 'kept connections: ' . $kept->summary;

my %different = map { $_ => 1 } @masters;
is keys %different, 4, 'three new masters, one after the other';

is_deeply [ keys %{ $once->answers } ], [202],
    'each request with a connection of its own is accepted';
is_deeply [ grep { !/^(202|0 stale)$/ } keys %{ $kept->answers } ], [],
    'so is each one on a kept connection, at the second try at the latest';
is_deeply [ $_->amiss($redis) ], [], 'each is one job' for $once, $kept;
cmp_ok $_->longest, '<', limit(2), 'none has waited long' for $once, $kept;

SKIP: {
    skip 'a sanitizer keeps memory', 1 if Clarity::Nginx::keeps_memory($t);
    my $growth = $nginx->memory($nginx->pid) - $memory;
    cmp_ok $growth, '<', 512, "the last has no more memory ($growth KB)";
}

is scalar(my @workers = $nginx->workers), 2, 'two worker processes';
wait_until { clients() == 2 } 5, 'two connections to Redis';
pass 'with one connection to Redis each';
is $nginx->connections, 0, 'no client\'s connection is left';

$t->done;
