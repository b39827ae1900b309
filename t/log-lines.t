#!/usr/bin/perl

# What the error log says of Redis: which server, which commands, why; once for
# each change, not for each request or attempt; and nothing that is secret.

use Clarity::Test;

my $t = Clarity::Test->new;

my $acl = <<'EOF';
requirepass marked-password
user nojobs on >marked-password ~* &* +@all -xadd -evalsha -eval
user noget on >marked-password ~* &* +@all -get
user noset on >marked-password ~* &* +@all -set
user nosettings on >marked-password ~* &* +@all -hget
user nothing on >marked-password ~* &* +@all -hsetnx -hmget
EOF

my $redis = $t->redis(tcp => 1, conf => $acl);
my $proxy = $t->proxy(to => $redis);

# This test's own connection takes its only place.
my $full = $t->redis(name => 'full', tcp => 1,
    conf => "maxclients 1\nrequirepass marked-password\n");
my ($full_server) = $full->url =~ m{//(.*)};

# Of several classes of durability, each of which has a connection.
my $several = $t->redis(name => 'several', tcp => 1);
my ($several_server) = $several->url =~ m{//(.*)};
my @classes = ('memory', 'everysec trust', 'replicas=2 timeout=300ms');

$t->write_file('password', "marked-password\n");
$t->write_file('wrong', "marked-wrong\n");
$t->write_file('key', 'k1:' . 'A' x 43 . "=\n");
chmod 0600, map { $t->dir . "/$_" } qw(password wrong key);

$redis->command('AUTH', 'marked-password');

my $server = '127.0.0.1:' . ($redis->url =~ /(\d+)$/)[0];
$t->word(SERVER => $server);
$t->word(PROXY => $proxy->url);


# A location of that name, with that Redis user.

sub location {
    my ($name, $url, $file, $what) = @_;

    $what //= <<'EOF';
            clarity_webhook             provision_entitlement;
            clarity_webhook_token       marked-token;
EOF

    return <<"EOF";
        location /$name/ {
            clarity_redis               $url;
            clarity_redis_password_file %%DIR%%/$file;
$what
        }
EOF
}

sub several {
    my ($class) = @_;

    my ($name) = $class =~ /(\w+)/;

    return <<"EOF";
        location /several-$name/ {
            clarity_redis         %%REDIS_several%%;
            clarity_durability    $class;
            clarity_webhook       provision_entitlement;
            clarity_webhook_token marked-token;
        }
EOF
}


my $nginx = $t->nginx(
    workers => 1,
    # Connections are lost by what is done to them, not to a busy machine.
    http => <<'EOF',
    clarity_token_key_file        %%DIR%%/key;
    clarity_redis_connect_timeout 10s;
    clarity_redis_timeout         10s;
EOF
    server => location('good', '%%PROXY%%', 'password')
        . location('wrong', 'redis://%%SERVER%%', 'wrong')
        . location('nojobs', 'redis://nojobs@%%SERVER%%', 'password')
        . location('noget', 'redis://noget@%%SERVER%%', 'password')
        . location('noset', 'redis://noset@%%SERVER%%', 'password')
        . location('full', '%%REDIS_full%%', 'password')
        . location('nothing', 'redis://nothing@%%SERVER%%', 'password')
        . location('hooks', 'redis://nosettings@%%SERVER%%', 'password',
            "            clarity_webhooks;\n")
        . join('', map { several($_) } @classes));


sub lines {
    my ($regex) = @_;

    my @lines = grep { $_ =~ $regex } split /\n/,
        $t->read_file('nginx/error.log');

    return scalar @lines;
}


sub post {
    my ($name, @headers) = @_;

    return $nginx->post("/$name/", context(grant_type => '"marked"'),
        token => 'marked-token', headers => \@headers)->status;
}


sub is_told {
    my ($regex, $what) = @_;

    wait_until { lines($regex) } 5;
    is lines($regex), 1, $what;
}


# Each cause, while requests and attempts go on.

wait_until { post('good') == 202 } 5, 'a 202';

for my $name (qw(wrong nojobs nothing full)) {
    my %statuses;
    $statuses{ post($name) }++ for 1 .. 50;
    is_deeply \%statuses, { 503 => 50 }, "$name: refused";
}

my $redis_is = qr{\[error\].* Redis \Q$server\E/0};
my $away = qr{$redis_is is not available};

is_told(qr/$away: AUTH was refused \(WRONGPASS\): ./,
    'the wrong password, with server and command');
is_told(qr/$redis_is refuses jobs \(NOPERM\): ./,
    'a user that may not add jobs');
is_told(qr/$away: HMGET was refused \(NOPERM\): ./,
    'a user that may not look at the format');
is_told(qr/$redis_is refuses settings \(NOPERM\): ./,
    'a user that may not read the webhooks made at run time');
is_told(qr/\Q$full_server\E.* AUTH was refused \(ERR\): .*maxclients/,
    'a Redis that has no place for another client');


# Which connection it is, where there are several to one Redis.

wait_until { post('several-memory') == 202 } 5, 'a 202';
$several->kill;

my $one_of_them = qr{Redis \Q$several_server\E/0};

for my $class (@classes) {
    is_told(qr/\[error\].* $one_of_them \(durability \Q$class\E\) is not available: connect\(\) failed/,
        "the durability of what is gone: $class");
}

$several->start;

is_told(qr/\[notice\].* connected to $one_of_them \(durability memory\) again/,
    'and of what is back');


# In a script, which command it is; two of them in turn are no two lines each.

for my $name (qw(noget noset)) {
    for my $n (1 .. 20) {
        is post($name, "Idempotency-Key: marked-$n"), 503, "$name: with a key"
            if $n < 3;
        post($name, "Idempotency-Key: marked-$n");
        post($name) if $name eq 'noset';
    }
}

is_told(qr/$redis_is refuses jobs \(NOPERM\): .*ACL LIST.*refused was GET of a script/,
    'a user that may not read keys');
is_told(qr/$redis_is refuses jobs \(NOPERM\): .*refused was SET of a script/,
    'a user that may not write them');
is lines(qr/$redis_is refuses jobs \(NOPERM\): .*refused was xadd$/), 1,
    'one that may not add jobs';


# Reset, once: one line, one for the return, and none that does not say of what.

my $about = qr/Redis|\(\) failed/;
my $before = lines($about);
my $load = $t->load(nginx => $nginx, uri => '/good/', token => 'marked-token');

$load->wait_for(100, 202);
$proxy->rule(since => 'XADD', from => 'redis', after => 1, do => 'reset');
wait_until { $proxy->harmed } 5, 'a reset';
$load->wait_for(100, 202);
wait_until { lines($about) >= $before + 2 } 5, 'two lines';
is lines($about), $before + 2, 'one for the loss, one for the return';


# Again and again: with the first byte of each job's reply, and then after each,
# where each connection has served.

$before = lines(qr/Redis/);

$proxy->rule(since => 'XADD', from => 'redis', after => 1, do => 'cut',
    always => 1);
$load->wait_for(50, 504);
$load->wait_for(500, 503);

my $harmed = $proxy->harmed;
$proxy->rule(since => 'XADD', from => 'redis',
    after => length("\$15\r\n1795644435470-0\r\n"), do => 'cut', always => 1);
wait_until { $proxy->harmed >= $harmed + 40 } 20, 'forty cuts';

# A cause is told once; as a busy machine may let a connection last, perhaps
# twice, and that it was back: never for each.
my $lines = lines(qr/Redis/) - $before;
cmp_ok $lines, '>=', 1, 'a connection that is lost again and again is told';
cmp_ok $lines, '<=', 8, 'but not each time'
    or diag $nginx->log;

$proxy->rule;
$load->wait_for(100, 202);
wait_until {
    lines(qr/connected to Redis \S+ again, after the connection was lost \d+ times/)
} 20, 'its return';
pass 'then it is back, and how often it was lost is told';

is lines(qr/^(?!.*Redis).* (?:recv|send|connect)\(\) /), 0,
    'all name the server'
    or diag $nginx->log;

$load->stop;
is_deeply [ $load->amiss($redis) ], [], 'all that was answered is true';


# A refusal that goes on after a reconnect is told again, once.

for my $n (2 .. 3) {
    $redis->command('CLIENT', 'KILL', 'USER', 'nojobs');
    wait_until {
        post('nojobs');
        lines(qr/refuses jobs .*xadd$/) >= $n;
    } 3, 'a line of the new connection';
    post('nojobs') for 1 .. 20;
    is lines(qr/refuses jobs .*xadd$/), $n, 'one for each connection';
}


unlike $nginx->log . $t->read_file('nginx/access.log'), qr/marked|INC1/,
    'no password, token or value in a log';

$t->done;
