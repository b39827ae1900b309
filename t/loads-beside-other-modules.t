#!/usr/bin/perl

# Other modules bring a hiredis of their own and export it: ours works beside
# them, whichever is loaded first, and exports nothing but what nginx asks for.

use Clarity::Test;

my @others = map { "/usr/lib/nginx/modules/$_.so" }
    qw(ndk_http_module ngx_http_echo_module ngx_http_lua_module
        ngx_nchan_module);
my ($missing) = grep { !-e } @others;

plan skip_all => "$missing is not installed" if $missing;

my $t = Clarity::Test->new;
my $redis = $t->redis(tcp => 1);

# nchan's URL is never of a unix socket.
my $http = <<"EOF";
    upstream nchan {
        nchan_redis_server @{[ $redis->url ]};
    }
EOF
my $server = <<'EOF';
        location = /hook {
            clarity_webhook       provision_entitlement;
            clarity_webhook_token secret;
        }

        location = /echo {
            echo said;
        }

        location = /lua {
            content_by_lua_block { ngx.say("said") }
        }

        location = /publish {
            nchan_publisher;
            nchan_channel_id one;
            nchan_redis_pass nchan;
        }
EOF

my %orders = (
    'loaded last' => { load => \@others },
    'loaded first' => { main => join '', map { "load_module $_;\n" } @others },
);

for my $order (sort keys %orders) {
    my $nginx = $t->nginx(name => $order =~ tr/ /-/r, http => $http,
        server => $server, %{ $orders{$order} });

    is $nginx->post('/hook', context(), token => 'secret')->status, 202,
        "$order: a webhook becomes a job";
    is $nginx->get('/echo')->body, "said\n", 'the echo module answers';
    is $nginx->get('/lua')->body, "said\n", 'the Lua module answers';

    my $status;
    my $published = wait_until {
        $status = $nginx->post('/publish', 'x', type => 'text/plain')->status;
        $status == 202;
    } 5;
    ok $published, 'nchan publishes through its own hiredis'
        or diag "status $status";
    is $nginx->post('/hook', context(), token => 'secret')->status, 202,
        'and ours goes on';
}

is $redis->command('XLEN', '{clarity:0}:jobs'), 4, 'all of them are queued';

my $module = $t->build . '/ngx_http_clarity_webhook_module.so';
my @exported = sort map { (split)[-1] } `nm -D --defined-only $module`;
is_deeply \@exported,
    [ qw(ngx_module_names ngx_module_order ngx_modules) ],
    'the module exports what nginx asks for, and nothing else';

my @libraries = grep { /hiredis|yajl/ } `ldd $module`;
is_deeply \@libraries, [], 'and needs no shared hiredis or yajl';

$t->done;
