# Conditions that hang on the time: the same instant in several zones.

use Clarity::Test;
use Clarity::Jobs;
use POSIX qw(strftime);

my $t = Clarity::Test->new;
my $redis = $t->redis;
my $receiver = $t->receiver;

# What the clocks of a zone show, by libc and not by what is tested.

sub clock {
    my ($zone, $seconds) = @_;

    local $ENV{TZ} = $zone;
    POSIX::tzset();
    my @now = localtime(time + $seconds);

    return (lc strftime('%a', @now), strftime('%H:%M', @now),
        strftime('%z', @now));
}

# Ten minutes before to ten minutes after now, and the hours around those; the
# day is that on which the window begins.

sub window {
    my ($zone, $from, $to) = @_;

    my ($day, $begin) = clock($zone, $from * 60);
    my (undef, $end) = clock($zone, $to * 60);

    return { time => { days => [$day], from => $begin, to => $end,
        zone => $zone } };
}

my @zones = ('Europe/Berlin', 'America/New_York', 'Asia/Kolkata',
    'Pacific/Chatham', 'America/Nuuk', 'Etc/GMT+5');
my %holds;
my %workflows;

for my $zone (@zones) {
    # Where the clocks are changed just now these windows say nothing.
    next if (clock($zone, -7200))[2] ne (clock($zone, 7200))[2];

    for (['now', -10, 10], ['before', -70, -10], ['after', 10, 70]) {
        my ($name, @window) = @$_;
        my $id = "$name-$zone" =~ s/\W/-/gr;

        $holds{$id} = $name eq 'now' ? 'succeeded' : 'skipped';
        $workflows{"$id.json"} = {
            id => $id,
            trigger => 'provision_entitlement',
            conditions => window($zone, @window),
            actions => [ { id => 'call', type => 'http_request',
                method => 'POST', url => "%%RECEIVER%%/$id" } ],
        };
    }
}

POSIX::tzset();
$t->worker(workflows => \%workflows);

my $job = wait_for_job($redis, add_job($redis), 'succeeded', 10);

is_deeply { map { $_ => $job->{runs}{$_}{state} } keys %{ $job->{runs} } },
    \%holds, 'in each zone that window holds which its clocks are in';

$t->done;
