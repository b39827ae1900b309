#!/usr/bin/perl

# Processes that may wait no longer (worker_shutdown_timeout, SIGTERM) while
# requests wait for Redis. What becomes of these is not known: 504 where an
# answer still goes out, and the log says so in any case.

use Clarity::HTTP2;
use Clarity::Test;

my $t = Clarity::Test->new;
my $redis = $t->redis;
my $h2 = $t->port;
$t->word(H2 => $h2);

my $nginx = $t->nginx(
    workers => 1,
    main => "worker_shutdown_timeout 300ms;\n",
    http => <<'EOF',
    log_format outcome '$status $clarity_outcome';
EOF
    server => <<'EOF');
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


sub post { return $nginx->post('/hook', context(), token => 'secret')->status }

sub outcomes { return split /\n/, $t->read_file('outcomes') }


# Sends requests on those connections that Redis does not answer, ends their
# process by a signal, and returns what the log says then.

sub ended {
    my ($signal, $http2, @clients) = @_;

    my $before = outcomes();
    my ($old) = $nginx->workers;

    $redis->signal('STOP');
    $_->write($bytes) for @clients;
    my @streams = map { $http2->post('/hook', context(), token => 'secret') }
        1 .. 5;
    $http2->ping;
    $nginx->post('/hook', '{', token => 'secret');

    $nginx->signal($signal);
    my $gone = wait_until { !kill 0, $old } 5;
    ok $gone, "the process ends over SIG$signal";
    $redis->signal('CONT');

    my %answers;
    $answers{ eval { $_->read->status } // 'none' }++ for @clients;
    $answers{ eval { $http2->status($_) } // 'none' }++ for @streams;

    # what was answered before may have been noted later
    my @lines = outcomes();
    @lines = grep { !/json_invalid|accepted|unavailable/ }
        @lines[ $before .. $#lines ];

    return (\%answers, @lines);
}


sub http1 { return map { $nginx->connect } 1 .. 5 }
sub http2 { return Clarity::HTTP2->new('127.0.0.1', $h2) }


# nginx closes connections in the order of their places. That to Redis, made
# when the process began, stands before those of clients,

is post(), 202, 'accepted';

my ($answers, @lines) = ended('HUP', http2(), http1());

is_deeply $answers, { 504 => 10 }, 'all are answered 504';
is_deeply \@lines, [ ('504 queue_timeout') x 10 ], 'and the log says so';


# and one that is made anew, behind them.

wait_until { post() == 202 } 5, 'a 202 from the next process';

$redis->kill;
wait_until { post() == 503 } 5, 'a 503';
my @clients = (http2(), http1());
wait_until { $_->write($bytes); $_->read->status == 503 } 5, 'a 503'
    for @clients[ 1 .. 5 ];
$clients[0]->ping;
$redis->start;
wait_until { post() == 202 } 5, 'a 202 after the restart';

($answers, @lines) = ended('HUP', @clients);

is @lines, 10, 'closed before they are answered: each is in the log';
is_deeply [ grep { !/ queue_timeout$/ } @lines ], [],
    'with an outcome that is not known';
is_deeply [ grep { !/^(504|none)$/ } keys %$answers ], [],
    'and what is answered is 504';


# A fast end.

wait_until { post() == 202 } 5, 'a 202 from the next process';

($answers, @lines) = ended('TERM', http2(), http1());

is_deeply [ grep { !/^(504|none)$/ } keys %$answers ], [],
    'what is answered over SIGTERM is 504';
is_deeply [ grep { !/ queue_timeout$/ } @lines ], [],
    'and what is in the log is not known';

$nginx->wait_exit(10);

$t->done;
