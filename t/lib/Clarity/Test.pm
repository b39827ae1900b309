package Clarity::Test;

=head1 NAME

Clarity::Test - a folder, processes, ports and a verdict for one test file

=head1 SYNOPSIS

    use Clarity::Test;

    my $t = Clarity::Test->new;
    my $redis = $t->redis;
    my $nginx = $t->nginx(server => <<'EOF');
        location = /hook {
            clarity_webhook        provision_entitlement;
            clarity_webhook_token  secret;
        }
    EOF

    my $answer = $nginx->post('/hook', context(), token => 'secret');
    is $answer->status, 202, 'a whole context is accepted';

    $t->done;

=head1 DESCRIPTION

Each test file has a temporary folder, where all that it starts lives. What it
started is ended by C<done>, and also when the test dies or is interrupted; no
other process is touched. The folder is removed, unless the test failed: then
its path and the ends of its logs are shown.

C<done> is a test itself. It fails if a log or stderr holds an alert, an
emergency, a socket left open, a worker process of nginx that gave up, or a
sanitizer's finding, and if a process ended otherwise than told. A test that provokes such a line says so by
C<expect_log>.

Loading this module also loads strict, warnings and Test::More.

=cut

use strict;
use warnings;

use Carp qw(croak);
use Cwd ();
use Exporter ();
use File::Basename qw(dirname);
use File::Path qw(make_path remove_tree);
use File::Temp ();
use IO::Socket::INET;
use JSON::PP ();
use Test::More ();

use Clarity::Demo;
use Clarity::Disk;
use Clarity::Endpoint;
use Clarity::Load;
use Clarity::Nginx;
use Clarity::Proxy;
use Clarity::Receiver;
use Clarity::Redis;
use Clarity::Wait;
use Clarity::Worker;

our @EXPORT = qw(context wait_until limit decode_json encode_json);

# A unix socket's path ends up in 108 bytes, its NUL included.
use constant LONGEST_FOLDER => 80;

# A test file that takes longer than this fails.
use constant TOO_LONG => 600;

use constant AMISS => qr{
    \[alert\] | \[emerg\] | left\ in\ connection
    | process\ \d+\ exited\ with\ code\ [1-9]
    | Sanitizer | runtime\ error:
}x;

my $running;


sub import {
    strict->import;
    warnings->import;
    Test::More->export_to_level(1);
    goto &Exporter::import;
}


=head1 METHODS

=head2 new

Makes the folder. C<CLARITY_BUILD> names the folder with what is to be tested,
build/ if it is not set.

=cut

sub new {
    my ($class) = @_;

    croak 'one test a file' if $running;

    my $root = Cwd::realpath(dirname(__FILE__) . '/../../..');
    my $build = $ENV{CLARITY_BUILD} // 'build';
    $build = "$root/$build" if $build !~ m{^/};

    my $self = bless {
        root      => $root,
        build     => $build,
        processes => [],
        expected  => [],
        words     => {},
        ports     => [],
    }, $class;

    $self->{dir} = $self->_make_folder;
    $self->{owner} = $$;

    $running = $self;

    $SIG{INT} = $SIG{TERM} = $SIG{HUP} = sub { exit 1 };
    $SIG{PIPE} = 'IGNORE';
    $self->patience(TOO_LONG);

    $self->word(DIR => $self->{dir});
    $self->word(ROOT => $root);

    return $self;
}


sub _make_folder {
    my ($self) = @_;

    my $place = "$self->{build}/t";
    make_path($place);

    if (length "$place/XXXXXXXX" > LONGEST_FOLDER) {
        $place = '/tmp';
    }

    return File::Temp::tempdir('XXXXXXXX', DIR => $place);
}


=head2 dir, root, build

The temporary folder, the source tree, and the folder of what was built.

=cut

sub dir   { $_[0]{dir} }
sub root  { $_[0]{root} }
sub build { $_[0]{build} }


=head2 redis, nginx, worker, receiver, endpoint, load, proxy, disk, demo

