#!/usr/bin/perl

# What the settings API tells of workflows: those that running workers have
# loaded, each once, and how many a webhook starts.

use Clarity::Settings;
use Clarity::Test;

my $t = Clarity::Test->new;
my $redis = $t->redis;
my $settings = Clarity::Settings->new($t);
my $nginx = $settings->nginx(workers => 1);

$settings->wait_loaded;

my $webhook = $settings->create(endpoint => 'a');

sub workflow {
    my ($id, %more) = @_;

    return ("$id.json" => { id => $id, name => "The \"$id\"",
        trigger => 'provision_entitlement', actions => [ { id => 'tell',
            type => 'publish', channel => 'x', message => {} } ], %more });
}

sub told {
    my $list = ($settings->api('GET', 'workflows'))[1]{workflows};

    return { map { $_->{id} => $_ } @$list };
}

is_deeply told(), {}, 'no worker, no workflow';

my %workflows = (workflow('good'), workflow('off', active => JSON::PP::false()),
    workflow('other', trigger => 'identity_modified'));
my $worker = $t->worker(workflows => \%workflows);

wait_until { keys %{ told() } == 3 } 5, 'the workflows of a worker';

my $good = { id => 'good', name => 'The "good"', active => JSON::PP::true(),
    trigger => 'provision_entitlement', workers => 1 };

is_deeply told(), {
    good => $good,
    off => { %$good, id => 'off', name => 'The "off"',
        active => JSON::PP::false() },
    other => { %$good, id => 'other', name => 'The "other"',
        trigger => 'identity_modified' },
}, 'each with what it is started by';
is(($settings->api('GET', "webhooks/$webhook->{id}"))[1]{workflows}, 1,
    'a webhook starts those of its trigger that are on');
is_deeply [ map { $_->{workflows} } grep { $_->{name} =~ /^(prov|identity_m)/ }
        @{ ($settings->api('GET', 'triggers'))[1]{triggers} } ], [ 1, 1 ],
    'so does a trigger';

my $second = $t->worker(name => 'second', workflows => { workflow('good') });

wait_until { told()->{good}{workers} == 2 } 5, 'the second worker';
is_deeply [ sort keys %{ told() } ], [qw(good off other)], 'each is told once';

$second->stop;
wait_until { told()->{good}{workers} == 1 } 5, 'the end of the second worker';
pass 'one that has ended has none';

# One that was killed: its report grows old.
my %reports = @{ $redis->command('HGETALL', '{clarity}:workflows') };
my ($name) = keys %reports;
$redis->command('HSET', '{clarity}:workflows', dead => $reports{$name}
    =~ s/"at":(\d+)/'"at":' . ($1 - 31_000)/er, broken => '{',
    odd => '{"at":99999999999999,"workflows":7}');
is told()->{good}{workers}, 1, 'nor does one that has been silent for long';

$t->done;
