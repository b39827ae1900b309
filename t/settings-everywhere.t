#!/usr/bin/perl

# Two nginx of four worker processes each: what is made, changed or deleted on
# the settings page is so on all eight within a second, whatever became of the
# notice.

use Time::HiRes qw(time);

use Clarity::Settings;
use Clarity::Test;

my $t = Clarity::Test->new;
my $redis = $t->redis(aof => 1);
my $settings = Clarity::Settings->new($t);
my @nginx = ($settings->nginx, $settings->nginx(name => 'second'));

$settings->wait_loaded(@nginx);

my $workers = $settings->each_worker(@nginx);
is scalar keys %$workers, 8, 'a connection to each of eight processes';


# The change holds with its answer; from there the clock runs.

sub within_a_second {
    my ($what, $status, $webhook) = @_;

    my $seconds = $settings->last_wrong($status, $webhook, $workers);

    cmp_ok $seconds, '<', limit(1),
        sprintf '%s: %d on all eight after %.3f s', $what, $status, $seconds;
}


sub change {
    my ($webhook, $body) = @_;

    my ($status) = $settings->api('PATCH', "webhooks/$webhook->{id}", $body,
        'If-Match: *');
    is $status, 200, 'changed';
}


sub delete_it {
    my ($webhook) = @_;

    my ($status) = $settings->api('DELETE', "webhooks/$webhook->{id}");
    is $status, 204, 'deleted';
}


# New connections, until each process has answered one.

sub answered_by_all {
    my ($status, $webhook) = @_;

    my (%seen, %statuses);

    wait_until {
        for my $nginx (@nginx) {
            for my $answer (map { $settings->send($webhook, $nginx) } 1 .. 8)
            {
                $seen{ $answer->header('x-worker') }++;
                $statuses{ $answer->status }++;
            }
        }

        keys %seen == 8;
    } 20, 'an answer of each process on a new connection';

    is_deeply [ keys %statuses ], [$status],
        "$status by each process, on new connections";
}


my $made = $settings->create(endpoint => 'made');
within_a_second('made', 202, $made);
answered_by_all(202, $made);

change($made, { active => \0 });
within_a_second('switched off', 410, $made);
change($made, { active => \1 });
within_a_second('switched on', 202, $made);

my ($status, $new) = $settings->api('POST', "webhooks/$made->{id}/rotate",
    { overlap => '0s' });
within_a_second('the old token', 401, $made);
$made->{token} = $new->{token};
within_a_second('the new one', 202, $made);

change($made, { endpoint => 'moved' });
within_a_second('moved away', 404, $made);
$made->{endpoint} = 'moved';
within_a_second('moved there', 202, $made);

delete_it($made);
within_a_second('deleted', 404, $made);
answered_by_all(404, $made);


# After a restart of Redis.

my $kept = $settings->create(endpoint => 'kept');
$redis->signal('TERM');
$redis->wait_exit(5);
$redis->start;

# the API finds its way back by itself
my $after;
wait_until { $after = eval { $settings->create(endpoint => 'after') } } 5,
    'a webhook to be made';
within_a_second('made after a restart', 202, $after);
within_a_second('made before it', 202, $kept);
delete_it($kept);
within_a_second('deleted after it', 404, $kept);


# The notice is lost: nobody is subscribed when it is sent.

for my $round (1 .. 3) {
    my $killed = $redis->command('CLIENT', 'KILL', 'TYPE', 'pubsub');
    is $killed, 2, 'no subscription is left';

    my $webhook = $settings->create(endpoint => "unnoticed-$round");
    within_a_second('made with no subscription', 202, $webhook);

    $redis->command('CLIENT', 'KILL', 'TYPE', 'pubsub');
    delete_it($webhook);
    within_a_second('deleted with none', 404, $webhook);
}


# There will be none: Redis does not let anybody subscribe.

$redis->command('ACL', 'SETUSER', 'default', '-subscribe');
$redis->command('CLIENT', 'KILL', 'TYPE', 'pubsub');
wait_until {
    $t->read_file('nginx/error.log') =~ /SUBSCRIBE .* was refused/
        && $t->read_file('second/error.log') =~ /SUBSCRIBE .* was refused/
} 5, 'a line that says so';

my $seen = $settings->create(endpoint => 'seen');
within_a_second('made, and never noticed', 202, $seen);
delete_it($seen);
within_a_second('deleted, and never noticed', 404, $seen);

$redis->command('ACL', 'SETUSER', 'default', '+subscribe');
$redis->command('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');


# Emptied, and made anew: Redis counts from 1 again, up to what it had.

# By whichever process answers: each has a connection of its own.
my $revision = wait_until { ($settings->api('GET', 'webhooks'))[1]{revision} }
    5, 'the API';
cmp_ok $revision, '>', 10, "revision $revision before";

$redis->command('FLUSHALL');
within_a_second('after FLUSHALL', 404, $after);

my $first = $settings->create(endpoint => 'first');
is $first->{revision}, 1, 'counted from 1';
within_a_second('made after FLUSHALL', 202, $first);

$redis->command('FLUSHALL');
my $second = $settings->create(endpoint => 'second');
is $second->{revision}, 1, 'the same revision again';
within_a_second('another of the same revision', 202, $second);
within_a_second('the one before it', 404, $first);


# The same over a reload of one nginx.

$redis->command('FLUSHALL');
$nginx[0]->reload;
my $third = $settings->create(endpoint => 'third');
is $third->{revision}, 1, 'the same revision once more';

wait_until { $nginx[0]->workers == 4 } 10, 'new processes alone';
$workers = $settings->each_worker(@nginx);

within_a_second('made over a reload', 202, $third);
within_a_second('made before it', 404, $second);
answered_by_all(202, $third);
answered_by_all(404, $second);

wait_until {
    my $live = ($settings->api('GET', "webhooks/$third->{id}"))[1]{live};
    $live->{workers} == 8 && $live->{of} == 8;
} 5, 'live on 8 of 8';
pass 'live on 8 of 8';


# An nginx that has gone silent may serve what it knew: it is counted, and only
# after an hour forgotten.

my $now = int 1000 * time;
my %gone = (at => $now - 11_000, workers => 7, revision => 99);
$redis->command('HSET', '{clarity}:nginx', silent => encode_json(\%gone));
$redis->command('HSET', '{clarity}:nginx',
    dead => qq({"at":@{[ $now - 3_601_000 ]},"workers":7,"revision":99}));
$redis->command('HSET', '{clarity}:nginx', broken => '{');

wait_until { !$redis->command('HEXISTS', '{clarity}:nginx', 'dead') } 5,
    'the one that has been dead for long to be deleted';
is $redis->command('HEXISTS', '{clarity}:nginx', 'silent'), 1,
    'and not the one that has been silent for a moment';

my $live = ($settings->api('GET', "webhooks/$third->{id}"))[1]{live};
is $live->{workers}, 8, 'it is not among those that are live';
is $live->{of}, 15, 'but among those that should be';
like $live->{reason}, qr/^1 nginx has not been heard of for 1\d s/,
    'and the API says so';

$redis->command('HDEL', '{clarity}:nginx', 'silent', 'broken');
$nginx[1]->stop;
wait_until {
    my $left = ($settings->api('GET', "webhooks/$third->{id}"))[1]{live};
    $left->{workers} == 4 && $left->{of} == 4 && !defined $left->{reason};
} 5, 'the one that was stopped to be missed by nobody';
pass 'one that is stopped in good order leaves at once';

$t->done;