Start one, wait until it is ready, and return it: see L<Clarity::Redis>,
L<Clarity::Nginx>, L<Clarity::Worker>, L<Clarity::Receiver>,
L<Clarity::Endpoint>, L<Clarity::Load>, L<Clarity::Proxy>, L<Clarity::Disk>,
L<Clarity::Demo>. All take
C<< name => >>, for a second one of a kind, and C<< start => 0 >>.

=cut

sub redis    { my $self = shift; return Clarity::Redis->new($self, @_) }
sub nginx    { my $self = shift; return Clarity::Nginx->new($self, @_) }
sub worker   { my $self = shift; return Clarity::Worker->new($self, @_) }
sub receiver { my $self = shift; return Clarity::Receiver->new($self, @_) }
sub endpoint { my $self = shift; return Clarity::Endpoint->new($self, @_) }
sub load     { my $self = shift; return Clarity::Load->new($self, @_) }
sub proxy    { my $self = shift; return Clarity::Proxy->new($self, @_) }
sub disk     { my $self = shift; return Clarity::Disk->new($self, @_) }
sub demo     { my $self = shift; return Clarity::Demo->new($self, @_) }


=head2 valgrind(FOLDER, OPTION, ...)

With CLARITY_VALGRIND=1, what goes before a program's name in its command line;
else nothing. What valgrind finds is in a log of each process in FOLDER, which
holds nothing else, and fails the test.

=cut

sub valgrind {
    my ($self, $dir, @options) = @_;

    return if !$ENV{CLARITY_VALGRIND};

    return ('valgrind', '-q', '--leak-check=full',
        '--show-leak-kinds=definite', @options,
        "--log-file=$dir/%p.valgrind.log");
}


=head2 patience(SECONDS)

Nothing waits for ever: this is how long the whole file may take from now on.

=cut

sub patience {
    my ($self, $seconds) = @_;

    $SIG{ALRM} = sub {
        Test::More::diag("still not done after $seconds s");
        exit 1;
    };
    alarm $seconds * ($ENV{CLARITY_VALGRIND} ? 5 : 1);
}


=head2 word(NAME => VALUE), expand(TEXT)

