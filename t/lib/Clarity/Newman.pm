package Clarity::Newman;

=head1 NAME

Clarity::Newman - runs a Postman collection, as tests of a test file

=head1 SYNOPSIS

    run_collection($t, 'docs/postman/x.postman_collection.json', $environment);

=head1 DESCRIPTION

newman is in build/postman, where C<make test> has put it with npm.

=cut

use strict;
use warnings;

use parent 'Clarity::Process';

use Exporter 'import';
use Test::More ();

our @EXPORT = qw(run_collection);

# In seconds.
use constant PATIENCE => 120;


=head1 FUNCTIONS

=head2 run_collection(TEST, COLLECTION, ENVIRONMENT)

Runs these files; each C<pm.test> becomes a test here. Returns newman's report
of the run, decoded.

=cut

sub run_collection {
    my ($test, $collection, $environment) = @_;

    my $program = $test->build . '/postman/node_modules/.bin/newman';

    -e $program or die "$program is not there: npm could not install it."
        . " \"make postman\" tries again.\n";

    my $run = __PACKAGE__->new($test, program => $program,
        collection => $collection, environment => $environment);
    my $status = $run->wait_exit(PATIENCE);
    my $text = $test->read_file("$run->{name}/report.json");

    Test::More::ok(length $text, 'newman has run it')
        or die $run->log . "\n";

    my $report = Clarity::Test::decode_json($text)->{run};

    _relay($report);
    Test::More::is($status, 0, 'newman ends well')
        or Test::More::diag($run->log);

    return $report;
}


sub kind { 'newman' }


sub prepare {
    my ($self) = @_;

    # It would read a configuration from there.
    $self->{env} = { HOME => $self->{dir}, NO_COLOR => 1 };
}


sub argv {
    my ($self) = @_;

    return ($self->{program}, 'run', $self->{collection},
        '--environment', $self->{environment}, '--timeout-request', 10_000,
        '--reporters', 'cli,json', '--reporter-cli-no-banner',
        '--reporter-json-export', "$self->{dir}/report.json");
}


sub _relay {
    my ($report) = @_;

    for my $execution (@{ $report->{executions} }) {
        for my $test (@{ $execution->{assertions} // [] }) {
            my $error = $test->{error};

            Test::More::ok(!$error && !$test->{skipped},
                "$execution->{item}{name}: $test->{assertion}")
                or Test::More::diag($error ? $error->{message} : 'skipped');
        }

        Test::More::diag("$execution->{item}{name}: "
            . $execution->{requestError}{code})
            if $execution->{requestError};
    }

    # A script that fails outside of pm.test() is none of the above.
    for my $failure (@{ $report->{failures} }) {
        my $error = $failure->{error};

        Test::More::fail("$failure->{source}{name}, $failure->{at}: "
            . "$error->{name}: $error->{message}")
            if $error->{name} ne 'AssertionError';
    }
}

1;
