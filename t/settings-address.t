#!/usr/bin/perl

# The addresses that the settings API shows: those of the request that asks,
# where its server is the webhook's; else that of the webhook's own server.

use Clarity::Test;
use Clarity::Settings;

my $t = Clarity::Test->new;
my $dir = $t->dir;

system("cd $dir && openssl req -x509 -newkey rsa:2048 -nodes -keyout key.pem"
    . ' -out cert.pem -subj /CN=Test -days 2 >openssl.log 2>&1') == 0
    or die $t->read_file('openssl.log');

$t->word($_ => $t->port) for qw(HOOKS TLS ANY);
$t->redis;
Clarity::Settings->new($t); # writes the key file

my $nginx = $t->nginx(http => <<'EOF', server => <<'EOF2');
    clarity_token_key_file %%DIR%%/token.key;

    server {
        listen 127.0.0.1:%%HOOKS%%;
        server_name hooks.example.com www.example.com;

        location = /named {
            clarity_webhook       provision_entitlement;
            clarity_webhook_token one;
        }

        location /webhooks/ {
            clarity_webhooks;
        }
    }

    server {
        listen 127.0.0.1:%%HOOKS%%;
        listen 127.0.0.1:%%TLS%% ssl;
        listen 127.0.0.1:%%ANY%%;
        server_name tls.example.com;
        ssl_certificate     %%DIR%%/cert.pem;
        ssl_certificate_key %%DIR%%/key.pem;

        location = /tls {
            clarity_webhook       provision_entitlement;
            clarity_webhook_token two;
        }
    }

    server {
        listen 127.0.0.1:%%ANY%%;
        server_name *.example.com;

        location = /any {
            clarity_webhook       provision_entitlement;
            clarity_webhook_token three;
        }
    }

    server {
        listen 127.0.0.1:%%ANY%%;
        server_name ~^hooks\d+$;

        location = /regex {
            clarity_webhook       provision_entitlement;
            clarity_webhook_token four;
        }
    }

    server {
        listen unix:%%DIR%%/nginx.sock;
        server_name unix.example.com;

        location = /unix {
            clarity_webhook       provision_entitlement;
            clarity_webhook_token five;
        }
    }
EOF
        server_name _;

        location = /here {
            clarity_webhook       provision_entitlement;
            clarity_webhook_token six;
        }

        location /settings/api/ {
            clarity_settings_api;
        }
EOF2

my %port = map { $_ => $t->expand("%%$_%%") } qw(HOOKS TLS ANY);


sub api {
    my ($path, $host, %with) = @_;

    return $nginx->request($with{method} // 'GET', "/settings/api/$path",
        host => $host, $with{body} ? (body => encode_json($with{body})) : ())
        ->json;
}


sub urls {
    my ($host) = @_;

    return { map { ($_->{endpoint} =~ m{(\w+)$}, $_->{url}) }
        @{ api('webhooks', $host)->{webhooks} } };
}


my $made = api('webhooks', 'admin.example.net', method => 'POST',
    body => { method => 'POST', endpoint => 'made',
        trigger => 'provision_entitlement' });
is $made->{url}, "http://hooks.example.com:$port{HOOKS}/webhooks/made",
    'one that is made has the address of clarity_webhooks';

is_deeply urls('admin.example.net:8443'), {
    named => "http://hooks.example.com:$port{HOOKS}/named",
    tls   => "https://tls.example.com:$port{TLS}/tls",
    any   => "http://admin.example.net:$port{ANY}/any",
    regex => "http://admin.example.net:$port{ANY}/regex",
    unix  => 'http://admin.example.net:8443/unix',
    here  => 'http://admin.example.net:8443/here',
    made  => "http://hooks.example.com:$port{HOOKS}/webhooks/made",
}, "a server's own name and port, TLS first; no pattern is a name";

is api('triggers', '[::1]:80')->{webhooks_url},
    "http://hooks.example.com:$port{HOOKS}/webhooks/",
    'what a new one begins with';
is urls('[::1]:80')->{any}, "http://[::1]:$port{ANY}/any",
    'Host may be an address';

is $nginx->post('/named', context(), token => 'one')->status, 404,
    'no webhook is served by the server that shows it';

$t->done;
