# A name that leads outside when it is looked up, and inside a moment later,
# does not get a call to the inside: the address that is connected to is what
# is looked at.

use Clarity::Test;
use Clarity::Jobs;
use IO::Socket::INET;

my $t = Clarity::Test->new;
my $dir = $t->dir;

# The worker gets an /etc/resolv.conf of its own, in a name space of its own.

my $conf = $t->write_file('resolv.conf', "nameserver 127.0.0.78\n");
my @under = ('unshare', '-m', 'sh', '-c',
    'mount --bind "$0" /etc/resolv.conf && exec "$@"', $conf);

plan skip_all => 'mounts are not permitted here'
    if system("unshare -m mount --bind $conf /etc/resolv.conf 2>/dev/null");

my $dns = IO::Socket::INET->new(LocalAddr => '127.0.0.78', LocalPort => 53,
    Proto => 'udp') or plan skip_all => "port 53 cannot be had: $!";

# 127.0.0.2 stands for the outside, 127.0.0.1 for the inside. Each name has the
# addresses of its nth question, with a time to live of 0.

my %names = (
    'inside.test' => [ ['127.0.0.1'] ],
    'both.test' => [ [ '127.0.0.1', '127.0.0.2' ] ],
    'turns.test' => [ ['127.0.0.2'], ['127.0.0.1'] ],
);

my $pid = fork // die "fork: $!";

if (!$pid) {
    serve_names();
    POSIX::_exit(0);
}

sub serve_names {
    my %asked;

    # It is nobody's if the test dies.
    $SIG{$_} = 'DEFAULT' for qw(TERM ALRM);
    alarm 60;

    while (my $from = recv $dns, my $question, 512, 0) {
        my ($id) = unpack 'n', $question;
        my ($name, $at) = ('', 12);

        while (my $len = unpack "x${at}C", $question) {
            $name .= ($name eq '' ? '' : '.') . substr $question, $at + 1, $len;
            $at += 1 + $len;
        }

        my $type = unpack 'n', substr $question, $at + 1, 2;
        my @answers = $type == 1 ? @{ $names{$name} // [] } : ();
        my $n = $type == 1 ? $asked{$name}++ : 0;
        my @addresses = @{ $answers[ $n < @answers ? $n : -1 ] // [] };

        my $reply = pack('n6', $id, 0x8180, 1, scalar @addresses, 0, 0)
            . substr($question, 12, $at + 5 - 12)
            . join '', map { pack 'n3 N n a4', 0xc00c, 1, 1, 0, 4,
                IO::Socket::INET::inet_aton($_) } @addresses;

        send $dns, $reply, 0, $from;
    }
}

# One endpoint at each address, on the same port.

my $redis = $t->redis;
my $port = $t->port;
my %endpoint = map {
    $_ => IO::Socket::INET->new(LocalAddr => $_, LocalPort => $port,
        Listen => 10, ReuseAddr => 1) // die "$_:$port: $!"
} qw(127.0.0.1 127.0.0.2);

sub workers {
    my ($name) = @_;

    return $t->worker(name => $name, under => \@under,
        conf => { allow_addresses => ['127.0.0.2'] }, workflows => { map {
            ("$_.json" => {
                id => $_,
                trigger => 'provision_entitlement',
                conditions => { parameter => 'grant_type', equals => $_ },
                actions => [ { id => 'call', type => 'http_request',
                    method => 'POST', url => "http://$_.test:$port/",
                    retry => { attempts => 1 } } ],
            })
        } qw(inside both turns) });
}

sub start_job {
    return add_job($redis, context => context(grant_type => qq{"$_[0]"}));
}

sub is_called {
    my ($address) = @_;

    my $client = $endpoint{$address}->accept or return;
    sysread $client, my $request, 4096;
    syswrite $client, "HTTP/1.1 200 OK\r\nConnection: close\r\n"
        . "Content-Length: 2\r\n\r\n{}";

    return $request =~ /^POST/;
}

my $worker = workers('first');

my $job = wait_for_job($redis, start_job('inside'), 'failed');
like $job->{reason}, qr/the address 127\.0\.0\.1 is loopback; add it to/,
    'a name that leads inside is not called';

my $id = start_job('both');
ok is_called('127.0.0.2'), 'of two addresses the one outside is called';
wait_for_job($redis, $id, 'succeeded');

$id = start_job('turns');
ok is_called('127.0.0.2'), 'a name that leads outside is called';
wait_for_job($redis, $id, 'succeeded');

# Names are kept for a while; another worker asks anew.

$worker->stop;
workers('second');
$job = wait_for_job($redis, start_job('turns'), 'failed');
like $job->{reason}, qr/the address 127\.0\.0\.1 is loopback; add it to/,
    'until it leads inside';

$endpoint{'127.0.0.1'}->blocking(0);
ok !$endpoint{'127.0.0.1'}->accept, 'nobody ever connected to the inside';

kill 'TERM', $pid;
waitpid $pid, 0;

$t->done;
