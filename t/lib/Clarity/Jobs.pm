package Clarity::Jobs;

=head1 NAME

Clarity::Jobs - jobs as they stand in Redis

=head1 SYNOPSIS

    my $id = add_job($redis, context => context(grant_type => '"role"'));
    my $job = wait_for_job($redis, $id, 'succeeded');
    is $job->{runs}{grant}{state}, 'succeeded';

=head1 DESCRIPTION

For tests of what comes after nginx: they put jobs into the stream themselves,
and look into hashes without any help of what they test.

=cut

use strict;
use warnings;

use Exporter 'import';
use Time::HiRes qw(time);

use Clarity::Wait;

our @EXPORT = qw(add_job add_entry job wait_for_job pending stream_entries
    stream_key hash_key);
our @EXPORT_OK = qw(call_action workflow);


=head1 FUNCTIONS

=head2 stream_key, hash_key(ID)

=cut

sub stream_key { return '{clarity:0}:jobs' }

sub hash_key { return "{clarity:0}:job:$_[0]" }


=head2 call_action(ID, PATH, ...), workflow(NAME, ACTION, ...)

Exported on demand. An action that calls PATH of the test's receiver, once; and
a file for the worker's folder, with a workflow that jobs whose C<grant_type> is
its name start. Those with C<both> start C<good> and C<bad>.

=cut

sub call_action {
    my ($id, $path, %more) = @_;

    return { id => $id, type => 'http_request', method => 'POST',
        url => "%%RECEIVER%%/$path", retry => { attempts => 1 }, %more };
}

sub workflow {
    my ($name, @actions) = @_;

    return ("$name.json" => { id => $name,
        trigger => 'provision_entitlement',
        conditions => { parameter => 'grant_type', in => [$name,
            $name =~ /^(?:good|bad)$/ ? 'both' : ()] },
        actions => \@actions });
}


=head2 add_job(REDIS, FIELD => VALUE, ...)

Puts a job into the stream as nginx does, with those fields changed; C<undef>
leaves one out. Returns the job's id.

=cut

sub add_job {
    my ($redis, %change) = @_;

    my %fields = (
        trigger => 'provision_entitlement',
        webhook => 'POST /hook',
        context => Clarity::Test::context(),
        received => int(time * 1000),
        request => '8f4bd55a4a8f4c2a9a5d7d3c5b1c2e0f',
        %change,
    );

    return add_entry($redis, map { $_ => $fields{$_} }
        grep { defined $fields{$_} } sort keys %fields);
}


=head2 add_entry(REDIS, FIELD => VALUE, ...)

Puts any entry into the stream. Returns the id of the job that it is.

=cut

sub add_entry {
    my ($redis, @fields) = @_;

    return '0-' . $redis->command('XADD', stream_key(), '*', @fields);
}


=head2 stream_entries(REDIS)

All of the stream: references to lists, an entry's id and its fields and values.

=cut

sub stream_entries {
    my ($redis) = @_;

    my @entries;
    my $after = '-';

    while (1) {
        my $some = $redis->command('XRANGE', stream_key(), $after, '+',
            'COUNT', 1000);

        push @entries, map { [ $_->[0], @{ $_->[1] } ] } @$some;
        return @entries if @$some < 1000;

        $after = "($some->[-1][0]";
    }
}


=head2 job(REDIS, ID)

Its hash, decoded: the plain fields, C<runs> by workflow, C<steps> by workflow
and step; C<undef> where there is none.

=cut

sub job {
    my ($redis, $id) = @_;

    my %fields = @{ $redis->command('HGETALL', hash_key($id)) } or return;
    my %job = (runs => {}, steps => {});

    for my $field (keys %fields) {
        my ($kind, $workflow, $step) = split /:/, $field;

        if ($kind eq 'run') {
            $job{runs}{$workflow} = Clarity::Test::decode_json($fields{$field});
        } elsif ($kind eq 'step') {
            $job{steps}{$workflow}{$step} =
                Clarity::Test::decode_json($fields{$field});
        } else {
            $job{$field} = $fields{$field};
        }
    }

    return \%job;
}


=head2 wait_for_job(REDIS, ID, STATE, SECONDS)

Waits until it has that state, and returns it.

=cut

sub wait_for_job {
    my ($redis, $id, $state, $seconds) = @_;

    wait_until {
        ($redis->ask('HGET', hash_key($id), 'state')->[1] // '') eq $state
    } $seconds // 5, "job $id to be $state";

    return job($redis, $id);
}


=head2 pending(REDIS)

How many entries are delivered and not acknowledged.

=cut

sub pending {
    my ($redis) = @_;

    return $redis->command('XPENDING', stream_key(), 'workers')->[0];
}

1;
