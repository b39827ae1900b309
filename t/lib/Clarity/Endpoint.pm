package Clarity::Endpoint;

=head1 NAME

Clarity::Endpoint - an HTTP server that thousands of calls go to

=head1 SYNOPSIS

    my $endpoint = $t->endpoint(seed => 7);
    ... workflows post to "%%ENDPOINT%%/flaky" ...
    for my $call ($endpoint->calls) { ... }

=head1 DESCRIPTION

A L<Clarity::Process>: F<t/endpoint/endpoint.c>, which says how paths are
answered. L<Clarity::Receiver> can be told more, and is slower.

=cut

use strict;
use warnings;

use parent 'Clarity::Process';

use IO::Socket::INET;


sub kind { 'endpoint' }


sub prepare {
    my ($self) = @_;

    $self->{port} = $self->test->port;
    $self->{calls} = "$self->{dir}/calls";
    $self->test->word(ENDPOINT => "http://127.0.0.1:$self->{port}");
}


sub argv {
    my ($self) = @_;

    return ($self->test->build . '/endpoint', '-s', $self->{seed} // 0,
        '-o', $self->{calls}, $self->{port});
}


sub ready {
    my ($self) = @_;

    return IO::Socket::INET->new(PeerAddr => '127.0.0.1',
        PeerPort => $self->{port}) ? 1 : 0;
}


=head1 METHODS

=head2 calls

Those that have come, in order: hashes with C<n>, C<time> (seconds since 1970),
C<key>, C<worker>, C<method>, C<uri> and C<how>.

=cut

sub calls {
    my ($self) = @_;

    my @calls;

    for ($self->_lines('call')) {
        my %call;

        @call{qw(n time key worker method uri how)} = @$_;
        $call{time} /= 1e6;
        push @calls, \%call;
    }

    return @calls;
}


=head2 stalls

When it had no time itself: references to lists, from when until when.

=cut

sub stalls {
    my ($self) = @_;

    return map { [ $_->[0] / 1e6, $_->[0] / 1e6 + $_->[1] / 1e3 ] }
        $self->_lines('late');
}


sub _lines {
    my ($self, $kind) = @_;

    open my $fh, '<', $self->{calls} or return;

    return map { [ @{$_}[ 1 .. $#$_ ] ] } grep { $_->[0] eq $kind }
        map { [ split ' ' ] } grep { /\n\z/ } <$fh>;
}

1;
