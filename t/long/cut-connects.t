#!/usr/bin/perl

# t/cut-connects.t at more places.

use strict;
use warnings;

use FindBin;

our $ALL = 1;

do "$FindBin::Bin/../cut-connects.t" or die $@ || $!;
