//! Who made sockets that children hold: the process that started them, or they themselves.

mod sample;

use sample::{Member, diagnose};

fn member(path: &str, text: &str) -> Member {
    Member { path: path.to_string(), text: text.as_bytes().to_vec() }
}

/// The code of the first finding of an lsof of these rows (command, pid, name), with `ps -ef` of pids and parents.
fn code(rows: &[(&str, u32, String)], parents: &[(u32, u32, &str)]) -> &'static str {
    let mut lsof = String::from("COMMAND PID USER FD TYPE DEVICE SIZE/OFF NODE NAME\nsshd 9 root 3u IPv4 8 0t0 8 TCP *:22 (LISTEN)\n");
    let mut fd = 5;
    for (command, pid, name) in rows {
        fd += 1;
        lsof.push_str(&format!("{command} {pid} app {fd}u {name}\n"));
    }
    let mut ps = String::from("UID PID PPID C STIME TTY TIME CMD\nroot 1 0 0 10:00 ? 00:00:00 /sbin/init\n");
    for (pid, parent, command) in parents {
        ps.push_str(&format!("app {pid} {parent} 0 10:00 ? 00:00:00 {command}\n"));
    }
    let members = [member("lsof.txt", &lsof), member("ps-ef.txt", &ps)];
    diagnose(&members).findings.first().map_or("", |f| f.claim.code)
}

fn accepted(pid: u32) -> impl Iterator<Item = (&'static str, u32, String)> {
    (0..300u32).map(move |n| ("piper", pid, format!("IPv4 {0} 0t0 {0} TCP 10.0.0.5:8080->10.0.9.9:{1} (CLOSE_WAIT)", 7000 + n, 20_000 + n)))
}

fn listener(command: &'static str, pid: u32) -> (&'static str, u32, String) {
    (command, pid, format!("IPv4 {0} 0t0 {0} TCP *:8080 (LISTEN)", 6000))
}

#[test]
fn what_a_child_of_the_only_listener_holds_it_did_not_accept() {
    let with = |listeners: Vec<(&'static str, u32, String)>, parent: u32| {
        let rows: Vec<_> = listeners.into_iter().chain(accepted(501)).collect();
        code(&rows, &[(500, 1, "/usr/bin/frontd"), (501, parent, "/usr/bin/piper --out x")])
    };
    assert_eq!(with(vec![listener("frontd", 500)], 500), "fd-inherited");
    assert_eq!(with(vec![listener("frontd", 500)], 1), "accept-not-closed", "started by another");
    assert_eq!(with(vec![listener("piper", 501)], 500), "accept-not-closed", "it listens itself");
}

#[test]
fn what_all_children_hold_was_made_before_them() {
    let block = |pid: u32, from: u32| {
        (0..200u32).map(move |n| ("helper", pid, format!("sock 0,9 0t0 {} protocol: TCP", from + n))).collect::<Vec<_>>()
    };
    let parents = [(600, 1, "/usr/bin/master"), (601, 600, "/usr/bin/helper -d"), (602, 600, "/usr/bin/helper -d")];
    let same = [block(601, 9000), block(602, 9000)].concat();
    assert_eq!(code(&same, &parents), "fd-inherited");
    let own = [block(601, 9000), block(602, 9500)].concat();
    assert_ne!(code(&own, &parents), "fd-inherited", "each has made its own");
}

/// `ss -tanp` of a listener on port 7100 and of connections to it, all held under the same numbers by two processes, with a log line.
fn two_holders(names: (&str, &str), queue: usize, state: &str, log: &str) -> Vec<&'static str> {
    let users = |fd: usize| format!("users:((\"{}\",pid=301,fd={fd}),(\"{}\",pid=302,fd={fd}))", names.0, names.1);
    let mut ss = format!(
        "State Recv-Q Send-Q Local Address:Port Peer Address:Port Process\nLISTEN {queue} 50 0.0.0.0:7100 0.0.0.0:* {}\n",
        users(4)
    );
    if !state.is_empty() {
        (0..30).for_each(|n| ss.push_str(&format!("{state} 9 0 10.0.0.5:7100 10.0.9.{n}:{} {}\n", 40_000 + n, users(6 + n))));
    }
    let members = [member("ss-tanp.txt", &ss), member("messages", log)];
    let findings = diagnose(&members).findings;
    findings.iter().filter(|f| f.claim.class == sockdiag::causes::Class::Leak).map(|f| f.claim.code).collect()
}

#[test]
fn a_port_that_is_kept_by_what_was_started_with_it() {
    let log = "Nov  3 06:00:06 h1 countd[812]: cannot listen on 0.0.0.0:7100: Address already in use\n";
    assert_eq!(two_holders(("viewer", "launch"), 51, "", log), ["fd-inherited"]);
    assert_eq!(two_holders(("roller", "roller"), 0, "CLOSE-WAIT", log), ["fd-inherited"]);
    assert!(two_holders(("viewer", "launch"), 51, "", "").is_empty(), "nobody says that the port is taken");
    assert!(two_holders(("viewer", "launch"), 0, "", log).is_empty(), "they may accept what comes");
    assert!(two_holders(("worker", "worker"), 51, "", log).is_empty(), "workers of one program have one listener");
    assert!(two_holders(("worker", "worker"), 0, "ESTAB", log).is_empty(), "a copy of a server beside it");
    let own = log.replace("countd", "viewer");
    assert!(two_holders(("viewer", "launch"), 51, "", &own).is_empty(), "it asks for what it has");
    let other = log.replace("7100", "7101");
    assert!(two_holders(("viewer", "launch"), 51, "", &other).is_empty(), "another port");
}
