#!/usr/bin/perl

# clarity_metrics: what Prometheus reads, of all worker processes together.

use Clarity::Test;
use Clarity::Jobs;

my $t = Clarity::Test->new;
my $redis = $t->redis;

$t->write_file('token.key', 'k1:' . 'A' x 43 . "=\n");
chmod 0600, $t->dir . '/token.key';

my $many = join '', map { <<"EOF" } 1 .. 60;
        location = /many/$_ {
            clarity_webhook       provision_entitlement name=many-$_;
            clarity_webhook_token many;
        }
EOF

my $nginx = $t->nginx(http => <<'EOF', server => $many . <<'EOF2');
    clarity_zone           64k;
    clarity_token_key_file %%DIR%%/token.key;
    clarity_redis_timeout  500ms;
    clarity_redis_connect_timeout 500ms;
    limit_req_zone $clarity_webhook zone=one:1m rate=1r/m;
EOF
        error_page 404 429 /problem;
        location = /problem { internal; clarity_problem; }

        location = /hook {
            clarity_webhook       provision_entitlement;
            clarity_webhook_token secret;
        }

        location = /quoted {
            clarity_webhook       provision_entitlement 'name=a"b\c';
            clarity_webhook_token quoted;
        }

        location = /limited {
            clarity_webhook       provision_entitlement;
            clarity_webhook_token limited;
            limit_req             zone=one;
            limit_req_status      429;
        }

        location /webhooks/ { clarity_webhooks; }
        location /api/ { clarity_settings_api; }
        location /jobs/ { clarity_jobs; }
        location = /metrics { clarity_metrics; }
EOF2


# The text, checked as strictly as Prometheus does: {series => value}.

