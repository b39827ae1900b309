# The action exec: what a program gets, what becomes of how it ends, and what
# is never started.

use Clarity::Test;
use Clarity::Jobs;
use POSIX ();
use Time::HiRes qw(time);

my $t = Clarity::Test->new;
my $redis = $t->redis;
my $dir = $t->dir;

# Programs that write down what they get.

sub program {
    my ($name, $text) = @_;

    my $file = $t->write_file("bin/$name", "#!$^X\n$text");
    chmod 0755, $file;

    return $file;
}

my %programs = map { $_->[0] => program(@$_) } (
    [ 'show', <<'EOP' ],
use JSON::PP;
local $/;
my $input = <STDIN>;
utf8::decode($_) for @ARGV, $input;
open my $fh, '<', '/proc/self/status';
my ($ignored) = <$fh> =~ /^SigIgn:\s*(\S+)/m;
close $fh;
print encode_json({ args => \@ARGV, input => $input, env => { %ENV },
    cwd => readlink "/proc/$$/cwd", group => getpgrp == $$ ? 1 : 0,
    pipe_ignored => hex($ignored) & 1 << 12,
    files => [ map { m{(\d+)$} } glob "/proc/$$/fd/*" ] });
EOP
    [ 'fail', 'print "out"; print STDERR "no such user\n"; exit 3;' ],
    [ 'again', <<'EOP' ],
my $count = "%%DIR%%/again";
open my $fh, '>>', $count; print $fh "x"; close $fh;
exit(-s $count < 3 ? 75 : 0);
EOP
    [ 'hang', <<'EOP' ],
$SIG{TERM} = sub {};
open my $fh, '>', "%%DIR%%/hang.$$"; close $fh;
if (!fork) { open my $fh, '>', "%%DIR%%/hang.$$"; close $fh; sleep 100 while 1 }
sleep 100 while 1;
EOP
    [ 'signal', 'kill "KILL", $$; sleep 1;' ],
    [ 'flood', 'print "x" x 65536 for 1 .. 64;' ],
    [ 'background', 'exit if fork; sleep 3; print "late";' ],
    [ 'text', 'print "plain\n";' ],
    [ 'quiet', '' ],
);

$t->write_file('bin/broken', "no program\n");
chmod 0644, "$dir/bin/broken";

# Valgrind's posix_spawn() has no memory in common with its child, and so does
# not learn that there is no program.

sub not_started {
    my ($program, $why) = @_;

    return qr/^exited with 127$/ if $ENV{CLARITY_VALGRIND};
    return qr/^\Q$program cannot be started: $why\E$/;
}

sub workflow {
    my ($name, %action) = @_;

    return ("$name.json" => {
        id => $name,
        trigger => 'provision_entitlement',
        conditions => { parameter => 'grant_type', equals => $name },
        actions => [
            { id => 'run', type => 'exec', command => $programs{$name},
                retry => { attempts => 3, delay => '10ms' }, %action },
        ],
    });
}

my $worker = $t->worker(
    env => { CLARITY_TEST_SECRET => 'hidden' },
    conf => { drain => '1s', allow_exec => [ values %programs,
        "$dir/bin/broken", '/nowhere/none' ] },
    workflows => {
        workflow('show', args => [ '--user', '{{app_identifier}}', '{{meta}}',
            '{{expiration}}', '$HOME `id` "x"' ]),
        workflow('fail'),
        workflow('again'),
        workflow('hang', timeout => '500ms', retry => { attempts => 1 }),
        workflow('signal'),
        workflow('flood'),
        workflow('background'),
        workflow('text'),
        workflow('quiet'),
        workflow('broken', command => "$dir/bin/broken"),
        workflow('none', command => '/nowhere/none'),
    });

sub do_job {
    my ($name, $state, %with) = @_;

    my $id = add_job($redis, context => context(grant_type => qq{"$name"},
        %with), traceparent => $with{traceparent});
    my $job = wait_for_job($redis, $id, $state, 10);

    return ($job->{steps}{$name}{run}, $job, $id);
}

# What it gets.

