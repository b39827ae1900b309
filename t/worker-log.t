#!/usr/bin/perl

# The worker's log is moved away, as logrotate does, and SIGUSR1 has all of its
# processes go on in a new one; where there can be none, in the old.

use Clarity::Test;
use Clarity::Jobs;

my $t = Clarity::Test->new;
my $redis = $t->redis;


# The worker and its processes.

sub all_of {
    my ($worker) = @_;

    my $pid = $worker->pid;
    open my $fh, '<', "/proc/$pid/task/$pid/children" or die "$pid: $!";

    return $pid, split ' ', <$fh> // '';
}

sub has_open {
    my ($pid, $file) = @_;

    return grep { (readlink // '') eq $file } glob "/proc/$pid/fd/*";
}

# The jobs whose end the file has.

sub ended {
    my ($path) = @_;

    my @jobs = map { $_->{event} eq 'job_succeeded' ? $_->{job} : () }
        map { decode_json($_) } $t->read_file($path) =~ /^(\{.*\})$/mg;

    @jobs = sort @jobs;

    return @jobs;
}


for my $processes (1, 2) {
    my $name = "log-$processes";
    my $folder = $t->dir . "/$name/log";
    my $file = "$folder/worker.log";

    # Its own folder is made with it.
    my $worker = $t->worker(name => $name, start => 0,
        conf => { log => $file, processes => $processes });
    mkdir $folder or die "$folder: $!";
    $worker->start;

    my @all = all_of($worker);
    is @all, $processes == 1 ? 1 : 3, "processes $processes";

    my @before = sort map { add_job($redis) } 1 .. 5;
    wait_until { ended("$name/log/worker.log") == @before } 10, 'lines of jobs';

    rename $file, "$file.1" or die "$file: $!";
    my @between = map { add_job($redis) } 1 .. 5;
    @before = sort @before, @between;
    wait_until { ended("$name/log/worker.log.1") == @before } 10,
        'lines in the file that was moved';

    $worker->signal('USR1');
    wait_until { !grep { has_open($_, "$file.1") } @all } 10,
        'all to leave the old file';
    is scalar(grep { has_open($_, $file) } @all), @all, 'all have the new one';

    my @after = sort map { add_job($redis) } 1 .. 5;
    wait_until { ended("$name/log/worker.log") == @after } 10,
        'lines in the new file';
    is_deeply [ ended("$name/log/worker.log") ], \@after,
        'which has what came after';
    is_deeply [ ended("$name/log/worker.log.1") ], \@before,
        'as the old one has what came before';

    rename $folder, "$folder-moved" or die "$folder: $!";
    $worker->signal('USR1');
    wait_until {
        my $said = () = $t->read_file("$name/log-moved/worker.log")
            =~ /"event":"log_not_reopened",.*"reason":"No such file/g;
        $said == @all;
    } 10, 'all to say that there can be no new one';

    my $last = add_job($redis);
    wait_until {
        grep { $_ eq $last } ended("$name/log-moved/worker.log")
    } 10, 'a line nevertheless';
    pass 'where none can be made the old one is gone on with';

    $worker->stop;
}

$t->done;
