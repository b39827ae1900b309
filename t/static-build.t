#!/usr/bin/perl

# The module built into nginx. nginx-dev has no sources of nginx itself, so
# this needs their tree: CLARITY_NGINX_SOURCE=/path/to/nginx-1.22.1.

use Clarity::Test;

my $source = $ENV{CLARITY_NGINX_SOURCE};

plan skip_all => 'CLARITY_NGINX_SOURCE does not name a tree of nginx'
    if !$source;

my $t = Clarity::Test->new;
my $tree = $t->dir . '/source';
my $log = $t->dir . '/build.txt';

my $built = !system 'sh', '-c', <<'EOF', 'sh', $source, $tree, $t->root, $log;
    exec >"$4" 2>&1
    cp -r "$1" "$2" && cd "$2" || exit 1
    configure=./configure
    [ -e $configure ] || configure=auto/configure
    $configure --with-cc-opt='-Wall -Wextra -Werror' --with-http_ssl_module \
        --add-module="$3" && make -j2
EOF

ok $built, 'nginx builds with --add-module'
    or diag substr $t->read_file('build.txt'), -3000;

my $redis = $t->redis;
my $nginx = $t->nginx(static => 1, binary => "$tree/objs/nginx",
    server => <<'EOF');
        location = /hook {
            clarity_webhook       provision_entitlement;
            clarity_webhook_token secret;
        }
EOF

is $nginx->post('/hook', context(), token => 'secret')->status, 202,
    'and a webhook becomes a job';
is $redis->command('XLEN', '{clarity:0}:jobs'), 1, 'in Redis';

my @exported = grep { / (?:redis|yajl_|sds)/ }
    `nm -D --defined-only $tree/objs/nginx`;
is_deeply \@exported, [], 'nginx exports no hiredis or yajl to its modules';

$t->done;
