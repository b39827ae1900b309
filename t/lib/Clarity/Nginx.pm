package Clarity::Nginx;

=head1 NAME

Clarity::Nginx - an nginx with the module, and requests to it

=head1 SYNOPSIS

    my $nginx = $t->nginx(server => <<'EOF');
        location = /hook { ... }
    EOF

    $nginx->post('/hook', $json, token => $token)->status;
    $nginx->reload;

=head1 DESCRIPTION

A L<Clarity::Process>, with a master and two workers, so that reload and quit
are what they are in service. Options:

=over

=item server => TEXT, http => TEXT, main => TEXT

What goes into the server, the http block, and before the events block. In
them stand words such as %%PORT%%: see L<Clarity::Test>.

=item conf => TEXT

The whole nginx.conf instead.

=item workers => N, load => [MODULE, ...], redis => URL, triggers => FILE

Worker processes; files of modules that are loaded before ours;
C<clarity_redis> (the test's Redis if there is one); C<clarity_triggers>
(C<undef> for none).

=item module => FILE

Another file with our module than the one that was built.

=item binary => FILE, static => 1

Another nginx than Debian's; one that the module is built into.

=item daemon => 1

Leaves the test's side, as in service: so C<upgrade> can be done.

=back

=cut

use strict;
use warnings;

use parent 'Clarity::Process';

use Carp qw(croak);
use File::Spec ();
use POSIX ();

use Clarity::HTTP;
use Clarity::Wait;

# For what does not say it itself, under valgrind.
use constant SLOWLY => '    clarity_redis_connect_timeout 10s;'
    . ' clarity_redis_timeout 10s;';

# More than what an orderly end, or a start, takes.
use constant PATIENCE => 15;


sub kind    { 'nginx' }
sub goodbye { 'QUIT' }
sub logs    { 'error.log' }


sub prepare {
    my ($self) = @_;

    $self->{port} = $self->test->port;
    $self->test->word(PORT => $self->{port});
    $self->{env} = { %{ $self->{env} // {} }, sanitizer($self->test) };
    $self->configure($self->{conf} // $self->_conf);
}


=head1 FUNCTIONS

=head2 sanitizer(TEST)

The environment that nginx needs for a module with a sanitizer, if that is
what is tested: nginx itself has none, and its library must come first.

=cut

sub sanitizer {
    my ($test) = @_;

    my $module = $test->build . '/ngx_http_clarity_webhook_module.so';
    my ($library) = `ldd $module` =~ m{libasan\S* => (\S+)} or return;

    # nginx leaves its memory to the kernel when it exits.
    return (LD_PRELOAD => $library, ASAN_OPTIONS => 'detect_leaks=0');
}


=head2 keeps_memory(TEST)

Is there something that does not give freed memory back?

=cut

sub keeps_memory { return $ENV{CLARITY_VALGRIND} || sanitizer($_[0]) }


sub _conf {
    my ($self) = @_;

    my $test = $self->test;
    my $dir = $self->dir;
    my $words = $test->{words};
    my $redis = $self->{redis} // $words->{REDIS};
    my $triggers = exists $self->{triggers} ? $self->{triggers}
        : $test->root . '/examples/triggers.json';

    my @load = @{ $self->{load} // [] };
    push @load, $self->{module}
        // $test->build . '/ngx_http_clarity_webhook_module.so'
        if !$self->{static};

    return join '', map({ "load_module $_;\n" } @load),
        # Root's worker processes would be nobody's, who may not enter the
        # folders of root's tree.
        $> == 0 ? "user root;\n" : '',
        # nginx gives a new binary, and its processes, no other environment
        map({ "env $_;\n" } sort keys %{ $self->{env} // {} }), <<"EOF",
worker_processes @{[ $self->{workers} // 2 ]};
daemon @{[ $self->{daemon} ? 'on' : 'off' ]};
master_process on;
pid $dir/nginx.pid;
error_log $dir/error.log @{[ $ENV{CLARITY_DEBUG} ? 'debug' : 'info' ]};
EOF
        $self->{main} // '', <<"EOF",
events {
    worker_connections 1024;
}

http {
    access_log $dir/access.log;
    client_body_temp_path $dir/body;
    proxy_temp_path $dir/proxy;
    fastcgi_temp_path $dir/fastcgi;
    uwsgi_temp_path $dir/uwsgi;
    scgi_temp_path $dir/scgi;
@{[ $triggers ? "    clarity_triggers $triggers;" : '' ]}
@{[ $redis ? "    clarity_redis $redis;" : '' ]}
@{[ $ENV{CLARITY_VALGRIND} ? SLOWLY : '' ]}
EOF
        $self->{http} // '', <<"EOF",
    server {
        listen 127.0.0.1:$self->{port};
EOF
        $self->{server} // '', <<"EOF";
    }
}
EOF
}


sub argv {
    my ($self) = @_;

    return ($self->_valgrind, $self->{binary} // _nginx(),
        '-e', "$self->{dir}/error.log", '-p', $self->{dir},
        '-c', "$self->{dir}/nginx.conf");
}


# All of nginx' processes run under it, those of a new binary too.

sub _valgrind {
    my ($self) = @_;

    my $test = $self->test;

    return $test->valgrind($self->{dir}, '--trace-children=yes',
        '--keep-debuginfo=yes',
        '--suppressions=' . $test->root . '/t/lib/nginx.supp');
}


# With its path: nginx starts a new binary by the name of the old one, and
# looks no further for it.

sub _nginx {
    my ($file) = grep { -x } map { "$_/nginx" } File::Spec->path, '/usr/sbin';

    return $file // croak 'no nginx is installed';
}


# It listens before it has all of its worker processes.

sub ready {
    my ($self) = @_;

    my $workers = $self->{conf} ? 1 : $self->{workers} // 2;

    return $self->workers >= $workers && eval { $self->connect };
}


=head1 METHODS

=head2 port, configure(TEXT)

C<configure> writes another nginx.conf, for C<reload> or C<check>.

=cut

sub port { $_[0]{port} }

sub configure {
    my ($self, $text) = @_;

    $self->test->write_file("$self->{name}/nginx.conf", $text);
}


=head2 check(TEXT)

C<nginx -t> with other text in the place of the option C<server>: (exit code,
what it said). Named arguments replace the other options.

=cut

sub check {
    my ($self, $server, %options) = @_;

    my $other = bless { %$self, server => $server, %options }, ref $self;
    my $file = $self->test->write_file("$self->{name}/check.conf",
        $other->_conf);

    local %ENV = (%ENV, %{ $self->{env} });

    open my $output, '-|', 'sh', '-c', 'exec "$@" 2>&1', 'sh',
        $other->argv, '-t', '-e', 'stderr', '-c', $file or croak "sh: $!";
    my $said = join '', <$output>;
    CORE::close $output;

    return ($? >> 8, $said);
}


=head2 reload

By SIGHUP; returns when there are new worker processes. The old ones have been
asked to end then, and may still be there.

=cut

sub reload {
    my ($self) = @_;

    my %before = map { $_ => 1 } $self->workers;

    $self->signal('HUP');
    wait_until {
        grep { !$before{$_} } $self->workers;
    } 10, 'new worker processes';
}


=head2 renew

A C<reload> that returns when the old worker processes have ended.

=cut

sub renew {
    my ($self) = @_;

    my @before = $self->workers;

    $self->signal('HUP');
    wait_until {
        my %now = map { $_ => 1 } $self->workers;
        keys %now == @before && !grep { $now{$_} } @before;
    } 15, 'new worker processes alone';
}


=head2 workers

The pids of the worker processes, of those that are on their way out too.

=cut

sub workers { return _children($_[0]->pid) }


=head2 kill_workers(PID, ...)

Ends worker processes by SIGKILL, and returns when they are gone. Before that
the kernel may wake one of them for a connection that it does not accept any
more; no other process looks at it then until the next one comes.

=cut

sub kill_workers {
    my ($self, @pids) = @_;

    my %killed = map { $_ => 1 } @pids;

    CORE::kill 'KILL', @pids;
    wait_until { !grep { $killed{$_} } $self->workers } PATIENCE,
        "the end of @pids";
}


sub _children {
    my ($pid) = @_;

    open my $fh, '<', "/proc/$pid/task/$pid/children" or return;

    return split ' ', <$fh> // '';
}


=head2 upgrade

Replaces the binary, as nginx's manual says: USR2 starts a new master beside
the old one, WINCH ends the old worker processes, QUIT the old master. Returns
when that is done. Needs C<daemon>.

=cut

sub upgrade {
    my ($self) = @_;

    my $old = $self->pid;
    my $file = "$self->{dir}/nginx.pid";

    $self->signal('USR2');
    wait_until {
        -e "$file.oldbin" && (_pid_in($file) // $old) != $old
            && _children(_pid_in($file));
    } PATIENCE, 'a new master with worker processes';

    my $new = _pid_in($file);
    my %theirs = map { $_ => 1 } _children($old);

    # The new master is a child of the old one, which WINCH does not touch.
    delete $theirs{$new};

    $self->signal('WINCH');
    wait_until {
        !grep { $theirs{$_} } _children($old);
    } PATIENCE, 'the end of the old worker processes';

    $self->signal('QUIT');
    wait_until { !_alive($old) } PATIENCE, 'the end of the old master';

    $self->{pid} = $new;
}


sub _pid_in {
    my ($file) = @_;

    open my $fh, '<', $file or return;
    my ($pid) = (<$fh> // '') =~ /^(\d+)$/;

    return $pid;
}


# A process that nobody has waited for is none any more.

sub _alive {
    my ($pid) = @_;

    open my $fh, '<', "/proc/$pid/stat" or return 0;

    return (<$fh> // '') !~ /\) [ZX] /;
}


# nginx detaches: it is the pid file that says who it is then. A process of
# ours ends it where the test dies by SIGKILL and cannot.

sub launch {
    my ($self) = @_;

    delete $self->{detached};
    $self->SUPER::launch;

    return if !$self->{daemon};

    waitpid $self->{pid}, 0;
    croak 'nginx did not start: ' . $self->log if $?;

    my $file = "$self->{dir}/nginx.pid";
    wait_until { _pid_in($file) } PATIENCE, 'the pid file';
    $self->{pid} = _pid_in($file);
    $self->{detached} = 1;
    $self->_guard($file) if !$self->{guard};
}


sub _guard {
    my ($self, $file) = @_;

    pipe my $end, $self->{guard} or croak "pipe: $!";

    return if fork // croak "fork: $!";

    POSIX::setsid();
    $SIG{$_} = 'IGNORE' for qw(INT TERM HUP);
    close $self->{guard};
    sysread $end, my $nothing, 1;
    CORE::kill 'TERM', grep { defined } map { _pid_in($_) }
        $file, "$file.oldbin";
    POSIX::_exit(0);
}


sub _reap {
    my ($self, $flags) = @_;

    return $self->SUPER::_reap($flags) if !$self->{detached};
    return if !$self->{pid};

    wait_until { !_alive($self->{pid}) } PATIENCE if !$flags;

    if (!_alive($self->{pid})) {
        $self->{status} = 0;
        $self->{pid} = undef;
    }
}


=head2 connections

How many connections clients have, by nginx's own count; that which asks is
not one of them. Needs the location C</status>: see C<STATUS>.

=cut

use constant STATUS => 'location = /status { stub_status; }';

sub connections {
    my ($self) = @_;

    my ($n) = $self->get('/status')->body =~ /^Active connections: (\d+)/
        or croak 'no stub_status';

    return $n - 1;
}


=head2 memory(PID)

Its own memory in KB, without what it has from files or shares.

=cut

sub memory {
    my ($self, $pid) = @_;

    open my $fh, '<', "/proc/$pid/status" or croak "process $pid: $!";
    my ($kb) = join('', <$fh>) =~ /^RssAnon:\s+(\d+) kB/m;

    return $kb;
}


=head2 files(PID)

How many files it has open.

=cut

sub files {
    my ($self, $pid) = @_;

    return scalar(() = glob "/proc/$pid/fd/*");
}


# The worker processes of a killed master serve on.

sub kill {
    my ($self) = @_;

    my @workers = $self->workers;

    $self->SUPER::kill;
    CORE::kill 'KILL', @workers;
}


=head2 connect

A new connection: a L<Clarity::HTTP>.

=cut

sub connect {
    my ($self) = @_;

    return Clarity::HTTP->new('127.0.0.1', $self->{port});
}


=head2 http(BYTES, SECONDS)

Sends them on a new connection and returns the answer.

=cut

sub http {
    my ($self, $bytes, $seconds) = @_;

    my $http = $self->connect;

    $http->write($bytes);

    return $http->read($seconds, head => scalar $bytes =~ /^HEAD /);
}


=head2 request(METHOD, URI, ...), get(URI, ...), post(URI, BODY, ...)

Named arguments: C<body>, C<token>, C<headers> (a list of lines), C<type> (the
Content-Type: application/json where there is a body; C<undef> for none),
C<host> (localhost), C<timeout>.

=cut

sub request {
    my ($self, $method, $uri, %with) = @_;

    return $self->http(request_text($method, $uri, %with), $with{timeout});
}


sub get {
    my ($self, $uri, @with) = @_;

    return $self->request('GET', $uri, @with);
}


sub post {
    my ($self, $uri, $body, @with) = @_;

    return $self->request('POST', $uri, body => $body, @with);
}


=head2 post_job(NAME, HEADER, ...), says(NAME, HEADER, ...)

A job, with further header lines, for the webhook at C</NAME>, whose token is
NAME: the answer; and the durability that a 202 tells, or a refusal's status and
code.

=cut

sub post_job {
    my ($self, $name, @headers) = @_;

    return $self->post("/$name", Clarity::Test::context(), token => $name,
        headers => \@headers);
}


sub says {
    my ($self, @job) = @_;

    my $answer = $self->post_job(@job);
    my $json = $answer->json;

    return $answer->status == 202 ? $json->{durability}
        : $answer->status . ' ' . $json->{code};
}


=head2 request_text(METHOD, URI, ...)

A function: the bytes that C<request> sends.

=cut

sub request_text {
    my ($method, $uri, %with) = @_;

    my @lines = ("$method $uri HTTP/1.1",
        'Host: ' . ($with{host} // 'localhost'),
        'Connection: ' . ($with{keepalive} ? 'keep-alive' : 'close'));

    push @lines, "X-Clarity-Webhook-Token: $with{token}"
        if defined $with{token};

    if (defined $with{body}) {
        my $type = exists $with{type} ? $with{type} : 'application/json';

        push @lines, "Content-Type: $type" if defined $type;
        push @lines, 'Content-Length: ' . length $with{body};
    }

    push @lines, @{ $with{headers} // [] };

    return join("\r\n", @lines) . "\r\n\r\n" . ($with{body} // '');
}

1;
