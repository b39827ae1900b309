#!/usr/bin/perl

# Redis' appendfsync changes under clarity_durability fsync, while 64
# connections send requests: refused within five seconds, and at once on a new
# connection; accepted again when it is set back. Nothing refused is stored.

use Time::HiRes qw(sleep time);

use Clarity::Test;

# seconds, as documented; under valgrind more
use constant WITHIN => $ENV{CLARITY_VALGRIND} ? 15 : 5;

my $t = Clarity::Test->new;
my $redis = $t->redis(aof => 1);
my $nginx = $t->nginx(server => <<'EOF');
        location = /hook {
            clarity_durability    fsync;
            clarity_webhook       provision_entitlement;
            clarity_webhook_token secret;
        }
EOF

my $load = $t->load(nginx => $nginx, token => 'secret', rate => 1000);


sub sync { $redis->command('CONFIG', 'SET', 'appendfsync', $_[0]) }


# On the connections that are there.

$load->wait_for(500, 202);
sync('everysec');
my $changed = time;

$load->wait_for(1, 503);
sleep $changed + WITHIN - time;
my $late = time;
sleep 1;

sync('always');
my $back = time;

is_deeply [ keys %{ $load->answers($late, $back) } ],
    ['503 durability_unavailable'], 'refused within five seconds';
$load->wait_for(500, 202);
my ($again, $settled) = ($load->again($back), $load->settled($back));
note sprintf 'the first 202 after %.3f s, the last refusal %.3f s',
    $again, $settled;
cmp_ok $settled, '<', WITHIN,
    'and accepted within five seconds after it is set back';


# On new ones: they look before the first job leaves.

sync('everysec');
$redis->command('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
$changed = time;

# what was under way has been answered; what comes is on a new connection
$load->wait_for(500, 503);
$back = time;
sync('always');

is $load->answers($changed, $back)->{202}, undef,
    'no 202 at all on a new connection';
cmp_ok $load->answers($changed, $back)->{'503 durability_unavailable'} // 0,
    '>', 0, 'but refusals that say why';
$load->wait_for(500, 202);

$load->stop;
note $load->summary;
is_deeply [
    grep { !/^(202|504 queue_timeout|503 (durability|queue)_unavailable)$/ }
    keys %{ $load->answers } ], [], 'no other answers';
is_deeply [ $load->amiss($redis) ], [],
    'each 202 is a job, no 503 is, nothing is twice';
cmp_ok $load->longest, '<', limit(3), 'no request outlives the time-outs';

$t->done;
