#!/usr/bin/perl

# An endpoint whose address nginx.conf leads to another location is refused
# when it is saved, whichever kind of location that is; its neighbours are not.

use Clarity::Settings;
use Clarity::Test;

my $t = Clarity::Test->new;
my $redis = $t->redis;
my $settings = Clarity::Settings->new($t);
my $nginx = $settings->nginx(workers => 1, webhooks => <<'EOF1', server => <<'EOF2');
            location /webhooks/nested/ { return 418; }
            location = /webhooks/nested-exact { return 418; }
            location ~ ^/webhooks/nested-regex { return 418; }
EOF1
        location = /webhooks/static/blocked { return 418; }
        location /webhooks/legacy/ { return 418; }
        location ^~ /webhooks/quiet/ {
            return 418;
            location ~ /deep$ { return 418; }
        }
        location /webhooks/outer/ {
            return 418;
            location /webhooks/outer/inner/ { return 418; }
        }
        location /webhooks/proxied/ { proxy_pass http://127.0.0.1:9; }
        location ~ \.php$ { return 418; }
        location ~* ^/webhooks/case { return 418; }
EOF2

$settings->wait_loaded;

sub make {
    return $settings->api('POST', 'webhooks', { method => 'POST',
        trigger => 'provision_entitlement', endpoint => $_[0] });
}

my %at = (
    'static/blocked' => '/webhooks/static/blocked',
    'legacy/a' => '/webhooks/legacy/',
    'nested/a/b' => '/webhooks/nested/',
    'nested-exact' => '/webhooks/nested-exact',
    'nested-regex/a' => '^/webhooks/nested-regex',
    'quiet/a.php' => '/webhooks/quiet/',
    'quiet/deep' => '/deep$',
    'outer/a' => '/webhooks/outer/',
    'outer/inner/a' => '/webhooks/outer/inner/',
    'proxied' => '/webhooks/proxied/',
    'a/b.php' => '\.php$',
    'CASE' => '^/webhooks/case',
);

for my $endpoint (sort keys %at) {
    my ($status, $problem) = make($endpoint);
    is $status, 409, "$endpoint is refused";
    is $problem->{code}, 'endpoint_taken', 'as taken';
    like $problem->{detail}, qr/\Q"$at{$endpoint}"\E/, 'naming the location';

    # and nginx sees it as we do
    isnt $nginx->post("/webhooks/$endpoint", '{}', token => 'x')->status, 404,
        'nginx leads it elsewhere';
}

for my $endpoint ('static', 'static/blocked/not', 'legacy', 'nested',
    'nested-exact/a', 'quiet', 'a.phpx', 'a/case', 'proxie')
{
    my ($status, $webhook) = make($endpoint);
    is $status, 201, "$endpoint is taken";
    $settings->wait_status(202, $webhook);
    pass 'and served';
}

my $webhook = $settings->create(endpoint => 'movable');
my ($status, $problem) = $settings->api('PATCH', "webhooks/$webhook->{id}",
    { endpoint => 'legacy/b' }, 'If-Match: *');
is $status, 409, 'nor is one moved there';
like $problem->{detail}, qr{"/webhooks/legacy/"}, 'naming the location';

$t->done;
