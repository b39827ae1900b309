#!/usr/bin/perl

# What an nginx has and cannot serve is not live there: a trigger that its file
# lacks after a reload, an address that its nginx.conf leads elsewhere, a token
# that it has no key for. The API says why.

use Clarity::Settings;
use Clarity::Test;

my $t = Clarity::Test->new;
my $redis = $t->redis;
my $settings = Clarity::Settings->new($t);
my $nginx = $settings->nginx(workers => 1);
my $other = $settings->nginx(workers => 2, name => 'other');

$settings->wait_loaded($nginx, $other);

my $webhook = $settings->create(endpoint => 'here/a');

sub wait_live {
    my ($workers, $reason) = @_;

    wait_until {
        my $live = ($settings->api('GET', "webhooks/$webhook->{id}"))[1]{live};
        $live->{workers} == $workers && $live->{of} == 3
            && ($reason ? ($live->{reason} // '') =~ $reason
                        : !defined $live->{reason});
    } 10, "live on $workers";
    pass "live on $workers of 3" . ($reason ? ", and why: $reason" : '');
}

wait_live(3);

my $conf = $t->read_file('other/nginx.conf');
$t->expect_log(qr/is passed over: (its trigger|nginx.conf leads)/);
$t->expect_log(qr/is not good for requests/);

$other->configure($conf
    =~ s/(location \/webhooks\/ \{)/location \/webhooks\/here\/ { return 418; }\n$1/r);
$other->renew;
wait_live(1, qr/leads this address to another/);

$other->configure($conf);
$other->renew;
wait_live(3);

my ($file) = $conf =~ /clarity_triggers\s+(\S+?);/;
my $triggers = $t->write_file('none.json', '{"triggers":[]}');
$other->configure($conf =~ s/clarity_triggers\s+\S+;/clarity_triggers $triggers;/r);
$other->renew;
wait_live(1, qr/lacks this webhook's trigger/);
is $settings->send($webhook, $other)->status, 500,
    'a fault of ours is none of the sender';
$t->expect_log(qr/which is not in the file of/);

$settings->write_keys(other => 'o' x 32);
$other->configure($conf);
$other->renew;
wait_live(1, qr/cannot open a token/);

# It may be good: to say that it is wrong would be to blame the sender.

sub is_not_known {
    my ($token, $what) = @_;
    my $answer = $settings->send({ %$webhook, token => $token }, $other);

    is $answer->status, 503, "$what: not known to be wrong";
    is $answer->json->{code}, 'webhooks_not_loaded', 'and told so';
    like $answer->json->{detail}, qr/cannot open all tokens of this webhook/,
        'with the reason';
    is $answer->header('retry-after'), 1, 'and when to come again';
}

is_not_known($webhook->{token}, 'the token that it has no key for');
is_not_known('x', 'another one');
is $settings->send({ %$webhook, token => undef }, $other)->status, 401,
    'none at all is the sender\'s fault';
my @told = $t->read_file('other/error.log') =~ /(the token .* sealed .*)/g;
is scalar(@told), 1, 'the log has it once';
like $told[0], qr/of the webhook \Q$webhook->{id}\E .* sealed with the key "one", which is not in the file of "clarity_token_key_file"/,
    'and names the key';

# A new token, of a key that it has: it serves again, but for the old one.
$settings->write_keys(other => 'o' x 32, one => 'k' x 32);
$nginx->renew;
my ($status, $new);
wait_until {
    ($status, $new) = $settings->api('POST', "webhooks/$webhook->{id}/rotate",
        { overlap => '1h' });
    $status == 200;
} 5, 'a new token';
wait_live(3, qr/cannot open one of this webhook's tokens/);
is $settings->send({ %$webhook, token => $new->{token} }, $other)->status, 202,
    'the new token is good there';
is_not_known($webhook->{token}, 'the old one');
is $settings->send($webhook, $nginx)->status, 202, 'but where its key is';

$t->done;
