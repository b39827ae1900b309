#!/usr/bin/perl

# The Postman collection of docs/postman, run by newman against the demo: its
# tests, and that it asks all that it is there for.

use Clarity::Test;
use Clarity::Newman;

my $t = Clarity::Test->new;

plan skip_all => 'the demo runs a module without sanitizers'
    if Clarity::Nginx::sanitizer($t);

my $docs = $t->root . '/docs/postman';
my $collection = "$docs/clarity-webhooks.postman_collection.json";


sub text_of {
    my ($file) = @_;

    open my $fh, '<', $file or die "$file: $!\n";
    local $/;

    return scalar <$fh>;
}


# The items of folders, and of folders in them.

sub requests {
    return map { $_->{item} ? requests(@{ $_->{item} }) : $_ } @_;
}


my @requests = requests(@{ decode_json(text_of($collection))->{item} });

is_deeply [ map { $_->{name} } grep {
    my $body = $_->{request}{body};
    $body && $body->{mode} ne 'raw';
} @requests ], [], 'all bodies are raw: what makes one may sort its names';

# The environment as it is imported, then filled in as its reader is told to.
my $environment
    = decode_json(text_of("$docs/clarity-demo.postman_environment.json"));
my %value = map { $_->{key} => $_ } @{ $environment->{values} };

is_deeply [ sort keys %value ], [ 'baseUrl', 'token' ],
    'the environment has what is asked for';
is $value{token}{value}, '', 'and no token';
is $value{baseUrl}{value}, 'http://127.0.0.1:8080', "the demo's port";

my $demo = $t->demo;
$value{token}{value} = $demo->token;
$value{baseUrl}{value} = $demo->url;

my $run = run_collection($t, $collection,
    $t->write_file('environment.json', encode_json($environment)));

my %ran = map { $_->{item}{name} => $_ } @{ $run->{executions} };

is_deeply [ sort map { $_->{name} } @requests ], [ sort keys %ran ],
    'each request of it was sent, and has a name of its own';
is_deeply [ grep { !@{ $ran{$_}{assertions} // [] } } sort keys %ran ], [],
    'and has tests';

# Not the demo's: a GET webhook, a disabled one, limits of rate and queue, and
# what needs a Redis, or a server, in trouble.
my %unmet = map { $_ => 1 } qw(context_twice durability_unavailable internal
    queue_full queue_timeout queue_unavailable rate_limited request_timeout
    webhook_disabled webhooks_not_loaded);

my %told = map { $_ => 1 }
    text_of($t->root . '/docs/http.md') =~ /"code":"(\w+)",\n "detail"/g;
my %met = map { $_ => 1 }
    map { map { $_->{assertion} =~ /^\d{3} (\w+)$/ } @{ $_->{assertions} } }
    @{ $run->{executions} };

is_deeply [ sort keys %met ], [ sort grep { !$unmet{$_} } keys %told ],
    'with every code that a caller of the demo can meet';

$t->done;