sub metrics {
    my $answer = $nginx->get('/metrics');

    $answer->status == 200 or die 'the metrics: ' . $answer->status;

    my ($text, %value, %type, $current) = $answer->body;

    die "no line feed at the end\n" if $text !~ /\n\z/;

    for my $line (split /\n/, $text) {
        if ($line =~ /^# HELP ([a-z_]+) \S/) {
            die "$1 twice\n" if $type{$1};
            $current = $1;

        } elsif ($line =~ /^# TYPE ([a-z_]+) (counter|gauge|histogram)$/) {
            die "TYPE of $1, not of $current\n" if $1 ne $current;
            $type{$1} = $2;

        } elsif ($line =~ /^([a-z_]+)
            (\{ (?: [a-z]+="(?:[^"\\\n]|\\["\\n])*" (?:,(?=[a-z]))? )+ \})?
            \ (\d+(?:\.\d+)?)$/x)
        {
            my ($name, $labels, $number) = ($1, $2 // '', $3);
            my $of = $name =~ s/_(bucket|sum|count)$//r;

            die "$name, not of $current\n"
                if ($type{$of} // '') eq 'histogram' ? $of ne $current
                    : $name ne $current;
            die "$name$labels twice\n" if exists $value{"$name$labels"};
            $value{"$name$labels"} = $number;

        } else {
            die "no such line: $line\n";
        }
    }

    return \%value;
}


sub of_webhook {
    my ($values, $webhook, $outcome) = @_;

    return $values->{"clarity_requests_total{webhook=\"$webhook\","
        . "outcome=\"$outcome\"}"} // 0;
}

sub total {
    my ($values) = @_;

    my $sum = 0;
    $sum += $values->{$_} for grep { /^clarity_requests_total/ } keys %$values;

    return $sum;
}

sub of_redis {
    my ($values, $name, $more) = @_;

    $more //= '';

    my ($series) = grep {
        /^clarity_$name\{redis="[^"]+",prefix="clarity"\Q$more\E\}$/
    } keys %$values;

    return defined $series ? $values->{$series} : undef;
}

my $answer = $nginx->get('/metrics');
is $answer->status, 200, 'there are metrics';
is $answer->header('content-type'),
    'text/plain; version=0.0.4; charset=utf-8', 'of their type';
is $nginx->request('HEAD', '/metrics')->status, 200, 'HEAD is a look too';
is $nginx->post('/metrics', '{}')->status, 405, 'and POST is not';

my $start = metrics();
is total($start), 0, 'there have been no requests';
is $start->{clarity_request_duration_seconds_count}, 0, 'nor any time';
is of_redis($start, 'redis_up'), 1, 'Redis is there';
is of_redis($start, 'queue_oldest_seconds'), '0.000', 'with nothing to do';


# Each outcome, over both worker processes.

my %sent = (accepted => 20, valid => 3, token_missing => 4,
    token_invalid => 2, method_not_allowed => 2, media_type_unsupported => 1,
    json_invalid => 2, context_invalid => 5);

sub send_one {
    my ($outcome) = @_;

    my %with = (method => 'POST', body => context(), token => 'secret');

    %with = (%with, headers => ['X-Clarity-Dry-Run: 1'])
        if $outcome eq 'valid';
    delete $with{token} if $outcome eq 'token_missing';
    $with{token} = 'wrong' if $outcome eq 'token_invalid';
    $with{method} = 'PUT' if $outcome eq 'method_not_allowed';
    $with{type} = 'text/plain' if $outcome eq 'media_type_unsupported';
    $with{body} = '{' if $outcome eq 'json_invalid';
    $with{body} = '{}' if $outcome eq 'context_invalid';

    return $nginx->request(delete $with{method}, '/hook', %with);
}

for my $outcome (sort keys %sent) {
    send_one($outcome) for 1 .. $sent{$outcome};
}

my $n = 0;
$n += $_ for values %sent;

my $values = metrics();
is total($values), $n, 'all are counted, once';

for my $outcome (sort keys %sent) {
    is of_webhook($values, 'POST /hook', $outcome), $sent{$outcome},
        "$outcome: $sent{$outcome}";
}

is $values->{clarity_request_duration_seconds_count}, $n,
    'each has its time';
is $values->{clarity_enqueue_duration_seconds_count}, 20,
    'those that went to Redis have that';

for my $histogram ('request', 'enqueue') {
    my $name = "clarity_${histogram}_duration_seconds";
    my @buckets = map { $values->{"${name}_bucket{le=\"$_\"}"} }
        qw(0.001 0.002 0.005 0.01 0.025 0.05 0.1 0.25 0.5 1 2.5 5 +Inf);

    is scalar(grep { !defined } @buckets), 0, "$histogram: the buckets";
    is_deeply [ sort { $a <=> $b } @buckets ], \@buckets,
        'are those up to a time';
    is $buckets[-1], $values->{"${name}_count"}, 'and the last is all';
}

is of_redis($values, 'queue_jobs', ',state="queued"'), 20,
    'the accepted ones are queued';
ok of_redis($values, 'queue_oldest_seconds') > 0, 'for a time';


# Of no webhook; of a name with quotes; of one made at run time; and what is
# no request to a webhook.

$nginx->post('/webhooks/nothing', context(), token => 'secret');
$nginx->post('/quoted', context(), token => 'quoted');
$nginx->post('/limited', context(), token => 'limited') for 1, 2;

wait_until { $nginx->get('/api/webhooks')->status == 200 } 5, 'the API';

my $made = $nginx->post('/api/webhooks', encode_json({ method => 'POST',
    endpoint => 'made', trigger => 'provision_entitlement' }))->json;

wait_until { $nginx->post('/webhooks/made', context(),
    token => $made->{token})->status == 202 } 5, 'the webhook';

$nginx->get('/jobs/0-1-1', token => 'secret');
$nginx->get('/jobs/0-1-1');

$values = wait_until {
    my $values = metrics();
    of_webhook($values, $made->{id}, 'accepted') == 1 && $values;
} 5, 'the webhook made at run time';

is of_webhook($values, 'a\"b\\\\c', 'accepted'), 1, 'a name is escaped';
is of_webhook($values, 'POST /limited', 'accepted'), 1, 'one passed the limit';
is of_webhook($values, '_none', 'rate_limited'), 1, 'one did not';
cmp_ok of_webhook($values, '_none', 'webhook_not_found'), '>=', 1,
    'what is no endpoint has no webhook';
is scalar(grep { /job_not_found/ } keys %$values), 0,
    'who asks for a job does not count';


# Bounded: the zone is small, so the quietest leave, and are counted as others.

my $before = total(metrics());

for my $i (1 .. 60) {
    $nginx->post("/many/$i", '{', token => 'many');
}

$values = metrics();
is total($values), $before + 60, 'many webhooks';

my @named = grep { /webhook="many-/ } keys %$values;

cmp_ok scalar @named, '<', 60, 'not each of many webhooks has a series';
cmp_ok scalar @named, '>', 3, 'but the last have';
is of_webhook($values, 'many-60', 'json_invalid'), 1, 'as has the very last';
my $accepted = 0;
$accepted += $values->{$_} for grep { /outcome="accepted"/ } keys %$values;
is $accepted, 23, 'what was counted before is not lost';
ok of_webhook($values, '_other', 'accepted'), 'but with others';


# Over a reload; and the death of a process.

$nginx->renew;
$values = wait_until {
    my $values = metrics();
    $values->{clarity_nginx_processes} == 2
        && of_redis($values, 'redis_connections') == 2 && $values;
} 10, 'the new processes alone';
is total($values), $before + 60, 'a reload forgets nothing';

my ($victim) = $nginx->workers;
$t->expect_log(qr/worker process $victim exited on signal 9/);
$nginx->kill_workers($victim);
wait_until {
    my $values = metrics();
    $values->{clarity_nginx_processes} == 2
        && of_redis($values, 'redis_connections') == 2;
} 10, 'another process in the place of one that died';


# The queue: in hand, put off, failed.

$redis->command('XGROUP', 'CREATE', stream_key(), 'workers', '0');
my $length = $redis->command('XLEN', stream_key());
$redis->command('XREADGROUP', 'GROUP', 'workers', 'nobody', 'COUNT', 5,
    'STREAMS', stream_key(), '>');
$redis->command('ZADD', '{clarity:0}:delayed', 99999999999999, '0-1-1');
$redis->command('XADD', '{clarity:0}:failed', '*', 'job', '0-1-2');

$values = metrics();
is of_redis($values, 'queue_jobs', ",state=\"$_->[0]\""), $_->[1],
    "$_->[0]: $_->[1]"
    for [ 'queued', $length - 5 ], [ 'running', 5 ], [ 'waiting', 1 ],
        [ 'failed', 1 ];

$redis->command('XACK', stream_key(), 'workers',
    map { $_->[0] } @{ $redis->command('XRANGE', stream_key(), '-', '+',
        'COUNT', 5) });
$values = metrics();
is of_redis($values, 'queue_jobs', ',state="running"'), 0, 'none in hand';
is of_redis($values, 'queue_jobs', ',state="queued"'), $length - 5,
    'and as many queued';


# What promtool says, where Debian's prometheus is installed.

SKIP: {
    my $promtool = $ENV{PROMTOOL} // 'promtool';

    skip 'no promtool', 1
        if system "$promtool --version >/dev/null 2>&1";

    my $file = $t->write_file('metrics', $nginx->get('/metrics')->body);
    is `$promtool check metrics <$file 2>&1`, '', 'promtool finds no fault';
}


# A Redis that does not answer, and one that is gone.

$redis->pause;

my @waiting = map {
    my $http = $nginx->connect;
    $http->write($nginx->can('request_text')->('POST', '/hook',
        token => 'secret', body => context()));
    $http;
} 1 .. 10;

$values = metrics();
cmp_ok of_redis($values, 'redis_pending_commands'), '>', 0,
    'requests wait for Redis';
is of_redis($values, 'redis_up'), 0, 'which does not answer';
is of_redis($values, 'queue_jobs', ',state="queued"'), undef,
    'so its queue is not known';
is of_redis($values, 'queue_oldest_seconds'), undef, 'nor how old it is';

my %status;
$status{$_->read->status}++ for @waiting;
$redis->resume;

is_deeply [ grep { $_ != 504 && $_ != 503 } keys %status ], [],
    'its requests are refused';

$redis->stop;
$values = wait_until {
    my $values = metrics();
    of_redis($values, 'redis_connections') == 0 && $values;
} 5, 'no connection';
is of_redis($values, 'redis_up'), 0, 'Redis is gone';
cmp_ok of_webhook($values, 'POST /hook', 'queue_timeout')
    + of_webhook($values, 'POST /hook', 'queue_unavailable'), '>=', 10,
    'the requests are counted';

unlike $nginx->get('/metrics')->body, qr/secret|4711|github|$made->{token}/,
    'no token and no value';

$t->done;
