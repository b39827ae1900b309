#!/usr/bin/perl

# Debian's packages: built, with what belongs there and no more; and installed,
# used and purged in a bare Debian 12 (t/deb-root), which needs root and
# debootstrap.

use Cwd ();

use Clarity::Test;

my $t = Clarity::Test->new;
alarm 0; # what is made here takes its minutes
my $root = $t->root;
my $build = $t->build;
my $lib = 'usr/lib/' . `dpkg-architecture -qDEB_HOST_MULTIARCH`;
my $arch = `dpkg --print-architecture`;
chomp $lib;
chomp $arch;

sub tree {
    return `cd $root && git status --porcelain --ignored`;
}

# make's own options of an outer make mislead it. It wants BUILD as make has it.
my $made = Cwd::abs_path($build);
my $before = tree();
my $said = `cd $root && env -u MAKEFLAGS -u MAKEOVERRIDES make deb BUILD=$made 2>&1`;
is $?, 0, 'make deb, lintian included' or diag substr $said, -5000;
is tree(), $before, 'it writes nowhere but to BUILD';

my ($version) = `head -n 1 $root/debian/changelog` =~ /\(([^)]+)\)/;
like `$build/clarity-worker -V`, qr/ \Q$version\E$/,
    "debian/changelog is of the programs' version";

sub field {
    my ($package, $field) = @_;

    chomp(my $value = `dpkg-deb -f $build/deb/${package}_*.deb $field`);
    return $value;
}

# path => 'mode owner', without what every package has.
sub contents {
    my ($package) = @_;

    my %files;
    for (`dpkg-deb -c $build/deb/${package}_*.deb`) {
        my ($mode, $owner, $path) = m{^(\S+) (\S+) .*? \./(\S*)};
        next if $path =~ m{^usr/share/doc/[^/]+/(copyright|changelog\.gz)$};
        next if $path =~ m{^usr/share/lintian/};
        next if $path =~ m{(^|/)$} && $path !~ m{^etc/clarity/.};
        $files{$path} = "$mode $owner";
    }

    return \%files;
}

my %mode = (
    file => '-rw-r--r-- root/root',
    program => '-rwxr-xr-x root/root',
    folder => 'drwxr-xr-x root/root',
    closed => 'drwx------ root/root',
    link => 'lrwxrwxrwx root/root',
);

sub has {
    my ($package, %want) = @_;

    my $got = contents($package);
    is_deeply [ sort keys %$got ],
        [ sort keys %want ], "$package: what is in it";
    is_deeply { map { $_ => $got->{$_} } keys %want },
        { map { $_ => $mode{ $want{$_} } } keys %want },
        "$package: whose it is, and who may read it";
}

my $module = 'libnginx-mod-http-clarity-webhook';

has($module,
    'etc/clarity/tokens/' => 'closed',
    'etc/nginx/snippets/clarity-problem.conf' => 'file',
    'usr/lib/nginx/modules/ngx_http_clarity_webhook_module.so' => 'file',
    'usr/share/nginx/modules-available/mod-http-clarity-webhook.conf' => 'file',
    map { ("usr/share/doc/$module/$_" => 'file') }
        qw(README.Debian examples/nginx.conf examples/site.conf));
like field($module, 'Depends'), qr/\bnginx-abi-/, 'for the nginx it was made for';

has('clarity-worker',
    'etc/clarity/secrets/' => 'closed',
    'etc/clarity/workflows/' => 'folder',
    'etc/logrotate.d/clarity-worker' => 'file',
    'lib/systemd/system/clarity-worker.service' => 'file',
    'usr/bin/clarity-worker' => 'program',
    'usr/bin/clarityctl' => 'program',
    'usr/lib/sysusers.d/clarity-worker.conf' => 'file',
    'usr/share/man/man1/clarity-worker.1.gz' => 'file',
    'usr/share/man/man1/clarityctl.1.gz' => 'file',
    map { ("usr/share/doc/clarity-worker/$_" => 'file') }
        qw(README.Debian examples/worker.json
        examples/workflows/grant-in-servicenow.json));

has('libclarity-worker0',
    "$lib/libclarity_worker.so.0" => 'link',
    "$lib/libclarity_worker.so.$version" => 'file');

has('libclarity-worker-dev',
    'usr/include/clarity/worker.h' => 'file',
    "$lib/libclarity_worker.a" => 'file',
    "$lib/libclarity_worker.so" => 'link',
    "$lib/pkgconfig/clarity-worker.pc" => 'file',
    'usr/share/man/man3/clarity_worker.3.gz' => 'file',
    map { ("usr/share/doc/libclarity-worker-dev/examples/handler/$_" => 'file') }
        qw(handler.c worker.json workflows/welcome.json));

has('clarity-settings',
    'etc/nginx/snippets/clarity-settings.conf' => 'file',
    map { ("usr/share/clarity/$_" => 'file') }
        split /\n/, `cd $root && git ls-files settings`);

my $common = contents('clarity-common');
ok $common->{'etc/clarity/triggers.json'}, 'clarity-common: the triggers';
ok $common->{"usr/share/doc/clarity-common/$_.md.gz"}, "$_.md"
    for qw(design directives http jobs workflows);
like `dpkg-deb -I $build/deb/clarity-common_*.deb conffiles`,
    qr{^/etc/clarity/triggers\.json$}m, 'which an upgrade does not overwrite';

# Of all that the programs need at run time, apt knows.

like field('clarity-worker', 'Depends'), qr/\b$_\b/, "the worker needs $_"
    for qw(libcurl4 libevent-2.1-7 libpcre2-8-0 libssl3 ca-certificates tzdata
    procps clarity-common);


# The snippets are parts of the example, which other tests try.

sub lines_of {
    my ($file) = @_;

    open my $fh, '<', "$root/$file" or die "$file: $!\n";
    return grep { /\S/ && !/^#/ } map { s/^\s+|\s+$//gr } <$fh>;
}

my %example = map { $_ => 1 } lines_of('examples/nginx.conf');
is_deeply [ grep { !$example{$_} } lines_of("debian/snippets/$_") ], [],
    "$_ says what examples/nginx.conf does"
    for qw(clarity-problem.conf clarity-settings.conf);


# In a bare root.

sub bare_root {
    return 'it needs root' if $> != 0;
    return 'it needs debootstrap' if !grep { -x "$_/debootstrap" }
        qw(/usr/sbin /usr/bin);
    return 'there are no packages' if !-e "$build/deb/clarity-settings_${version}_all.deb";
    return '';
}

SKIP: {
    my $reason = bare_root();
    skip "the bare Debian: $reason", 1 if $reason;

    open my $root, '-|', "BUILD=$made $root/t/deb-root 2>&1"
        or die "t/deb-root: $!\n";
    my @said;
    while (<$root>) {
        if (/^(not )?ok - (.*)/) {
            ok !$1, $2 or diag @said;
            @said = ();
        } else {
            note $_ =~ s/^# |\n//gr;
            push @said, $_ if !/^#/;
        }
    }
    close $root;
    is $?, 0, 'all of it was run' or diag @said;
}

$t->done;
