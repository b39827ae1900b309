#!/usr/bin/perl

# The settings page in Chromium: with the keyboard alone, and while it keeps
# itself up to date.

use Clarity::Test;
use Clarity::Browser;

my $t = Clarity::Test->new;

start_settings($t);
run_in_browser($t, qw(keyboard updates));

$t->done;
