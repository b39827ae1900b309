package Clarity::HTTP;

=head1 NAME

Clarity::HTTP - HTTP/1.1 over a bare socket

=head1 SYNOPSIS

    my $http = Clarity::HTTP->new('127.0.0.1', $port);
    $http->write("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    my $answer = $http->read;
    print $answer->status, $answer->header('content-type'), $answer->body;

=head1 DESCRIPTION

For tests that say byte by byte what is sent, and when.

=cut

use strict;
use warnings;

use Carp qw(croak);
use IO::Select;
use IO::Socket::INET;
use Socket ();
use Time::HiRes qw(time);

use constant TIMEOUT => 30;


=head1 METHODS

=head2 new(HOST, PORT)

Connects.

=cut

sub new {
    my ($class, $host, $port) = @_;

    my $socket = IO::Socket::INET->new(PeerAddr => $host, PeerPort => $port,
        Proto => 'tcp', Timeout => TIMEOUT) or croak "$host:$port: $!";

    return bless { socket => $socket, input => '' }, $class;
}


=head2 write(BYTES)

False if the other side has closed.

=cut

sub write {
    my ($self, $bytes) = @_;

    while (length $bytes) {
        my $n = syswrite $self->{socket}, $bytes;
        return 0 if !defined $n;
        substr $bytes, 0, $n, '';
    }

    return 1;
}


=head2 read(SECONDS)

The next answer, or C<undef> where the connection was closed without any. Dies
if it is not whole in time. C<< head => 1 >> as a second argument: it answers
a HEAD, so no body comes.

=cut

sub read {
    my ($self, $seconds, %option) = @_;

    $self->{deadline} = time + ($seconds // TIMEOUT);

    my @interim;

    while (1) {
        my $head = $self->_take_head // return;
        my $answer = Clarity::HTTP::Answer->new($head);

        if ($answer->status < 200) {
            push @interim, $answer->status;
            next;
        }

        $answer->{interim} = \@interim;
        $answer->{body} = $option{head} ? '' : $self->_take_body($answer);

        return $answer;
    }
}


=head2 closed(SECONDS)

Has the other side closed the connection, with nothing more to read?

=cut

sub closed {
    my ($self, $seconds) = @_;

    $self->{deadline} = time + $seconds;

    return $self->{input} eq '' && eval { !$self->_fill };
}


=head2 close, reset, socket

C<reset> closes with a RST.

=cut

sub close  { CORE::close $_[0]{socket} }
sub socket { $_[0]{socket} }

sub reset {
    my ($self) = @_;

    setsockopt $self->{socket}, Socket::SOL_SOCKET, Socket::SO_LINGER,
        pack('ii', 1, 0);
    $self->close;
}


sub _take_head {
    my ($self) = @_;

    my $end;

    while (($end = index $self->{input}, "\r\n\r\n") < 0) {
        next if $self->_fill;
        return if $self->{input} eq '';
        croak "the connection was closed within a head: $self->{input}";
    }

    my $head = substr $self->{input}, 0, $end;
    substr $self->{input}, 0, $end + 4, '';

    return $head;
}


sub _take_body {
    my ($self, $answer) = @_;

    return '' if $answer->status == 204 || $answer->status == 304;

    if (lc($answer->header('transfer-encoding') // '') eq 'chunked') {
        return $self->_take_chunks;
    }

    my $length = $answer->header('content-length');
    return $self->_take($length) if defined $length;

    1 while $self->_fill;

    return delete $self->{input};
}


sub _take_chunks {
    my ($self) = @_;

    my $body = '';

    while (1) {
        my $end;

        while (($end = index $self->{input}, "\r\n") < 0) {
            $self->_fill or croak 'the connection was closed within a body';
        }

        my $size = hex $self->_take($end);
        $self->_take(2);

        $body .= $self->_take($size);
        $self->_take(2);

        return $body if !$size;
    }
}


sub _take {
    my ($self, $n) = @_;

    while (length $self->{input} < $n) {
        $self->_fill or croak 'the connection was closed within a body';
    }

    return substr $self->{input}, 0, $n, '';
}


# More bytes; 0: the other side has closed.

sub _fill {
    my ($self) = @_;

    my $left = $self->{deadline} - time;

    IO::Select->new($self->{socket})->can_read($left > 0 ? $left : 0)
        or croak 'no whole answer in time';

    return sysread($self->{socket}, $self->{input}, 65536,
        length $self->{input}) // 0;
}


package Clarity::HTTP::Answer;

=head1 ANSWERS

=head2 status, body, interim

C<interim> is a reference to the list of 1xx statuses that came before it.

=cut

sub new {
    my ($class, $head) = @_;

    my ($first, @lines) = split /\r\n/, $head;
    my ($status) = $first =~ m{^HTTP/1\.[01] (\d{3})(?: |$)}
        or Carp::croak("no HTTP answer: $first");
    my @headers = map { [ split /:\s*/, $_, 2 ] } @lines;

    return bless { status => $status, headers => \@headers, head => $head },
        $class;
}


sub status  { $_[0]{status} }
sub body    { $_[0]{body} }
sub interim { $_[0]{interim} }
sub head    { $_[0]{head} }


=head2 header(NAME), headers(NAME)

The first header of that name, and all of them.

=cut

sub header { return ($_[0]->headers($_[1]))[0] }

sub headers {
    my ($self, $name) = @_;

    return map { $_->[1] } grep { lc $_->[0] eq lc $name }
        @{ $self->{headers} };
}


=head2 json

The body, decoded.

=cut

sub json { return Clarity::Test::decode_json($_[0]{body}) }

1;
