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
