package Clarity::Process;

=head1 NAME

Clarity::Process - a child process of a test

=head1 DESCRIPTION

The base of what a test starts. A child gets SIGTERM when the test's own
process dies, whatever way; C<end> ends it in an orderly manner.

Its standard output and error go to FOLDER/NAME.stderr.

=cut

use strict;
use warnings;

use Carp qw(croak);
use POSIX qw(WNOHANG);

use Clarity::Wait;

# An orderly end that takes longer is none.
use constant PATIENCE => 15;


# Options: name, and what the subclasses say.

sub new {
    my ($class, $test, %options) = @_;

    my $self = bless {
        test => $test,
        name => $class->kind,
        pid  => undef,
        start => 1,
        %options,
    }, $class;

    $self->{dir} = $test->dir . "/$self->{name}";

    mkdir $self->{dir} or croak "$self->{dir}: $!";
    push @{ $test->{processes} }, $self;

    $self->prepare;
    $self->start if $self->{start};

    return $self;
}


# For the subclasses: what is done once, the command line, the signal of an
# orderly end, and whether it is ready.

sub kind    { croak 'not said' }
sub prepare { }
sub argv    { croak 'not said' }
sub goodbye { 'TERM' }
sub ready   { 1 }


=head1 METHODS

=head2 name, dir, test, pid

C<pid> is undefined while it does not run.

=cut

sub name { $_[0]{name} }
sub dir  { $_[0]{dir} }
sub test { $_[0]{test} }

sub pid {
    my ($self) = @_;

    $self->_reap(WNOHANG);

    return $self->{pid};
}


=head2 start

Starts it and waits until it is ready.

=cut

sub start {
    my ($self) = @_;

    croak "$self->{name} is running" if $self->pid;

    $self->launch;
    $self->wait_ready;
}


sub launch {
    my ($self) = @_;

    my @argv = $self->argv;
    my $output = "$self->{dir}/$self->{name}.stderr";

    $self->{told} = 0;
    $self->{status} = undef;
    $self->{pid} = fork // croak "fork: $!";

    if ($self->{pid}) {
        return;
    }

    # A test that dies by SIGKILL runs no END: hence the death signal. A
    # process group of its own keeps the terminal's Ctrl-C from it, which
    # would end all at once instead of one after the other.
    setpgrp;
    $SIG{$_} = 'DEFAULT' for qw(INT TERM HUP PIPE ALRM);
    open STDIN, '<', '/dev/null';
    open STDOUT, '>>', $output;
    open STDERR, '>&', \*STDOUT;
    $ENV{$_} = $self->{env}{$_} for keys %{ $self->{env} // {} };
    exec 'setpriv', '--pdeathsig', 'TERM', @argv or POSIX::_exit(127);
}


sub wait_ready {
    my ($self) = @_;

    wait_until {
        croak "$self->{name} ended before it was ready: "
            . $self->how_it_ended if !$self->pid;
        $self->ready;
    } PATIENCE, "$self->{name} to be ready";
}


=head2 stop

Asks it to end, and waits until it has. Dies if it does not.

=cut

sub stop {
    my ($self) = @_;

    my $amiss = $self->_stop;
    croak $amiss if $amiss;
}


=head2 kill

Ends it at once, by SIGKILL, and waits until it is gone.

=cut

sub kill {
    my ($self) = @_;

    $self->signal('KILL');
    $self->{told} = 1;
    $self->_reap(0);
}


=head2 pause, resume, signal(NAME)

=cut

sub pause  { $_[0]->signal('STOP') }
sub resume { $_[0]->signal('CONT') }

sub signal {
    my ($self, $name) = @_;

    my $pid = $self->pid or croak "$self->{name} is not running";
    CORE::kill $name, $pid or croak "kill $name $pid: $!";
}


=head2 wait_exit(SECONDS)

Waits for it to end by itself, and returns its exit status as in C<$?>.

=cut

sub wait_exit {
    my ($self, $seconds) = @_;

    wait_until { !$self->pid } $seconds, "the end of $self->{name}";
    $self->{told} = 1;

    return $self->{status};
}


=head2 log

All that it has said; C<log_like(REGEX, SECONDS)> waits for a line.

=cut

sub log {
    my ($self) = @_;

    my $name = $self->{name};

    return join '', map { $self->{test}->read_file("$name/$_") }
        ("$name.stderr", $self->logs);
}


# Other files in its folder that it writes messages to.
sub logs { }


sub log_like {
    my ($self, $regex, $seconds) = @_;

    return wait_until { $self->log =~ $regex } $seconds // 5;
}


# At the end of the test: what went amiss, in words.

sub end {
    my ($self) = @_;

    my $amiss;

    if ($self->pid) {
        CORE::kill 'CONT', $self->{pid};
        $amiss = $self->_stop;

    } elsif (defined $self->{status} && !$self->{told}) {
        $amiss = "$self->{name} ended by itself: " . $self->how_it_ended;
    }

    $self->{told} = 1;

    return $amiss // ();
}


sub _stop {
    my ($self) = @_;

    $self->signal($self->goodbye);
    $self->{told} = 1;

    if (!wait_until { !$self->pid } PATIENCE) {
        $self->kill;
        return "$self->{name} did not end by SIG" . $self->goodbye;
    }

    if ($self->{status}) {
        return "$self->{name}, asked to end: " . $self->how_it_ended;
    }

    return;
}


sub how_it_ended {
    my ($self) = @_;

    my $status = $self->{status};

    return 'signal ' . ($status & 127) if $status & 127;
    return 'exit code ' . ($status >> 8);
}


sub _reap {
    my ($self, $flags) = @_;

    return if !$self->{pid};
    return if waitpid($self->{pid}, $flags) != $self->{pid};

    $self->{status} = $?;
    $self->{pid} = undef;
}

1;
