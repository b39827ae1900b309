package Clarity::Load;

=head1 NAME

Clarity::Load - requests without pause, and what became of them

=head1 SYNOPSIS

    my $load = $t->load(nginx => $nginx, token => 'secret');
    $load->wait_for(1000, 202);
    ... something goes wrong ...
    $load->stop;
    is_deeply [ $load->amiss($redis) ], [], 'nothing is lost';

=head1 DESCRIPTION

A L<Clarity::Process>: F<t/load/load.c>, which keeps connections busy with one
request whose context holds the request's number. So each job in Redis is
known to be that of one request, and each answer can be held against what is
in Redis. Options:

=over

=item nginx => NGINX, uri => URI, token => TOKEN, headers => [LINE, ...]

Whom it calls (F</hook>), and how.

=item connections => 64, requests => N, rate => N, patience => SECONDS

How many at a time; how many then end it; how many a second at most (2,000, so
that the machine is not what is tested; 0: as many as go); after what time a
request without an answer is given up (30).

=item again => 1

Sends a request again that was answered 503 or 504, until it is not.

=item close => 1

A connection for each request, instead of keeping them.

=item body => TEXT

The context. Ten C<@> in it are the number; C<amiss> needs them.

=back

=cut

use strict;
use warnings;

use parent 'Clarity::Process';

use Carp qw(croak);

use Clarity::Jobs;
use Clarity::Wait;

use constant PLACE => '@' x 10;


sub kind { 'load' }


sub prepare {
    my ($self) = @_;

    $self->{body} //= Clarity::Test::context(
        identity_id => '"' . PLACE . '"');

    $self->{file} = "$self->{dir}/requests";
    $self->{results} = "$self->{dir}/results";

    $self->{seen} = [];     # [number, began, took, status, what]
    $self->{counts} = {};   # by status

    # Not by write_file(): nothing in it is to be expanded.
    open my $fh, '>', $self->{file} or croak "$self->{file}: $!";
    print $fh Clarity::Nginx::request_text('POST', $self->{uri} // '/hook',
        token => $self->{token}, body => $self->{body},
        keepalive => !$self->{close}, headers => $self->{headers});
    close $fh or croak "$self->{file}: $!";
}


