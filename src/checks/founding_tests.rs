//! The figures of the incident that founded the tool, one document with all outputs in it: what each check must make of them.

use super::Status;
use super::testing::checks;

const DOCUMENT: &str = "\
netstat -n | awk '/^tcp/ {++state[$NF]} END {for(key in state) print key,\"\\t\",state[key]}'
TIME_WAIT        221
ESTABLISHED      103

ss -s
Total: 158211 (kernel 158355)
TCP:   157740 (estab 103, closed 157624, orphaned 0, synrecv 0, timewait 173/0), ports 203

Transport Total     IP        IPv6
*         158355    -         -        
RAW       0         0         0        
UDP       9         6         3        
TCP       116       80        36       
INET      125       86        39       
FRAG      0         0         0        

cat /proc/net/sockstat
sockets: used 158400
TCP: inuse 89 orphan 2 tw 197 alloc 157760 mem 16
UDP: inuse 6 mem 0
UDPLITE: inuse 0
RAW: inuse 0
FRAG: inuse 0 memory 0

lsof | grep sock
java        4684      apps *280u     sock                0,6       0t0 675441359 can't identify protocol
java        4684      apps *281u     sock                0,6       0t0 675441393 can't identify protocol
java        4684      apps *282u     sock                0,6       0t0 675441405 can't identify protocol

sudo strace -p 36111
Process 36111 attached - interrupt to quit
futex(0x2b80e2c2e9d0, FUTEX_WAIT, 36120, NULL

lsof | wc -l 
10201

ulimit  -n
131072
";

#[test]
fn every_figure_of_the_founding_incident() {
    let made = checks(&[("incident.txt", DOCUMENT)]);
    let want = [
        ("ss-summary-sums", Status::Agree, "157,740"),
        ("dead-counters", Status::Agree, ""),
        ("ss-vs-sockstat-alloc", Status::Agree, "157,567 TCP sockets allocated, sockstat 157,760"),
        ("closed-vs-alloc", Status::Agree, "157,451 by ss -s (closed - timewait), 157,635 by sockstat"),
        ("slab-vs-alloc", Status::Skipped, ""),
        ("ports-vs-unhashed", Status::Agree, "203 local ports are in use, 157,451 TCP sockets"),
        ("hashed-vs-rows", Status::Skipped, ""),
        ("time-wait-vs-rows", Status::Agree, "197 time-wait entries, a count by state lists 221"),
        ("estab-vs-rows", Status::Agree, "103 established connections, a count by state lists 103 ESTAB"),
        ("orphans-vs-rows", Status::Skipped, ""),
        ("accept-queue-vs-unowned", Status::Skipped, ""),
        ("memory-vs-queues", Status::Agree, "16 pages (64 KiB) for 157,760 sockets"),
        ("netstat-vs-ss", Status::Skipped, ""),
        ("unhashed-vs-held", Status::Disagree, "157,451 TCP sockets in no table, but a listing of all processes had 10,201 lines"),
        ("used-vs-held", Status::Skipped, ""),
        ("file-nr-vs-held", Status::Skipped, ""),
        ("lsof-vs-ss", Status::Skipped, ""),
        ("lsof-threads-vs-fd", Status::Skipped, ""),
        ("descriptors-vs-limit", Status::Skipped, ""),
        ("hidden-numbers-vs-limit", Status::Skipped, "java (pid 4684) has descriptors of 10,000 and more"),
        (
            "shell-limit-vs-descriptors",
            Status::Disagree,
            "157,451 sockets that java (pid 4684) seems to hold do not fit under the shell's limit of 131,072 (ulimit -n)",
        ),
        ("capture-processes", Status::Disagree, "strace was attached to 36111, but the other files speak of java (pid 4684)"),
    ];
    assert_eq!(made.len(), want.len());
    for (check, (code, status, says)) in made.iter().zip(want) {
        assert_eq!((check.code, check.status), (code, status), "{}", check.says);
        assert!(check.says.contains(says), "{code}: {}", check.says);
        assert!(check.status == Status::Skipped || !check.at.is_empty(), "{code} cites nothing");
    }
}
