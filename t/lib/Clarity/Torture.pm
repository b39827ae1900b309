package Clarity::Torture;

=head1 NAME

Clarity::Torture - faults, one upon the other, and a note of each

=head1 SYNOPSIS

    my $torture = Clarity::Torture->new(redis => $redis, lease => 2,
        workers => \@workers, proxies => { w4 => $proxy });

    $torture->run(20);
    my @faults = $torture->faults;

=head1 DESCRIPTION

Does harm to workers and Redis, drawn by C<rand>: who wants the same harm again
calls C<srand> before. Of one worker there is one fault at a time, of several
there may be several. All have an end: when C<run> returns all live.

=over

=item redis, workers

A L<Clarity::Redis> and L<Clarity::Worker>s.

=item proxies

By the name of a worker, the L<Clarity::Proxy> that it has to Redis.

=item lease

Of the workers, in seconds.

=item gap

Seconds from a fault to the next one, on the average.

=back

The faults are as L<Clarity::History> wants them.

=cut

use strict;
use warnings;

use Time::HiRes qw(sleep time);

use constant TICK => 0.01; # seconds

# How often of all, and what begins it. Each returns how long it lasts, what
# ends it, and the fault; or nothing, where it cannot be now.
my @kinds = (
    [ 6, \&_kill ],
    [ 4, \&_stop_long ],
    [ 3, \&_stop_short ],
    [ 2, \&_redis_killed ],
    [ 1, \&_redis_stopped ],
    [ 4, \&_cut ],
    [ 2, \&_partition ],
    [ 2, \&_cut_within ],
    [ 1, \&_drain ],
    [ 1, \&_reload ],
);


sub new {
    my ($class, %given) = @_;

    return bless { gap => 0.5, %given, faults => [], ends => [], busy => {} },
        $class;
}


=head1 METHODS

=head2 run(SECONDS)

=cut

sub run {
    my ($self, $seconds) = @_;

    my $until = time + $seconds;
    my $next = time;

    while (time < $until) {
        if (time >= $next) {
            $self->_begin;
            $next = time + rand 2 * $self->{gap};
        }

        $self->_end(time);
        sleep TICK;
    }

    while (@{ $self->{ends} }) {
        $self->_end(time);
        sleep TICK;
    }
}


=head2 faults

Those that there were.

=cut

sub faults { return @{ $_[0]{faults} } }


sub _begin {
    my ($self) = @_;

    my $sum = 0;
    $sum += $_->[0] for @kinds;

    my $draw = rand $sum;
    my ($kind) = grep { ($draw -= $_->[0]) < 0 } @kinds;

    # all that is drawn is drawn here, whatever becomes of it
    my ($who, $long) = (int rand @{ $self->{workers} }, rand);
    my $worker = $self->{workers}[$who];

    my ($lasts, $end, %fault) = $kind->[1]->($self, $worker, $long) or return;

    $fault{from} = $fault{to} = time;
    push @{ $self->{faults} }, \%fault;
    push @{ $self->{ends} }, [ time + $lasts, $end, \%fault ];
}


sub _end {
    my ($self, $now) = @_;

    my @left;

    for my $end (@{ $self->{ends} }) {
        my ($when, $how, $fault) = @$end;

        # false: it has not ended yet
        if ($when > $now || !$how->()) {
            push @left, $end;
            next;
        }

        $fault->{to} = time;
        delete $self->{busy}{ $fault->{worker} // 'redis' };
    }

    $self->{ends} = \@left;
}


# One fault at a time of each.

sub _take {
    my ($self, $name) = @_;

    return !$self->{busy}{$name}++;
}


sub _kill {
    my ($self, $worker, $long) = @_;

    $self->_take($worker->name) or return;

    $worker->kill;

    return 1.5 * $long, sub { $worker->launch; 1 },
        what => 'kill', worker => $worker->name;
}


sub _stop_long { return _stop(@_[ 0, 1 ], $_[0]{lease} * (1.2 + 0.8 * $_[2])) }

sub _stop_short { return _stop(@_[ 0, 1 ], 0.5 * $_[2]) }

sub _stop {
    my ($self, $worker, $lasts) = @_;

    $self->_take($worker->name) or return;

    $worker->pause;

    return $lasts, sub { $worker->resume; 1 },
        what => 'stop', worker => $worker->name;
}


# Ended, it takes up its work again after a while.

sub _drain {
    my ($self, $worker) = @_;

    $self->_take($worker->name) or return;

    $worker->signal('TERM');
    $worker->{told} = 1;

    return 0, sub { !$worker->pid && ($worker->launch || 1) },
        what => 'drain', worker => $worker->name;
}


sub _reload {
    my ($self, $worker) = @_;

    $self->_take($worker->name) or return;

    $worker->signal('HUP') if $worker->ready;

    return 0, sub { 1 }, what => 'reload', worker => $worker->name;
}


sub _redis_killed {
    my ($self, undef, $long) = @_;

    my $redis = $self->{redis};

    $self->_take('redis') or return;

    $redis->kill;
    my $launched;

    return 0.4 * $long, sub {
        $redis->launch if !$launched++;
        return $redis->ready;
    }, what => 'redis';
}


sub _redis_stopped {
    my ($self, undef, $long) = @_;

    my $redis = $self->{redis};

    $self->_take('redis') or return;

    $redis->pause;

    return $self->{lease} * (0.2 + 1.2 * $long), sub { $redis->resume; 1 },
        what => 'redis';
}


sub _cut {
    my ($self) = @_;

    $self->_take('redis') or return;

    $self->{redis}->command('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME',
        'yes');

    return 0, sub { 1 }, what => 'cut';
}


# What is on its way arrives afterwards.

sub _partition {
    my ($self, undef, $long) = @_;

    my ($worker, $proxy) = $self->_behind_proxy or return;

    $proxy->pause;

    return $self->{lease} * (1.2 + 0.8 * $long), sub { $proxy->resume; 1 },
        what => 'partition', worker => $worker->name;
}


# Redis does what it is told, and its reply is cut off somewhere.

sub _cut_within {
    my ($self, undef, $long) = @_;

    my ($worker, $proxy) = $self->_behind_proxy or return;

    $proxy->rule(from => $long < 0.5 ? 'redis' : 'nginx', do => 'cut',
        after => 1 + int 500 * $long);

    return 0.1, sub { $proxy->rule; 1 },
        what => 'cut', worker => $worker->name;
}


sub _behind_proxy {
    my ($self) = @_;

    my ($name) = sort keys %{ $self->{proxies} // {} } or return;
    my ($worker) = grep { $_->name eq $name } @{ $self->{workers} };

    $self->_take($name) or return;

    return ($worker, $self->{proxies}{$name});
}

1;
