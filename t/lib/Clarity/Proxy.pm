package Clarity::Proxy;

=head1 NAME

Clarity::Proxy - a bad line between nginx and Redis

=head1 SYNOPSIS

    my $proxy = $t->proxy(to => $redis);
    my $nginx = $t->nginx(redis => $proxy->url, ...);

    $proxy->rule(from => 'redis', after => 3, do => 'cut');
    ... the next reply is cut off behind its third byte ...

=head1 DESCRIPTION

A L<Clarity::Process> that hands on bytes between a port and the unix socket
of a L<Clarity::Redis>, C<to>, and does harm as told.

=cut

use strict;
use warnings;

use parent 'Clarity::Process';

use Carp qw(croak);
use IO::Select;
use IO::Socket::INET;
use IO::Socket::UNIX;
use JSON::PP ();
use Socket qw(IPPROTO_TCP SOL_SOCKET SO_LINGER TCP_NODELAY);
use Time::HiRes qw(time);

# What may wait to be handed on before no more is read.
use constant ENOUGH => 65536;

my $json = JSON::PP->new->utf8->canonical;


sub kind { 'proxy' }


sub prepare {
    my ($self) = @_;

    $self->{port} = $self->test->port;
    $self->{control} = "$self->{dir}/control";
}


sub argv {
    my ($self) = @_;

    return ($^X, '-I', $self->test->root . '/t/lib', '-MClarity::Proxy',
        '-e', 'Clarity::Proxy::serve(@ARGV)',
        @{$self}{qw(port control)}, $self->{to}{socket});
}


sub ready {
    my ($self) = @_;

    $self->{client} = IO::Socket::UNIX->new(Peer => $self->{control});

    return defined $self->{client};
}


=head1 METHODS

=head2 url

For C<clarity_redis>.

=cut

sub url { return "redis://127.0.0.1:$_[0]{port}" }


=head2 rule(from => SIDE, after => N, do => WHAT, ...)

When N bytes have come from SIDE (C<redis> or C<nginx>) on a connection, since
this was told or since the connection began, hands them on, and then, as WHAT
says,

    cut       closes it
    reset     closes it with a RST
    swallow   hands on no byte more from that side
    pause     hands on the rest after so many C<seconds>
    say       hands on C<text>, and then the rest
    flood     hands on C<text> and then C<again> without end, and not the rest

N is 0: when the first ones come. With C<< since => TEXT >> it counts from when
nginx sends that, such as a command: what comes of itself before does not
count. It happens once, or, with C<< always => 1 >>, once on each connection. It
replaces the rule before it; no arguments: there is none.

=head2 manner(piece => N, delay => SECONDS)

All is handed on in pieces of N bytes, and so much later. No arguments: as it
comes.

=head2 drop

Closes all connections.

=head2 connections, bytes, harmed

How many there are; how many bytes have come from Redis on the newest; and how
often a rule has done what it says.

=cut

sub rule {
    my ($self, %rule) = @_;

    $rule{from} eq 'redis' || $rule{from} eq 'nginx' or croak $rule{from}
        if %rule;

    $self->_tell({ rule => %rule ? \%rule : undef });
}


sub manner {
    my ($self, %manner) = @_;

    $self->_tell({ manner => \%manner });
}


sub drop { $_[0]->_tell({ drop => 1 }) }

sub connections { return $_[0]->_tell({}) }
sub bytes       { return $_[0]->_tell({ bytes => 1 }) }
sub harmed      { return $_[0]->_tell({ harmed => 1 }) }


# In force once this returns.

sub _tell {
    my ($self, $what) = @_;

    my $client = $self->{client};

    print { $client } $json->encode($what), "\n";
    $client->flush;

    my $answer = <$client> // croak 'the proxy is gone';
    chomp $answer;

    return $answer;
}


=head1 THE PROXY

=head2 serve(PORT, CONTROL, REDIS)

A function, run in a process of its own: one select loop.

=cut

