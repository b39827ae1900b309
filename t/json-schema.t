#!/usr/bin/perl

# JSON Schema's keywords mean what the JSON Schema Test Suite says (Debian's
# json-schema-test-suite): each of its schemas that holds no other keyword than
# ours is a parameter, each of its instances a value sent for it.

use Clarity::Test;

my $suite = '/usr/share/json-schema-test-suite/tests/draft7';

if (!-d $suite) {
    plan skip_all => 'json-schema-test-suite is not installed';
}

my @files = (qw(type enum minLength maxLength minimum maximum),
    (map { "optional/format/$_" } qw(date date-time email)),
    map { "optional/$_" } qw(bignum zeroTerminatedFloats));

my %ours = map { $_ => 1 } qw(type enum format minLength maxLength minimum
    maximum);
my %formats = map { $_ => 1 } qw(date date-time uuid email);

my %left_out; # schemas that cannot be a parameter, and why


# A value of JSON as it is written: a reference to a list of members, each
# [name, value], to a list of elements, or neither; and its text.

sub parse {
    my ($text) = @_;

    my ($value, $rest) = parse_value($$text);

    return $value;
}


sub parse_value {
    my ($text) = @_;

    $text =~ s/^\s+//;
    my $whole = $text;
    my $value = { };

    if ($text =~ s/^\{//) {
        $value->{members} = [];

        while ($text =~ s/^\s*("(?:[^"\\]|\\.)*")\s*:\s*//s) {
            my $name = decode_json($1);
            (my $member, $text) = parse_value($text);
            push @{ $value->{members} }, [ $name, $member ];
            $text =~ s/^\s*,//;
        }

        $text =~ s/^\s*\}// or die "no end of an object: $text";

    } elsif ($text =~ s/^\[//) {
        $value->{elements} = [];

        while ($text !~ s/^\s*\]//) {
            (my $element, $text) = parse_value($text);
            push @{ $value->{elements} }, $element;
            $text =~ s/^\s*,//;
        }

    } else {
        $text =~ s/^("(?:[^"\\]|\\.)*"|[^\s,\]\}]+)//s
            or die "no value: $text";
    }

    $value->{text} = substr $whole, 0, length($whole) - length $text;

    return ($value, $text);
}


sub member {
    my ($object, $name) = @_;

    my ($found) = grep { $_->[0] eq $name } @{ $object->{members} };

    return $found && $found->[1];
}


# Why a schema cannot be a parameter, if it cannot.

sub cannot_be {
    my ($schema) = @_;

    return 'no object' if !$schema->{members};

    for my $keyword (map { $_->[0] } @{ $schema->{members} }) {
        return "the keyword $keyword" if !$ours{$keyword};
    }

    my $enum = member($schema, 'enum');
    my $format = member($schema, 'format');

    return 'an enum of more than scalars'
        if $enum && grep { $_->{members} || $_->{elements} }
            @{ $enum->{elements} };
    return "the format $format->{text}"
        if $format && !$formats{decode_json($format->{text})};
    return 'a bound that is no whole number'
        if grep { my $n = member($schema, $_); $n && $n->{text} =~ /\./ }
            qw(minLength maxLength);

    return;
}

my (@groups, @triggers);

for my $file (@files) {
    open my $fh, '<', "$suite/$file.json" or die "$suite/$file.json: $!\n";
    my $text = do { local $/; <$fh> };

    for my $group (@{ parse(\$text)->{elements} }) {
        my $what = "$file: " . decode_json(member($group,
            'description')->{text});
        my $schema = member($group, 'schema');
        my $why = cannot_be($schema);

        if ($why) {
            $left_out{$what} = $why;
            next;
        }

        my $n = @groups;
        my $keywords = $schema->{text} =~ s/^\{//r =~ s/\}$//r;

        push @groups, { what => $what,
            tests => member($group, 'tests')->{elements} };
        push @triggers, qq({"name": "t$n", "context": [{"name": "v")
            . ($keywords =~ /\S/ ? ", $keywords" : '') . '}]}';
    }
}

my $triggers = join ",\n", @triggers;
my $test = Clarity::Test->new;
my $file = $test->write_file('triggers.json',
    "{\"triggers\": [$triggers]}");
my $redis = $test->redis;
my $nginx = $test->nginx(triggers => $file, server => join '', map { <<"EOF" }
        location = /$_ {
            clarity_webhook       t$_;
            clarity_webhook_token token-$_;
        }
EOF
    0 .. $#groups);

my $n = 0;

for my $i (0 .. $#groups) {
    for my $case (@{ $groups[$i]{tests} }) {
        my $data = member($case, 'data')->{text};
        my $valid = member($case, 'valid')->{text} eq 'true';
        my $what = "$groups[$i]{what}: "
            . decode_json(member($case, 'description')->{text});

        my $answer = $nginx->post("/$i", "{\"v\":$data}",
            token => "token-$i", headers => ['X-Clarity-Dry-Run: 1']);

        is $answer->status, $valid ? 200 : 422, $what;
        $n++;
    }
}

cmp_ok $n, '>', 90, "there are $n instances, of " . @groups . ' schemas';
note "left out: $_: $left_out{$_}" for sort keys %left_out;
cmp_ok scalar keys %left_out, '<', @groups, 'more than what is left out';

$test->done;
