package Clarity::Browser;

=head1 NAME

Clarity::Browser - tests in Chromium, as tests of a test file

=head1 SYNOPSIS

    my $t = Clarity::Test->new;

    start_settings($t);
    run_in_browser($t, 'whole-way', 'keyboard');

    $t->done;

=head1 DESCRIPTION

Each t/browser/NAME.test.mjs is run by node; each test in it becomes one here.
What npm installs for them is in build/browser, where C<make test> has put it;
pictures of all views are in build/browser/pictures afterwards.

=cut

use strict;
use warnings;

use parent 'Clarity::Process';

use Exporter 'import';
use File::Path qw(make_path);
use MIME::Base64 qw(encode_base64);
use Test::More ();

our @EXPORT = qw(start_settings run_in_browser);

# Of one file, in seconds, on a busy machine too.
use constant PATIENCE => 300;

# A trigger whose texts are meant to do harm on a page, and whose names in a
# script.
use constant HOSTILE => {
    name => 'hostile',
    title => q{<img src=x onerror="window.harmed=1"> & 'quotes'},
    description => '<script>window.harmed=1</script><b>bold</b>',
    context => [
        { name => '__proto__' },
        { name => 'constructor', type => 'string' },
        { name => 'hasOwnProperty', enum => ['<b>bold</b>'] },
    ],
};


=head1 FUNCTIONS

=head2 start_settings(TEST)

Starts a Redis, an nginx with the settings page, its API and a webhook in
nginx.conf, and a worker with a workflow. Returns the nginx.

=cut

sub start_settings {
    my ($test) = @_;

    my $modules = $test->build . '/browser/node_modules';

    -e "$modules/.package-lock.json" or die "$modules is not complete: npm"
        . " could not install it. \"make browser\" tries again.\n";

    my $triggers = _triggers($test);

    chmod 0600, $test->write_file('token.key',
        'test:' . encode_base64('k' x 32, '') . "\n");
    $test->redis;

    # What t/browser/jobs has: jobs that fail, for good or at first.
    my $receiver = $test->receiver;
    $receiver->answer('/fails', { status => 400 });
    $receiver->answer('/fails-once', { status => 400 }, {});

    my $nginx = $test->nginx(workers => 4, triggers => $triggers,
        http => <<'EOF', server => <<'EOF2');
    clarity_token_key_file %%DIR%%/token.key;
EOF
        error_page 400 408 413 429 /problem;

        location = /problem {
            internal;
            clarity_problem;
        }

        location = /hooks/provision {
            clarity_webhook       provision_entitlement;
            clarity_webhook_token secret;
        }

        location /webhooks/ {
            clarity_webhooks;
        }

        location /settings/api/ {
            clarity_settings_api;
        }

        location /settings/workflows/webhooks/ {
            alias %%ROOT%%/settings/;

            types {
                text/html       html;
                text/css        css;
                text/javascript js;
                image/svg+xml   svg;
            }

            add_header Content-Security-Policy "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'" always;
            add_header X-Content-Type-Options nosniff always;
            add_header Referrer-Policy no-referrer always;
            add_header Cache-Control no-cache always;
        }
EOF2

    $test->worker(conf => { triggers => $triggers }, workflows => {
        'grant.json' => {
            id => 'grant',
            name => 'Open a ticket and tell the chat',
            trigger => 'provision_entitlement',
            active => JSON::PP::true,
            actions => [{
                id => 'ticket',
                type => 'http_request',
                method => 'POST',
                url => '%%RECEIVER%%/ticket',
            }],
        },
        'access.json' => {
            id => 'access',
            name => 'Fails at first',
            trigger => 'self_service_access_request',
            actions => [_call('first', 'first'),
                _call('second', '{{app_identifier}}')],
        },
    });

    return $nginx;
}


sub _call {
    my ($id, $path) = @_;

    return { id => $id, type => 'http_request', method => 'POST',
        url => "%%RECEIVER%%/$path", retry => { attempts => 1 } };
}


sub _triggers {
    my ($test) = @_;

    open my $fh, '<', $test->root . '/examples/triggers.json'
        or die "examples/triggers.json: $!\n";
    local $/;
    my $file = Clarity::Test::decode_json(scalar <$fh>);

    push @{ $file->{triggers} }, HOSTILE;

    return $test->write_file('triggers.json',
        Clarity::Test::encode_json($file));
}


=head2 run_in_browser(TEST, NAME, ...)

Runs these files, one after the other.

=cut

sub run_in_browser {
    my ($test, @names) = @_;

    for my $name (@names) {
        my $run = __PACKAGE__->new($test, name => $name);
        my $status = $run->wait_exit(PATIENCE);

        $run->_relay;
        Test::More::is($status, 0, "$name ends well")
            or Test::More::diag($run->log);
    }
}


sub kind { 'browser' }


sub prepare {
    my ($self) = @_;

    my $test = $self->test;

    # Chromium writes its profile, caches and crash reports to these.
    make_path("$self->{dir}/home", "$self->{dir}/tmp");

    $self->{env} = {
        HOME => "$self->{dir}/home",
        TMPDIR => "$self->{dir}/tmp",
        XDG_CONFIG_HOME => "$self->{dir}/home",
        XDG_CACHE_HOME => "$self->{dir}/home",
        CLARITY_BROWSER => $test->build . '/browser',
        CLARITY_URL => "http://127.0.0.1:$test->{words}{PORT}",
    };
}


sub argv {
    my ($self) = @_;

    return ('node', '--test-reporter=tap',
        $self->test->root . "/t/browser/$self->{name}.test.mjs");
}


# Its tests stand at the beginning of a line, what is wrong with them after it.

sub _relay {
    my ($self) = @_;

    my @lines = split /\n/, $self->log;
    my $tests = 0;

    while (defined(my $line = shift @lines)) {
        my ($not, $what) = $line =~ /^(not )?ok \d+ - (.*)$/ or next;
        my @about;

        push @about, shift @lines while @lines && $lines[0] =~ /^\s/;

        $tests++;
        Test::More::ok(!$not, $what) or Test::More::diag(join "\n", @about);
        Test::More::note(grep { /duration_ms/ } @about);
    }

    Test::More::ok($tests, "$self->{name} has tests");
}

1;
