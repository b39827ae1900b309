# Calls by TLS: who is believed, HTTP/2 where it is offered, and connections
# that are used again.

use Clarity::Test;
use Clarity::Jobs;

my $t = Clarity::Test->new;
my $redis = $t->redis;
my $dir = $t->dir;

# An authority, and certificates of it and of nobody.

sub openssl {
    system("cd $dir && openssl @_ >>openssl.log 2>&1") == 0
        or die "openssl @_: " . $t->read_file('openssl.log');
}

sub certificate {
    my ($name, $subject, $days) = @_;

    $t->write_file("$name.ext", "subjectAltName=$subject\n");
    openssl("req -newkey rsa:2048 -nodes -keyout $name.key -out $name.csr",
        "-subj /CN=$name");
    openssl("x509 -req -in $name.csr -CA ca.crt -CAkey ca.key",
        "-CAcreateserial -out $name.crt -extfile $name.ext -days $days");
}

openssl('req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.crt',
    '-subj /CN=Test -days 2');
certificate('good', 'IP:127.0.0.1', 2);
certificate('other', 'DNS:other.example', 2);
certificate('expired', 'IP:127.0.0.1', -1);
openssl('req -x509 -newkey rsa:2048 -nodes -keyout self.key -out self.crt',
    '-subj /CN=127.0.0.1 -addext subjectAltName=IP:127.0.0.1 -days 2');

my %listen = (good => 'ssl http2', old => 'ssl', other => 'ssl',
    expired => 'ssl', self => 'ssl', plain => '');
my $http = "log_format calls '\$uri \$server_protocol \$connection'
    ' \$connection_requests \$http_idempotency_key';\n";

for my $name (sort keys %listen) {
    my $file = $name eq 'old' ? 'good' : $name;
    my $port = $t->port;
    my $certificate = $listen{$name} && "ssl_certificate $dir/$file.crt;
        ssl_certificate_key $dir/$file.key;";

    $t->word("URL_$name", ($listen{$name} ? 'https' : 'http')
        . "://127.0.0.1:$port");
    $http .= "server { listen 127.0.0.1:$port $listen{$name}; $certificate
        access_log $dir/calls calls; location / { return 200 '{}'; }
        location /silent { if (\$connection_requests = 2) { return 444; }
            return 200 '{}'; } }\n";
}

# One process: it is seen which connections are used again.
my $nginx = $t->nginx(http => $http, workers => 1);

my %workflows = map {
    ("$_.json" => {
        id => $_,
        trigger => 'provision_entitlement',
        actions => [ { id => 'call', type => 'http_request', method => 'POST',
            url => "%%URL_$_%%/$_", body => { to => $_ },
            retry => { attempts => 1 } } ],
    })
} keys %listen;

my $worker = $t->worker(workflows => \%workflows,
    conf => { ca_file => "$dir/ca.crt" });

sub do_job {
    my $id = add_job($redis);
    my $job = wait_for_job($redis, $id, 'failed', 20);

    return { map { $_ => $job->{steps}{$_}{call} } keys %listen };
}

do_job();
my $steps = do_job();

is $steps->{$_}{state}, 'succeeded', "$_: called" for qw(good old plain);

my %reasons = (
    other => 'no alternative certificate subject name matches',
    expired => 'certificate has expired',
    self => 'self.signed certificate|unable to get local issuer',
);

for (sort keys %reasons) {
    is $steps->{$_}{state}, 'failed', "$_: not called";
    like $steps->{$_}{reason}, qr/^TLS with 127\.0\.0\.1 failed: .*(?:$reasons{$_})/,
        'and it says why';
}

my %calls;

for (split /\n/, $t->read_file('calls')) {
    my ($uri, $protocol, $connection, $number) = split / /;
    push @{ $calls{$uri} }, { protocol => $protocol,
        connection => $connection, number => $number };
}

is scalar(@{ $calls{"/$_"} // [] }), 0, "$_: nothing was sent"
    for qw(other expired self);

is $calls{'/good'}[0]{protocol}, 'HTTP/2.0', 'HTTP/2 where it is offered';
is $calls{'/old'}[0]{protocol}, 'HTTP/1.1', 'else HTTP/1.1';
is $calls{'/plain'}[0]{protocol}, 'HTTP/1.1', 'without TLS too';

for (qw(good old plain)) {
    is scalar(@{ $calls{"/$_"} }), 2, "$_: two calls";
    is $calls{"/$_"}[1]{connection}, $calls{"/$_"}[0]{connection},
        'on one connection';
}

# The server closes what is kept; the next call makes a new connection.

$nginx->stop;
$nginx->start;
$steps = do_job();
is $steps->{$_}{state}, 'succeeded', "$_: called on a new connection"
    for qw(good old plain);

# One that reads a request on a kept connection and closes it without an answer
# has had it: what is sent again is another attempt, and on record.

$worker->stop;
$worker = $t->worker(name => 'silent', conf => { ca_file => "$dir/ca.crt" },
    workflows => { map {
        ("$_.json" => {
            id => $_,
            trigger => 'provision_entitlement',
            actions => [ { id => 'call', type => 'http_request',
                method => 'POST', url => "%%URL_$_%%/silent",
                retry => { attempts => 2, delay => '1ms' } } ],
        })
    } qw(good old plain) });

for my $attempts (1, 2) {
    my $id = add_job($redis);
    my $steps = wait_for_job($redis, $id, 'succeeded', 20)->{steps};

    for (qw(good old plain)) {
        my $calls = () = $t->read_file('calls')
            =~ m{^/silent .* \Q$id:$_:call\E$}mg;

        is $calls, $attempts, "$_: job $attempts was called for so often";
        is $steps->{$_}{call}{attempt}, $attempts, 'and each time is on record';
    }
}

# Without ca_file it is the system's authorities, who do not know ours.

$worker->stop;
$worker = $t->worker(name => 'system', workflows => \%workflows);
$steps = do_job();

is $steps->{good}{state}, 'failed', 'an authority that is not known';
like $steps->{good}{reason}, qr/^TLS with 127\.0\.0\.1 failed: .*issuer/,
    'and it says so';
is $steps->{plain}{state}, 'succeeded', 'without TLS nobody asks';

$t->done;