my $value = q{-rf "/; reboot' $(touch x) } . "\x{2603}";
my $quoted = Clarity::Test::encode_json($value);
my $context = context(grant_type => '"show"', app_identifier => $quoted);
my $parent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';

my $id = add_job($redis, context => $context, traceparent => $parent);
my $job = wait_for_job($redis, $id, 'succeeded', 10);
my $got = $job->{steps}{show}{run}{result}{body};

my $text = $context;
utf8::decode($text);

is_deeply $got->{args}, [ '--user', $value, '{"ticket":"INC1"}',
    '', '$HOME `id` "x"' ],
    'each argument stays one, whatever its value; no shell sees it';
is $got->{input}, $text,
    'the context, as it was sent, on standard input';
is_deeply $got->{env}, {
    PATH => '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
    CLARITY_JOB_ID => $id, CLARITY_WORKFLOW => 'show', CLARITY_STEP => 'run',
    CLARITY_IDEMPOTENCY_KEY => "$id:show:run", TRACEPARENT => $parent,
}, 'next to no environment: none of the worker';
is $got->{cwd}, '/', 'in the root folder';
is $got->{group}, 1, 'in a process group of its own';
is $got->{pipe_ignored}, 0, 'with signals as usual';
ok !(grep { $_ > 4 } @{ $got->{files} }), 'and no file of the worker';

# How it ends.

my $step;
($step) = do_job('text', 'succeeded');
is $step->{result}{body}, "plain\n", 'its output is the result';

($step) = do_job('quiet', 'succeeded');
is $step->{state}, 'succeeded', 'no output is fine';

($step) = do_job('fail', 'failed');
is $step->{reason}, 'exited with 3', 'an exit code is final';
is $step->{attempt}, 1, 'and not tried again';
is_deeply $step->{result}, { status => 3, body => "no such user\n" },
    'what it wrote to standard error is kept';

($step) = do_job('again', 'succeeded');
is $step->{attempt}, 3, '75, EX_TEMPFAIL, is tried again';

($step) = do_job('signal', 'failed');
is $step->{reason}, 'ended by signal 9 (Killed)', 'so is an end by a signal';
is $step->{attempt}, 3, 'as often as it may be';

($step) = do_job('flood', 'succeeded');
is_deeply $step->{result},
    { status => 0, body => undef, body_dropped => 1_048_576 },
    'of four MB one is read, and the rest does not block';

my $start = time;
($step) = do_job('background', 'succeeded');
cmp_ok time - $start, '<', limit(2), 'what it leaves behind is not waited for';

$start = time;
($step) = do_job('hang', 'failed');
is $step->{reason}, 'timed out after 500ms', 'it has a time-out';
cmp_ok time - $start, '<', limit(4), 'which is kept, though it ignores SIGTERM';
my @pids = map { m{hang\.(\d+)$} } glob "$dir/hang.*";
is scalar(@pids), 2, 'it had a child';
wait_until { !grep { kill 0, $_ } @pids } 5;
ok !(grep { kill 0, $_ } @pids), 'and neither is left';

($step) = do_job('none', 'failed');
like $step->{reason}, not_started('/nowhere/none', 'No such file or directory'),
    'one that is not there';
is $step->{attempt}, 1, 'is not tried again';
($step) = do_job('broken', 'failed');
like $step->{reason}, not_started("$dir/bin/broken", 'Permission denied'),
    'nor is one that is no program';

# The end of the worker is the end of its programs.

unlink glob "$dir/hang.*";
$worker->write_workflow('hang.json', { workflow('hang', timeout => '60s') }
    ->{'hang.json'});
$worker->signal('HUP');
$worker->log_like(qr/"event":"reloaded"/);
$id = add_job($redis, context => context(grant_type => '"hang"'));
wait_until { @pids = glob "$dir/hang.*"; @pids == 2 } 5, 'the program to run';
@pids = map { m{hang\.(\d+)$} } glob "$dir/hang.*";
$worker->stop;
wait_until { !grep { kill 0, $_ } @pids } 5;
ok !(grep { kill 0, $_ } @pids), 'a drain that ends kills what still runs';
is pending($redis), 1, 'the job is there for another worker';

# What the configuration does not have is not started.

my $said = '';
my $bad = $t->worker(name => 'bad', start => 0, workflows => {
    workflow('text') });
open my $output, '-|', 'sh', '-c', 'exec "$@" 2>&1', 'sh', $bad->argv, '-t'
    or die;
$said .= $_ while <$output>;
like $said, qr{/text\.json:\d+: "command" is "\S+/bin/text", expected one that "allow_exec" of \S+/worker\.json has},
    'a command that is not allowed is an error when the workflow is read';

unlike $worker->log, qr/INC1|no such user|touch x/, 'no value is in the log';

$t->done;
