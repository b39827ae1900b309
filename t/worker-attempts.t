# An attempt of a step is one request, and is written down before it is made:
# also where the endpoint closes a connection that was kept, which libcurl
# takes for one that was idle for too long, and asks again.

use Clarity::Test;
use Clarity::Jobs;

my $t = Clarity::Test->new;
my $redis = $t->redis;
my $endpoint = $t->endpoint;

sub step {
    my ($id, $path, $attempts) = @_;

    return { id => $id, type => 'http_request', method => 'POST',
        url => "%%ENDPOINT%%/$path",
        retry => { attempts => $attempts, delay => '50ms' } };
}

sub workflow {
    my ($name, @steps) = @_;

    return ("$name.json" => { id => $name, trigger => 'provision_entitlement',
        conditions => { parameter => 'grant_type', equals => $name },
        actions => \@steps });
}

$t->worker(workflows => {
    workflow('once', step('keep', 'ok', 1), step('closed', 'close/once', 1)),
    workflow('thrice', step('keep', 'ok', 1),
        step('closed', 'close/thrice', 3)),
});

for (['once', 1], ['thrice', 3]) {
    my ($name, $attempts) = @$_;
    my $id = add_job($redis, context => context(grant_type => qq{"$name"}));
    my $job = wait_for_job($redis, $id, 'failed');
    my $step = $job->{steps}{$name}{closed};

    is $step->{attempt}, $attempts, "$name: so many attempts are on record";
    is scalar(grep { $_->{uri} eq "/close/$name" } $endpoint->calls),
        $attempts, 'and so many requests came';
    is $step->{reason}, '127.0.0.1 closed the connection without an answer',
        'the reason says what happened';
}

$t->done;
