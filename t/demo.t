#!/usr/bin/perl

# make run: what it prints can be pasted, two of them run side by side, and
# whatever way one ends, nothing of it stays but its files.

use IO::Socket::INET;
use POSIX ();
use Socket qw(AF_UNIX PF_UNSPEC SOCK_STREAM);

use Clarity::Test;

my $t = Clarity::Test->new;

plan skip_all => 'the demo runs a module without sanitizers'
    if Clarity::Nginx::sanitizer($t);

# A fresh folder for each, with a path that leaves room for a socket.
my $folders = 0;


sub start_demo {
    my (%set) = @_;

    my $dir = $t->dir . '/' . ++$folders;
    my $demo = { port => $t->port, dir => $dir, said => "$dir.said", %set };

    my $pid = $demo->{pid} = fork // die "fork: $!\n";
    return $demo if $pid;

    open STDIN, '<', '/dev/null';
    open STDERR, '>', $demo->{said};
    open STDOUT, '>&', $demo->{stdout} // \*STDERR;

    setpgrp;
    $SIG{$_} = 'DEFAULT' for qw(INT TERM HUP ALRM);

    # One process more between the test and the demo, as make is.
    if ($demo->{has_parent} && fork) {
        sleep 60;
        POSIX::_exit(0);
    }

    $ENV{PORT} = $demo->{port};
    $ENV{RUN_DIR} = $demo->{dir};
    $ENV{BUILD} = $t->build;
    exec $t->root . '/demo/run' or POSIX::_exit(127);
}


sub said {
    my ($demo) = @_;

    open my $fh, '<', $demo->{said} or return '';
    local $/;
    return scalar <$fh> // '';
}


sub wait_ready {
    my ($demo) = @_;

    wait_until {
        die said($demo) if waitpid($demo->{pid}, POSIX::WNOHANG);
        said($demo) =~ /Ctrl-C ends/;
    } 20, 'the demo to be ready';
}


sub status_of {
    my ($demo) = @_;

    my $gone = wait_until {
        waitpid($demo->{pid}, POSIX::WNOHANG) == $demo->{pid};
    } 20;

    return $gone ? $? : 'none, it does not end';
}


# Processes with the run folder in their command line.

sub processes {
    my ($demo) = @_;

    my @lines;

    for my $file (glob '/proc/[0-9]*/cmdline') {
        open my $fh, '<', $file or next; # ended meanwhile
        push @lines, grep { /\Q$demo->{dir}\E\b/ } <$fh>;
    }

    return @lines;
}


sub pid_in {
    my ($demo, $file) = @_;

    open my $fh, '<', "$demo->{dir}/$file" or die "$file: $!\n";
    chomp(my $pid = <$fh>);
    return $pid;
}


sub litter {
    my ($demo) = @_;

    return grep { -e } map { "$demo->{dir}/$_" }
        qw(redis.sock redis.pid nginx.pid demo.pid);
}


sub lines {
    my ($demo) = @_;

    my $said = said($demo);
    my ($curl) = $said =~ /^(curl .*)$/m;
    my ($export) = $said =~ /^(export CLARITY_REDIS_URL=\S+)$/m;
    my ($ctl) = $said =~ m{^(/\S+/clarityctl job latest)$}m;

    return ($curl, $export, $ctl);
}


sub shell { return scalar `@{[ shift ]} 2>&1` }


# The lines of a `make run` that is refused, but make's own about its failure.

sub make_run {
    my ($environment, @arguments) = @_;

    my $pid = open(my $fh, '-|') // die "fork: $!\n";

    if ($pid == 0) {
        open STDERR, '>&', \*STDOUT;

        delete @ENV{qw(MAKEFLAGS MAKELEVEL MAKEOVERRIDES PORT RUN_DIR)};
        $ENV{$_} = $environment->{$_} for keys %$environment;
        exec 'timeout', 60, 'make', '-C', $t->root, '--no-print-directory',
            'run', 'BUILD=' . $t->build, @arguments or POSIX::_exit(127);
    }

    my @said = <$fh>;
    close $fh;
    chomp @said;

    return grep { !/^make: \*\*\*/ } @said;
}


