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

=item binary => FILE, static => 1

Another nginx than Debian's; one that the module is built into.

=back

=cut

use strict;
use warnings;

use parent 'Clarity::Process';

use Carp qw(croak);

use Clarity::HTTP;
use Clarity::Wait;


sub kind    { 'nginx' }
sub goodbye { 'QUIT' }
sub logs    { 'error.log' }


sub prepare {
    my ($self) = @_;

    $self->{port} = $self->test->port;
    $self->test->word(PORT => $self->{port});
    $self->configure($self->{conf} // $self->_conf);

    $self->{env} = { %{ $self->{env} // {} }, sanitizer($self->test) };
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


sub _conf {
    my ($self) = @_;

    my $test = $self->test;
    my $dir = $self->dir;
    my $words = $test->{words};
    my $redis = $self->{redis} // $words->{REDIS};
    my $triggers = exists $self->{triggers} ? $self->{triggers}
        : $test->root . '/examples/triggers.json';

    my @load = @{ $self->{load} // [] };
    push @load, $test->build . '/ngx_http_clarity_webhook_module.so'
        if !$self->{static};

    return join '', map({ "load_module $_;\n" } @load),
        # Root's worker processes would be nobody's, who may not enter the
        # folders of root's tree.
        $> == 0 ? "user root;\n" : '', <<"EOF",
worker_processes @{[ $self->{workers} // 2 ]};
daemon off;
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

    return ($self->{binary} // 'nginx', '-e', "$self->{dir}/error.log",
        '-p', $self->{dir}, '-c', "$self->{dir}/nginx.conf");
}


sub ready {
    my ($self) = @_;

    return eval { $self->connect };
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


=head2 workers

The pids of the worker processes, of those that are on their way out too.

=cut

sub workers {
    my ($self) = @_;

    my $pid = $self->pid or return;

    open my $fh, '<', "/proc/$pid/task/$pid/children" or return;

    return split ' ', <$fh> // '';
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
C<timeout>.

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


=head2 request_text(METHOD, URI, ...)

A function: the bytes that C<request> sends.

=cut

sub request_text {
    my ($method, $uri, %with) = @_;

    my @lines = ("$method $uri HTTP/1.1", 'Host: localhost',
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
