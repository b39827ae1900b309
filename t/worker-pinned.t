# A run goes on with the workflow that it began with, however long it waits and
# whatever becomes of the file.

use Clarity::Test;
use Clarity::Jobs;
use MIME::Base64 ();

my $t = Clarity::Test->new;
my $redis = $t->redis;
my $receiver = $t->receiver;

my $secret = $t->write_file('hook', "first\n");

sub workflow {
    my ($name, $path) = @_;

    return { id => $name, trigger => 'provision_entitlement',
        secrets => { hook => { file => $secret } },
        actions => [
            { id => 'rest', type => 'delay', delay => '2s' },
            { id => 'call', type => 'http_request', method => 'POST',
                url => "%%RECEIVER%%/$path/{{secrets.hook}}" },
        ] };
}

sub write_key {
    my ($letter) = @_;

    return $t->write_file('worker.key',
        'w:' . MIME::Base64::encode_base64($letter x 32, ''));
}

my $worker = $t->worker(conf => { workflow_key_file => write_key('k') },
    workflows => {
    'one.json' => workflow('one', 'old'),
    'two.json' => workflow('two', 'gone'),
    'three.json' => workflow('three', 'lost'),
});

sub text_key {
    my ($job, $name) = @_;

    return "{clarity:0}:workflow:$job->{runs}{$name}{digest}";
}

my $id = add_job($redis);
my $job = wait_for_job($redis, $id, 'waiting');

cmp_ok $redis->command('PTTL', text_key($job, 'one')), '>', 29 * 86_400_000,
    'the text of a workflow is kept for a month';

# One file is changed, one is removed, one text is lost too; and the secret is
# another one.

$worker->write_workflow('one.json', workflow('one', 'new'));
unlink map { $worker->dir . "/workflows/$_.json" } qw(two three);
$t->write_file('hook', "second\n");
$redis->command('DEL', text_key($job, 'three'));
$worker->kill;
$worker->start;

$job = wait_for_job($redis, $id, 'failed', 10);

is_deeply { map { $_ => $job->{runs}{$_}{state} } qw(one two three) },
    { one => 'succeeded', two => 'succeeded', three => 'failed' },
    'each run ends';
is_deeply [ sort map { $_->{uri} } $receiver->requests ],
    [ '/gone/second', '/old/second' ],
    'with the text that it began with, and the secret of now';
like $job->{runs}{three}{reason},
    qr/was removed before it had ended, .*: its text is not in Redis any more/,
    'or says why it cannot';
unlike join('', map { $redis->command('GET', $_) }
    @{ $redis->command('KEYS', '{clarity:0}:workflow:*') }),
    qr/first|second/, 'no text has a secret';

# A job that comes now takes what there is now.

$id = add_job($redis);
wait_for_job($redis, $id, 'succeeded', 10);
is +($receiver->requests)[-1]{uri}, '/new/second', 'a new job takes the new text';

# A reload keeps what was loaded before for the runs that began with it.

$id = add_job($redis);
$job = wait_for_job($redis, $id, 'waiting');
$redis->command('DEL', text_key($job, 'one'));
$worker->write_workflow('one.json', workflow('one', 'newer'));
$worker->signal('HUP');
wait_for_job($redis, $id, 'succeeded', 10);
is +($receiver->requests)[-1]{uri}, '/new/second',
    'after a reload no text is needed';

# A text that somebody else has put there, or that was sealed with another key.

for my $case (
    [ 'is not the one that was sealed', sub {
        my $text = $redis->command('GET', $_[0]);
        $text =~ s/newer/other/ or die;
        $redis->command('SET', $_[0], $text);
    } ],
    [ 'has no seal', sub { $redis->command('SET', $_[0], '{}') } ],
    [ 'the seal of its text', sub { write_key('x') } ])
{
    my ($reason, $forge) = @$case;

    $worker->write_workflow('one.json', workflow('one', 'newer'));
    $worker->kill;
    $worker->start;
    $id = add_job($redis);
    $job = wait_for_job($redis, $id, 'waiting');
    $worker->kill;
    $worker->write_workflow('one.json', workflow('one', 'last'));
    $forge->(text_key($job, 'one'));
    $worker->start;
    $job = wait_for_job($redis, $id, 'failed', 10);
    like $job->{reason}, qr/cannot be used: .*(?:$reason)/,
        "a text that $reason is not used";
}

is scalar(grep { $_->{uri} =~ /other/ } $receiver->requests), 0,
    'nothing of them is called';

$t->done;