# The printed lines, pasted; and what is shown of it.

sub is_shown {
    my ($demo) = @_;

    my ($curl, $export, $ctl) = lines($demo);

    my $answer = shell($curl);
    like $answer, qr{^HTTP/1.1 202 Accepted\r$}m, 'the curl line gets a 202';
    my ($job) = $answer =~ /"job_id":"(\d+-\d+-\d+)"/;
    ok $job, 'and a job id';

    my $done = wait_until { shell("$export; $ctl") =~ /succeeded/ } 1;
    ok $done, 'clarityctl says succeeded within a second'
        or diag shell("$export; $ctl");
    like shell("$export; $ctl"), qr/\Q$job\E/, 'of that job';

    my $all = wait_until {
        my $said = said($demo);
        $said =~ /request .*POST \S+  202 accepted, job \Q$job\E/
            && $said =~ /endpoint .*POST .* got .*github.*4711.*admins/
            && $said =~ /job succeeded .*\Q$job\E/;
    } 3;
    ok $all, 'the request, the call and the end are shown'
        or diag said($demo);

    return $job;
}


# nginx's worker processes do not have it there: they have the port.

sub is_free {
    my ($demo) = @_;

    return IO::Socket::INET->new(LocalAddr => '127.0.0.1',
        LocalPort => $demo->{port}, Listen => 1, ReuseAddr => 1);
}


sub is_gone {
    my ($demo, $what) = @_;

    my $gone = wait_until { !processes($demo) } 5;
    ok $gone, "$what: no process stays" or diag processes($demo);
    my $free = wait_until { is_free($demo) } 5;
    ok $free, 'and nothing has the port';

    my $clean = wait_until { !litter($demo) } 1;
    ok $clean, 'and no socket or pid file' or diag litter($demo);
}


# Nothing is printed meanwhile, so no write can fail.

sub ends_with_its_reader {
    my ($what, $reader, $end) = @_;

    my $demo = start_demo(stdout => $end);
    close $end;

    while (<$reader>) {
        last if /Ctrl-C ends/;
    }

    close $reader;
    my $closed = time;

    is status_of($demo), 0, "$what that nobody reads any more ends it";
    cmp_ok time - $closed, '<=', limit(3), 'soon';
    is_gone($demo, "nobody reads $what");
}


my $first = start_demo();
my $second = start_demo();

wait_ready($first);
wait_ready($second);
my $job = is_shown($first);
is_shown($second);

