#!/usr/bin/perl

# The settings page in Chromium: an administrator's way, two administrators,
# hostile names, other sites, and the description of the API.

use Clarity::Test;
use Clarity::Browser;

my $t = Clarity::Test->new;

start_settings($t);
run_in_browser($t, qw(whole-way two-administrators hostile-names other-sites
    jobs openapi page-files snippets));

$t->done;
