package Clarity::Wait;

=head1 NAME

Clarity::Wait - waiting for what will be, with a deadline

=cut

use strict;
use warnings;

use Carp qw(croak);
use Exporter 'import';
use Time::HiRes qw(sleep time);

our @EXPORT = qw(wait_until);


=head1 FUNCTIONS

=head2 wait_until(SUB, SECONDS, WHAT)

Returns what SUB returns as soon as that is true. If it does not get true in
time: dies, saying WHAT was waited for; without WHAT returns false.

SECONDS is more than enough on a machine that has nothing else to do. As what
comes is never waited for longer than it takes, it is given several times that:
no test is to fail as a machine is busy.

=cut

use constant PATIENCE => $ENV{CLARITY_VALGRIND} ? 12 : 6;

sub wait_until(&$;$) {
    my ($condition, $seconds, $what) = @_;

    $seconds *= PATIENCE;

    my $deadline = time + $seconds;

    while (1) {
        my $value = $condition->();
        return $value if $value;

        if (time > $deadline) {
            return 0 if !defined $what;
            croak "waited $seconds s in vain for $what";
        }

        sleep 0.01;
    }
}

1;
