#!/usr/bin/perl

# What answers is not what was asked: replies too many, of the wrong kind, no
# protocol at all, or without an end. Nothing is told that is not true, no
# request outlives its time-outs, other requests are served meanwhile, little is
# taken in, and that is given back.

use Time::HiRes qw(time);

use Clarity::Test;

use constant TIMEOUT => 0.5;

my $t = Clarity::Test->new;
my $redis = $t->redis;
my $proxy = $t->proxy(to => $redis);

# One process: that which listens is that which answers the others.
my $nginx = $t->nginx(workers => 1, redis => $proxy->url,
    server => Clarity::Nginx::STATUS . <<'EOT');
        clarity_redis_connect_timeout 500ms;
        clarity_redis_timeout         500ms;

        location = /hook {
            clarity_webhook       provision_entitlement;
            clarity_webhook_token secret;
        }
EOT


# Its status, its job, and how long it took. Jobs are known by their identity.

my $number = 0;

sub post {
    my (@headers) = @_;

    my $started = time;
    my $answer = $nginx->post('/hook', context(identity_id => ++$number),
        token => 'secret', headers => \@headers);

    return ($answer->status, $answer->json->{job_id}, time - $started);
}


sub job {
    my ($id) = @_;

    my %fields = @{ $redis->command('XRANGE', '{clarity:0}:jobs',
        $id =~ s/^0-//r, '+', 'COUNT', 1)->[0][1] };

    return decode_json($fields{context})->{identity_id};
}


sub lines {
    my ($regex) = @_;

    my @lines = grep { $_ =~ $regex } split /\n/,
        $t->read_file('nginx/error.log');

    return scalar @lines;
}


# Which one nginx has to Redis.

sub connection {
    return $redis->command('CLIENT', 'LIST') =~ /^id=(\d+) .* name=clarity-nginx /m
        ? $1 : 0;
}


# Until accepted; then each 202 is told its own job.

sub is_true_again {
    my ($what) = @_;

    wait_until { (post())[0] == 202 } 5, "a 202 after $what";

    my @wrong;

    for (1 .. 3) {
        my ($status, $id) = post();
        push @wrong, "$status, $number" if $status != 202;
        push @wrong, "$number was told " . job($id)
            if $status == 202 && job($id) != $number;
    }

    is_deeply \@wrong, [], "$what: then each is told its own job";
}


is_true_again('the beginning');


# One that nobody asked for, of whatever kind, ahead of XADD's: the job is
# stored, and cannot be told.

for my $text ("+OK\r\n", ":1\r\n", "\$2\r\nOK\r\n", "\$-1\r\n", "*0\r\n",
    "*2\r\n\$9\r\nduplicate\r\n\$3\r\n1-1\r\n")
{
    (my $shown = $text) =~ s/\r\n/ /g;

    $proxy->rule(since => 'XADD', from => 'redis', after => 0, do => 'say',
        text => $text);
    is +(post())[0], 504, "ahead of XADD's reply: $shown";
    is_true_again($shown);
}

cmp_ok lines(qr/is not available: it answered a job with something else/),
    '>=', 1, 'the log has it';


# While many wait: the replies behind it are not told to others.

my $load = $t->load(nginx => $nginx, token => 'secret');

for my $n (1 .. 20) {
    $load->wait_for(20, 202);
    my $harmed = $proxy->harmed;
    $proxy->rule(since => 'XADD', from => 'redis', after => 0, do => 'say',
        text => "+OK\r\n");
    wait_until { $proxy->harmed > $harmed } 5, 'a reply too many';
}

$load->wait_for(20, 202);
$load->stop;
note $load->summary;
is_deeply [ $load->amiss($redis) ], [], 'all that was answered is true';


# And behind it, when nothing waits.

for my $text ("+OK\r\n", "\$3\r\n1-1\r\n", "-ERR whatever\r\n") {
    (my $shown = $text) =~ s/\r\n/ /g;
    my $before = connection();

    $proxy->rule(from => 'redis', since => 'XADD', do => 'say',
        after => length("\$15\r\n1795644435470-0\r\n"), text => $text);
    is +(post())[0], 202, 'accepted';
    wait_until { connection() != $before } 5, 'another connection';
    is_true_again("behind XADD's reply: $shown");
}

cmp_ok lines(qr/no command had asked for/), '>=', 1, 'the log has that';


# No protocol, or no end to it. nginx answers other requests meanwhile, and
# has given back what it took in.

my ($worker) = $nginx->workers;
my $before = $nginx->memory($worker);


# The most that it has ever had, in KB.

sub peak {
    open my $fh, '<', "/proc/$worker/status" or die "process $worker: $!";
    my ($kb) = join('', <$fh>) =~ /^VmHWM:\s+(\d+) kB/m;

    return $kb;
}

my $peak_before = peak();

my %floods = (
    'a line without an end' => [ '+', 'x' ],
    'a length without an end' => [ '$', '1' ],
    'a string without an end' => [ "\$99999999999\r\n", 'x' ],
    'a string of 512 MB' => [ "\$536870912\r\n", 'x' ],
    'an array without an end' => [ "*1000000\r\n", "\$3\r\nabc\r\n" ],
    'arrays in arrays' => [ '', "*1000000\r\n" ],
    'lists of nothing' => [ "*1000000\r\n", "*0\r\n" ],
    'few lists of it' => [ "*5000\r\n", "*1000\r\n" . "*0\r\n" x 1000 ],
    'web pages' => [ '', "HTTP/1.1 400 Bad Request\r\n\r\n" ],
    'zeros' => [ '', "\0" ],
);

for my $what (sort keys %floods) {
    my ($text, $again) = @{ $floods{$what} };
    my $harmed = $proxy->harmed;

    $proxy->rule(since => 'XADD', from => 'redis', after => 0,
        do => 'flood', text => $text, again => $again);

    my $http = $nginx->connect;
    my $started = time;
    $http->write($nginx->can('request_text')->('POST', '/hook',
        token => 'secret', body => context(identity_id => ++$number)));
    wait_until { $proxy->harmed > $harmed } 5, 'a flood';

    my $longest = 0;

    for (1 .. 5) {
        my $asked = time;
        $nginx->get('/status')->status == 200 or die 'no status';
        $longest = time - $asked if time - $asked > $longest;
    }

    is $http->read->status, 504, $what;
    cmp_ok time - $started, '<', limit(TIMEOUT + 1), 'answered in time';
    cmp_ok $longest, '<', limit(1), 'and others meanwhile';
    is_true_again($what);
}

SKIP: {
    skip 'memory is kept', 2 if Clarity::Nginx::keeps_memory($t);

    my $now = $nginx->memory($worker);
    my $peak = peak();

    note "the process has $now KB, $before KB before; the most was $peak KB, "
        . "$peak_before KB before";
    cmp_ok $now - $before, '<', 2048, 'what was taken in is given back';
    cmp_ok $peak - $peak_before, '<', 8192, 'and it was not much';
}

is_deeply [ $nginx->workers ], [$worker], 'the process is the same';
unlike $nginx->log, qr/secret|INC1/, 'no token or value in the log';

$t->done;
