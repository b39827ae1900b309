#!/usr/bin/perl

# The harness itself: that a test of it fails when it should, and that nothing
# it started outlives it, whatever way it ends.

use strict;
use warnings;

use File::Basename qw(dirname);
use File::Temp ();
use POSIX ();

use Clarity::Test;
use Clarity::Wait;

my $dir = File::Temp::tempdir(CLEANUP => 1);
my $lib = dirname(__FILE__) . '/lib';


# Runs a test of that text: (its exit status, what it said).

sub run_test {
    my ($text) = @_;

    my $pid = start_test($text, my $said = "$dir/said");
    waitpid $pid, 0;

    return ($?, slurp($said));
}


sub start_test {
    my ($text, $said) = @_;

    open my $fh, '>', "$dir/test.t" or die "$dir/test.t: $!\n";
    print $fh "use Clarity::Test;\nmy \$t = Clarity::Test->new;\n", $text;
    close $fh;

    my $pid = fork // die "fork: $!\n";
    return $pid if $pid;

    open STDOUT, '>', $said;
    open STDERR, '>&', \*STDOUT;
    exec $^X, '-I', $lib, "$dir/test.t" or POSIX::_exit(127);
}


sub slurp {
    my ($file) = @_;

    open my $fh, '<', $file or return '';
    local $/;
    return scalar <$fh> // '';
}


sub alive { return grep { kill 0, $_ } @_ }


sub remove_kept {
    my ($said) = @_;

    my ($kept) = $said =~ /The test's files are in (\S+)/ or return 0;
    return system('rm', '-r', $kept) == 0;
}


my ($status, $said) = run_test(<<'EOF');
$t->redis;
diag $t->dir;
pass;
$t->done;
EOF

is $status, 0, 'a test in which all is well passes';
my ($folder) = $said =~ /^# (\S+)/;
ok !-e $folder, 'and its folder is removed';


my %amiss = (
    'an alert' => '2026/01/01 00:00:00 [alert] 1#1: open socket #3 left',
    'an emergency' => '2026/01/01 00:00:00 [emerg] 1#1: no memory',
    'a worker process that gives up' => '2026/01/01 00:00:00 [notice] 1#1:'
        . ' worker process 2 exited with code 2',
    'a socket left open' => 'open socket #3 left in connection 5',
    'the address sanitizer' => '==1==ERROR: AddressSanitizer: heap-use',
    'the undefined sanitizer' => 'a.c:1:2: runtime error: shift',
);

for my $what (sort keys %amiss) {
    my $text = <<"EOF";
pass;
\$t->write_file('nginx/error.log', "$amiss{$what}\\n");
\$t->done;
EOF

    ($status, $said) = run_test($text);

    isnt $status, 0, "$what in a log fails the test";
    like $said, qr/\Q$amiss{$what}/, 'which shows the line';
    ok remove_kept($said), 'and where its files are';

    ($status) = run_test("\$t->expect_log(qr/./);\n" . $text);

    is $status, 0, "$what that was expected does not";
}


($status, $said) = run_test(<<'EOF');
my $redis = $t->redis;
$redis->signal('TERM');
$redis->wait_exit(5);
$redis->start;
kill 'TERM', $redis->pid;
wait_until { !$redis->pid } 5, 'the end of Redis';
$t->done;
EOF

isnt $status, 0, 'a process that ends by itself fails the test';
like $said, qr/redis ended by itself/, 'which names it';
remove_kept($said);


($status, $said) = run_test(<<'EOF');
my $redis = $t->redis;
diag 'pid ' . $redis->pid;
die "the test is broken\n";
EOF

isnt $status, 0, 'a test that dies fails';
like $said, qr/the end of .*redis/, 'and shows the ends of its logs';
ok !alive($said =~ /pid (\d+)/), 'and its processes end with it';
remove_kept($said);


for my $signal (qw(INT TERM KILL)) {
    my $file = "$dir/interrupted";
    unlink $file;

    my $pid = start_test(<<'EOF', $file);
my $redis = $t->redis;
my $receiver = $t->receiver;
my $nginx = $t->nginx(daemon => 1);
diag join ' ', 'pids', (map { $_->pid } $redis, $receiver, $nginx),
    $nginx->workers, 'in', $t->dir;
wait_until { 0 } 60, 'a signal';
EOF

    wait_until { slurp($file) =~ / in / } 10, 'the test to run';
    my ($pids, $kept) = slurp($file) =~ /pids ([\d ]+) in (\S+)/;

    kill $signal, $pid;
    waitpid $pid, 0;

    isnt $?, 0, "a test that gets SIG$signal fails";
    my $gone = wait_until { !alive(split ' ', $pids) } 5;
    ok $gone, 'and its processes end with it';
    system 'rm', '-r', $kept;
}

done_testing;
