#!/usr/bin/perl

# clarity_redis_max_pending: more requests than may wait for Redis are refused,
# which the log tells when it begins and when it is over, not for each request.

use IO::Select;

use Clarity::Test;

my $t = Clarity::Test->new;
my $redis = $t->redis;
my $nginx = $t->nginx(workers => 1, server => <<'EOC');
        clarity_redis_max_pending 2;
        clarity_redis_timeout     5s;

        location = /few {
            clarity_webhook       provision_entitlement;
            clarity_webhook_token few;
        }
EOC


sub lines { return scalar(() = $nginx->log =~ /$_[0]/g) }


my $crowded = qr/\[error\] .* 2 requests wait for Redis \S+ "clarity_redis_max_pending" is reached/;

sub crowd {
    $redis->pause;
    my @waiting = map { $nginx->connect } 1 .. 8;
    $_->write($nginx->can('request_text')->('POST', '/few', token => 'few',
        body => context())) for @waiting;
    my $select = IO::Select->new(map { $_->socket } @waiting);
    wait_until { $select->can_read(0.1) >= 6 } 5, 'those that are refused';
    $redis->resume;

    my %answers;
    for my $answer (map { $_->read } @waiting) {
        $answers{ decode_json($answer->body)->{code} // $answer->status }++;
    }

    is_deeply \%answers, { 202 => 2, queue_full => 6 },
        'two wait, more are refused';
}

is $nginx->post('/few', context(), token => 'few')->status, 202, 'a job';
crowd();
is lines($crowded), 1, 'one line';
crowd();
is lines($crowded), 1, 'it is the same crowd';
wait_until { lines(qr/\[notice\] .* fewer requests than "clarity_redis_max_pending" 2/) }
    8, 'a line that it is over';
crowd();
is lines($crowded), 2, 'another one is told anew';

is $redis->command('XLEN', '{clarity:0}:jobs'), 7, 'as many jobs as 202';

$t->done;