sub argv {
    my ($self) = @_;

    return ($self->test->build . '/load',
        $self->{again} ? '-a' : (),
        '-c', $self->{connections} // 64,
        '-n', $self->{requests} // 0,
        '-r', $self->{rate} // 2000,
        '-t', int(1000 * ($self->{patience} // 30)),
        '-o', $self->{results}, $self->{nginx}->port, $self->{file});
}


sub ready { -e $_[0]{results} }


=head1 METHODS

=head2 wait_for(N, STATUS, SECONDS)

Waits for N more answers with that status. 0 is that of requests without any.

=cut

sub wait_for {
    my ($self, $n, $status, $seconds) = @_;

    $self->_take;

    my $enough = ($self->{counts}{$status} // 0) + $n;

    wait_until {
        $self->_take;
        ($self->{counts}{$status} // 0) >= $enough;
    } $seconds // 20, "$n answers with status $status";
}


=head2 answers(FROM, TO)

How many there are of each kind: a reference to a hash with keys such as
C<202>, C<503 queue_full>, C<0 closed> (see F<t/load/load.c>). With times: to
requests that began between them.

=cut

sub answers {
    my ($self, $from, $to) = @_;

    my %answers;

    for ($self->_all) {
        my ($began, undef, $status, $what) = @{$_}[ 1 .. 4 ];

        next if defined $from && $began < $from;
        next if defined $to && $began > $to;

        $answers{ $status == 202 ? $status : "$status $what" }++;
    }

    return \%answers;
}


=head2 told

The ids of the jobs that its 202s name, each once.

=cut

sub told {
    my ($self) = @_;

    my %ids = map { $_->[4] => 1 } grep { $_->[3] == 202 } $self->_all;

    return sort keys %ids;
}


=head2 longest

The seconds that the longest request took.

=cut

sub longest {
    my ($self) = @_;

    my $longest = 0;

    for ($self->_all) {
        $longest = $_->[2] if $_->[2] > $longest;
    }

    return $longest;
}


=head2 again(TIME), settled(TIME)

Seconds from TIME to the first 202 after it; and to the last request that began
after it and was not answered 202 (0 if there was none).

=cut

sub again {
    my ($self, $time) = @_;

    my $first;

    for ($self->_all) {
        next if $_->[3] != 202;

        my $after = $_->[1] + $_->[2] - $time;
        $first = $after if $after > 0 && (!defined $first || $after < $first);
    }

    return $first // croak 'no 202 after that time';
}


sub settled {
    my ($self, $time) = @_;

    my $last = 0;

    for ($self->_all) {
        next if $_->[3] == 202;

        my $after = $_->[1] - $time;
        $last = $after if $after > $last;
    }

    return $last;
}


=head2 amiss(REDIS)

Once it has ended: holds each answer against the stream. What is not as it
must be, in words: a 202 whose job is not there or not that of its request, an
id that was told twice, a request that was refused with 503 and is a job all
the same, one that is two jobs.

=cut

sub amiss {
    my ($self, $redis) = @_;

    my ($jobs, $of_number) = $self->_jobs($redis);
    my %accepted = map { $_->[0] => 1 } grep { $_->[3] == 202 } $self->_all;
    my (@amiss, %told);

    for ($self->_all) {
        my ($number, undef, undef, $status, $what) = @$_;

        if ($status == 202) {
            my $job = $jobs->{$what};

            push @amiss, "$number: 202, but no job $what" if !defined $job;
            push @amiss, "$number: 202 with the job $what of $job"
                if defined $job && $job ne $number;
            push @amiss, "$number: told $what, as was $told{$what}"
                if exists $told{$what};

            $told{$what} = $number;

        } elsif ($status == 503 && $of_number->{$number}
            && !$accepted{$number})
        {
            push @amiss, "$number: 503 $what, but $of_number->{$number}[0]";
        }
    }

    for my $number (sort keys %$of_number) {
        my @ids = @{ $of_number->{$number} };
        push @amiss, "$number is @ids" if @ids > 1;
    }

    my $n = @amiss;
    splice @amiss, 10, $n, "... $n in all" if $n > 10;

    return @amiss;
}


=head2 summary

All of it in a line.

=cut

sub summary {
    my ($self) = @_;

    my $answers = $self->answers;
    my @counts = map { "$_: $answers->{$_}" } sort keys %$answers;

    return sprintf '%d requests (%s), the longest %.3f s',
        scalar @{ $self->{seen} }, join(', ', @counts), $self->longest;
}


# The jobs that are in the stream with this context: number by id, and ids by
# number.

sub _jobs {
    my ($self, $redis) = @_;

    my ($before, $after) = map { quotemeta } split PLACE, $self->{body}, 2;
    my (%jobs, %of_number);

    for (stream_entries($redis)) {
        my ($id, %fields) = @$_;
        my ($number) = $fields{context} =~ /^$before(\d{10})$after$/ or next;

        $jobs{"0-$id"} = $number;
        push @{ $of_number{$number} }, "0-$id";
    }

    return (\%jobs, \%of_number);
}


sub _all {
    my ($self) = @_;

    $self->_take;

    return @{ $self->{seen} };
}


# Adds what has been written since the last time.

sub _take {
    my ($self) = @_;

    if (!$self->{input}) {
        open $self->{input}, '<', $self->{results}
            or croak "$self->{results}: $!";
    }

    my $input = $self->{input};
    seek $input, 0, 1;

    while (my $line = <$input>) {
        if ($line !~ /\n\z/) {
            # the rest of it comes later
            seek $input, -length $line, 1;
            last;
        }

        my ($number, $began, $took, $status, $what) = split ' ', $line;

        push @{ $self->{seen} },
            [ $number, $began / 1e6, $took / 1e6, $status, $what ];
        $self->{counts}{$status}++;
    }
}

1;
