//! From where on a number is suspect, tried on texts written for it.

mod sample;

use sample::{Member, diagnose};
use sockdiag::diagnosis::{Diagnosis, Finding, Verdict};

fn member(path: &str, text: &str) -> Member {
    Member { path: path.to_string(), text: text.as_bytes().to_vec() }
}

/// A listing in which each process of a program holds sockets of the given rows.
fn lsof(command: &str, processes: impl IntoIterator<Item = Vec<String>>) -> Member {
    let mut text = String::from("COMMAND     PID   USER   FD      TYPE     DEVICE SIZE/OFF       NODE NAME\n");
    let mut inode = 30_000;
    for (n, names) in processes.into_iter().enumerate() {
        let pid = 4000 + n;
        text.push_str(&format!("{command:9} {pid:>5} svc   cwd       DIR        8,1     4096          2 /\n"));
        for (fd, name) in names.iter().enumerate() {
            inode += 3;
            text.push_str(&format!("{command:9} {pid:>5} svc {:>4}u     IPv4 {inode:>10}      0t0        {name}\n", fd + 3));
        }
    }
    member("lsof.txt", &text)
}

fn leaks(diagnosis: &Diagnosis) -> bool {
    diagnosis.verdict == Verdict::Leak
}

fn closed_by_peer(count: usize, from: usize) -> Vec<String> {
    (from..from + count).map(|n| format!("TCP 10.0.0.5:{}->10.0.9.7:443 (CLOSE_WAIT)", 33_000 + n)).collect()
}

#[test]
fn a_threshold_is_for_one_process() {
    let workers = |each: usize| diagnose(&[lsof("worker", (0..40).map(|n| closed_by_peer(each, n * each)))]);
    assert!(!leaks(&workers(2)), "80 in all, two in each");
    assert!(leaks(&workers(20)), "800 in all, twenty in each");
    assert!(leaks(&diagnose(&[lsof("worker", [closed_by_peer(80, 0)])])), "80 in one");
}

/// Where the kernel hands ports out from 1024 on, a port of 2,000 is no choice of the program's.
#[test]
fn ports_are_handed_out_from_where_the_host_says() {
    let to_one = |first: usize| (0..700).map(|n| format!("UDP 10.0.0.5:{}->10.0.0.2:53", first + n)).collect::<Vec<_>>();
    let range = || member("sys/net/ipv4/ip_local_port_range", "1024\t65000\n");
    assert!(leaks(&diagnose(&[lsof("app", [to_one(33_000)])])));
    assert!(leaks(&diagnose(&[lsof("app", [to_one(2000)]), range()])));
    assert!(!leaks(&diagnose(&[lsof("app", [to_one(2000)])])), "bound where the program chose");
}

/// A count by process is one of a socket table only if ss or netstat printed the rows.
#[test]
fn a_count_of_log_lines_is_none_of_sockets() {
    let counted = |command: &str| {
        let text = format!("$ {command} | awk '{{print $7}}' | sort | uniq -c | sort -rn\n   1840 4242/worker\n     12 811/nginx\n");
        diagnose(&[member("notes.txt", &text)]).headline.contains("4242")
    };
    assert!(counted("netstat -anp"));
    assert!(!counted("cat access log"));
}

/// Each client of a server has one of its connections: none of them is where they go. A server that is the same on two hosts listens on the
/// same address of both, which says nothing of what they share.
#[test]
fn of_many_clients_none_is_named() {
    let host = |name: &str, first: usize| {
        let rows: Vec<String> =
            (0..80).map(|n| format!("TCP 127.0.0.1:8080->10.{}.{n}.9:{} (CLOSE_WAIT)", first + n % 7, 40_000 + n)).collect();
        let mut listing = lsof("gated", [std::iter::once("TCP 127.0.0.1:8080 (LISTEN)".to_string()).chain(rows).collect()]);
        listing.path = format!("{name}/lsof.txt");
        [listing, member(&format!("{name}/hostname"), &format!("{name}\n"))]
    };
    let diagnosis = diagnose(&[host("web1", 0), host("web2", 100)].concat());
    assert!(leaks(&diagnosis));
    let (shared, leaks): (Vec<_>, Vec<_>) = diagnosis.findings.iter().partition(|f| f.hosts.len() > 1);
    let ends = |f: &Finding| f.claim.remotes.iter().map(|r| (r.endpoint.clone(), r.near)).collect::<Vec<_>>();
    assert_eq!(leaks.iter().map(|f| ends(f)).collect::<Vec<_>>(), vec![vec![("127.0.0.1:8080".to_string(), true)]; 2]);
    assert_eq!(shared.iter().map(|f| ends(f)).collect::<Vec<_>>(), [vec![]]);
}
