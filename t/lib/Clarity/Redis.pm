package Clarity::Redis;

=head1 NAME

Clarity::Redis - a private redis-server, and a client for it

=head1 SYNOPSIS

    my $redis = $t->redis(aof => 1);
    is $redis->command('XLEN', '{clarity:0}:jobs'), 1;

=head1 DESCRIPTION

A L<Clarity::Process>. It listens on a unix socket, and on a port if told so.
Options:

=over

=item tcp => 1

Also listen on a port; C<url> is then one with that port.

=item aof => 1

C<appendonly yes> and C<appendfsync always>; else nothing survives a restart.

=item conf => TEXT

More lines for redis.conf.

=item under => [ COMMAND, ... ]

What starts it: a command that executes the rest of its arguments.

=back

=cut

use strict;
use warnings;

use parent 'Clarity::Process';

use Carp qw(croak);
use IO::Select;
use IO::Socket::INET;
use IO::Socket::UNIX;

use constant TIMEOUT => 30;


sub kind { 'redis' }


sub prepare {
    my ($self) = @_;

    $self->{socket} = "$self->{dir}/redis.sock";
    $self->{port} = $self->{tcp} ? $self->test->port : 0;

    $self->test->write_file("$self->{name}/redis.conf", <<"EOF");
port $self->{port}
bind 127.0.0.1
unixsocket $self->{socket}
dir $self->{dir}
daemonize no
save ""
appendonly @{[ $self->{aof} ? 'yes' : 'no' ]}
appendfsync always
@{[ $self->{conf} // '' ]}
EOF

    my $word = $self->{name} eq kind() ? 'REDIS' : "REDIS_$self->{name}";
    $self->test->word($word => $self->url);
}


sub argv {
    my ($self) = @_;

    return (@{ $self->{under} // [] }, 'redis-server',
        "$self->{dir}/redis.conf");
}


sub ready {
    my ($self) = @_;

    $self->{client} = undef;

    return eval { $self->_connect; $self->ask('PING')->[0] !~ /^LOADING/ };
}


=head1 METHODS

=head2 url

As C<clarity_redis> and the worker's C<redis> take it.

=cut

sub url {
    my ($self) = @_;

    return $self->{port} ? "redis://127.0.0.1:$self->{port}"
        : "unix://$self->{socket}";
}


=head2 command(NAME, ARGUMENT, ...)

Its reply: a string, C<undef> for nil, an array reference. Dies if the reply
is an error.

=cut

sub command {
    my $self = shift;

    my ($error, $reply) = @{ $self->ask(@_) };
    croak "Redis to $_[0]: $error" if $error ne '';

    return $reply;
}


=head2 ask(NAME, ARGUMENT, ...)

The same, but returns C<[error or '', reply]>.

=cut

sub ask {
    my ($self, @command) = @_;

    $self->_connect if !$self->{client};

    my $bytes = '*' . @command . "\r\n";
    $bytes .= '$' . length($_) . "\r\n$_\r\n" for @command;

    $self->{input} = '';
    my $done = eval {
        $self->{client}->syswrite($bytes) == length $bytes
            or croak 'a short write';
        [ $self->_reply ];
    };

    if (!$done) {
        $self->{client} = undef;
        croak $@;
    }

    return $done;
}


sub _connect {
    my ($self) = @_;

    $self->{client} = IO::Socket::UNIX->new(Peer => $self->{socket})
        or croak "$self->{socket}: $!";
}


sub _reply {
    my ($self) = @_;

    my $line = $self->_take_line;
    my ($type, $rest) = (substr($line, 0, 1), substr($line, 1));

    return ('', $rest) if $type eq '+' || $type eq ':';
    return ($rest, undef) if $type eq '-';
    return ('', undef) if $rest < 0;

    if ($type eq '$') {
        my $text = $self->_take($rest + 2);
        return ('', substr $text, 0, $rest);
    }

    my @items = map { ($self->_reply)[1] } 1 .. $rest;
    return ('', \@items);
}


sub _take_line {
    my ($self) = @_;

    my $end;
    $self->_read while ($end = index $self->{input}, "\r\n") < 0;

    return substr $self->_take($end + 2), 0, $end;
}


sub _take {
    my ($self, $n) = @_;

    $self->_read while length $self->{input} < $n;

    return substr $self->{input}, 0, $n, '';
}


sub _read {
    my ($self) = @_;

    IO::Select->new($self->{client})->can_read(TIMEOUT)
        or croak 'no reply from Redis in ' . TIMEOUT . ' s';
    sysread($self->{client}, $self->{input}, 65536, length $self->{input})
        or croak 'Redis closed the connection';
}

1;
