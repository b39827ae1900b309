package Clarity::Receiver;

=head1 NAME

Clarity::Receiver - an HTTP server for workflows to call

=head1 SYNOPSIS

    my $receiver = $t->receiver;
    $receiver->answer('/grant', { status => 503 }, { status => 201 });
    ... a workflow posts to "%%RECEIVER%%/grant" ...
    my ($first, $second) = $receiver->wait_for(2, 10);
    is $second->{method}, 'POST';

=head1 DESCRIPTION

A L<Clarity::Process> that shares no code with what it tests. It notes each
request as soon as that is whole, then answers as told: without any telling,
200 and C<{}>. Each connection carries one request.

=cut

use strict;
use warnings;

use parent 'Clarity::Process';

use Carp qw(croak);
use IO::Select;
use IO::Socket::INET;
use JSON::PP ();
use Time::HiRes qw(time);

use Clarity::Wait;

my $json = JSON::PP->new->utf8->canonical;


# When an answer on hold is due.
use constant HELD => 9**9**9;


sub kind { 'receiver' }


sub prepare {
    my ($self) = @_;

    $self->{port} = $self->test->port;
    $self->{answers} = {};
    $self->{seen} = "$self->{dir}/requests";
    $self->{told_file} = "$self->{dir}/answers";
    $self->answer('/', {});

    my $word = $self->{name} eq kind() ? 'RECEIVER'
        : "RECEIVER_$self->{name}";
    $self->test->word($word => $self->url);
}


sub argv {
    my ($self) = @_;

    return ($^X, '-I', $self->test->root . '/t/lib', '-MClarity::Receiver',
        '-e', 'Clarity::Receiver::serve(@ARGV)',
        @{$self}{qw(port seen told_file)});
}


sub ready {
    my ($self) = @_;

    return IO::Socket::INET->new(PeerAddr => '127.0.0.1',
        PeerPort => $self->{port}) ? 1 : 0;
}


=head1 METHODS

=head2 url, port

=cut

sub url  { return "http://127.0.0.1:$_[0]{port}" }
sub port { $_[0]{port} }


=head2 answer(PATH, {...}, ...)

How requests to PATH are answered from now on: the first by the first, and so
on; the last one stays. PATH "/" stands for those that have none. In an answer
may be:

    status   => 503
    body     => '{"number":"INC1"}'
    headers  => ['Retry-After: 1']
    delay    => 0.5                   seconds until it is sent
    hold     => 1                     it is sent by C<release>
    hang     => 1                     never, but the connection stays open
    close    => 1                     never, and it is closed
    raw      => "HTTP/1.1 2"          these bytes, then it is closed

=cut

sub answer {
    my ($self, $path, @answers) = @_;

    # The number tells the server's counter of a path that it starts anew.
    $self->{answers}{$path} = { number => ++$self->{number},
        answers => \@answers };

    my $file = $self->{told_file};

    open my $fh, '>', "$file.new" or croak "$file.new: $!";
    print $fh $json->encode($self->{answers});
    close $fh or croak "$file.new: $!";
    rename "$file.new", $file or croak "$file: $!";
}


=head2 release

Sends the answers that are on hold.

=cut

sub release { $_[0]->signal('USR1') }


=head2 requests(PATH)

Those that have come, in order, to PATH or to any: hashes with C<method>,
C<uri>, C<headers> (names in lower case), C<body> and C<time>.

=cut

sub requests {
    my ($self, $path) = @_;

    open my $fh, '<', $self->{seen} or return;

    my @requests = map { $json->decode($_) } grep { /\n\z/ } <$fh>;
    @requests = grep { $_->{uri} eq $path } @requests if defined $path;

    return @requests;
}


=head2 wait_for(N, SECONDS, PATH)

Waits until there are N, and returns them.

=cut

sub wait_for {
    my ($self, $n, $seconds, $path) = @_;

    wait_until { $self->requests($path) >= $n } $seconds,
        "$n requests to the receiver";

    return $self->requests($path);
}


=head1 THE SERVER

=head2 serve(PORT, FILE OF REQUESTS, FILE OF ANSWERS)

A function, run in a process of its own: one select loop.

=cut

