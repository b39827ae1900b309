#!/usr/bin/perl

# The name in clarity_redis, where nginx has a resolver: asked for again at each
# reconnect; without an answer the last known addresses are tried; several are
# tried in turn. A name server that is silent holds nothing up.

use IO::Select;
use IO::Socket::INET;
use POSIX ();

use Clarity::Test;

my $t = Clarity::Test->new;

my $redis = $t->redis(tcp => 1);
my $port = $redis->{port};
my $other = $t->redis(name => 'other', start => 0,
    conf => "port $port\nbind 127.0.0.2\n");

my $dns = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Proto => 'udp')
    or die "a UDP socket: $!";
$t->word(DNS => '127.0.0.1:' . $dns->sockport);


# The name server: answers what the file says, or is silent; and notes each
# answer.

sub set_answers { return $t->write_file('answers', join ' ', @_) }

set_answers('127.0.0.2');

my $parent = $$;
my $server = fork // die "fork: $!";

if (!$server) {
    my $select = IO::Select->new($dns);

    while (getppid == $parent) {
        serve() if $select->can_read(0.2);
    }

    POSIX::_exit(0);
}

sub serve {
    $dns->recv(my $query, 512) // return;

    my $answers = $t->read_file('answers');
    my @addresses = split ' ', $answers;

    open my $fh, '>>', $t->dir . '/asked' or die "asked: $!";
    print $fh "$answers\n";
    close $fh;

    return if !@addresses;

    # The question ends with the name's empty label, type and class.
    my $end = index($query, "\0", 12) + 5;
    my $question = substr $query, 12, $end - 12;
    my $error = $addresses[0] eq 'unknown';
    @addresses = () if $error;

    $dns->send(substr($query, 0, 2) . pack('n5', $error ? 0x8183 : 0x8180, 1,
            scalar @addresses, 0, 0)
        . $question
        . join '', map {
            "\xc0\x0c" . pack('nnNn', 1, 1, 1, 4) . pack 'C4', split /\./
        } @addresses);
}


my $nginx = $t->nginx(workers => 1, redis => "redis://localhost:$port",
    http => <<'EOF', server => <<'EOF2');
    resolver %%DNS%% ipv6=off valid=1s;
    clarity_redis_connect_timeout 1s;
EOF
        location = /hook {
            clarity_webhook       provision_entitlement;
            clarity_webhook_token secret;
        }
EOF2

sub post {
    return $nginx->post('/hook', context(), token => 'secret')->status;
}

sub jobs { return $_[0]->command('XLEN', '{clarity:0}:jobs') }

sub comes_back {
    my ($what) = @_;

    wait_until { post() == 202 } 8, "a 202: $what";
    pass "accepted again: $what";
}

sub log_lines {
    my ($regex) = @_;

    return scalar grep { $_ =~ $regex }
        split /\n/, $t->read_file('nginx/error.log');
}


# Nothing listens, and the name has been asked for since: nginx keeps an answer
# for a second.

sub goes_away {
    my ($server, @answers) = @_;

    set_answers(@answers);
    unlink $t->dir . '/asked';
    $server->kill if $server->pid;
    wait_until { $t->read_file('asked') =~ /^\Q@answers\E$/m } 5,
        "a question that is answered with '@answers'";
}


comes_back('the address of configuration time');
is jobs($redis), 1, 'it is that of the first server';

goes_away($redis, '127.0.0.2');
$other->start;
comes_back('the name has another address');
cmp_ok jobs($other), '>=', 1, 'the job is at the other server';

goes_away($other, 'unknown');
wait_until { log_lines(qr/could not be resolved/) } 5, 'the log tells it';
$other->start;
comes_back('the name is not known any more');
is log_lines(qr/could not be resolved \(Host not found\)/), 1,
    'the log tells it once';

goes_away($other, '127.0.0.2');
set_answers();
wait_until { log_lines(qr/could not be resolved \(Operation timed out\)/) } 5,
    'the log tells it';
$other->start;
comes_back('the name server is silent');

goes_away($other, '127.0.0.1', '127.0.0.3', '127.0.0.2');
$other->start;
comes_back('one address of three');

# A question that is under way when the process is to go does not hold it.

goes_away($other, '127.0.0.2');
goes_away($other);
my ($old) = $nginx->workers;
my $start = time;
$nginx->reload;
wait_until { !grep { $_ == $old } $nginx->workers } 5, 'the old process';
cmp_ok time - $start, '<=', limit(4), 'the old process ends';

# An address is not asked for.

my ($code) = $nginx->check('', redis => "redis://127.0.0.1:$port");
is $code, 0, 'an address and a resolver';

kill 'KILL', $server;
waitpid $server, 0;

$t->done;
