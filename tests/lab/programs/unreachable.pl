# Posts alerts to a gateway; a failed connect skips to the next attempt and keeps the handle in the retry queue.
use strict; use warnings; use Socket; use POSIX qw(strftime); use Time::HiRes qw(sleep);
my ($host, $port, $burst, $pause) = @ARGV;
$| = 1;
my @queue;
while (1) {
    socket(my $s, PF_INET, SOCK_STREAM, getprotobyname('tcp')) or die "socket: $!";
    push @queue, $s;
    if (!connect($s, sockaddr_in($port, inet_aton($host)))) {
        print strftime("%b %d %H:%M:%S", localtime), " alertd[$$]: gateway $host:$port: $!\n" if @queue % 100 == 0 or @queue > $burst;
    }
    sleep($pause) if @queue >= $burst;
}
