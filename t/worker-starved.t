# Whatever an action does, the leases of the other jobs are renewed.

use Clarity::Test;
use Clarity::Jobs;
use Time::HiRes qw(sleep time);

use constant LEASE => 4000; # ms

my $t = Clarity::Test->new;
my $redis = $t->redis;
my $receiver = $t->receiver;
my $port = $t->port;
my $dir = $t->dir;

# As large as an answer may be, of as many values.

$t->write_file('huge', '[' . join(',', (1) x 520_000) . ']');
$t->word(NGINX => "http://127.0.0.1:$port");
my $nginx = $t->nginx(http => "server {
    listen 127.0.0.1:$port; client_max_body_size 100m;
    location = /huge { error_page 405 =200 \$uri; root $dir; }
    location / { return 200; } }\n");

sub to {
    my ($id, %action) = @_;

    return ("$id.json" => { id => $id, trigger => 'provision_entitlement',
        conditions => { parameter => 'grant_type', equals => $id },
        actions => [ { id => 'call', %action } ] });
}

my @post = (type => 'http_request', method => 'POST');
my %hostile = (id => 'hostile', trigger => 'provision_entitlement',
    actions => [ { id => 'call', @post, url => '%%NGINX%%/' } ]);

my $worker = $t->worker(
    conf => { lease => LEASE / 1000 . 's', drain => '1s', concurrency => 64,
        allow_exec => ['/bin/sh'] },
    workflows => {
        to('witness', @post, url => '%%RECEIVER%%/witness', timeout => '60s'),
        (map { ("hostile$_.json" => { %hostile, id => "hostile$_",
            conditions => { all => [
                { parameter => 'grant_type', equals => 'hostile' },
                { parameter => 'app_identifier', matches => 'a*x?a*[bc]' },
            ] } }) } 1 .. 3),
        to('huge', @post, url => '%%NGINX%%/huge', timeout => '60s'),
        to('template', @post, url => '%%NGINX%%/', timeout => '60s',
            body => { map { ("n$_" => '{{meta}}') } 1 .. 12 }),
        to('hangs', type => 'exec', timeout => '60s',
            command => '/bin/sh', args => [ '-c', 'while :; do :; done' ]),
    });

# A job whose call is under way all the time. What Redis says of how long it
# was not renewed is the worst of what is seen until SUB is done.

$receiver->answer('/witness', { hold => 1 });
my $witness = add_job($redis, context => context(grant_type => '"witness"'));
my ($entry) = $witness =~ /^0-(.*)/;
$receiver->wait_for(1, 5, '/witness');

sub idle_until {
    my ($what, $done) = @_;
    my $worst = 0;

    wait_until {
        my $idle = $redis->command('XPENDING', stream_key(), 'workers', $entry,
            $entry, 1)->[0][2] // die "the witness has ended\n";
        $worst = $idle if $idle > $worst;
        sleep 0.05; # it would take the time that it is to see others take
        $done->();
    } 120, $what;

    note "$what: not renewed for $worst ms at most";
    cmp_ok $worst, '<', LEASE, "$what: the lease of another job holds";
}

sub add_jobs {
    my ($n, $grant, %more) = @_;

    my $context = context(grant_type => qq{"$grant"}, %more);

    # All at once, so that one read brings them all.
    $redis->command('EVAL', <<'LUA', 1, stream_key(), $n, $context);
for i = 1, ARGV[1] do
  redis.call('XADD', KEYS[1], '*', 'trigger', 'provision_entitlement',
    'webhook', 'POST /hook', 'context', ARGV[2], 'received', '1795657755092',
    'request', '8f4bd55a4a8f4c2a9a5d7d3c5b1c2e0f')
end
LUA
}

sub ended {
    return scalar(() = $worker->log =~ /"event":"job_(?:failed|succeeded)"/g);
}

# Conditions that take as long as they may.

add_jobs(20, 'hostile', app_identifier => '"' . 'a' x 5_000 . '!"');
idle_until('conditions', sub { ended() == 20 });

# Answers.

add_jobs(40, 'huge');
idle_until('answers', sub { ended() == 60 });

# A lot of text to be made.

add_jobs(12, 'template', meta => '[' . join(',', (1) x 400_000) . ']');
idle_until('templates', sub { ended() == 72 });

# Programs that use all the time there is.

add_jobs(8, 'hangs');
my $since = time;
idle_until('programs', sub { time - $since > 2 * LEASE / 1000 });

is scalar(() = $worker->log =~ /"event":"step_succeeded"/g), 52,
    'the answers were had, and the texts sent';
is scalar($worker->events('lost_lease')), 0, 'no lease was lost';
is scalar($worker->events('redis_lost')), 0, 'nor a connection';

$t->done;
