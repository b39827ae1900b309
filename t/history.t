# The history checker of t/torture.t finds what must not be, each rule by itself:
# a check that cannot fail proves nothing.

use strict;
use warnings;

use Test::More;

use Clarity::History;

# A job with two steps, done by w1 at second 100.

sub given {
    my %change = @_;

    my %given = (
        accepted => ['0-1-0'],
        lease => 2,
        timeout => 1,
        faults => [],
        published => [],
        calls => [
            { n => 1, time => 100.1, key => '0-1-0:chain:one', worker => 'w1',
                uri => '/ok/0-1-0/chain/one', how => 'ok' },
            { n => 2, time => 100.3, key => '0-1-0:chain:two', worker => 'w1',
                uri => '/ok/0-1-0/chain/two?from=1', how => 'ok' },
        ],
        jobs => { '0-1-0' => { id => '0-1-0', state => 'succeeded',
            received => 100_000,
            runs => { chain => { state => 'succeeded',
                steps => ['one', 'two'] } },
            steps => { chain => {
                one => { state => 'succeeded', attempt => 1, ended => 100_200,
                    result => { body => { n => 1 } } },
                two => { state => 'succeeded', attempt => 1, ended => 100_400,
                    result => { body => { n => 2 } } },
            } } } },
    );

    $change{change}->(\%given) if $change{change};

    return Clarity::History->new(%given);
}


sub finds {
    my ($what, $regex, $change) = @_;

    my @amiss = given(change => $change)->amiss;

    like join("\n", @amiss), $regex, $what;
}


# Another call of the first step, after which it had two attempts.

sub again {
    my ($given, %call) = @_;

    splice @{ $given->{calls} }, 1, 0, { %{ $given->{calls}[0] }, n => 3,
        time => 100.15, %call };
    $given->{jobs}{'0-1-0'}{steps}{chain}{one}{attempt} = 2;
    $given->{jobs}{'0-1-0'}{steps}{chain}{one}{result}{body}{n} = 3;
    $given->{calls}[2]{uri} =~ s/from=1/from=3/;
}


sub fault { push @{ shift->{faults} }, { @_ } }


is_deeply [ given()->amiss ], [], 'nothing is wrong with this one';

finds('a job that is gone', qr/accepted, but nothing is known/,
    sub { $_[0]{jobs} = {}; $_[0]{calls} = [] });
finds('one that has not ended', qr/its state is running/,
    sub { $_[0]{jobs}{'0-1-0'}{state} = 'running' });
finds('a run that failed without a reason', qr/run of chain failed, expected/,
    sub { $_[0]{jobs}{'0-1-0'}{runs}{chain}{state} = 'failed' });
finds('one that should have failed', qr/expected it to have failed/,
    sub { $_[0]{fails} = ['chain'] });
finds('another key', qr/its key is 0-1-0:chain:one:2, expected/,
    sub { again($_[0], how => 'ok', key => '0-1-0:chain:one:2');
        fault($_[0], what => 'kill', worker => 'w1', from => 100.12,
            to => 100.12) });
finds('a call that was not written down', qr/called 2 times, with 1 attempts/,
    sub { again($_[0]); $_[0]{calls}[0]{how} = '503';
        $_[0]{jobs}{'0-1-0'}{steps}{chain}{one}{attempt} = 1 });
finds('a call after the result', qr/came 0\.\d+ s after its result/,
    sub { again($_[0], time => 100.9) });
finds('a result of another call', qr/its result is of call 1, expected that of 3/,
    sub { again($_[0]); $_[0]{calls}[0]{how} = '503';
        $_[0]{jobs}{'0-1-0'}{steps}{chain}{one}{result}{body}{n} = 1 });
finds('a step that was told another result', qr/the next step was told 7/,
    sub { $_[0]{calls}[1]{uri} =~ s/from=1/from=7/ });
finds('a call again for no reason', qr/has no reason/, sub { again($_[0]) });
finds('a message twice', qr/published 2 times/,
    sub { $_[0]{published} = ['0-1-0', '0-1-0'] });
finds('a message that is not there', qr/says published, but it is not there/,
    sub { $_[0]{jobs}{'0-1-0'}{steps}{publish}{send}{state} = 'succeeded' });


# What is a reason, and what is none.

sub reason {
    my ($what, $is, $change) = @_;

    my @amiss = given(change => sub { again($_[0]); $change->($_[0]) })->amiss;

    is_deeply [ grep { !/has no reason/ } @amiss ], [], "$what: all else holds";
    is scalar(@amiss), $is ? 0 : 1, $is ? '... and explains it' : '... in vain';
}

reason('it was answered 503', 1, sub { $_[0]{calls}[0]{how} = '503' });

for ([ 1, what => 'kill', worker => 'w1', from => 100.12, to => 100.12 ],
    [ 0, what => 'kill', worker => 'w2', from => 100.12, to => 100.12 ],
    [ 0, what => 'kill', worker => 'w1', from => 99, to => 99.5 ],
    [ 1, what => 'stop', worker => 'w1', from => 98, to => 100.12 ],
    [ 0, what => 'stop', worker => 'w1', from => 100.11, to => 100.12 ],
    [ 1, what => 'redis', from => 98, to => 99.8 ],
    [ 0, what => 'redis', from => 99.5, to => 100.12 ],
    [ 0, what => 'cut', from => 100.12, to => 100.12 ],
    [ 0, what => 'drain', worker => 'w1', from => 100.11, to => 100.14 ])
{
    my ($is, %fault) = @$_;
    my $whose = $fault{worker} // 'all';

    reason("$fault{what} of $whose, $fault{from} to $fault{to}", $is,
        sub { fault($_[0], %fault) });
}


# One that was stopped past its lease calls as it wakes up, and then the other
# does, who has had the job since.

for ([ 1, 98, 100.05 ], [ 0, 99.5, 100.05 ], [ 0, 96, 99 ]) {
    my ($is, $from, $to) = @$_;

    my @amiss = given(change => sub {
        my ($given) = @_;

        again($given, time => 100.18, worker => 'w2');
        fault($given, what => 'stop', worker => 'w1', from => $from,
            to => $to);
    })->amiss;

    is scalar(grep { /has no reason/ } @amiss), $is ? 0 : 1,
        "the call of one that was stopped from $from to $to, and the other's";
}

done_testing();
