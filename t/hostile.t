#!/usr/bin/perl

# Slow and hostile clients, beside one that works all the while: heads and
# bodies that come a byte at a time, connections that end anywhere, bodies that
# nobody waits for, headers of every size. CLARITY_LONG=1: as many and as large
# as an attacker would have them.

use IO::Select;
use List::Util qw(max);
use POSIX ();
use Time::HiRes qw(sleep time);

use Clarity::HTTP2;
use Clarity::Test;

use constant LONG   => $ENV{CLARITY_LONG} ? 1 : 0;
use constant ABORTS => LONG ? 100_000 : 4_000;
use constant BODY   => LONG ? 1 << 30 : 64 << 20; # bytes
use constant SLOW   => 100; # connections of each kind
use constant HEAD_TIME => 2; # s, client_header_timeout
use constant GROWTH => 2048; # KB of a process, for what malloc keeps

my $t = Clarity::Test->new;
my $redis = $t->redis;
my $h2 = $t->port;
$t->word(H2 => $h2);

my $nginx = $t->nginx(http => <<'EOF', server => Clarity::Nginx::STATUS . <<'EOF2');
    log_format outcome '$clarity_outcome $clarity_job_id';
    log_format all     '$status';
EOF
        listen 127.0.0.1:%%H2%% http2;
        client_header_timeout 2s;
        client_body_timeout   2s;
        client_max_body_size  2g;
        lingering_timeout     1s;

        # nginx reads the end of a connection with a body that it discards, and
        # then waits for the next request as long as this.
        keepalive_timeout     3s;

        error_page 400 414 494 /problem;
        location = /problem { internal; clarity_problem; }

        location = /hook {
            clarity_webhook       provision_entitlement;
            clarity_webhook_token secret;
            access_log            %%DIR%%/outcomes outcome;
        }
EOF2

my @workers = $nginx->workers;
my $load = $t->load(nginx => $nginx, token => 'secret', connections => 8,
    rate => 200);
$load->wait_for(200, 202);


sub memory { return map { $nginx->memory($_) } @workers }

sub serves {
    my ($what) = @_;

    $load->wait_for(100, 202);
    pass "others are served $what";
}

sub request {
    my (%with) = @_;

    return Clarity::Nginx::request_text('POST', '/hook', token => 'secret',
        body => context(), keepalive => 1, %with);
}


# A byte at a time: of a head that never ends, of a body with a good token and
# with a bad one. nginx gives a head its whole time-out, and a body one for
# each byte.

my $head = "POST /hook HTTP/1.1\r\nHost: localhost\r\nX-Slow: ";
my $body_of = sub {
    "POST /hook HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000\r\n"
        . "X-Clarity-Webhook-Token: $_[0]\r\n\r\n{";
};
my %slow = (head => [], good => [], bad => []);

for (1 .. SLOW) {
    push @{ $slow{head} }, $nginx->connect;
    $slow{head}[-1]->write($head);
    push @{ $slow{$_} }, $nginx->connect for qw(good bad);
    $slow{good}[-1]->write($body_of->('secret'));
    $slow{bad}[-1]->write($body_of->('wrong'));
}

my $began = time;

while (time - $began < 2 * HEAD_TIME) {
    for my $http (map { @$_ } values %slow) {
        local $SIG{PIPE} = 'IGNORE';
        syswrite $http->socket, 'x';
    }

    sleep 0.1;
}

serves('beside ' . 3 * SLOW . ' slow ones');

is scalar(grep { $_->read(5)->status == 401 } @{ $slow{bad} }), SLOW,
    'a bad token is refused before its body has come';
is scalar(grep { eval { $_->closed(5) } } @{ $slow{head} }), SLOW,
    'a head has its time, and no more';

$_->close for @{ $slow{good} }, @{ $slow{bad} };
wait_until { $nginx->connections <= 8 } 20, 'the slow ones to be gone';
pass 'the slow ones are gone';


# Over HTTP/2 as well: streams whose bodies do not come.

my @streams = map { Clarity::HTTP2->new('127.0.0.1', $h2) } 1 .. 10;

for my $http2 (@streams) {
    $http2->post('/hook', context(), token => 'secret', head => 1)
        for 1 .. 50;
    $http2->ping;
}

serves('beside 500 streams without a body');
$_->close for @streams;
wait_until { $nginx->connections <= 8 } 20, 'the streams to be gone';
pass 'the streams are gone';


# Connections that end anywhere in a request, in each way.

