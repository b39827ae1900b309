#!/usr/bin/perl

# The settings page in Chromium: every view on every screen.

use Clarity::Test;
use Clarity::Browser;

my $t = Clarity::Test->new;

start_settings($t);
run_in_browser($t, 'accessibility');

$t->done;
