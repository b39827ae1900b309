# Actions call public addresses, and what the configuration lets them.

use Clarity::Test;
use Clarity::Jobs;

my $t = Clarity::Test->new;
my $redis = $t->redis;
my $receiver = $t->receiver;
my $port = $receiver->port;

# Hosts are given by the workflow: a caller's value cannot stand in one.

my %hosts = (
    loopback => '127.0.0.1',
    name => 'localhost',
    mapped => '[::ffff:127.0.0.1]',
    v6 => '[::1]',
    decimal => '2130706433',
    octal => '0177.0.0.1',
    short => '127.1',
    private => '10.0.0.1',
    metadata => '169.254.169.254',
    nat64 => '[64:ff9b::7f00:1]',
    unspecified => '0.0.0.0',
    ula => '[fd00::1]',
);
my %kinds = (
    loopback => '127\.0\.0\.1 is loopback',
    name => '(?:127\.0\.0\.1|::1) is loopback',
    mapped => '::ffff:127\.0\.0\.1 is loopback',
    v6 => '::1 is loopback',
    decimal => '127\.0\.0\.1 is loopback',
    octal => '127\.0\.0\.1 is loopback',
    short => '127\.0\.0\.1 is loopback',
    private => '10\.0\.0\.1 is private',
    metadata => '169\.254\.169\.254 is link-local',
    nat64 => '64:ff9b::7f00:1 is loopback',
    unspecified => '0\.0\.0\.0 is unspecified',
    ula => 'fd00::1 is private',
);

my %workflows = map {
    ("$_.json" => {
        id => $_,
        trigger => 'provision_entitlement',
        actions => [ { id => 'call', type => 'http_request', method => 'GET',
            url => "http://$hosts{$_}:$port/" } ],
    })
} keys %hosts;

sub outcome {
    my ($worker) = @_;

    my $job = wait_for_job($redis, add_job($redis), 'failed', 10);

    return $job->{steps};
}

my $strict = $t->worker(name => 'strict', workflows => \%workflows,
    conf => { allow_addresses => [] });
my $steps = outcome($strict);

for my $name (sort keys %hosts) {
    my $step = $steps->{$name}{call};

    like $step->{reason},
        qr/^the address $kinds{$name}; add it to allow_addresses/,
        "$hosts{$name} is not called";
    is $step->{attempt}, 1, 'nor tried again';
}

is scalar($receiver->requests), 0, 'nothing was called';
$strict->stop;

my $lenient = $t->worker(name => 'lenient', workflows => \%workflows,
    conf => { allow_addresses => ['127.0.0.0/8'] });
$steps = outcome($lenient);

for my $name (qw(loopback name mapped decimal octal short)) {
    is $steps->{$name}{call}{state}, 'succeeded',
        "$hosts{$name} is called where 127.0.0.0/8 is allowed";
}

for my $name (qw(v6 private metadata nat64 unspecified ula)) {
    is $steps->{$name}{call}{state}, 'failed', "$hosts{$name} is still not";
}

$t->done;
