#!/usr/bin/perl

# The examples are what people start from: nginx and the worker take them,
# with the paths and the addresses of this machine.

use MIME::Base64 qw(encode_base64);

use Clarity::Test;

my $t = Clarity::Test->new;
my $dir = $t->dir;

$t->write_file("etc/tokens/$_", "a-token-of-$_\n")
    for qw(custom-provision-entitlement identity-modified);
$t->write_file('etc/secrets/chat-hook', "secret\n");
$t->write_file('etc/token.key', 'k1:' . encode_base64('k' x 32));
$t->write_file('etc/users', "admin:{PLAIN}password\n");
chmod 0600, map { "$dir/etc/$_" } qw(secrets/chat-hook token.key);


# An example's text, adapted.

sub example {
    my ($file) = @_;

    open my $fh, '<', $t->root . "/examples/$file" or die "$file: $!\n";
    my $text = join '', <$fh>;

    for ($text) {
        s{/usr/lib/nginx/modules/}{@{[ $t->build ]}/};
        s{/etc/clarity/triggers\.json}{@{[ $t->root ]}/examples/triggers.json};
        s{/etc/clarity/workflows}{$dir/etc/workflows};
        s{/etc/clarity}{$dir/etc}g;
        s{/var/log/\w+}{$dir}g;
        s{/run/nginx\.pid}{$dir/nginx.pid};
        s{/run/redis/redis-server\.sock}{$dir/redis.sock};
        s{listen 443 ssl http2;}{listen 127.0.0.1:@{[ $t->port ]};};
        s{^\s*ssl_certificate.*\n}{}mg;
    }

    return $text;
}


my $file = $t->write_file('nginx.conf', example('nginx.conf'));
my %sanitizer = Clarity::Nginx::sanitizer($t);
@ENV{ keys %sanitizer } = values %sanitizer;
my $said = `nginx -t -e stderr -p $dir -c $file 2>&1`;
is $?, 0, 'nginx takes nginx.conf' or diag $said;
unlike $said, qr/clarity/, 'without a warning of ours';

for my $workflow (glob $t->root . '/examples/workflows/*.json') {
    my ($name) = $workflow =~ m{([^/]+)$};
    $t->write_file("etc/workflows/$name", example("workflows/$name"));
}

$ENV{SERVICENOW_TOKEN} = 'secret';
$file = $t->write_file('worker.json', example('worker.json'));
$said = `@{[ $t->build ]}/clarity-worker -c $file -t 2>&1`;
is $?, 0, 'the worker takes worker.json and the workflows' or diag $said;

$t->done;
