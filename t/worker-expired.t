# Failed jobs are counted as long as they are kept, and no longer: also where
# no other job fails.

use Clarity::Test;
use Clarity::Jobs;
use HTTP::Tiny;

my $t = Clarity::Test->new;
my $redis = $t->redis;
my $receiver = $t->receiver;
my $port = $t->port;
my $http = HTTP::Tiny->new(timeout => 5);

my $failed = '{clarity:0}:failed';

sub by_stats {
    local $ENV{CLARITY_REDIS_URL} = $redis->url;

    return decode_json(qx{'@{[ $t->build ]}/clarityctl' --json stats})
        ->{failed};
}

my $nginx = $t->nginx(server => <<'EOF');
        location = /hook {
            clarity_webhook       provision_entitlement;
            clarity_webhook_token secret;
        }

        location = /metrics { clarity_metrics; }
EOF

sub by_nginx {
    return $nginx->get('/metrics')->body
        =~ /^clarity_queue_jobs\{[^}]*state="failed"\} (\d+)$/m ? $1 : undef;
}

sub by_worker {
    return $http->get("http://127.0.0.1:$port/metrics")->{content}
        =~ /^clarity_queue_failed (\d+)$/m ? $1 : undef;
}

# Entries that are older than any: more than one call drops.

$redis->command('XADD', $failed, "1-$_", 'job', "0-1-$_") for 1 .. 250;

my $worker = $t->worker(workflows => { 'fail.json' => {
    id => 'fail',
    trigger => 'provision_entitlement',
    actions => [ { id => 'call', type => 'http_request', method => 'GET',
        url => '%%RECEIVER%%/no', retry => { attempts => 1 } } ],
} }, conf => { keep => { failed => '12s' }, listen => "127.0.0.1:$port" });

$receiver->answer('/no', { status => 404 });

my $id = add_job($redis);
wait_for_job($redis, $id, 'failed', 10);

ok wait_until { $redis->command('XLEN', $failed) == 1 } 10,
    'what has long expired goes';
is by_stats(), 1, 'one that is kept is counted by clarityctl';
is by_nginx(), 1, 'by nginx';
ok wait_until { (by_worker() // -1) == 1 } 10, 'and by the worker';
is $redis->command('EXISTS', "{clarity:0}:job:$id"), 1, 'while it is kept';

ok wait_until { !$redis->command('EXISTS', "{clarity:0}:job:$id") } 20,
    'it expires';
ok wait_until { by_stats() == 0 } 10, 'then clarityctl counts none';
is by_nginx(), 0, 'nor nginx';
ok wait_until { (by_worker() // -1) == 0 } 15, 'nor the worker';

$t->done;
