package Clarity::Memory;

=head1 NAME

Clarity::Memory - what jobs cost of Redis' memory

=head1 SYNOPSIS

    my $memory = Clarity::Memory->new(test => $t);
    my $bytes = $memory->bytes_of(10_000, waiting => 'wait');

    $memory->begin(keep => '2s');
    my $left = $memory->round(50_000)->{left};

=head1 DESCRIPTION

Jobs come through nginx, and are done by a worker, in a Redis of their own. What
becomes of a job is chosen by its C<grant_type>:

    none      no workflow is for it
    publish   one step, which succeeds
    three     three such
    fail      one step, which fails
    wait      a delay of a day
    hang      a call that does not end
    soon      a delay of a second, then one step

Steps publish to a channel that nobody listens to: no memory of Redis is in it
but the job's own.

=cut

use strict;
use warnings;

use Time::HiRes qw(sleep time);

use Clarity::Jobs;
use Clarity::Wait;


sub new {
    my ($class, %given) = @_;

    my $self = bless { %given, loads => 0, workers => 0 }, $class;
    my $t = $self->{test};

    $self->{redis} = $t->redis;
    $self->{receiver} = $t->receiver;
    $self->{receiver}->answer('/hang', { hang => 1 });
    $self->{nginx} = $t->nginx(server => <<'EOT');
        access_log off;
        keepalive_requests 100000000;

        location = /hook {
            clarity_webhook       provision_entitlement;
            clarity_webhook_token secret;
        }
EOT

    # For what is to fail: no stream can be there.
    $self->{taken} = 'taken';

    return $self;
}


=head1 METHODS

=head2 bytes_of(N, STATE => KIND, ...)

Bytes of used_memory that each of N jobs takes in that state: C<queued>,
C<running>, C<waiting>, C<succeeded>, C<failed>. More options are those of
L<Clarity::Load>.

=cut

sub bytes_of {
    my ($self, $n, $state, $kind, %load) = @_;

    my $redis = $self->{redis};

    $self->_clear;
    $self->_start_worker([$kind]) if $state ne 'queued';

    my $before = $self->_calm;

    $self->_load($n, $kind, %load);

    wait_until { $self->_count($state) >= $n } 600, "$n jobs $state";

    return ($self->_calm - $before) / $n;
}


=head2 begin(keep => TIME)

Empties Redis, and starts a worker for rounds, which keeps jobs for so long.

=cut

sub begin {
    my ($self, %conf) = @_;

    $self->_clear;
    $self->_start_worker(['publish', 'fail', 'soon'],
        keep => { succeeded => $conf{keep}, failed => $conf{keep} });
}


=head2 round(N)

N jobs, a hundredth of which fail and a fiftieth of which wait for a second, are
received, done and forgotten. A hash: C<jobs>; C<most>, the most bytes of
used_memory that were seen; and what there is in the end: C<left> and C<rss>
(bytes), C<keys>, C<stream> (its entries).

=cut

sub round {
    my ($self, $n) = @_;

    my $redis = $self->{redis};
    my $most = 0;

    for (['fail', $n / 100], ['soon', $n / 50], ['publish', $n * 97 / 100]) {
        my ($kind, $of_it) = @$_;

        $self->_load($of_it, $kind, watch => sub {
            my $used = $self->used;
            $most = $used if $used > $most;
        });
    }

    wait_until {
        my $used = $self->used;
        $most = $used if $used > $most;
        $self->_left == 0;
    } 1200, 'the end of all jobs';

    # Redis finds what has expired by itself, some at a time.
    wait_until { !$self->_any_job } 120, 'all jobs to be forgotten';

    # The worker forgets those that have failed, some at a time.
    wait_until { $redis->command('XLEN', '{clarity:0}:failed') == 0 } 120,
        'no job to be among the failed';

    return {
        jobs => $n, most => $most, left => $self->_calm,
        rss => $self->_info('used_memory_rss'),
        keys => $redis->command('DBSIZE'),
        stream => $redis->command('XLEN', stream_key()),
    };
}


=head2 listpack(BYTES)

Redis' C<hash-max-listpack-value>: the longest value that keeps a hash small.

=cut

sub listpack {
    my ($self, $bytes) = @_;

    $self->{redis}->command('CONFIG', 'SET', 'hash-max-listpack-value',
        $bytes);
}


=head2 used, body(KIND)

Bytes that Redis has allocated; and the body of a request of that kind: 370
bytes.

=cut

sub used { return $_[0]->_info('used_memory') }