my @requests = (
    request(), request(token => 'wrong'), request(body => '{"app'),
    request(headers => ['Idempotency-Key: hostile']),
    request(headers => ['Expect: 100-continue']), request() x 3,
    "POST /hook HTTP/1.1\r\nHost: a\r\nX-Clarity-Webhook-Token: secret\r\n"
        . "Transfer-Encoding: chunked\r\n\r\n"
        . join('', map { "1\r\n$_\r\n" } split //, context()) . "0\r\n\r\n",
);
my @before = memory();

my @children = map { abort_connections($_) } 1 .. 4;
waitpid $_, 0 for @children;

serves('after ' . ABORTS . ' connections that ended anywhere');
wait_until { $nginx->connections <= 8 } 30, 'the connections to be gone';

is_deeply [ $nginx->workers ], \@workers, 'no process has ended';

SKIP: {
    skip 'memory is not given back here', 1 if Clarity::Nginx::keeps_memory($t);

    my @after = memory();
    my $grown = max map { $after[$_] - $before[$_] } 0 .. $#workers;
    cmp_ok $grown, '<', GROWTH, "nor has grown: $grown KB";
}


# A large body that nobody waits for: refused at once, read to nowhere.

for my $way ('a length', 'chunks') {
    my $chunked = $way eq 'chunks';
    my $http = $nginx->connect;
    my $piece = 'x' x 65536;
    my $sent = 0;
    my $most = 0;

    @before = memory();
    $http->write("POST /hook HTTP/1.1\r\nHost: localhost\r\n"
        . "X-Clarity-Webhook-Token: wrong\r\nContent-Type: application/json\r\n"
        . ($chunked ? "Transfer-Encoding: chunked\r\n\r\n"
            : 'Content-Length: ' . BODY . "\r\n\r\n"));

    is $http->read(10)->status, 401, "a bad token, and a body of $way: at once";

    while ($sent < BODY) {
        last if !$http->write($chunked ? "10000\r\n$piece\r\n" : $piece);
        $sent += 65536;

        next if $sent % (8 << 20);

        my @now = memory();
        $most = max $most, map { $now[$_] - $before[$_] } 0 .. $#workers;
    }

    note sprintf '%d MB were taken', $sent >> 20;
    my @open = grep { (readlink $_ // '') =~ m{/nginx/body/} }
        map { glob "/proc/$_/fd/*" } @workers;

    is_deeply [ glob($t->dir . '/nginx/body/*'), @open ], [],
        'into no file';
    cmp_ok $most, '<', GROWTH, "into no memory: $most KB";
    $http->close;
}

serves('after the large bodies');


# Headers up to what nginx takes, and beyond it.

for my $case (
    [ 'a token of 8,000 bytes', { token => 'x' x 8000 }, 401,
        'token_invalid' ],
    [ 'a token of 8,190 bytes', { token => 'x' x 8190 }, 400,
        'bad_request' ],
    [ 'a good token among 8,000 bytes of blanks',
        { token => ' ' x 7900 . 'secret' }, 202 ],
    [ 'a request id of 8,000 bytes',
        { headers => [ 'X-Request-Id: ' . 'x' x 8000 ] }, 202 ],
    [ 'a traceparent of 8,000 bytes',
        { headers => [ 'Traceparent: ' . '0' x 8000 ] }, 202 ],
    [ 'a media type of 8,000 bytes', { type => 'application/json;'
        . 'x' x 8000 }, 202 ],
    [ 'a media type of 8,000 bytes that is none', { type => 'x' x 8000 },
        415, 'media_type_unsupported' ],
    [ 'a dry-run of 8,000 bytes',
        { headers => [ 'X-Clarity-Dry-Run: ' . '1' x 8000 ] }, undef ],
    [ 'a key of 8,000 bytes',
        { headers => [ 'Idempotency-Key: ' . 'k' x 8000 ] }, undef ],
    [ 'a hundred headers', { headers => [ map { "X-$_: y" } 1 .. 100 ] },
        202 ],
    [ 'more headers than there are buffers',
        { headers => [ map { "X-$_: " . 'y' x 8000 } 1 .. 8 ] }, 400,
        'bad_request' ],
    [ 'a header of 100 KB', { headers => [ 'X: ' . 'y' x 100_000 ] }, 400,
        'bad_request' ],
) {
    my ($what, $with, $status, $code) = @$case;

    my $answer = $nginx->post('/hook', context(), token => 'secret', %$with);

    if (defined $status) {
        is $answer->status, $status, "$what: $status";
    } else {
        note "$what: " . $answer->status . ' ' . $answer->body;
        cmp_ok $answer->status, '<', 500, "$what: no fault of ours";
    }

    is $answer->json->{code}, $code, "as $code" if $code;
    unlike $answer->body, qr/(?:x|k|y|1|0){100}/, 'which is not sent back';
}

is $nginx->get('/hook?' . 'x' x 9000)->json->{code}, 'bad_request',
    'a first line that is too long';


# What was accepted is a job, and only that; and so it was for who worked.

$load->stop;
note $load->summary;

is_deeply [ keys %{ $load->answers } ], [202], 'each of the others was accepted';
is_deeply [ $load->amiss($redis) ], [], 'and is one job';
cmp_ok $load->longest, '<', limit(3), 'none of which has waited long';

my %logged = map { /^accepted (\S+)$/ ? ($1 => 1) : () }
    split /\n/, $t->read_file('outcomes');
my @jobs = map { "0-$_->[0]" }
    @{ $redis->command('XRANGE', '{clarity:0}:jobs', '-', '+') };

is_deeply [ sort keys %logged ], [ sort @jobs ],
    scalar(@jobs) . ' jobs, each of a request that was accepted';
is $nginx->connections, 0, 'no connection is left';
is_deeply [ $nginx->workers ], \@workers, 'no process has ended';

$t->done;


# A process of its own; returns its pid.

sub abort_connections {
    my ($seed) = @_;

    my $pid = fork // die "fork: $!";
    return $pid if $pid;

    srand $seed;
    local $SIG{PIPE} = 'IGNORE';

    for (1 .. ABORTS / 4) {
        my $http = eval { $nginx->connect } or next;
        my $bytes = $requests[rand @requests];

        $http->write(substr $bytes, 0, rand 1 + length $bytes);

        my $way = rand;

        if ($way < 0.3) {
            shutdown $http->socket, 1;
            sysread $http->socket, my $rest, 4096;
        } elsif ($way < 0.5) {
            IO::Select->new($http->socket)->can_read(0.002);
        }

        $way < 0.7 ? $http->reset : $http->close;
    }

    POSIX::_exit(0);
}
