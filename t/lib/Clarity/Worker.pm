package Clarity::Worker;

=head1 NAME

Clarity::Worker - a clarity-worker

=head1 SYNOPSIS

    my $worker = $t->worker(workflows => { 'grant.json' => $json });

=head1 DESCRIPTION

A L<Clarity::Process>. Options:

=over

=item workflows => { NAME => JSON, ... }

The workflow files, as text or as a data structure; in texts and strings stand
words such as %%RECEIVER%%: see L<Clarity::Test>.

=item conf => { ... }

More keys of its configuration, or other values. From the start there are
C<redis>, C<triggers>, C<workflows> and C<allow_addresses>, 127.0.0.0/8.

=item program => FILE

Another one: made with the SDK, or a clarity-worker that is built otherwise.

=item under => [ COMMAND, ... ]

What starts it: a command that executes the rest of its arguments.

=back

=cut

use strict;
use warnings;

use parent 'Clarity::Process';

use Carp qw(croak);


sub kind { 'worker' }


# Its log, where that is in its folder.

sub logs {
    my ($self) = @_;

    my $log = $self->{conf}{log} // '';

    return $log =~ m{^\Q$self->{dir}\E/(.+)} ? $1 : ();
}


sub prepare {
    my ($self) = @_;

    my $test = $self->test;
    my $workflows = $self->{workflows} // {};

    mkdir "$self->{dir}/workflows" or croak "$self->{dir}/workflows: $!";

    for my $file (keys %$workflows) {
        $self->write_workflow($file, $workflows->{$file});
    }

    my %conf = (
        redis => $test->{words}{REDIS},
        triggers => $test->root . '/examples/triggers.json',
        workflows => "$self->{dir}/workflows",
        allow_addresses => ['127.0.0.0/8'],
        %{ $self->{conf} // {} },
    );

    $self->{file} = $test->write_file("$self->{name}/worker.json",
        Clarity::Test::encode_json(\%conf));
}


sub argv {
    my ($self) = @_;

    my $test = $self->test;
    my $program = $self->{program} // $test->build . '/clarity-worker';

    # A program of the SDK takes its configuration alone.
    return (@{ $self->{under} // [] }, $test->valgrind($self->{dir}), $program,
        $program =~ m{/clarity-worker$} ? '-c' : (), $self->{file});
}


sub launch {
    my ($self) = @_;

    $self->{before} = length $self->log;
    $self->SUPER::launch;
}


# Not what one said that was started before.

sub ready {
    my ($self) = @_;

    return substr($self->log, $self->{before}) =~ /"event":"ready"/;
}


=head1 METHODS

=head2 write_workflow(NAME, JSON)

For a reload by SIGHUP.

=cut

sub write_workflow {
    my ($self, $file, $workflow) = @_;

    $workflow = Clarity::Test::encode_json($workflow) if ref $workflow;

    return $self->test->write_file("$self->{name}/workflows/$file",
        $workflow);
}


=head2 events(NAME)

What it has logged: hashes, one a line; those of one C<event>, or all.

=cut

sub events {
    my ($self, $name) = @_;

    my @events = map { Clarity::Test::decode_json($_) }
        grep { /^\{.*\}$/ } split /\n/, $self->log;

    return grep { !defined $name || $_->{event} eq $name } @events;
}

1;