sub serve {
    my ($port, $control, $redis) = @_;

    my %proxy = (
        redis => $redis,
        rule => undef,
        manner => {},
        harmed => 0,
        lines => [],    # what is under way, a hash a connection
    );

    $proxy{listener} = IO::Socket::INET->new(LocalAddr => '127.0.0.1',
        LocalPort => $port, Listen => 128, ReuseAddr => 1, Blocking => 0)
        or die "port $port: $!\n";
    unlink $control; # of the one before, where it is started again
    my $teller = IO::Socket::UNIX->new(Local => $control, Listen => 1)
        or die "$control: $!\n";

    $SIG{PIPE} = $SIG{CHLD} = 'IGNORE';
    $SIG{TERM} = sub { POSIX::_exit(0) };

    my $told = $teller->accept or die "accept: $!\n";

    while (1) {
        my ($reads, $writes) = _wait_for(\%proxy, $told);

        if ($reads->{ fileno $told }) {
            _obey(\%proxy, $told);
        }

        # what was told may have closed any of them
        for my $line (@{ $proxy{lines} }) {
            for my $way (@{ $line->{ways} }) {
                _read(\%proxy, $line, $way)
                    if !$line->{closed} && $reads->{ $way->{from_fd} };
                _write(\%proxy, $line, $way)
                    if !$line->{closed} && _due($way);
                _close($line)
                    if $way->{ended} && !@{ $way->{queue} };
            }
        }

        @{ $proxy{lines} } = grep { !$_->{closed} } @{ $proxy{lines} };

        if ($reads->{ fileno $proxy{listener} }) {
            _accept(\%proxy);
        }
    }
}


# By file number: what can be read.

sub _wait_for {
    my ($proxy, $told) = @_;

    my ($read, $write) = ('', '');
    my $until;

    vec($read, fileno $_, 1) = 1 for $told, $proxy->{listener};

    for my $way (map { @{ $_->{ways} } } @{ $proxy->{lines} }) {
        vec($read, $way->{from_fd}, 1) = 1
            if $way->{size} < ENOUGH && !$way->{ended};

        next if !@{ $way->{queue} };

        my $due = $way->{queue}[0][0];
        $until = $due if !defined $until || $due < $until;
        vec($write, $way->{to_fd}, 1) = 1 if $due <= time;
    }

    my $wait = defined $until && $until > time ? $until - time : undef;

    select $read, $write, undef, $wait;

    my %reads = map { $_ => 1 } grep { vec $read, $_, 1 } 0 .. 8 * length $read;

    return \%reads;
}


sub _obey {
    my ($proxy, $told) = @_;

    # The test ends.
    my $line = <$told> // POSIX::_exit(0);
    my $what = $json->decode($line);

    if (exists $what->{rule}) {
        $proxy->{rule} = $what->{rule};
        _begin($_, $proxy->{rule}) for @{ $proxy->{lines} };
    }

    $proxy->{manner} = $what->{manner} if $what->{manner};

    if ($what->{drop}) {
        _close($_) for @{ $proxy->{lines} };
        @{ $proxy->{lines} } = ();
    }

    my @lines = @{ $proxy->{lines} };
    my $answer = $what->{bytes} ? $lines[-1]{ways}[1]{bytes}
        : $what->{harmed} ? $proxy->{harmed} : @lines;

    syswrite $told, "$answer\n";
}


# The rule counts from here, or from a text of it.

sub _begin {
    my ($line, $rule) = @_;

    $line->{waits} = $rule && $rule->{since};
    @{$_}{qw(handed_on harmed)} = (0, 0) for @{ $line->{ways} };
}


sub _accept {
    my ($proxy) = @_;

    my $nginx = $proxy->{listener}->accept or return;
    my $redis = IO::Socket::UNIX->new(Peer => $proxy->{redis}) or return;

    $nginx->setsockopt(IPPROTO_TCP, TCP_NODELAY, 1);
    $_->blocking(0) for $nginx, $redis;

    my $line = {
        sockets => { nginx => $nginx, redis => $redis },
        ways => [ _way('nginx', $nginx, $redis),
            _way('redis', $redis, $nginx) ],
    };

    _begin($line, $proxy->{rule});
    push @{ $proxy->{lines} }, $line;
}


