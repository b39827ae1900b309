# An endpoint that says when to come again is taken at its word.

use Clarity::Test;
use Clarity::Jobs;
use POSIX qw(strftime);

my $t = Clarity::Test->new;
my $redis = $t->redis;
my $receiver = $t->receiver;

sub workflow {
    my ($name) = @_;

    return ("$name.json" => {
        id => $name,
        trigger => 'provision_entitlement',
        actions => [ { id => 'call', type => 'http_request',
            method => 'POST', url => "%%RECEIVER%%/$name",
            retry => { attempts => 3, delay => '1ms' } } ],
    });
}

sub http_date { return strftime('%a, %d %b %Y %H:%M:%S GMT', gmtime shift) }

# Of an answer whose clock is an hour late.
my $late = time - 3600;

my %answers = (
    'seconds-429' => { status => 429, headers => ['Retry-After: 1'] },
    'seconds-503' => { status => 503, headers => ['retry-after:  2 '] },
    'date' => { status => 503, headers => [
        'Date: ' . http_date($late), 'Retry-After: ' . http_date($late + 2) ] },
    'other-500' => { status => 500, headers => ['Retry-After: 60'] },
    'past' => { status => 429, headers => ['Retry-After: ' . http_date(0)] },
    'nonsense' => { status => 429, headers => ['Retry-After: soon'] },
);

my $worker = $t->worker(workflows => { map {
    workflow($_)
} keys %answers });

$receiver->answer("/$_", $answers{$_}, { status => 200 }) for keys %answers;
my $job = wait_for_job($redis, add_job($redis), 'succeeded', 20);

sub between {
    my ($name, $least, $most) = @_;

    my ($first, $second) = map { $_->{time} } $receiver->requests("/$name");
    my $waited = $second - $first;

    # The receiver writes its time when it has the whole request.
    cmp_ok $waited, '>=', $least - 0.05, "$name: not before its time";
    cmp_ok $waited, '<=', limit($most), "$name: nor much later";
}

between('seconds-429', 1, 1.4);
between('seconds-503', 2, 2.5);
between('date', 2, 2.5);
between('other-500', 0, 0.5);
between('past', 0, 0.5);
between('nonsense', 0, 0.5);

$t->done;