sub body {
    my ($self, $kind) = @_;

    my %values = (grant_type => qq{"$kind"},
        identity_id => '"' . '@' x 10 . '"');
    my $fill = 370 - length Clarity::Test::context(%values, meta => '""');

    return Clarity::Test::context(%values, meta => '"' . 'x' x $fill . '"');
}


sub _info {
    my ($self, $name) = @_;

    my ($value) = $self->{redis}->command('INFO', 'memory')
        =~ /^\Q$name\E:(\d+)/m;

    return $value;
}


# Connections have buffers that come and go: the least of a second.

sub _calm {
    my ($self) = @_;

    my $least = $self->used;

    for (1 .. 20) {
        sleep 0.05;
        my $used = $self->used;
        $least = $used if $used < $least;
    }

    return $least;
}


sub _clear {
    my ($self) = @_;

    $self->{worker}->kill if $self->{worker};
    delete $self->{worker};

    $self->{redis}->command('FLUSHALL');
    $self->{redis}->command('SET', $self->{taken}, '');
}


sub _start_worker {
    my ($self, $kinds, %conf) = @_;

    my $publish = sub {
        my ($id, %more) = @_;
        return { id => $id, type => 'publish', channel => 'c',
            message => '{{job.id}}', %more };
    };
    my $workflow = sub {
        my ($name, @actions) = @_;
        return ("$name.json" => { id => $name,
            trigger => 'provision_entitlement',
            conditions => { parameter => 'grant_type', equals => $name },
            actions => \@actions });
    };

    # A log of a million jobs is 700 MB, so that it is ready is seen otherwise.
    $self->{worker} = $self->{test}->worker(
        name => 'w' . ++$self->{workers}, start => 0,
        conf => { concurrency => 10_000, log => '/dev/null', %conf },
        workflows => { map { $_ eq 'none' ? ()
            : $workflow->($_, $self->_actions($publish)->{$_}->@*) }
            @$kinds });
    $self->{worker}->launch;

    wait_until { $self->{redis}->command('EXISTS', '{clarity}:workflows') } 10,
        'a worker';
}


sub _actions {
    my ($self, $publish) = @_;

    return {
        publish => [ $publish->('send') ],
        three => [ map { $publish->($_) } qw(first second third) ],
        fail => [ { id => 'send', type => 'publish',
            stream => $self->{taken}, fields => { job => '{{job.id}}' } } ],
        wait => [ { id => 'pause', type => 'delay', delay => '1d' } ],
        soon => [ { id => 'pause', type => 'delay', delay => '1s' },
            $publish->('send') ],
        hang => [ { id => 'call', type => 'http_request', method => 'POST',
            url => '%%RECEIVER%%/hang', timeout => '1h' } ],
    };
}


# N requests, as many as go; watch is called now and then.

sub _load {
    my ($self, $n, $kind, %load) = @_;

    my $watch = delete $load{watch} // sub { };
    my $load = $self->{test}->load(name => 'load' . ++$self->{loads},
        nginx => $self->{nginx}, token => 'secret', rate => 0,
        requests => $n, body => $self->body($kind), %load);

    wait_until { $watch->(); !$load->pid } 1200, 'all requests';
    $load->wait_exit(10);

    my $answers = $load->answers;

    die 'answered: ' . Clarity::Test::encode_json($answers) . "\n"
        if ($answers->{202} // 0) != $n;
}


sub _count {
    my ($self, $state) = @_;

    my $redis = $self->{redis};

    return $redis->command('XLEN', stream_key()) if $state eq 'queued';

    if ($state eq 'waiting') {
        return $redis->command('XLEN', stream_key()) <= 100
            ? $redis->command('ZCARD', '{clarity:0}:delayed') : 0;
    }

    return scalar $self->{receiver}->requests if $state eq 'running';

    # Of those that have ended none is in the stream, but for a last node.
    return $self->_left == 0 && $redis->command('XLEN', stream_key()) <= 100
        ? $redis->command('DBSIZE') : 0;
}


# Jobs that have not ended.

sub _left {
    my ($self) = @_;

    my $redis = $self->{redis};
    my ($group) = @{ $redis->command('XINFO', 'GROUPS', stream_key()) };
    my %group = @$group;
    my ($last) = @{ $redis->command('XREVRANGE', stream_key(), '+', '-',
        'COUNT', 1) };
    my $waiting = $last && $last->[0] ne $group{'last-delivered-id'};

    return $group{pending} + ($waiting ? 1 : 0)
        + $redis->command('ZCARD', '{clarity:0}:delayed');
}


sub _any_job {
    my ($self) = @_;

    return $self->{redis}->command('DBSIZE') > 20;
}

1;
