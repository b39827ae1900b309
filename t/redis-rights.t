#!/usr/bin/perl

# What a Redis user may not do: the rights that docs/directives.md lists are
# enough; where INFO is barred nothing is promised of a file that may not be
# written yet, and log, worker and clarityctl name the right.

use Clarity::Jobs;
use Clarity::Test;

my $t = Clarity::Test->new;

# In the document it goes over two lines.
open my $docs, '<', $t->root . '/docs/directives.md' or die "directives.md: $!";
my ($line) = join('', <$docs>) =~ /^    (user clarity on .*\n.*)$/m
    or die 'no line "user clarity"';
$line =~ s/\n +/ /;
$line =~ s/>PASSWORD/>password/;

my $redis = $t->redis(tcp => 1, conf => <<"EOC");
$line
user blind on >password ~* &* +\@all -info
EOC

my ($server) = $redis->url =~ m{//(.*)};
$t->write_file('token.key', 'k1:' . 'A' x 43 . "=\n");
chmod 0600, $t->dir . '/token.key';
$t->word(SERVER => $server);

my $nginx = $t->nginx(workers => 1, redis => "redis://clarity:password\@$server",
    http => "    clarity_token_key_file %%DIR%%/token.key;\n",
    server => <<'EOC');
        location = /hook {
            clarity_webhook       provision_entitlement;
            clarity_webhook_token hook;
        }

        location = /blind {
            clarity_redis         redis://blind:password@%%SERVER%%;
            clarity_webhook       provision_entitlement;
            clarity_webhook_token blind;
        }

        location = /blind-fsync {
            clarity_redis         redis://blind:password@%%SERVER%%;
            clarity_durability    fsync;
            clarity_webhook       provision_entitlement;
            clarity_webhook_token blind-fsync;
        }

        location = /trusted {
            clarity_redis         redis://blind:password@%%SERVER%%;
            clarity_durability    fsync trust;
            clarity_webhook       provision_entitlement;
            clarity_webhook_token trusted;
        }

        location = /seen {
            clarity_durability    fsync;
            clarity_webhook       provision_entitlement;
            clarity_webhook_token seen;
        }

        location /webhooks/ { clarity_webhooks; }
        location /settings/api/ { clarity_settings_api; }
EOC


sub comes {
    my ($webhook, $expected, $what, $seconds) = @_;

    wait_until { $nginx->says($webhook) eq $expected } $seconds // 7,
        "$webhook: $expected";
    is $nginx->says($webhook), $expected, "$what: $webhook says $expected";
}

sub log_lines {
    my ($regex) = @_;

    return scalar grep { $_ =~ $regex }
        split /\n/, $t->read_file('nginx/error.log');
}


# The rights of the documents, for all that there is.

my $worker = $t->worker(workflows => {},
    conf => { redis => "redis://clarity:password\@$server" });

is $nginx->says('hook'), 'memory', 'a job';
is $nginx->says('hook', 'Idempotency-Key: a'), 'memory', 'one with a key';
is $nginx->says('hook', 'Idempotency-Key: a'), 'memory', 'again';

my $answer = $nginx->post('/settings/api/webhooks', encode_json({
    method => 'POST', endpoint => 'made', trigger => 'provision_entitlement' }));
is $answer->status, 201, 'a webhook is made at run time';
my $token = decode_json($answer->body)->{token};
wait_until {
    $nginx->post('/webhooks/made', context(), token => $token)->status == 202;
} 5, 'a webhook made at run time';

wait_until {
    !@{ $redis->command('XPENDING', '{clarity:0}:jobs', 'workers', '-', '+', 9) }
        && $nginx->get('/settings/api/jobs?state=succeeded')->body
            =~ /"job_id"/;
} 10, 'jobs that were done, in the list';

is log_lines(qr/NOPERM/), 0, 'nothing is refused'
    or diag $nginx->log;
unlike $worker->log, qr/NOPERM|bars INFO/, 'nor to the worker';


# A user that INFO is barred from. The audit is of one connection of a server,
# whoever it is of; so another server for it.

my $other = $t->redis(name => 'other', tcp => 1,
    conf => "user default on nopass ~* &* +\@all -info\n"
        . "user test on >password ~* &* +\@all\n");
$other->command('AUTH', 'test', 'password');

my $blind = $t->nginx(name => 'blind', workers => 1, redis => $other->url,
    server => <<'EOC');
        location = /hook {
            clarity_webhook       provision_entitlement;
            clarity_webhook_token hook;
        }
EOC

wait_until { $blind->log =~ /bars INFO/ } 5, 'the audit';
my $finding = qr/Redis bars INFO from this user.*\+info/;
is scalar(() = $blind->log =~ /\[warn\] .*$finding/g), 1,
    'the error log names the right, once';

my $barred = $t->worker(name => 'barred', workflows => {},
    conf => { redis => $other->url });
wait_until { $barred->events('redis_audit') } 5, "the worker's audit";
like(($barred->events('redis_audit'))[0]{reason}, $finding,
    "so does the worker's log");

{
    local $ENV{CLARITY_REDIS_URL} = $other->url;
    my $said = `@{[ $t->build ]}/clarityctl check 2>&1`;
    is $? >> 8, 1, 'clarityctl check exits 1';
    like $said, qr/^$finding/m, 'and names it';
}


# A file that was switched on and is not yet written is lost by kill -9, and
# only INFO tells.

is $nginx->says('trusted'), '503 durability_unavailable',
    'what is seen is not trusted';
is $nginx->says('blind-fsync'), '503 durability_unavailable',
    'no file, no fsync';
is $nginx->says('blind'), 'memory', 'which can be seen';

$redis->command('SET', "filler:$_", 'x') for 1 .. 1200;
$redis->command('CONFIG', 'SET', 'rdb-key-save-delay', 10_000);
$redis->command('CONFIG', 'SET', 'appendonly', 'yes');

comes('trusted', 'fsync', 'with trust');
comes('blind', 'unknown', 'without it nothing is known');
is $nginx->says('blind-fsync'), '503 durability_unavailable',
    'and not enough for fsync';
is $nginx->says('seen'), '503 durability_unavailable',
    'as for who can see it';
like $redis->command('INFO', 'persistence'), qr/aof_rewrite_in_progress:1/,
    'all of it before the file was written';
ok log_lines(qr/"fsync".*INFO is barred.*\+info.*"trust"/),
    'the log says what is missing';

comes('seen', 'fsync', 'the file is written', 30);
is $nginx->says('blind-fsync'), '503 durability_unavailable',
    'which is not seen';

$redis->command('ACL', 'SETUSER', 'blind', '+info');
comes('blind-fsync', 'fsync', 'the right is given');
comes('blind', 'fsync', 'the right is given');

$t->done;
