package Clarity::Demo;

=head1 NAME

Clarity::Demo - what C<make run> starts, for a test

=head1 SYNOPSIS

    my $demo = $t->demo;

    print $demo->url, $demo->token;

=head1 DESCRIPTION

A L<Clarity::Process>: demo/run, with a port and a run folder of its own.

=cut

use strict;
use warnings;

use parent 'Clarity::Process';


sub kind { 'demo' }


sub prepare {
    my ($self) = @_;

    my $test = $self->test;

    $self->{port} = $test->port;
    $self->{env} = {
        PORT => $self->{port},
        RUN_DIR => "$self->{dir}/run",
        BUILD => $test->build,
    };
}


sub argv { return $_[0]->test->root . '/demo/run' }

sub goodbye { 'INT' }

sub ready { return $_[0]->log =~ /Ctrl-C ends/ }


=head1 METHODS

=head2 url, token

Where it listens, and the token of the webhook in its nginx.conf.

=cut

sub url { return "http://127.0.0.1:$_[0]{port}" }

sub token {
    my ($self) = @_;

    my $token = $self->test->read_file("$self->{name}/run/token");
    chomp $token;

    return $token;
}

1;