In the configurations that a test writes C<%%NAME%%> stands for VALUE. There
are DIR and ROOT, and from the start of each on REDIS (its URL), PORT (nginx's),
RECEIVER and ENDPOINT (their URLs).

=cut

sub word {
    my ($self, $name, $value) = @_;

    $self->{words}{$name} = $value;
}


sub expand {
    my ($self, $text) = @_;

    $text =~ s{%%(\w+)%%}{
        $self->{words}{$1} // croak "nothing stands for %%$1%% yet"
    }ge;

    return $text;
}


=head2 write_file(PATH, TEXT), read_file(PATH)

PATH is in the folder; a folder on the way is made.

=cut

sub write_file {
    my ($self, $path, $text) = @_;

    my $file = "$self->{dir}/$path";
    make_path(dirname($file));

    open my $fh, '>', $file or croak "$file: $!";
    print $fh $self->expand($text);
    close $fh or croak "$file: $!";

    return $file;
}


sub read_file {
    my ($self, $path) = @_;

    open my $fh, '<', "$self->{dir}/$path" or return '';
    local $/;
    return scalar <$fh> // '';
}


=head2 port

A free port of 127.0.0.1. It is below the range that the kernel takes ports of
outgoing connections from. A UDP socket on the same number, open until the
test ends, keeps other tests from taking it.

=cut

sub port {
    my ($self) = @_;

    for (1 .. 1000) {
        my %at = (LocalAddr => '127.0.0.1',
            LocalPort => 10000 + int rand 22000);

        my $lock = IO::Socket::INET->new(%at, Proto => 'udp') or next;
        IO::Socket::INET->new(%at, Proto => 'tcp', Listen => 1,
            ReuseAddr => 1) or next;

        push @{ $self->{ports} }, $lock;

        return $at{LocalPort};
    }

    croak 'no free port';
}


=head2 expect_log(REGEX)

Lines of that kind are no failure in this test.

=cut

sub expect_log {
    my ($self, $regex) = @_;

    push @{ $self->{expected} }, $regex;
}


=head2 done

Ends all processes, checks what they left, ends the test.

=cut

sub done {
    my ($self) = @_;

    my @amiss = ($self->_end_processes, $self->_amiss_in_logs);

    Test::More::ok(!@amiss, 'no process ended or logged anything amiss')
        or Test::More::diag(join "\n", @amiss);

    $self->{done} = 1;
    Test::More::done_testing();
}


# What was started last may need the others to end well.

sub _end_processes {
    my ($self) = @_;

    my @amiss;

    for my $process (reverse @{ $self->{processes} }) {
        push @amiss, $process->end;
    }

    return @amiss;
}


sub _logs {
    my ($self) = @_;

    my $dir = $self->{dir};

    return sort grep { -f } glob("$dir/*.log $dir/*/*.log"
        . " $dir/*.stderr $dir/*/*.stderr");
}


sub _amiss_in_logs {
    my ($self) = @_;

    my @amiss;

    for my $file ($self->_logs) {
        open my $fh, '<', $file or next;

        while (my $line = <$fh>) {
            next if $line !~ AMISS && $file !~ /\.valgrind\.log$/;
            next if grep { $line =~ $_ } @{ $self->{expected} };

            chomp $line;
            push @amiss, substr("$file:$.: $line", 0, 1000);
        }
    }

    return @amiss;
}


END {
    my $status = $?;

    if ($running && $running->{owner} == $$) {
        alarm 0;
        $running->_clean_up($status);
    }

    $? = $status;
}


sub _clean_up {
    my ($self, $status) = @_;

    $self->_end_processes;

    # Without any test it was skipped.
    my $done = $self->{done} || !Test::More->builder->current_test;

    if ($done && !$status && Test::More->builder->is_passing) {
        remove_tree($self->{dir});
        return;
    }

    for my $file ($self->_logs) {
        my @lines = _last_lines($file, 30) or next;
        Test::More::diag("--- the end of $file");
        Test::More::diag(@lines);
    }

    Test::More::diag("The test's files are in $self->{dir}");
}


sub _last_lines {
    my ($file, $n) = @_;

    open my $fh, '<', $file or return;
    my @lines = <$fh>;
    splice @lines, 0, -$n if @lines > $n;

    return @lines;
}


=head1 FUNCTIONS

=head2 wait_until(SUB, SECONDS, WHAT)

See L<Clarity::Wait>.

=head2 limit(SECONDS)

The limit in which to do what is to be done within SECONDS. Where this file has
the machine for itself (CLARITY_ALONE) just that. Else so much more that only a
fault gets there, and nothing that has to share two processors. Under valgrind
more again.

=cut

sub limit {
    my ($seconds) = @_;

    return $seconds + ($ENV{CLARITY_VALGRIND} ? 10 : $ENV{CLARITY_ALONE} ? 0 : 5);
}


=head2 context(NAME => JSON, ...)

The seven parameters of provision_entitlement, in order, as JSON. Named ones
get the given value (as JSON), or are left out with C<undef>.

=cut

sub context {
    my %change = @_;

    my @parameters = (
        app_identifier => '"github"',
        identity_id    => '4711',
        entitlement_id => '"admins"',
        expiration     => 'null',
        grant_type     => '"role"',
        meta           => '{"ticket":"INC1"}',
        creator_id     => '17',
    );
    my @members;

    while (my ($name, $value) = splice @parameters, 0, 2) {
        $value = delete $change{$name} if exists $change{$name};
        push @members, qq{"$name":$value} if defined $value;
    }

    croak "no such parameter: $_" for keys %change;

    return '{' . join(',', @members) . '}';
}


=head2 decode_json(TEXT), encode_json(VALUE)

Those of JSON::PP, with the names of objects sorted.

=cut

my $json = JSON::PP->new->utf8->canonical->allow_nonref;

sub decode_json { return $json->decode($_[0]) }
sub encode_json { return $json->encode($_[0]) }

1;
