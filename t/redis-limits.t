#!/usr/bin/perl

# A context that is larger than Redis takes a value to be is refused before it
# is sent: Redis would close the connection, and all requests that wait on it
# would have no answer.

use Clarity::Test;

my $t = Clarity::Test->new;

# The least that it can be set to.
my $redis = $t->redis(conf => "proto-max-bulk-len 1mb\n");
my $nginx = $t->nginx(workers => 1, server => <<'EOC');
        client_max_body_size  8m;
        clarity_redis_timeout 5s;
        client_body_buffer_size 16m;

        location = /hook {
            clarity_webhook       provision_entitlement;
            clarity_webhook_token secret;
        }
EOC

use constant MB => 1024 * 1024;


# A context of that many bytes.

sub large {
    my ($bytes) = @_;

    my $rest = length context(meta => '""');
    return context(meta => '"' . 'x' x ($bytes - $rest) . '"');
}

sub says {
    my ($bytes, @headers) = @_;

    my $answer = $nginx->post('/hook', large($bytes), token => 'secret',
        headers => \@headers);
    my $json = decode_json($answer->body);

    return $answer->status . ' ' . ($json->{code} // $json->{status});
}

sub lines { return scalar(() = $nginx->log =~ /$_[0]/g) }

sub jobs { return $redis->command('XLEN', '{clarity:0}:jobs') }

sub connection {
    return join ' ', $redis->command('CLIENT', 'LIST')
        =~ /^id=(\d+) .* name=clarity-nginx /mg;
}


is says(1000), '202 accepted', 'a small one';
my $connection = connection();
like $connection, qr/^\d+$/, 'one connection';

is says(MB), '202 accepted', 'as large as may be';
is jobs(), 2, 'both are stored';

my @waiting = map { $nginx->connect } 1 .. 20;
$redis->pause;
$_->write($nginx->can('request_text')->('POST', '/hook', token => 'secret',
    body => context())) for @waiting;

is says(MB + 1), '413 payload_too_large', 'a byte more' for 1 .. 3;
is says(MB + 1, 'Idempotency-Key: a'), '413 payload_too_large', 'with a key';
is says(8 * MB), '413 payload_too_large', 'much more';

$redis->resume;
my %answers;
$answers{ $_->read->status }++ for @waiting;
is_deeply \%answers, { 202 => 20 }, 'those that waited are answered';
is connection(), $connection, 'the connection is there still';
is jobs(), 22, 'nothing else is stored';

is lines(qr/\[error\] .* Redis \S+ takes no value of more than 1048576 bytes,/
    . qr/ .*: raise its "proto-max-bulk-len", or set "client_max_body_size"/),
    1, 'one line that says what mends it';


# It is looked at again, and again.

$redis->command('CONFIG', 'SET', 'proto-max-bulk-len', 4 * MB);
wait_until { says(MB + 1) eq '202 accepted' } 6, 'it was raised';
is says(3 * MB), '202 accepted', 'more is taken';

$redis->command('CONFIG', 'SET', 'client-query-buffer-limit', 2 * MB);
wait_until { says(3 * MB) eq '413 payload_too_large' } 6, 'another setting';
is says(2 * MB - 20_000), '202 accepted', 'less is taken';
is says(2 * MB - 2), '413 payload_too_large', 'but not all of it';
is lines(qr/takes no value of more than 2097152 bytes.*"client-query-buffer-limit"/),
    1, 'which is told';
like connection(), qr/^\d+$/, 'one connection';

$t->done;