sub serve {
    my ($port, $seen_file, $told_file) = @_;

    my $listener = IO::Socket::INET->new(LocalAddr => '127.0.0.1',
        LocalPort => $port, Listen => 128, ReuseAddr => 1)
        or die "port $port: $!\n";

    open my $seen, '>>', $seen_file or die "$seen_file: $!\n";
    $seen->autoflush;

    my $server = {
        told_file => $told_file,
        seen => $seen,
        select => IO::Select->new($listener),
        input => {},    # by file number: what has come
        later => [],    # [when, socket, bytes]
        counters => {}, # by path: [number of the telling, requests since]
    };

    $SIG{PIPE} = 'IGNORE';
    $SIG{TERM} = sub { POSIX::_exit(0) };
    $SIG{USR1} = sub {
        $_->[0] = 0 for grep { $_->[0] == HELD } @{ $server->{later} };
    };

    while (1) {
        my ($next) = sort { $a <=> $b } grep { $_ != HELD }
            map { $_->[0] } @{ $server->{later} };
        my $wait = defined $next ? $next - time : undef;
        $wait = 0 if defined $wait && $wait < 0;

        for my $socket ($server->{select}->can_read($wait)) {
            if ($socket == $listener) {
                $server->{select}->add(scalar $listener->accept);
            } else {
                _receive($server, $socket);
            }
        }

        _send_due($server);
    }
}


sub _receive {
    my ($server, $socket) = @_;

    my $input = \$server->{input}{ $socket->fileno };
    $$input //= '';

    if (!sysread $socket, $$input, 65536, length $$input) {
        _close($server, $socket);
        return;
    }

    my $request = _parse($$input) or return;

    $$input = '';
    print { $server->{seen} } $json->encode($request), "\n";

    _answer($server, $socket, $request);
}


sub _parse {
    my ($input) = @_;

    my ($head, $body) = split /\r\n\r\n/, $input, 2;
    return if !defined $body;

    my ($first, @lines) = split /\r\n/, $head;
    my ($method, $uri) = split / /, $first;
    my %headers = map { /^([^:]+):\s*(.*)/ ? (lc $1 => $2) : () } @lines;

    return if length $body < ($headers{'content-length'} // 0);

    return { method => $method, uri => $uri, headers => \%headers,
        body => $body, time => time };
}


sub _answer {
    my ($server, $socket, $request) = @_;

    my $how = _how_to_answer($server, $request->{uri});

    if ($how->{hang}) {
        return;
    }

    if ($how->{close}) {
        _close($server, $socket);
        return;
    }

    my $body = $how->{body} // '{}';
    my $bytes = $how->{raw} // join "\r\n",
        'HTTP/1.1 ' . ($how->{status} // 200) . ' As told',
        'Content-Type: application/json',
        'Content-Length: ' . length $body,
        'Connection: close',
        @{ $how->{headers} // [] }, '', $body;

    my $when = $how->{hold} ? HELD : time + ($how->{delay} // 0);

    push @{ $server->{later} }, [ $when, $socket, $bytes ];
}


sub _how_to_answer {
    my ($server, $uri) = @_;

    open my $fh, '<', $server->{told_file} or die "$server->{told_file}: $!\n";
    local $/;
    my $told = $json->decode(scalar <$fh>);

    my ($path) = grep { exists $told->{$_} } $uri, '/';
    my $counter = $server->{counters}{$path} //= [ 0, 0 ];

    if ($counter->[0] != $told->{$path}{number}) {
        @$counter = ($told->{$path}{number}, 0);
    }

    my @answers = @{ $told->{$path}{answers} };
    my $n = $counter->[1]++;

    return $answers[ $n < @answers ? $n : -1 ];
}


sub _send_due {
    my ($server) = @_;

    my $now = time;
    my @due = grep { $_->[0] <= $now } @{ $server->{later} };

    for (@due) {
        my (undef, $socket, $bytes) = @$_;

        while (length $bytes) {
            my $n = syswrite $socket, $bytes or last;
            substr $bytes, 0, $n, '';
        }

        _close($server, $socket);
    }
}


sub _close {
    my ($server, $socket) = @_;

    delete $server->{input}{ $socket->fileno };
    $server->{later} = [ grep { $_->[1] != $socket } @{ $server->{later} } ];
    $server->{select}->remove($socket);
    close $socket;
}

1;
