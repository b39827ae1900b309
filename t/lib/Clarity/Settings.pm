package Clarity::Settings;

=head1 NAME

Clarity::Settings - nginx with webhooks that are made at run time

=head1 SYNOPSIS

    my $settings = Clarity::Settings->new($t);
    my $nginx = $settings->nginx(workers => 4);

    my $webhook = $settings->create(endpoint => 'a/b');
    my ($status, $body, $answer) = $settings->api('GET', 'webhooks');

    my $workers = $settings->each_worker($nginx);

=head1 DESCRIPTION

C<new> writes a key file into the test's folder. The locations are /webhooks/
and /settings/api/; each answer names its worker process in X-Worker.

=cut

use strict;
use warnings;

use Carp qw(croak);
use JSON::PP ();
use MIME::Base64 qw(encode_base64);
use Time::HiRes qw(time);

use Clarity::Nginx;
use Clarity::Wait;

my $json = JSON::PP->new->utf8->canonical;


sub new {
    my ($class, $test) = @_;

    my $self = bless { test => $test, nginx => undef }, $class;

    $self->write_keys(one => 'k' x 32);

    return $self;
}


=head1 METHODS

=head2 write_keys(ID => 32 BYTES, ...)

The key file: the first seals.

=cut

sub write_keys {
    my ($self, @keys) = @_;

    my $text = '';

    while (my ($id, $key) = splice @keys, 0, 2) {
        $text .= "$id:" . encode_base64($key, '') . "\n";
    }

    my $file = $self->{test}->write_file('token.key', $text);
    chmod 0600, $file or croak "$file: $!";
}


=head2 nginx(OPTIONS)

A L<Clarity::Nginx>; C<http> and C<server> are added to what is there. The
first one is whose API is asked.

=cut

sub nginx {
    my ($self, %options) = @_;

    my $http = delete $options{http} // '';
    my $server = delete $options{server} // '';
    my $webhooks = delete $options{webhooks} // '';
    my $api = delete $options{api} // '';

    my $nginx = $self->{test}->nginx(workers => 4, %options,
        http => <<"EOF1" . $http, server => <<"EOF2" . $server);
    clarity_token_key_file %%DIR%%/token.key;
    add_header X-Worker \$pid always;
    keepalive_requests 1000000;
EOF1
        location /webhooks/ {
            clarity_webhooks;
$webhooks
        }

        location /settings/api/ {
            clarity_settings_api;
$api
        }
EOF2

    $self->{nginx} //= $nginx;

    return $nginx;
}


=head2 api(METHOD, PATH, BODY, HEADER, ...)

(status, decoded body or C<undef>, answer). A body that is no reference is
sent as it is.

=cut

sub api {
    my ($self, $method, $path, $body, @headers) = @_;

    my $answer = $self->{nginx}->request($method, "/settings/api/$path",
        defined $body
            ? (body => ref $body ? $json->encode($body) : $body) : (),
        headers => \@headers, timeout => 20);

    return ($answer->status, length $answer->body
        ? Clarity::Test::decode_json($answer->body) : undef, $answer);
}


=head2 wait_loaded(NGINX, ...)

Until their first look at Redis.

=cut

sub wait_loaded {
    my ($self, @nginx) = @_;

    for my $nginx (@nginx ? @nginx : $self->{nginx}) {
        wait_until {
            $nginx->post('/webhooks/none', '{}', token => 'x')->status == 404
        } 5, 'the webhooks to be loaded';
    }

    wait_until { ($self->api('GET', 'triggers'))[0] == 200 } 5, 'the API';
}


=head2 create(endpoint => ..., ...)

Makes a webhook and returns it, its token too; dies if that is refused.

=cut

sub create {
    my ($self, %webhook) = @_;

    my ($status, $body) = $self->api('POST', 'webhooks', {
        method => 'POST', trigger => 'provision_entitlement', %webhook });

    croak "a webhook was not made: $status " . $json->encode($body)
        if $status != 201;

    return $body;
}


=head2 send(WEBHOOK, NGINX, ...)

A good request to it: the answer. Named arguments as those of
L<Clarity::Nginx/request>.

=cut

sub send {
    my ($self, $webhook, $nginx, %with) = @_;

    $nginx //= $self->{nginx};

    return $nginx->request($webhook->{method},
        "/webhooks/$webhook->{endpoint}", token => $webhook->{token},
        body => Clarity::Test::context(), %with);
}


=head2 wait_status(STATUS, WEBHOOK, NGINX, ...)

Until a good request to it is answered so, by each of them.

=cut

sub wait_status {
    my ($self, $status, $webhook, @nginx) = @_;

    for my $nginx (@nginx ? @nginx : $self->{nginx}) {
        wait_until {
            $self->send($webhook, $nginx)->status == $status
        } 5, "$status for $webhook->{endpoint}";
    }
}


=head2 each_worker(NGINX, ...)

A connection to each worker process that stays open: a reference to a hash by
pid.

=cut

sub each_worker {
    my ($self, @nginx) = @_;

    my %connections;

    for my $nginx (@nginx) {
        my %of;

        wait_until {
            my %now = map { $_ => 1 } $nginx->workers;

            # those of an old configuration leave, the master starts the
            # others one by one
            delete $of{$_} for grep { !$now{$_} } keys %of;

            if (keys %now == ($nginx->{workers} // 2)
                && keys %of == keys %now)
            {
                return 1;
            }

            %of = (%of, _answering($nginx));
            return 0;
        } 15, 'a connection to each worker process';

        %connections = (%connections, %of);
    }

    return \%connections;
}


# Connections that are made at once are shared out.

sub _answering {
    my ($nginx) = @_;

    my @http = map { $nginx->connect } 1 .. 16;

    $_->write(Clarity::Nginx::request_text('GET', '/webhooks/none',
        keepalive => 1)) for @http;

    return map {
        my $answer = $_->read;
        $answer ? ($answer->header('x-worker') => $_) : ();
    } @http;
}


=head2 ask(HTTP, WEBHOOK)

The status that a good request is answered with on such a connection.

=cut

sub ask {
    my ($self, $http, $webhook) = @_;

    $http->write(Clarity::Nginx::request_text($webhook->{method},
        "/webhooks/$webhook->{endpoint}", token => $webhook->{token},
        body => Clarity::Test::context(), keepalive => 1));

    return $http->read->status;
}


=head2 last_wrong(STATUS, WEBHOOK, CONNECTIONS)

Asks all the worker processes in turn until each has answered so twenty times
in a row, and returns how many seconds after the call the last other answer
came; 0 if there was none. Dies after 10 s.

=cut

sub last_wrong {
    my ($self, $status, $webhook, $connections) = @_;

    my $started = time;
    my $wrong = $started;
    my $right = 0;

    while ($right < 20) {
        $right++;

        for my $pid (sort keys %$connections) {
            next if $self->ask($connections->{$pid}, $webhook) == $status;

            $wrong = time;
            $right = 0;
        }

        croak "no $status for $webhook->{endpoint} in 10 s"
            if time - $started > 10;
    }

    return $wrong - $started;
}

1;
