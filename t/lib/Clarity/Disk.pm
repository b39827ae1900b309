package Clarity::Disk;

=head1 NAME

Clarity::Disk - a small disk that can be full

=head1 SYNOPSIS

    my $disk = $t->disk(mb => 8) or plan skip_all => '...';
    my $redis = $t->redis(aof => 1, under => [ $disk->under ],
        conf => 'dir ' . $disk->path . "\n");
    $disk->fill;
    $disk->free;

=head1 DESCRIPTION

A L<Clarity::Process> that does nothing but to hold a name space with a tmpfs,
which goes with it. It needs root, or a kernel that lets users make name
spaces of their own.

=cut

use strict;
use warnings;

use parent 'Clarity::Process';

use Carp qw(croak);


sub kind { 'disk' }


=head1 FUNCTIONS

=head2 possible

Can there be one here?

=cut

sub possible {
    return system('unshare ' . (_own() ? '-rm' : '-m')
        . ' mount -t tmpfs none /mnt 2>/dev/null') == 0;
}


# Who is not root is root in a user name space of his own.

sub _own { return $> != 0 }


sub argv {
    my ($self) = @_;

    mkdir $self->path;

    return ('unshare', _own() ? '-rm' : '-m', 'sh', '-c',
        'mount -t tmpfs -o size="$2"m none "$1" && touch "$1/ready"'
            . ' && exec sleep infinity',
        'sh', $self->path, $self->{mb});
}


# An end by the signal is what it has.

sub _stop {
    my ($self) = @_;

    $self->kill;

    return;
}


sub ready { return -e $_[0]->_from_outside . '/ready' }


=head1 METHODS

=head2 path, under

Its folder, for those who are started by the command C<under>.

=cut

sub path { return "$_[0]{dir}/disk" }

sub under {
    my ($self) = @_;

    return ('nsenter', '-t', $self->pid, '-m',
        _own() ? ('-U', '--preserve-credentials') : (), '--');
}


=head2 fill, free

Takes all the room that is left on it, and gives it back.

=cut

sub fill {
    my ($self) = @_;

    my $file = $self->_from_outside . '/filler';
    open my $fh, '>', $file or croak "$file: $!";

    1 while syswrite $fh, 'x' x 4096;
    croak "$file: $!" if !$!{ENOSPC};
}


sub free { unlink $_[0]->_from_outside . '/filler' }


sub _from_outside {
    my ($self) = @_;

    return "/proc/$self->{pid}/root" . $self->path;
}

1;
