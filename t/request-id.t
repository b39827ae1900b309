#!/usr/bin/perl

# A request has one name: in its job, in nginx's $request_id, in what nginx
# passes on; no two requests have the same.

use Clarity::Test;

my $t = Clarity::Test->new;
my $redis = $t->redis;
my $nginx = $t->nginx(http => <<'EOF', server => <<'EOF2');
    log_format id '$request_id|';
    access_log %%DIR%%/ids id;
EOF
        location = /hook {
            clarity_webhook       provision_entitlement;
            clarity_webhook_token secret;
        }

        location = /asked-before {
            set $before $request_id;
            add_header X-Before $before always;

            clarity_webhook       provision_entitlement;
            clarity_webhook_token other;
        }
EOF2


sub requests {
    my $entries = $redis->command('XRANGE', '{clarity:0}:jobs', '-', '+');

    return map { my %job = @{ $_->[1] }; $job{request} } @$entries;
}


sub logged {
    my ($n) = @_;

    my $ids = wait_until {
        my @ids = split /\|\n/, $t->read_file('ids');
        @ids == $n && \@ids;
    } 10, "$n lines in the log";

    return @$ids;
}


my $answer = $nginx->post('/asked-before', context(), token => 'other');

is $answer->header('x-before'), (requests())[0],
    'what nginx has called a request before is what its job calls it';

$nginx->post('/hook', context(), token => 'secret',
    headers => ['X-Request-Id: mine']);
is((requests())[1], 'mine', "the caller's own goes before it");


# More than one batch of random ids in each process, and processes of before
# and after a reload.

for my $again (1, 2) {
    my @connections = map { $nginx->connect } 1 .. 16;
    my $request = $nginx->can('request_text')->('POST', '/hook',
        token => 'secret', body => context(), keepalive => 1);

    for my $connection (@connections) {
        $connection->write($request x 50);
        $connection->read->status == 202 or die 'no 202' for 1 .. 50;
    }

    if ($again == 1) {
        my %old = map { $_ => 1 } $nginx->workers;

        # A process that quits closes connections that it has just taken.
        $nginx->reload;
        wait_until { !grep { $old{$_} } $nginx->workers } 10,
            'the end of the old processes';
    }
}

my @requests = requests();
my %seen;

is @requests, 1602, 'each request is a job';
is scalar(grep { !/^[0-9a-f]{32}$/ } @requests), 1, 'all but one named here';
is scalar(grep { $seen{$_}++ } @requests), 0, 'and no two are named the same';

is scalar(grep { !delete $seen{$_} } logged(1602)), 1,
    'the log has the same names, but of the one named by its caller';
is_deeply [ keys %seen ], ['mine'], 'which is the one that it does not have';

$t->done;
