#!/usr/bin/perl

# The process that follows Redis is killed in the middle of a change, before and
# after each block of shared memory is freed: the next one goes on from there,
# and no block is freed twice.

use Clarity::Settings;
use Clarity::Test;

plan skip_all => 'no gdb here' if system 'gdb --version >/dev/null 2>&1';

my $t = Clarity::Test->new;
plan skip_all => 'a sanitizer stands between' if Clarity::Nginx::sanitizer($t);

my $redis = $t->redis;
my $settings = Clarity::Settings->new($t);

# another one's API, so that nobody waits for the process that is held
$settings->nginx(workers => 1, name => 'api');
my $nginx = $settings->nginx(workers => 2);
$settings->wait_loaded($nginx);

$t->expect_log(qr/exited on signal 9|"clarity" was locked by/);

sub log_of { return $t->read_file('nginx/error.log') }

# The first process is it, and then the one in its place.
my $killed = 0;
sub follower {
    return (log_of() =~ /start worker process (\d+)/g)[$killed++ ? -1 : 0];
}

# Kills the follower at `at`, where the next change brings it.
sub run {
    my ($what, $at, @then) = @_;

    my $pid = follower();
    my $script = $t->write_file('gdb.script', join "\n",
        'set pagination off', "break $at", 'shell touch gdb.ready',
        'continue', @then, 'kill', '');
    my $out = "$t->{dir}/gdb.out";
    unlink "$t->{dir}/gdb.ready";

    my $gdb = fork // die "fork: $!\n";
    if (!$gdb) {
        chdir $t->{dir};
        open STDIN, '<', '/dev/null';
        open STDOUT, '>', $out;
        open STDERR, '>&', \*STDOUT;
        exec 'timeout', '-k', '1', '20', 'gdb', '-q', '-batch', '-nx', '-p', $pid, '-x', $script;
        die;
    }

    wait_until { -e "$t->{dir}/gdb.ready" } 20, 'the debugger';
    my $webhook = $settings->create(
        endpoint => "made/$what" =~ s/ /-/gr);
    waitpid $gdb, 0;

    wait_until { !kill 0, $pid } 10, "$pid to be gone";
    like log_of(), qr/worker process $pid exited on signal 9/, "killed $what";

    wait_until { $nginx->workers == 2 } 10, 'another one';
    $settings->wait_status(202, $webhook, $nginx);
    pass 'which has what was made then';

    # each of these frees what the one before has left
    for my $n (1 .. 5) {
        my $other = $settings->create(endpoint => "after/$n");
        $settings->wait_status(202, $other, $nginx);
        $settings->api('DELETE', "webhooks/$other->{id}");
        $settings->wait_status(404, $other, $nginx);
    }

    is $settings->send($webhook, $nginx)->status, 202, 'and goes on';
}

my $old = $settings->create(endpoint => 'old');
$settings->wait_status(202, $old, $nginx);

run('before the old one is freed', 'ngx_slab_free_locked');
run('after the old one is freed', 'ngx_slab_free_locked', 'finish');

# with a block under way
run('while the new one is filled', 'clarity_snapshot_carry', 'finish',
    'tbreak ngx_slab_alloc_locked', 'continue', 'finish');
run('before that one is freed', 'ngx_slab_free_locked');
run('after it is', 'ngx_slab_free_locked', 'finish');

unlike log_of(), qr/ngx_slab_free\(\)/, 'nothing was freed twice';

$t->done;
