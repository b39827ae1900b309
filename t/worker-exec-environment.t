#!/usr/bin/perl

# What exec starts has the worker's user, and yet not its environment.

use Clarity::Test;
use Clarity::Jobs;

use constant NOBODY => 65534;

plan skip_all => 'only root can start a worker as somebody else' if $> != 0;

my $t = Clarity::Test->new;
my $redis = $t->redis;
my $script = $t->write_file('peek', <<'EOF');
#!/bin/sh
id -u
cat /proc/$PPID/environ 2>/dev/null | tr '\0' '\n' | grep SECRET
exit 0
EOF
chmod 0755, $script, $t->dir;
chmod 0777, $redis->{socket};

my $worker = $t->worker(
    under => [ 'setpriv', '--reuid', NOBODY, '--regid', NOBODY,
        '--clear-groups' ],
    env => { CLARITY_TEST_SECRET => 'SECRET-4f1c7b9a' },
    conf => { allow_exec => [$script] },
    workflows => { 'peek.json' => {
        id => 'peek', trigger => 'provision_entitlement',
        actions => [ { id => 'peek', type => 'exec', command => $script } ],
    } });

my $id = add_job($redis);
my $job = wait_for_job($redis, $id, 'succeeded');
my $said = encode_json($job->{steps}{peek}{peek}{result});

like $said, qr/\b${\NOBODY}\b/, 'it runs as the worker\'s user';
unlike $said, qr/SECRET/, 'and cannot read the worker\'s environment';

$t->done;
