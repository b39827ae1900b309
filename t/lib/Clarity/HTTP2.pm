package Clarity::HTTP2;

=head1 NAME

Clarity::HTTP2 - HTTP/2 frame by frame

=head1 SYNOPSIS

    my $http2 = Clarity::HTTP2->new('127.0.0.1', $port);
    my $stream = $http2->post('/hook', $body, token => 'secret');
    $http2->reset($stream);
    is $http2->status($http2->post('/hook', $body, token => 'secret')), 202;

=head1 DESCRIPTION

Without TLS, with prior knowledge (RFC 9113). For what no well-behaved client
does; what a client does is tested with curl.

=cut

use strict;
use warnings;

use Carp qw(croak);
use IO::Select;
use IO::Socket::INET;
use Time::HiRes qw(time);

use constant TIMEOUT => 30;

use constant {
    DATA       => 0,
    HEADERS    => 1,
    RST_STREAM => 3,
    SETTINGS   => 4,
    PING       => 6,
    GOAWAY     => 7,
};

use constant { END_STREAM => 1, ACK => 1, END_HEADERS => 4 };

use constant CANCEL => 8;

# The statuses that HPACK has an index for (RFC 7541, appendix A).
my @statuses = (200, 204, 206, 304, 400, 404, 500);


=head1 METHODS

=head2 new(HOST, PORT)

Connects.

=cut

sub new {
    my ($class, $host, $port) = @_;

    my $socket = IO::Socket::INET->new(PeerAddr => $host, PeerPort => $port,
        Proto => 'tcp', Timeout => TIMEOUT) or croak "$host:$port: $!";

    my $self = bless { socket => $socket, input => '', next => 1,
        status => {}, reset => {}, pongs => 0 }, $class;

    $self->_write("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" . _frame(SETTINGS, 0, 0, ''));

    return $self;
}


=head2 post(URI, BODY, token => TOKEN, ...)

Sends a request and returns its stream's number. With C<< head => 1 >> the body
is announced, and does not come.

=cut

sub post {
    my ($self, $uri, $body, %with) = @_;

    my $stream = $self->{next};
    $self->{next} += 2;

    my $block = join '', map { _literal(@$_) }
        [ ':method', 'POST' ], [ ':scheme', 'http' ], [ ':path', $uri ],
        [ ':authority', 'localhost' ],
        [ 'content-type', 'application/json' ],
        [ 'content-length', length $body ],
        [ 'x-clarity-webhook-token', $with{token} ];

    $self->_write(_frame(HEADERS, END_HEADERS, $stream, $block)
        . ($with{head} ? '' : _frame(DATA, END_STREAM, $stream, $body)));

    return $stream;
}


=head2 reset(STREAM)

Takes the request back: RST_STREAM with CANCEL.

=cut

sub reset {
    my ($self, $stream) = @_;

    $self->_write(_frame(RST_STREAM, 0, $stream, pack 'N', CANCEL));
}


=head2 status(STREAM)

Waits for the answer's status; 0: the server has reset the stream.

=cut

sub status {
    my ($self, $stream) = @_;

    $self->_take
        while !$self->{status}{$stream} && !$self->{reset}{$stream};

    return $self->{status}{$stream} // 0;
}


=head2 ping

Waits until the server has read all that was sent.

=cut

sub ping {
    my ($self) = @_;

    my $wanted = $self->{pongs} + 1;

    $self->_write(_frame(PING, 0, 0, 'eightful'));
    $self->_take while $self->{pongs} < $wanted;
}


=head2 close

=cut

sub close { CORE::close $_[0]{socket} }


sub _frame {
    my ($type, $flags, $stream, $bytes) = @_;

    return substr(pack('N', length $bytes), 1)
        . pack('CCN', $type, $flags, $stream) . $bytes;
}


# A header field that is not indexed, with a new name, nothing of it coded.

sub _literal {
    my ($name, $value) = @_;

    return "\0" . _string($name) . _string($value);
}


sub _string {
    my ($text) = @_;

    croak 'a string longer than a test needs' if length $text > 126;

    return chr(length $text) . $text;
}


sub _write {
    my ($self, $bytes) = @_;

    syswrite($self->{socket}, $bytes) == length $bytes or croak "write: $!";
}


# The next frame.

sub _take {
    my ($self) = @_;

    my ($a, $b, $type, $flags, $stream) = unpack 'CnCCN', $self->_bytes(9);
    my $bytes = $self->_bytes($a << 16 | $b);

    if ($type == HEADERS) {
        $self->{status}{$stream} = _status($bytes);

    } elsif ($type == RST_STREAM) {
        $self->{reset}{$stream} = 1;

    } elsif ($type == SETTINGS && !($flags & ACK)) {
        $self->_write(_frame(SETTINGS, ACK, 0, ''));

    } elsif ($type == PING && $flags & ACK) {
        $self->{pongs}++;
    }
}


# nginx begins with the status: by its index, or with the name's index and the
# digits as they are.

sub _status {
    my ($bytes) = @_;

    # an update of the table's size (001.....) may stand before it
    $bytes =~ s/^[\x20-\x3f]//;

    my $first = ord $bytes;

    return $statuses[ $first - 0x88 ] if $first >= 0x88 && $first <= 0x8e;
    return $1 if $bytes =~ /^[\x08\x48]\x03(\d{3})/;

    croak 'no status that this client can read: ' . unpack 'H*', $bytes;
}


sub _bytes {
    my ($self, $n) = @_;

    my $deadline = time + TIMEOUT;

    while (length $self->{input} < $n) {
        my $left = $deadline - time;

        IO::Select->new($self->{socket})->can_read($left > 0 ? $left : 0)
            or croak 'no whole frame in time';
        sysread($self->{socket}, $self->{input}, 65536,
            length $self->{input}) or croak 'the connection was closed';
    }

    return substr $self->{input}, 0, $n, '';
}

1;
