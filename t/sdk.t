# The SDK as it is installed: the example is built with pkg-config, against
# the shared and the static library, and does its jobs.

use Clarity::Test;
use Clarity::Jobs;
use HTTP::Tiny;
use Time::HiRes qw(sleep time);

my $t = Clarity::Test->new;
my $dir = $t->dir;
my $root = $t->root;
my $redis = $t->redis;

sub run {
    my ($command) = @_;

    my $said = `cd $root && ($command) 2>&1`;
    die "$command:\n$said" if $?;
    chomp $said;

    return $said;
}

# make's own options of the outer make mislead it, as would its job server.
run("env -u MAKEFLAGS -u MAKEOVERRIDES make --no-print-directory -s install"
    . " BUILD=" . $t->build . " DESTDIR=$dir/root PREFIX=/opt/clarity"
    . " NGX_MODULES=/opt/clarity/modules");

my $installed = "$dir/root/opt/clarity";

ok -x "$installed/bin/$_", "bin/$_ is installed" for qw(clarity-worker clarityctl);
ok -f "$installed/modules/ngx_http_clarity_webhook_module.so", 'the module';
ok -f "$installed/share/clarity/settings/index.html", 'the settings page';
is readlink "$installed/lib/libclarity_worker.so", 'libclarity_worker.so.0',
    'the library by its soname';

# What can be seen of the libraries is what the header declares.

