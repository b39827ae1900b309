# scripts/deps: a group that it does not know is told with those that it does.

use Clarity::Test;

my $t = Clarity::Test->new;

SKIP: {
    skip 'not a Debian system', 3 if !-x '/usr/bin/dpkg-query';

    my $script = $t->root . '/scripts/deps';
    my $said = qx{'$script' nonsense 2>&1};

    is $? >> 8, 1, 'an unknown group installs nothing';
    like $said, qr/no group "nonsense"/, 'and is named';

    open my $file, '<', $script or die "$script: $!";
    my ($reason) = join('', <$file>) =~ /^reason\(\)(.*?)^\}/ms;
    my @groups = $reason =~ /^\s+(\w+)\)\s+echo/mg;

    is_deeply [ sort grep { $said !~ /\b\Q$_\E\b/ } @groups ], [],
        'with all ' . @groups . ' that there are';
}

$t->done;
