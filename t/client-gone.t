#!/usr/bin/perl

# A client that leaves while its request waits for Redis: over HTTP/1.1 with
# FIN or RST, over HTTP/2 with a reset stream or its connection. The job is
# stored, since XADD cannot be taken back; the log says so; nothing is left.

use Clarity::HTTP2;
use Clarity::Test;

my $t = Clarity::Test->new;
my $redis = $t->redis;
my $h2 = $t->port;
$t->word(H2 => $h2);

# One process: it reads what came first before it answers what came next.
my $nginx = $t->nginx(
    workers => 1,
    http => <<'EOF',
    log_format outcome '$status $clarity_outcome $clarity_job_id';
EOF
    server => Clarity::Nginx::STATUS . <<'EOF');
        listen 127.0.0.1:%%H2%% http2;
        clarity_redis_timeout 20s;

        location = /hook {
            clarity_webhook       provision_entitlement;
            clarity_webhook_token secret;
            access_log            %%DIR%%/outcomes outcome;
        }
EOF

my $bytes = $nginx->can('request_text')->('POST', '/hook', token => 'secret',
    body => context(), keepalive => 1);


sub outcomes {
    return grep { !/json_invalid/ } split /\n/, $t->read_file('outcomes');
}


sub jobs {
    return map { "0-$_->[0]" } @{ $redis->command('XRANGE',
        '{clarity:0}:jobs', '-', '+') };
}


# What was sent before has been read.

sub all_read {
    $nginx->post('/hook', '{', token => 'secret')->status == 400
        or die 'no 400';
}


sub in_http1 {
    my ($leave) = @_;

    my @clients = map { $nginx->connect } 1 .. 5;
    $_->write($bytes) for @clients;
    all_read();

    $leave->($_) for @clients;
    all_read();
}


sub in_http2 {
    my ($leave) = @_;

    my $client = Clarity::HTTP2->new('127.0.0.1', $h2);
    my @streams = map { $client->post('/hook', context(), token => 'secret') }
        1 .. 5;
    $client->ping;

    $leave->($client, @streams);
    all_read();
}


sub reset_all {
    my ($client, @streams) = @_;

    $client->reset($_) for @streams;
    $client->ping;
}


# Stops Redis, lets clients leave, and looks at what is left of N requests.

sub is_told {
    my ($what, $n, $leave) = @_;

    my $before = outcomes();
    my %known = map { $_ => 1 } jobs();

    $redis->signal('STOP');
    $leave->();
    $redis->signal('CONT');

    my $told = wait_until { outcomes() >= $before + $n } 10;
    ok $told, "a client $what: each request is in the log";

    my @new = grep { !$known{$_} } jobs();
    is @new, $n, 'each is a job';

    my @lines = outcomes();
    is_deeply [ sort @lines[ $before .. $#lines ] ],
        [ sort map { "202 accepted $_" } @new ], 'and the log names it';
}


is $nginx->post('/hook', context(), token => 'secret')->status, 202,
    'accepted';
wait_until { outcomes() == 1 } 10, 'its line in the log';

is_told('that closes', 5, sub { in_http1(sub { $_[0]->close }) });
is_told('that closes its side', 5,
    sub { in_http1(sub { shutdown $_[0]->socket, 1 }) });
is_told('that resets', 5, sub { in_http1(sub { $_[0]->reset }) });
is_told('that resets its streams', 5, sub { in_http2(\&reset_all) });
is_told('that closes with streams open', 5,
    sub { in_http2(sub { $_[0]->close }) });


# Some streams of a connection, while others go on.

my $client = Clarity::HTTP2->new('127.0.0.1', $h2);
my @streams;

is_told('that resets some of its streams', 10, sub {
    @streams = map { $client->post('/hook', context(), token => 'secret') }
        1 .. 10;
    $client->ping;
    reset_all($client, @streams[ 0 .. 4 ]);
});

my %statuses;
$statuses{ $client->status($_) }++ for @streams[ 5 .. 9 ];
is_deeply \%statuses, { 202 => 5 }, 'the others are answered';
is $client->status($client->post('/hook', context(), token => 'secret')), 202,
    'and the connection goes on';
$client->close;

wait_until { $nginx->connections == 0 } 10, 'the end of all connections';
pass 'no connection is left';

$t->done;
