#!/usr/bin/perl

# The clock on the wall is set an hour on, or back, while nginx and a worker
# serve: time-outs, looks and leases are by a clock that no one sets. What the
# two see of the wall is libfaketime's.

use Time::HiRes qw(time);

use Clarity::Jobs;
use Clarity::Test;

my ($library) = grep { -e } glob '/usr/lib/*/faketime/libfaketime.so.1';
plan skip_all => 'libfaketime is not installed' if !$library;
plan skip_all => 'a library of its own comes first' if $ENV{CLARITY_VALGRIND};

my $t = Clarity::Test->new;

plan skip_all => 'a library of its own comes first'
    if Clarity::Nginx::sanitizer($t);

my $redis = $t->redis(aof => 1);
my $receiver = $t->receiver;
my $wall = $t->dir . '/wall';

set_wall('+0');

my %env = (LD_PRELOAD => $library, FAKETIME_TIMESTAMP_FILE => $wall,
    FAKETIME_NO_CACHE => 1, FAKETIME_DONT_FAKE_MONOTONIC => 1,
    DONT_FAKE_MONOTONIC => 1);

my $nginx = $t->nginx(workers => 1, env => \%env, server => <<'EOC');
        clarity_redis_timeout 800ms;

        location = /hook {
            clarity_webhook       provision_entitlement;
            clarity_webhook_token secret;
        }

        location = /fsync {
            clarity_durability    fsync;
            clarity_webhook       provision_entitlement;
            clarity_webhook_token secret-fsync;
        }
EOC

my $worker = $t->worker(env => \%env, conf => { lease => '3s' },
    workflows => { 'call.json' => {
        id => 'call', trigger => 'provision_entitlement',
        actions => [ { id => 'call', type => 'http_request', method => 'POST',
            url => '%%RECEIVER%%/{{identity_id}}',
            retry => { attempts => 2, delay => '800ms', jitter => 'none' } } ],
    } });

use constant HOUR => 3600;


# The seconds by which theirs differs from ours.

sub set_wall {
    my ($offset) = @_;

    # renamed: a file that is being written is read in between
    $t->write_file('wall.new', "$offset\n");
    rename $t->dir . '/wall.new', $wall or die "rename: $!";
}

sub post {
    my ($name, $token, %context) = @_;

    return $nginx->post("/$name", context(%context), token => $token);
}

sub says {
    my ($name, $token) = @_;

    my $json = decode_json(post($name, $token)->body);

    return $json->{code} // $json->{durability};
}

# By how much the time that nginx gives a job differs from ours.

sub received {
    my ($id) = @_;

    $id =~ s/^0-//;
    my %job = @{ $redis->command('XRANGE', '{clarity:0}:jobs', $id, $id)
        ->[0][1] };

    return $job{received} / 1000 - time;
}


my $number = 0;

for my $offset ('+' . HOUR, '-' . HOUR, '+0') {
    # A request waits for Redis, and a job for its second attempt.
    $receiver->answer('/' . ++$number, { status => 503 }, { status => 200 });
    my $job = decode_json(post('hook', 'secret',
        identity_id => $number)->body)->{job_id};
    $receiver->wait_for(1, 5, "/$number");

    my $waits = $nginx->connect;
    my $started = time;

    $redis->pause;
    $waits->write($nginx->can('request_text')->('POST', '/hook',
        token => 'secret', body => context()));
    set_wall($offset);
    is $waits->read->status, 504, "$offset: no reply in time";
    my $took = time - $started;
    ok $took > 0.7 && $took < limit(1.8), "which is the time-out's ($took)";
    $redis->resume;

    my $answer;
    wait_until { ($answer = post('hook', 'secret'))->status == 202 } 5, 'a 202';
    my $off = received(decode_json($answer->body)->{job_id});
    cmp_ok abs($off - $offset), '<', 5, 'the wall is another in nginx';

    # The look at the durability, every four seconds.
    is says('fsync', 'secret-fsync'), 'fsync', 'what Redis gives';
    $started = time;
    $redis->command('CONFIG', 'SET', 'appendfsync', 'everysec');
    wait_until {
        says('fsync', 'secret-fsync') eq 'durability_unavailable';
    } 7, 'a look';
    cmp_ok time - $started, '<', limit(6), 'is looked at in time';
    $redis->command('CONFIG', 'SET', 'appendfsync', 'always');
    wait_until { says('fsync', 'secret-fsync') eq 'fsync' } 3, 'a look';

    # The worker: the attempt that was due, and jobs that come.
    wait_for_job($redis, $job, 'succeeded', 10);
    pass 'a wait ends when it should';
    $job = decode_json(post('hook', 'secret', identity_id => 99)->body)
        ->{job_id};
    wait_for_job($redis, $job, 'succeeded', 10);
    pass 'and new jobs are worked on';
}

$t->done;
