#!/usr/bin/perl

# The module's file is replaced, as a package's upgrade does it, under an nginx
# that runs: a reload keeps the code that laid out the shared memory, and says
# so; a file at another path, or a new binary, begins with memory of its own.

use File::Copy qw(copy);

use Clarity::Settings;
use Clarity::Test;

# What the two modules say of a request without a token.
use constant SAYS => { old => 'Token missing', new => 'Token MISSING' };

my $t = Clarity::Test->new;
$t->redis;

my $built = $t->build . '/ngx_http_clarity_webhook_module.so';
my $module = $t->dir . '/module.so';
copy($built, $module) or die "$module: $!";

my $settings = Clarity::Settings->new($t);
my $nginx = $settings->nginx(module => $module, daemon => 1, workers => 2,
    server => <<'EOF');
        clarity_redis_connect_timeout 10s;
        location = /metrics { clarity_metrics; }
EOF

$settings->wait_loaded;
my $webhook = $settings->create(endpoint => 'made');
$settings->wait_status(202, $webhook);


# Another module, in which a text reads otherwise.

sub another_module {
    my ($file) = @_;

    open my $from, '<:raw', $built or die "$built: $!";
    open my $to, '>:raw', $file or die "$file: $!";
    my $bytes = do { local $/; <$from> };
    $bytes =~ s/\Q@{[ SAYS->{old} ]}\E/@{[ SAYS->{new} ]}/g
        or die "\"@{[ SAYS->{old} ]}\" is not in $built";
    print $to $bytes;
    close $to or die "$file: $!";

    return $file;
}

# Sends a request without a token, and looks who answers it and counts it. One
# that comes before the webhooks are loaded waits for that.

sub is_answered {
    my ($by, $counted, $when) = @_;

    my $answer = $nginx->post('/webhooks/made', context());
    is $answer->json->{title}, SAYS->{$by}, "$when: the $by module answers";

    my ($count) = $nginx->get('/metrics')->body
        =~ /outcome="token_missing"\} (\d+)/;
    is $count, $counted, "$when: and has counted $counted";
    is $settings->send($webhook)->status, 202,
        "$when: a webhook made at run time is served";
}

sub warnings {
    return scalar grep { /\[warn\] .*"\Q$module\E" was replaced or removed/ }
        split /\n/, $t->read_file('nginx/error.log');
}

# The files with a module of ours that the master has mapped.

sub mapped {
    open my $maps, '<', '/proc/' . $nginx->pid . '/maps' or die "maps: $!";
    my %files = map { m{(/\S*module\S*\.so.*)} ? ($1 => 1) : () }
        grep { m{\Q@{[ $t->dir ]}\E/} } <$maps>;

    return [ sort keys %files ];
}


is_answered(old => 1, 'at the start');
$nginx->renew;
is_answered(old => 2, 'reloaded');
is warnings(), 0, 'of which there is nothing to say';

rename another_module("$module.new"), $module or die "rename: $!";
$nginx->renew;
is_answered(old => 3, 'the file replaced, and reloaded');
is warnings(), 1, 'the error log says what is to be done';

$nginx->upgrade;
is_answered(new => 1, 'with a new binary');
is_deeply mapped(), [$module], 'which has what is there';

my $conf = $t->read_file('nginx/nginx.conf');
my $elsewhere = $t->dir . '/elsewhere-module.so';
copy($built, $elsewhere) or die "$elsewhere: $!";
$nginx->configure($conf =~ s/\Q$module;\E/$elsewhere;/r);
$nginx->renew;
is_answered(old => 1, 'loaded from another path');
is_deeply mapped(), [$elsewhere], 'the one before has left the master';

$nginx->configure($conf);
$nginx->renew;
is_answered(new => 1, 'and back');
is warnings(), 1, 'with nothing more to say';

unlink $module or die "$module: $!";
$nginx->renew;
is_answered(new => 2, 'the file removed, and reloaded');
is warnings(), 2, 'the error log says so';

$t->done;