unlike said($first), qr/\e\[/, 'no colours where it is no terminal';
is +(stat "$first->{dir}/token")[2] & 0777, 0600, 'the token is not readable';

my ($curl, $export, $ctl) = lines($first);

for my $path ('workflows/webhooks/', 'api/webhooks') {
    for my $case ([ "127.0.0.1:$first->{port}", 200 ],
        [ "localhost:$first->{port}", 200 ], [ 'example.com', 421 ])
    {
        my ($host, $status) = @$case;

        is shell("curl -s -o $first->{dir}/page -w '%{http_code}' -H"
            . " 'Host: $host' http://127.0.0.1:$first->{port}/settings/$path"),
            $status, "settings/$path is to be had as $host: $status";
    }
}
is shell("curl -s -L -o $first->{dir}/page -w '%{http_code} %{num_redirects}'"
    . " http://127.0.0.1:$first->{port}/settings/workflows/webhooks"),
    '200 1', 'the page also without its last slash';

unlike shell((lines($second))[1] . "; $ctl"), qr/\Q$job\E/,
    'one does not see the jobs of the other';


# What cannot be is said at once.

my %refused = (
    'a run folder in use' => [ { dir => $first->{dir} },
        qr/in use by the demo with pid $first->{pid}\b/ ],
    'a port in use' => [ { port => $first->{port} },
        qr/cannot listen on 127.0.0.1:$first->{port}: Address already in/ ],
    'a port that is none' => [ { port => '80a' }, qr/PORT=80a: a number/ ],
    'a path too long' => [ { dir => $t->dir . '/' . 'x' x 100 },
        qr/too long for a unix socket, by \d+ bytes: set RUN_DIR/ ],
    'a path with a space' => [ { dir => $t->dir . '/a b' },
        qr/holds more than letters/ ],
    'a folder with other files' => [ { dir => $t->root },
        qr/none is the token/ ],
);

for my $what (sort keys %refused) {
    my ($set, $message) = @{ $refused{$what} };
    my $demo = start_demo(%$set);

    is status_of($demo), 1 << 8, "$what is refused";
    like said($demo), $message, 'and the message says so';
}


# make run, which adds nothing of its own. The first brings up to date what is
# built, so that the others need not.

make_run({}, 'PORT=80a');

is_deeply [ make_run({ PORT => '80a' }) ],
    [ 'demo: PORT=80a: a number from 1 to 65535 is expected' ],
    'PORT from the environment, and no other line';

for my $dir ($t->dir . '/a b', $t->dir . q{/it's "$1";`}) {
    my ($at) = $dir =~ m{([^/]*)$};
    my $refusal = "demo: the path $dir holds more than letters, digits and"
        . ' /._+@,:=~-';

    # In an argument make looks for its own variables.
    is_deeply [ make_run({}, 'RUN_DIR=' . $dir =~ s/\$/\$\$/gr) ],
        [ $refusal ], "make run RUN_DIR=…/$at";
    is_deeply [ make_run({ RUN_DIR => $dir }) ], [ $refusal ],
        "RUN_DIR=…/$at make run";
}


# The ways to end.

kill 'INT', -$first->{pid};
is status_of($first), 0, 'Ctrl-C is no failure';
like said($first), qr/All is stopped/, 'it says that it has stopped';
is_gone($first, 'Ctrl-C');

kill 'TERM', $second->{pid};
is status_of($second), 0, 'nor is SIGTERM';
is_gone($second, 'SIGTERM');

my $again = start_demo(dir => $first->{dir}, port => $first->{port});
wait_ready($again);
is_deeply [ lines($again) ], [ $curl, $export, $ctl ],
    'the same folder again: the lines are the same';
like shell("$export; $ctl"), qr/\Q$job\E/, 'and the job is still there';

kill 'KILL', pid_in($again, 'redis.pid');
is status_of($again), 1 << 8, 'if Redis dies, so does the demo';
like said($again), qr/Redis was ended by signal 9.*redis\.log/s,
    'and says why';
is_gone($again, 'Redis killed');

my $beheaded = start_demo();
wait_ready($beheaded);
kill 'KILL', pid_in($beheaded, 'nginx.pid');
is status_of($beheaded), 1 << 8, "if nginx's master dies, so does the demo";
ok is_free($beheaded), 'which ends what the master left, before it ends';
is_gone($beheaded, "nginx's master killed");

my $killed = start_demo();
wait_ready($killed);
kill 'KILL', $killed->{pid};
waitpid $killed->{pid}, 0;
my $gone = wait_until { !processes($killed) } 10;
ok $gone, 'if the demo is killed, what it started ends';

my $orphan = start_demo(has_parent => 1);
wait_ready($orphan);
kill 'KILL', $orphan->{pid};
waitpid $orphan->{pid}, 0;
is_gone($orphan, 'the process that started it killed');

pipe my $pipe, my $pipe_end or die "pipe: $!\n";
socketpair my $socket, my $socket_end, AF_UNIX, SOCK_STREAM, PF_UNSPEC
    or die "socketpair: $!\n";

ends_with_its_reader('a pipe', $pipe, $pipe_end);
ends_with_its_reader('a socket', $socket, $socket_end);

$t->done;
