#!/usr/bin/perl

# clarity_durability replicas=N: 202 once so many replicas have the job; a
# replica that is known to be gone is told before anything is stored, one that
# does not answer is a 504; and a duplicate waits too.

use Time::HiRes qw(time);

use Clarity::Test;

my $t = Clarity::Test->new;
my $redis = $t->redis(tcp => 1, conf => "repl-diskless-sync-delay 0\n");
my $replica = $t->redis(name => 'replica', tcp => 1,
    conf => "replicaof 127.0.0.1 $redis->{port}\n");

my $nginx = $t->nginx(workers => 1, server => <<'EOF', redis => $redis->url);
        location = /one {
            clarity_durability    replicas=1 timeout=300ms;
            clarity_webhook       provision_entitlement;
            clarity_webhook_token one;
        }

        location = /two {
            clarity_durability    replicas=2;
            clarity_webhook       provision_entitlement;
            clarity_webhook_token two;
        }

        location = /memory {
            clarity_webhook       provision_entitlement;
            clarity_webhook_token memory;
        }
EOF


sub comes {
    my ($webhook, $expected, $what) = @_;

    wait_until { $nginx->says($webhook) eq $expected } 15,
        "$webhook: $expected ($what)";
    pass "$what: $webhook says $expected";
}

sub jobs { return $_[0]->command('XLEN', '{clarity:0}:jobs') }


comes('one', 'replicas', 'a replica in step');
is jobs($replica), jobs($redis), 'the replica has the job';
is $nginx->says('two'), '503 durability_unavailable', 'two are not there';
is $nginx->says('memory'), 'memory', 'nobody waits who has not asked for it';


# Many at once have few WAITs.

my ($waits) = $redis->command('INFO', 'commandstats')
    =~ /cmdstat_wait:calls=(\d+)/;
my @connections = map { $nginx->connect } 1 .. 200;
$_->write($nginx->can('request_text')->('POST', '/one', token => 'one',
    body => context())) for @connections;
my %statuses;
$statuses{ $_->read->status }++ for @connections;
is_deeply \%statuses, { 202 => 200 }, '200 at once';
my ($after) = $redis->command('INFO', 'commandstats')
    =~ /cmdstat_wait:calls=(\d+)/;
cmp_ok $after - $waits, '<', 200, 'in fewer WAITs: ' . ($after - $waits);
wait_until { jobs($replica) == jobs($redis) } 5, 'all on the replica';


# A replica that is stopped: it is still counted, and does not answer.

my $before = jobs($redis);
$replica->signal('STOP');

my $started = time;
my $answer = $nginx->post_job('one', 'Idempotency-Key: a');
is $answer->status, 504, 'the replica does not answer';
cmp_ok time - $started, '<', limit(2), 'told within the time-outs';
like decode_json($answer->body)->{detail}, qr/stored, but not known/,
    'and what that means';
is jobs($redis), $before + 1, 'the job is there';

$started = time;
@connections = map { $nginx->connect } 1 .. 20;
$_->write($nginx->can('request_text')->('POST', '/one', token => 'one',
    body => context())) for @connections;
%statuses = ();
$statuses{ $_->read->status }++ for @connections;
is_deeply \%statuses, { 504 => 20 }, 'many wait together';
cmp_ok time - $started, '<', limit(2.5), 'not one after another';
is $nginx->says('memory'), 'memory', 'others are not held up';

$replica->signal('CONT');
$before = jobs($redis);
wait_until {
    $answer = $nginx->post_job('one', 'Idempotency-Key: a');
    $answer->status == 202;
} 10, 'a 202';
my $json = decode_json($answer->body);
ok $json->{duplicate}, 'the retry is a duplicate';
is $json->{durability}, 'replicas', 'that waited for the replica';
is jobs($redis), $before, 'and no second job';
is jobs($replica), $before, 'the replica has all of them';


# A replica that is gone: nothing is stored.

$replica->signal('KILL');
$replica->wait_exit(5);
comes('one', '503 durability_unavailable', 'no replica');
$before = jobs($redis);
is $nginx->says('one'), '503 durability_unavailable', 'no replica' for 1 .. 5;
is jobs($redis), $before, 'nothing is stored';
like $t->read_file('nginx/error.log'),
    qr/does not give the durability "replicas".* 0 replicas in step, not 1/,
    'the log says why';

$replica->start;
comes('one', 'replicas', 'the replica is back');


# The server itself goes in the middle of it.

my %said;
my $reader = $nginx->connect;
$replica->signal('STOP');
$reader->write($nginx->can('request_text')->('POST', '/one', token => 'one',
    body => context()));
wait_until {
    $redis->command('INFO', 'clients') =~ /blocked_clients:[1-9]/;
} 5, 'a client that waits';
$redis->command('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
is $reader->read->status, 504, 'the connection is lost while it waits';
$replica->signal('CONT');
comes('one', 'replicas', 'and then');

$t->done;