# One direction of a connection. The queue: [when it is due, bytes].

sub _way {
    my ($side, $from, $to) = @_;

    return { side => $side, from => $from, to => $to,
        from_fd => fileno $from, to_fd => fileno $to,
        queue => [], size => 0, bytes => 0 };
}


sub _read {
    my ($proxy, $line, $way) = @_;

    my $n = sysread $way->{from}, my $bytes, ENOUGH;

    if (!$n) {
        $way->{ended} = defined $n || !$!{EAGAIN};
        return;
    }

    return if $way->{deaf};

    my $rule = $proxy->{rule};
    my $due = time + ($proxy->{manner}{delay} // 0);

    $way->{bytes} += $n;

    if ($line->{waits} && $way->{side} eq 'nginx'
        && index($bytes, $line->{waits}) >= 0)
    {
        _begin($line);
    }

    if (!$rule || $rule->{from} ne $way->{side} || $way->{harmed}
        || $line->{waits} || $way->{handed_on} + $n < $rule->{after})
    {
        _queue($way, $due, $bytes);
        return;
    }

    my $within = substr $bytes, 0, $rule->{after} - $way->{handed_on}, '';

    _queue($way, $due, $within);
    $way->{harmed} = 1;
    $proxy->{harmed}++;
    $proxy->{rule} = undef if !$rule->{always};

    _harm($line, $way, $rule, $bytes);
}


# What is due after the bytes that the rule lets pass; $rest are the others
# that have come.

sub _harm {
    my ($line, $way, $rule, $rest) = @_;

    if ($rule->{do} eq 'pause') {
        _queue($way, time + $rule->{seconds}, $rest);

    } elsif ($rule->{do} eq 'say') {
        _queue($way, time, $rule->{text} . $rest);

    } elsif ($rule->{do} eq 'flood') {
        $way->{deaf} = 1;
        _flood($way, @{$rule}{qw(text again)});

    } elsif ($rule->{do} eq 'swallow') {
        $way->{deaf} = 1;

    } else {
        $way->{to}->blocking(1);
        syswrite $way->{to}, $_->[1] for @{ $way->{queue} };
        _close($line, $rule->{do} eq 'reset' ? $line->{sockets}{nginx} : ());
    }
}


# By processes that do nothing else, so that who reads has always more to read.
# They end when that one closes.

sub _flood {
    my ($way, $text, $again) = @_;

    my $to = $way->{to};
    my $much = $again x (1 + 1e6 / length $again);

    $to->blocking(1);
    syswrite $to, $_->[1] for @{ $way->{queue} };
    syswrite $to, $text;

    for (1 .. 2) {
        next if fork // croak "fork: $!";

        1 while syswrite $to, $much;
        POSIX::_exit(0);
    }

    $to->blocking(0);
}


sub _queue {
    my ($way, $due, $bytes) = @_;

    return if $bytes eq '';

    push @{ $way->{queue} }, [ $due, $bytes ];
    $way->{size} += length $bytes;
    $way->{handed_on} += length $bytes;
}


sub _due {
    my ($way) = @_;

    return @{ $way->{queue} } && $way->{queue}[0][0] <= time;
}


sub _write {
    my ($proxy, $line, $way) = @_;

    my $first = $way->{queue}[0];
    my $piece = $proxy->{manner}{piece} // length $first->[1];

    my $n = syswrite $way->{to}, $first->[1], $piece;

    if (!defined $n) {
        _close($line) if !$!{EAGAIN};
        return;
    }

    substr $first->[1], 0, $n, '';
    $way->{size} -= $n;
    shift @{ $way->{queue} } if $first->[1] eq '';
}


sub _close {
    my ($line, $reset) = @_;

    setsockopt $reset, SOL_SOCKET, SO_LINGER, pack 'ii', 1, 0 if $reset;

    close $_ for values %{ $line->{sockets} };
    $line->{closed} = 1;
}

1;
