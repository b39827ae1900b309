package Clarity::History;

=head1 NAME

Clarity::History - what happened, held against what must hold

=head1 SYNOPSIS

    my $history = Clarity::History->new(
        accepted => [ $load->told ], jobs => \%jobs, published => \@ids,
        calls => [ $endpoint->calls ], faults => \@faults,
        lease => 2, timeout => 1);

    is_deeply [ $history->amiss ], [], 'the history is sound';
    note $history->summary;

=head1 DESCRIPTION

It knows what was done to workers and Redis, what an endpoint saw, and what is
in Redis in the end; of the workers it believes nothing. All times are of one
machine's clock, in seconds.

=over

=item accepted

The ids of the jobs that were answered 202.

=item jobs

By id, as L<Clarity::Jobs> decodes them; all there are, the accepted ones or
not.

=item published

The ids of the jobs that a step published, in the order of the stream.

=item calls

As L<Clarity::Endpoint> has them. Their URI is
C</HOW/JOB/WORKFLOW/STEP?from=N>; N is what the step before was answered.

=item faults

Hashes with C<what>, C<worker> (where it was one's), C<from> and C<to>:

    kill       SIGKILL to a worker
    stop       SIGSTOP to a worker, until SIGCONT
    partition  no byte passes between a worker and Redis, both live
    redis      Redis was killed or stopped, until it answered again
    stall      the machine had no time for anybody
    cut        its connections were closed: no reason for anything
    drain      SIGTERM to a worker, until it was gone: likewise
    reload     SIGHUP: likewise

=item lease, timeout

Of the workers, and of a call.

=item fails

Workflows that cannot but fail, as the endpoint always refuses one of their
steps.

=back

=cut

use strict;
use warnings;

# A worker renews its leases four times in each.
use constant RENEWED => 3 / 4;

# ms are rounded down, and a signal is noted after it was sent.
use constant CLOCK => 0.005;

# A worker that was stopped, or cut off, sends what it had in hand before it
# hears that it has lost it.
use constant WAKE => 1;

# An answer may take a tenth of the time-out itself, and a moment without a
# processor is noted from the endpoint's next tick on.
use constant LEFT => 1 / 2;

# How long after an outage of Redis a take-over may be its doing: until all
# have connected again.
use constant RETURN => 3;

my %final = map { $_ => 1 } qw(succeeded failed cancelled);


sub new {
    my ($class, %given) = @_;

    my $self = bless { %given, amiss => [], tally => {} }, $class;

    $self->{steps} = $self->_by_step;
    $self->{fails} //= [];

    $self->_check_jobs;
    $self->_check_keys;
    $self->_check_published;
    $self->_check_step($_) for sort keys %{ $self->{steps} };

    return $self;
}


=head1 METHODS

=head2 amiss

What must not be, in words.

=cut

sub amiss {
    my ($self) = @_;

    my @amiss = @{ $self->{amiss} };
    my $n = @amiss;

    splice @amiss, 20, $n, "... $n in all" if $n > 20;

    return @amiss;
}


=head2 tally, summary

How often there was what; and that in a line.

=cut

sub tally { return $_[0]{tally} }

sub summary {
    my ($self) = @_;

    my $tally = $self->{tally};

    return join ', ', map { "$_: $tally->{$_}" } sort keys %$tally;
}


sub _say {
    my ($self, $text) = @_;

    push @{ $self->{amiss} }, $text;
}


sub _count {
    my ($self, $what, $n) = @_;

    $self->{tally}{$what} += $n // 1;
}


# By "JOB WORKFLOW STEP", as the URI has them: the calls in their order.

sub _by_step {
    my ($self) = @_;

    my %steps;

    for my $call (@{ $self->{calls} }) {
        my ($path, $from) = split /\?from=/, $call->{uri};
        my (undef, undef, @step) = split m{/}, $path;

        $call->{from} = $from;
        push @{ $steps{"@step"} }, $call;
        $self->_count('calls');
        $self->_count("calls answered $call->{how}");
    }

    return \%steps;
}


# Every job that was accepted has ended, and as it had to.

sub _check_jobs {
    my ($self) = @_;

    for my $id (@{ $self->{accepted} }) {
        $self->{jobs}{$id} or $self->_say("$id: accepted, but nothing is known"
            . ' of it');
        $self->_count('accepted');
    }

    for my $id (sort keys %{ $self->{jobs} }) {
        my $job = $self->{jobs}{$id};
        my $state = $job->{state} // 'none';

        if (!$final{$state}) {
            $self->_say("$id: its state is $state");
            next;
        }

        $self->_count("jobs $state");

        for my $workflow (sort keys %{ $job->{runs} }) {
            $self->_check_run($id, $workflow, $job);
        }
    }
}


sub _check_run {
    my ($self, $id, $workflow, $job) = @_;

    my $run = $job->{runs}{$workflow};
    my $state = $run->{state};

    return if $state eq 'skipped';

    my $must = (grep { $_ eq $workflow } @{ $self->{fails} }) ? 'failed'
        : 'succeeded';

    return if $state eq $must;

    # A crash alone fails a job: the third of those that it was in hand at.
    if ($state eq 'failed'
        && ($run->{reason} // '') =~ /its worker crashed while it ran alone/
        && $self->_crashes($job) > 2)
    {
        $self->_count('runs failed alone');
        return;
    }

    $self->_say("$id: the run of $workflow $state, expected it to have $must"
        . ': ' . ($run->{reason} // ''));
}


# How many faults there were that a job could have been taken over after, from
# when it was received.

sub _crashes {
    my ($self, $job) = @_;

    return scalar grep { $_->{what} =~ /^(kill|stop|partition|redis|stall)$/
        && $_->{to} >= ($job->{received} // 0) / 1000 }
        @{ $self->{faults} };
}


# Each step has a key, which all its calls have and no other.

sub _check_keys {
    my ($self) = @_;

    my %of_key;

    for my $step (sort keys %{ $self->{steps} }) {
        (my $key = $step) =~ tr/ /:/;

        for my $call (@{ $self->{steps}{$step} }) {
            next if $call->{key} eq $key;
            $self->_say("call $call->{n}, of $step: its key is $call->{key},"
                . " expected $key");
        }
    }
}


# The effect and its memo are one, so there is one, whatever happened.

sub _check_published {
    my ($self) = @_;

    my %times;

    $times{$_}++ for @{ $self->{published} // [] };

    for my $id (sort keys %times) {
        $self->_count('published');
        $self->_say("$id: published $times{$id} times") if $times{$id} > 1;
        $self->_say("$id: published, but no job") if !$self->{jobs}{$id};
    }

    for my $id (sort keys %{ $self->{jobs} }) {
        my $memo = $self->{jobs}{$id}{steps}{publish}{send} or next;

        $self->_say("$id: its memo says published, but it is not there")
            if $memo->{state} eq 'succeeded' && !$times{$id};
    }
}


sub _check_step {
    my ($self, $name) = @_;

    my ($id, $workflow, $step) = split / /, $name;
    my @calls = @{ $self->{steps}{$name} };
    my $job = $self->{jobs}{$id};
    my $record = $job->{steps}{$workflow}{$step};

    if (!$record) {
        $self->_say("$name: called, but there is no record of it");
        return;
    }

    $self->_check_attempts($name, $record, @calls);
    $self->_check_memo($name, $record, @calls);
    $self->_check_result($name, $job, $workflow, $step);
    $self->_check_duplicates($name, @calls);
}


# Before each call it was written down that it would be made.

sub _check_attempts {
    my ($self, $name, $record, @calls) = @_;

    return if @calls <= $record->{attempt};

    $self->_say("$name: called " . @calls . ' times, with'
        . " $record->{attempt} attempts on record");
}


# Once its result was stored it was not called again, but by who could not
# know: it was stopped, or cut off, between its decision and the call.

sub _check_memo {
    my ($self, $name, $record, @calls) = @_;

    return if !$final{ $record->{state} };

    my $ended = $record->{ended} / 1000 + CLOCK;

    for my $call (grep { $_->{time} > $ended } @calls) {
        if ($self->_was_deaf($call)) {
            $call->{late} = 1;
            $self->_count('late calls of a worker that could not know');
            next;
        }

        $self->_say(sprintf '%s: call %d by %s at %.3f came %.3f s after its'
            . ' result', $name, @{$call}{qw(n worker time)},
            $call->{time} - $ended);
    }
}


# The result is that of its last call, and what the next step was told.

sub _check_result {
    my ($self, $name, $job, $workflow, $step) = @_;

    my $record = $job->{steps}{$workflow}{$step};

    return if $record->{state} ne 'succeeded';

    my @calls = @{ $self->{steps}{$name} };
    my ($last) = grep { !$_->{late} } reverse @calls;
    my $n = $record->{result}{body}{n} // 'none';

    if (!$last || $n ne $last->{n}) {
        my ($of) = grep { $_->{n} eq $n } @calls;

        $self->_say("$name: its result is of call $n, expected that of "
            . ($last ? $last->{n} : 'one that is not late'))
            if !$of || !$self->_overtaken($of, $last);
    }

    my (undef, @next) = _from($step, @{ $job->{runs}{$workflow}{steps} });
    my ($next) = grep { $_ } map { $self->{steps}{"$job->{id} $workflow $_"} }
        @next;

    for my $call (@{ $next // [] }) {
        next if $call->{from} eq $n;
        $self->_say("$name: its result is of call $n, the next step was told"
            . " $call->{from}");
    }
}


# The rest of a list, from one of it on.

sub _from {
    my ($first, @list) = @_;

    shift @list while @list && $list[0] ne $first;

    return @list;
}


# A call that was made by one that had lost its job and could not know, while
# the job was done by another.

sub _overtaken {
    my ($self, $good, $last) = @_;

    return $last && $last->{worker} ne $good->{worker}
        && $self->_was_deaf($last);
}


sub _was_deaf {
    my ($self, $call) = @_;

    return scalar grep {
        ($_->{what} eq 'stop' || $_->{what} eq 'partition'
            ? $_->{worker} eq $call->{worker}
            : $_->{what} eq 'redis' || $_->{what} eq 'stall')
        && $_->{to} - $_->{from} >= RENEWED * $self->{lease}
        && $_->{from} <= $call->{time} && $call->{time} <= $_->{to} + WAKE
    } @{ $self->{faults} };
}


# Each call but the first is there because the one before it was answered so,
# or because its worker was lost before it could write down the answer.

sub _check_duplicates {
    my ($self, $name, @calls) = @_;

    for my $i (1 .. $#calls) {
        my ($before, $call) = @calls[ $i - 1, $i ];

        if ($before->{how} =~ /^(503|hang|close)$/) {
            $self->_count('calls again, asked for');
            next;
        }

        # Its request was on its way when it was stopped: nothing holds that.
        if ($call->{late} || $self->_was_deaf($call)) {
            $self->_count('calls again, of a worker that could not know');
            next;
        }

        # Likewise the one before: it had lost its job, and who had it by then
        # had not called yet.
        my $why = $self->_why($before, $call)
            // ($self->_was_deaf($before) ? 'one that could not know' : undef);

        if (defined $why) {
            $self->_count('calls again, not asked for');
            $self->_count("... after $why");
            next;
        }

        $self->_say(sprintf '%s: call %d by %s at %.3f was answered well, and'
            . ' %d by %s at %.3f has no reason', $name,
            @{$before}{qw(n worker time)}, @{$call}{qw(n worker time)});
    }
}


sub _why {
    my ($self, $before, $call) = @_;

    for my $fault (@{ $self->{faults} }) {
        my $what = $fault->{what};
        my $long = $fault->{to} - $fault->{from};

        next if defined $fault->{worker}
            && $fault->{worker} ne $before->{worker};

        # Past the lease; of who was stopped, past what the call had left of
        # its time beside what its answer takes.
        my $enough = $self->{lease} * RENEWED;
        my $left = $self->{timeout} * LEFT;
        $enough = $left if $what =~ /^st/ && $left < $enough;

        next if !($what eq 'kill'
            || ($what =~ /^(stop|partition|stall|redis)$/
                && $long >= $enough));

        # What is noted as done was done a little before.
        my $after = $what eq 'redis' || $what eq 'partition' ? RETURN : 0;

        return $what if $fault->{from} - CLOCK <= $call->{time}
            && $fault->{to} + $after + CLOCK >= $before->{time};
    }

    return;
}

1;