my $header = do { local (@ARGV, $/) = "$installed/include/clarity/worker.h"; <> };
my %declared = map { $_ => 1 }
    $header =~ /\b(clarity_(?:worker|call)_[a-z_]+)\(/g;
my @shared = run("nm -D --defined-only $installed/lib/libclarity_worker.so"
    . ' | sed -n "s/.* T //p"') =~ /^(\w+)\@\@CLARITY_WORKER_0\.1$/mg;
is_deeply [ sort @shared ], [ sort keys %declared ],
    'the shared library has the functions of the header, versioned, and no other';
my @static = run("nm -g --defined-only $installed/lib/libclarity_worker.a"
    . ' | sed -n "s/.* [A-Z] //p"') =~ /^(\w+)$/mg;
is_deeply [ sort @static ], [ sort keys %declared ], 'so has the static one';

my $man = do { local (@ARGV, $/) = "$installed/share/man/man3/clarity_worker.3"; <> };
is_deeply [ grep { $man !~ /\.Fn $_\b/ } sort keys %declared ], [],
    'the man page has every function';

# The header alone, in C and as a C++ compiler would see it.

$t->write_file('alone.c', "#include <clarity/worker.h>\n"
    . "int main(void) { return clarity_worker_version()[0] != '0'; }\n");

$ENV{PKG_CONFIG_PATH} = "$installed/lib/pkgconfig";
$ENV{PKG_CONFIG_SYSROOT_DIR} = "$dir/root";
my $flags = run('pkg-config --cflags --libs clarity-worker');
my $static = run('pkg-config --static --cflags --libs clarity-worker');
my $sanitizers = $t->build =~ /asan/ ? '-fsanitize=address,undefined'
    : $t->build =~ /coverage/ ? '--coverage' : '';
my $strict = "-std=c11 -Wall -Wextra -Wpedantic -Werror $sanitizers";

run("cc $strict $dir/alone.c -o $dir/alone $flags"
    . " && LD_LIBRARY_PATH=$installed/lib $dir/alone");
pass 'the header stands alone, in strict C11';

mkdir "$dir/built";
my $example = "$installed/share/clarity/examples/handler/handler.c";
run("cc -Wall -Wextra -Werror $sanitizers $example -o $dir/built/shared $flags");
run("cc -Wall -Wextra -Werror $sanitizers $example -o $dir/built/static"
    . ' ' . $static =~ s/-lclarity_worker\b/-l:libclarity_worker.a/r);
like run("LD_LIBRARY_PATH=$installed/lib ldd $dir/built/shared"),
    qr/libclarity_worker\.so\.0/, 'one example with the shared library';
unlike run("ldd $dir/built/static"), qr/libclarity_worker/, 'one with the static';

# Each does the same.

my $receiver = $t->receiver;

for my $kind (qw(shared static)) {
    my $handler = Clarity::Worker->new($t, name => $kind,
        env => { LD_LIBRARY_PATH => "$installed/lib" },
        program => "$dir/built/$kind",
        conf => { drain => '2s', $kind eq 'static' ?
            (action_types => ['greet']) : () }, # the handler says it anyhow
        workflows => {
            'welcome.json' => do { local (@ARGV, $/) =
                "$root/examples/handler/workflows/welcome.json"; <> },
            'sleeper.json' => { id => 'sleeper',
                trigger => 'provision_entitlement',
                conditions => { parameter => 'grant_type', equals => 'sleeper' },
                actions => [ { id => 'hello', type => 'greet',
                    input => { name => 'sleeper' }, timeout => '1s' } ] },
        });

    my $id = add_job($redis);
    my $job = wait_for_job($redis, $id, 'succeeded');
    my $step = $job->{steps}{welcome}{hello};
    is $step->{attempt}, 2, "$kind: the second attempt succeeded";
    is_deeply $step->{result}{body}, { greeting => 1,
        key => "$id:welcome:hello" }, 'with the handler\'s result';
    is $job->{steps}{welcome}{tell}{state}, 'succeeded',
        'which a later step could use';
    is +($handler->events('step_retried'))[0]{reason}, 'they are still asleep',
        'the handler says why it wants to be called again';

    $id = add_job($redis, context => context(app_identifier => '"nobody"'));
    $job = wait_for_job($redis, $id, 'failed');
    is $job->{reason}, 'workflow "welcome": step "hello": there is nobody to greet',
        'and why it fails';
    is $job->{steps}{welcome}{hello}{attempt}, 1, 'at once';

    $id = add_job($redis, trigger => 'identity_modified',
        context => '{"identity_id":4711}');
    $job = wait_for_job($redis, $id, 'succeeded');
    is $job->{runs}{'on-identity_modified'}{state}, 'succeeded',
        'a trigger\'s handler is a run of the job';
    like $handler->log, qr/^job $id: \{"identity_id":4711\}$/m,
        'and gets its context';

    # Its time is up: it sees it, and others do not wait for it.

    my $start = time;
    my $slow = add_job($redis, context => context(grant_type => '"sleeper"'));
    $handler->log_like(qr/"job_started","job":"$slow"/);
    $id = add_job($redis, trigger => 'identity_modified', context => '{}');
    wait_for_job($redis, $id, 'succeeded');
    cmp_ok time - $start, '<', limit(1), 'a handler that blocks holds up no other job';
    $job = wait_for_job($redis, $slow, 'failed', 20);
    like $job->{reason}, qr/they do not wake up/, 'it is told when its time is up';
    cmp_ok time - $start, '<', limit(10), 'in time';

    # A drain that ends before it does leaves the job to others.

    $handler->write_workflow('sleeper.json', { id => 'sleeper',
        trigger => 'provision_entitlement',
        conditions => { parameter => 'grant_type', equals => 'sleeper' },
        actions => [ { id => 'hello', type => 'greet',
            input => { name => 'sleeper' }, timeout => '60s' } ] });
    $handler->signal('HUP');
    $handler->log_like(qr/"event":"reloaded"/);
    $id = add_job($redis, context => context(grant_type => '"sleeper"'));
    wait_until {
        my $step = (job($redis, $id) // return)->{steps}{sleeper}{hello};
        $step && $step->{attempt} == 2 && $step->{state} eq 'running';
    } 5, 'the handler to sleep';
    $handler->signal('TERM');
    is $handler->wait_exit(15), 0, 'it ends, though a handler still runs';
    is pending($redis), 1, 'whose job is there for others';
    $redis->command('FLUSHALL');
}

# Several processes: each calls handlers, what comes after the run comes once,
# and a handler that ends its worker ends all of them.

$t->write_file('many.c', <<'C');
#include <clarity/worker.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static clarity_result_t
tell(clarity_call_t *call, void *data)
{
    time_t start;

    printf("pid %ld of %ld\n", (long) getpid(), (long) getppid());
    fflush(stdout);

    if (strstr(clarity_call_context(call), "spin") != NULL) {
        for (start = time(NULL); time(NULL) < start + 6;) {
            /* void */
        }

    } else if (clarity_call_context(call)[1] == '"') {
        clarity_worker_stop(data);
    }

    return CLARITY_SUCCEED;
}

int
main(int argc, char **argv)
{
    int status;
    clarity_worker_t *worker;

    if (argc != 2 || (worker = clarity_worker_create(argv[1])) == NULL
        || clarity_worker_on_trigger(worker, "identity_modified", tell, worker)
               != 0)
    {
        return 2;
    }

    printf("before ");
    status = clarity_worker_run(worker);
    printf("after %d%s\n", status, clarity_worker_error(worker));
    clarity_worker_free(worker);

    return status;
}
C
run("cc $strict $dir/many.c -D_GNU_SOURCE -o $dir/built/many $flags");

my $many = Clarity::Worker->new($t, name => 'many',
    env => { LD_LIBRARY_PATH => "$installed/lib" },
    program => "$dir/built/many", conf => { processes => 2, lease => '3s' },
    workflows => {});
my $master = $many->pid;
wait_for_job($redis, $_, 'succeeded') for map { add_job($redis,
    trigger => 'identity_modified', context => '{}') } 1 .. 8;
my %called = reverse $many->log =~ /^(?:before )?pid (\d+) of (\d+)$/mg;
is_deeply [ keys %called ], [$master], 'handlers run in processes of their own';
isnt $called{$master}, $master, 'not in the one that started them';
wait_for_job($redis, $_, 'succeeded', 40) for map { add_job($redis,
    trigger => 'identity_modified', context => '{"spin":1}') } 1 .. 4;
is scalar($many->events('lost_lease')) + $many->events('job_taken_over'), 0,
    'handlers that never rest cost no lease';
my $last = add_job($redis, trigger => 'identity_modified',
    context => '{"identity_id":4711}');
is $many->wait_exit(10), 0, 'a handler can end all of them';
is job($redis, $last)->{state}, 'succeeded', 'after its job';
is scalar(() = $many->log =~ /^(?:before )?after 0$/mg), 1,
    'and clarity_worker_run() returns once';
is scalar(() = $many->log =~ /before/g), 1, 'what was printed stands once';

# A handler that does not return, whatever it is told: its attempt ends without
# it, and what it comes to later is nobody's.

$t->write_file('stuck.c', <<'C');
#define _GNU_SOURCE
#include <clarity/worker.h>
#include <stdatomic.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

static atomic_int inside;
static const struct timespec a_moment = { 0, 10000000 };

static clarity_result_t
hang(clarity_call_t *call, void *data)
{
    atomic_fetch_add(&inside, 1);

    while (access(data, F_OK) != 0) {
        nanosleep(&a_moment, NULL);
    }

    printf("late: job %s, over: %d\n", clarity_call_job(call),
        clarity_call_is_over(call) != 0);
    fflush(stdout);

    clarity_call_set_result(call, "\"late\"", 6);
    clarity_call_set_reason(call, "late");
    atomic_fetch_sub(&inside, 1);

    return CLARITY_SUCCEED;
}

static clarity_result_t
work(clarity_call_t *call, void *data)
{
    (void) data;
    clarity_call_set_result(call, "\"done\"", 6);

    return CLARITY_SUCCEED;
}

int
main(int argc, char **argv)
{
    int status;
    char open[4096];
    FILE *file;
    clarity_worker_t *worker;

    snprintf(open, sizeof(open), "%s.open", argv[argc - 1]);
    worker = clarity_worker_create(argv[argc - 1]);

    if (worker == NULL
        || clarity_worker_on_action(worker, "hang", hang, open) != 0
        || clarity_worker_on_action(worker, "work", work, NULL) != 0)
    {
        return 2;
    }

    status = clarity_worker_run(worker);
    clarity_worker_free(worker);

    /* The rest returns when there is no worker any more. */
    printf("left with %d\n", atomic_load(&inside));
    fflush(stdout);
    file = fopen(open, "w");

    while (file != NULL && atomic_load(&inside) > 0) {
        nanosleep(&a_moment, NULL);
    }

    return file != NULL && fclose(file) == 0 ? status : 3;
}
C
run("cc $strict $dir/stuck.c -o $dir/built/stuck $flags");

sub starts {
    my ($type, $attempts, $name) = (@_, $_[0]);

    return ("$name.json" => { id => $name, trigger => 'provision_entitlement',
        conditions => { parameter => 'grant_type', equals => $name },
        actions => [ { id => 'do', type => $type, timeout => '200ms',
            retry => { attempts => $attempts, delay => '50ms' } } ] });
}

my $port = $t->port;
my $stuck = Clarity::Worker->new($t, name => 'stuck',
    env => { LD_LIBRARY_PATH => "$installed/lib" },
    program => "$dir/built/stuck", conf => { drain => '20s',
        concurrency => 3, listen => "127.0.0.1:$port" },
    workflows => { starts('hang', 2), starts('hang', 1, 'once'),
        starts('hang', 3, 'thrice'), starts('work', 1) });
my $open = "$dir/stuck/worker.json.open";

sub of_type { return context(grant_type => "\"$_[0]\"") }

my $hanging = add_job($redis, context => of_type('hang'));
my $unwanted = add_job($redis, context => of_type('thrice'));
wait_until {
    2 == grep { ((job($redis, $_) // {})->{state} // '') eq 'running' }
        $hanging, $unwanted;
} 5, 'two handlers to hang';
run($t->build . "/clarityctl -c $dir/stuck/worker.json cancel $unwanted");

is wait_for_job($redis, $unwanted, 'cancelled', 20)->{state}, 'cancelled',
    'a job whose handler does not return can be cancelled';
is wait_for_job($redis, $hanging, 'failed', 40)->{reason},
    'workflow "hang": step "do": timed out after 200ms, '
    . 'and its handler has not returned', 'and it ends, as timed out';
is job($redis, $hanging)->{steps}{hang}{do}{attempt}, 2, 'after its attempts';
my @logged = sort map { "$_->{job} $_->{workflow} $_->{step} $_->{attempt} "
    . "$_->{type} $_->{level}" } $stuck->events('handler_stuck');
is_deeply \@logged, [ sort "$hanging hang do 1 hang error",
    "$hanging hang do 2 hang error", "$unwanted thrice do 1 hang error" ],
    'each call that has not returned is logged once';

# There are as many of them as may be.

my $refused = add_job($redis, context => of_type('once'));
like wait_for_job($redis, $refused, 'failed')->{reason},
    qr/step "do": 3 calls of its handler have not returned/,
    'no further one of the handler is called, which is said';
is wait_for_job($redis, add_job($redis, context => of_type('work')),
    'succeeded')->{steps}{work}{do}{result}{body}, 'done',
    'the other handlers are';
wait_until {
    my @threads = glob '/proc/' . $stuck->pid . '/task/*';
    @threads == 1 + 3;
} 5, 'the threads to be those three and the loop\'s';

# They return.

my $before = [ map { job($redis, $_) } $hanging, $unwanted ];
$t->write_file('stuck/worker.json.open', '');
wait_until { $stuck->events('handler_returned') == 3 } 10, 'them to return';
is scalar(() = $stuck->log =~ /^late: job \S+ over: 1$/mg), 3,
    'they were told that they were over';
wait_for_job($redis, add_job($redis, context => of_type('once')), 'succeeded');
pass 'then the handler is called again';
is_deeply [ map { job($redis, $_) } $hanging, $unwanted ], $before,
    'nothing of what came late is written';

my $metrics = HTTP::Tiny->new->get("http://127.0.0.1:$port/metrics")->{content};
like $metrics, qr/^clarity_worker_handlers_stuck_total 3$/m, 'both are counted';
like $metrics, qr/^clarity_worker_handlers_returned_total 3$/m, 'by themselves';

# One that outlives its worker.

unlink $open or die "$open: $!";
$hanging = add_job($redis, context => of_type('once'));
$stuck->log_like(qr/"handler_stuck","job":"$hanging"/, 20);
wait_for_job($redis, $hanging, 'failed');
my $stopped = time;
$stuck->signal('TERM');
is $stuck->wait_exit(15), 0, 'one that does not return delays no end';
cmp_ok time - $stopped, '<', limit(10), 'not for "drain"';
like $stuck->log, qr/^left with 1$/m, 'it was still there';
like $stuck->log, qr/^late: job $hanging, over: 1$/m,
    'and returned when its worker was gone';

# The example's configuration is one for clarityctl too.

like run($t->build . '/clarityctl'
    . " -c $installed/share/clarity/examples/handler/worker.json preview"
    . " welcome '" . context() . "'"),
    qr/^1 hello: greet$/m, 'clarityctl knows the type by action_types';

# What is wrong is said.

sub said {
    my ($program, %conf) = @_;

    my $worker = Clarity::Worker->new($t, name => 'wrong' . ++$t->{wrong},
        env => { LD_LIBRARY_PATH => "$installed/lib" }, program => $program,
        start => 0, conf => \%conf, workflows => {});
    $worker->launch;
    my $status = $worker->wait_exit(5) >> 8;

    return "$status: " . $worker->log;
}

like said("$dir/built/shared", action_types => [ 'greet', 'dance' ]),
    qr/^1: handler: \S+: "action_types" has "dance", expected one that this program has a handler for/,
    'a type that nobody handles';
like said("$dir/built/shared", triggers => '/nowhere'),
    qr{^1: handler: /nowhere: cannot be opened}, 'no triggers';
like said($t->build . '/clarity-worker', action_types => ['greet']),
    qr/^1: clarity-worker: \S+: "action_types" has "greet", which this program has no handler for/,
    'clarity-worker itself has none';
like said($t->build . '/clarity-worker', action_types => ['exec']),
    qr/^1: clarity-worker: \S+:1: "action_types": \S+ is an action type of the worker itself/,
    'a type that there is already';

$t->done;
