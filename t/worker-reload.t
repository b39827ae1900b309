# SIGHUP reads triggers and workflows again; what is wrong changes nothing.

use Clarity::Test;
use Clarity::Jobs;

my $t = Clarity::Test->new;
my $redis = $t->redis;
my $receiver = $t->receiver;

sub workflow {
    my ($path, %more) = @_;

    return { id => 'grant', trigger => 'provision_entitlement',
        actions => [ map { { id => $_, type => 'http_request',
            method => 'POST', url => "%%RECEIVER%%/$path/$_" } } qw(a b) ],
        %more };
}

my $triggers = $t->write_file('triggers.json', do {
    open my $fh, '<', $t->root . '/examples/triggers.json' or die $!;
    local $/;
    <$fh>;
});
my $log = $t->dir . '/worker.json.log';
my $worker = $t->worker(workflows => { 'grant.json' => workflow('old') },
    conf => { triggers => $triggers });

sub reload {
    my ($event) = @_;

    my $before = $worker->events($event);
    $worker->signal('HUP');
    wait_until { $worker->events($event) > $before } 5, "another $event";

    return ($worker->events($event))[-1];
}

sub uris {
    my ($id) = @_;

    return join ' ', map { $_->{uri} }
        grep { $_->{headers}{'idempotency-key'} =~ /^\Q$id\E:/ }
        $receiver->requests;
}

# A job that is under way, and one that comes after.

$receiver->answer('/old/a', { delay => 1 });
my $before = add_job($redis);
$receiver->wait_for(1, 5);

$worker->write_workflow('grant.json', workflow('new'));
my $event = reload('reloaded');
is $event->{workflows}, 1, 'a reload counts what it has read';

my $after = add_job($redis);
wait_for_job($redis, $_, 'succeeded') for $before, $after;

is uris($after), '/new/a /new/b', 'a job that comes after has the new workflow';
is uris($before), '/old/a /old/b', 'one that is under way keeps its own';

# What is wrong.

$worker->write_workflow('grant.json', '{"id": "grant",' . "\n" . '"trigger": 1}');
$worker->write_workflow('other.json', '{');
$event = reload('reload_failed');
is $event->{level}, 'error', 'a bad reload is an error';
wait_until { $worker->events('reload_failed') == 3 } 5, 'all errors';
my ($first, $second) = map { $_->{reason} }
    ($worker->events('reload_failed'))[0, 2];
like $first, qr{/workflows/grant\.json:2: }, 'that names file and line';
like $second, qr{/workflows/other\.json:1:}, 'of each wrong file';

my $id = add_job($redis);
wait_for_job($redis, $id, 'succeeded');
is uris($id), '/new/a /new/b', 'the last good workflows stay in service';

# A folder with none, and a trigger that is gone.

unlink map { $worker->dir . "/workflows/$_.json" } qw(grant other);
reload('reloaded');
$id = add_job($redis);
is wait_for_job($redis, $id, 'succeeded')->{reason}, 'no_active_workflow',
    'a workflow that was removed is run no more';

# A run is bound to the workflow that it was begun with.

$worker->write_workflow('grant.json', workflow('third'));
reload('reloaded');
$receiver->answer('/third/a', { hang => 1 }, { status => 200 });
$id = add_job($redis);
$receiver->wait_for(1, 5, '/third/a');
$worker->kill;

$worker->write_workflow('grant.json', workflow('fourth'));
$worker->start;
my $job = wait_for_job($redis, $id, 'failed', 12);
like $job->{runs}{grant}{reason},
    qr/its workflow was changed before it had ended, .*"workflow_key_file"/,
    'one that is taken over after a change, with no text to be had, says why';
is uris($id), '/third/a', 'it does not go on with other steps';

# Of what a reload replaces, what has changed is kept, and no more. (ASan keeps
# what is freed.)

my %many = map { ("m$_.json" => { id => "m$_",
    trigger => 'provision_entitlement', actions => [ map { {
        id => "a$_", type => 'delay', delay => '1s' } } 1 .. 60 ] }) } 1 .. 60;

my $large = $t->worker(name => 'large', workflows => \%many);

sub resident {
    open my $fh, '<', '/proc/' . $large->pid . '/status' or die "status: $!";
    return (map { /^VmRSS:\s+(\d+)/ } <$fh>)[0];
}

sub reload_large {
    for my $n (1 .. $_[0]) {
        my $before = () = $large->events('reloaded');

        $many{'m1.json'}{name} = "$_[1] $n";
        $large->write_workflow('m1.json', $many{'m1.json'});
        $large->signal('HUP');
        wait_until { $large->events('reloaded') > $before } 20, 'the reload';
    }
}

reload_large(3, 'first');
my $resident = resident();
reload_large(20, 'then');

SKIP: {
    skip 'with a sanitizer', 1 if $t->build =~ /asan/;
    cmp_ok resident() - $resident, '<', $resident / 2,
        'twenty reloads take next to no memory';
}

$t->done;
