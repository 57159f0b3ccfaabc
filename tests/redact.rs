//! Redaction of real captures: the verdict stays, and no address or name of the original is left.
//!
//! Captures are taken from `samples/` and, where `SOCKDIAG_SHARED` names it, from a directory of archived incidents.

use sockdiag::bundle::{self, Input, Limits, MemberEnd, MemberHead, Visitor};
use sockdiag::config::Thresholds;
use sockdiag::facts::*;
use sockdiag::formats::reader::Reader;
use sockdiag::parallel::in_order;
use sockdiag::redact::addresses::Addresses;
use sockdiag::redact::key::Key;
use sockdiag::redact::{Options, Redacted, redact};
use sockdiag::signatures::Signatures;
use std::collections::BTreeSet;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::path::{Path, PathBuf};

/// Names that every host has.
const COMMON: &[&str] =
    &["root", "nobody", "daemon", "bin", "sys", "localhost", "localdomain", "unknown", "none", "linux", "unix", "tcp", "udp"];

/// What identifies a host, collected from facts.
#[derive(Default)]
struct Secrets {
    v4: BTreeSet<u32>,
    v6: BTreeSet<u128>,
    names: BTreeSet<String>,
    /// Names of processes, which stay.
    commands: BTreeSet<String>,
    reader: Option<Reader>,
    text: Vec<u8>,
}

struct Facts<'a>(&'a mut Secrets);

fn options() -> Options {
    Options { key: Key::of("a key of the tests"), hide_commands: false, mask_unparsed: false }
}

fn input(path: &Path) -> Input {
    Input { path: path.display().to_string(), format: None }
}

fn secrets(path: &Path) -> Secrets {
    let mut secrets = Secrets::default();
    bundle::walk(&input(path), &Limits::default(), &mut secrets).expect("a readable capture");
    secrets
}

fn run(from: &Path, to: &Path, options: &Options) -> Redacted {
    redact(&input(from), to, options, &Limits::default(), Signatures::builtin(), &Thresholds::default())
        .unwrap_or_else(|e| panic!("{}: {e}", from.display()))
}

/// Captures below a directory: `capture*` of incidents.
fn captures(root: &Path) -> Vec<PathBuf> {
    let below = |dir: &Path| std::fs::read_dir(dir).map(|d| d.flatten().map(|e| e.path()).collect::<Vec<_>>()).unwrap_or_default();
    let named = |p: &PathBuf| p.file_name().is_some_and(|n| n.to_string_lossy().starts_with("capture"));
    let mut all: Vec<PathBuf> = below(root).iter().flat_map(|dir| below(dir)).filter(named).collect();
    all.sort();
    all
}

fn every_capture() -> Vec<PathBuf> {
    let mut all = captures(&Path::new(env!("CARGO_MANIFEST_DIR")).join("samples"));
    if let Ok(shared) = std::env::var("SOCKDIAG_SHARED") {
        for sub in ["lab", "incidents"] {
            all.extend(captures(&Path::new(&shared).join(sub)));
        }
    }
    all
}

#[test]
fn every_capture_means_the_same_and_tells_no_names() {
    let all = every_capture();
    let (mut leaks, mut refused) = (Vec::new(), 0);
    in_order(
        &all,
        |capture| kept(capture),
        |_, kept| {
            leaks.extend(kept.left);
            refused += usize::from(kept.refused);
        },
    );
    assert!(refused * 10 <= all.len(), "{refused} of {} cannot hide their processes", all.len());
    assert!(leaks.is_empty(), "{} left:\n{}", leaks.len(), leaks.join("\n"));
}

/// What came of the redaction of one capture.
#[derive(Default)]
struct Kept {
    /// Addresses and names that were not replaced.
    left: Vec<String>,
    /// Whether nothing is written where the names of processes go too.
    refused: bool,
}

fn kept(capture: &Path) -> Kept {
    let scratch = tempfile::tempdir().expect("a directory");
    let out = scratch.path().join("out");
    // What nobody can read is not the matter here.
    if bundle::walk(&input(capture), &Limits::default(), &mut Secrets::default()).is_err() {
        return Kept::default();
    }
    let done = run(capture, &out, &options());
    assert_eq!(done.changed, None, "{}", capture.display());
    let left = left(&secrets(capture), &secrets(&out)).into_iter().map(|l| format!("{}: {l}", capture.display())).collect();
    std::fs::remove_dir_all(&out).expect("an output");
    // A name such as `sleep` can carry the diagnosis; then nothing may be written.
    let hidden = Options { hide_commands: true, mask_unparsed: true, ..options() };
    let refused = run(capture, &out, &hidden).changed.is_some();
    assert!(!refused || !out.exists(), "{}", capture.display());
    Kept { left, refused }
}

/// What of the original stands in the output.
fn left(old: &Secrets, new: &Secrets) -> Vec<String> {
    let mut map = Addresses::new(options().key);
    let mut found = Vec::new();
    let text = String::from_utf8_lossy(&new.text).to_lowercase();
    let tokens: BTreeSet<&str> = text.split(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ':'))).collect();
    let words: BTreeSet<&str> = text.split(|c: char| !(c.is_alphanumeric() || matches!(c, '-' | '_'))).collect();
    let fresh4: BTreeSet<u32> = old.v4.iter().map(|&a| map.v4(Ipv4Addr::from(a)).into()).collect();
    let fresh6: BTreeSet<u128> = old.v6.iter().map(|&a| map.v6(Ipv6Addr::from(a)).into()).collect();
    for &address in &old.v4 {
        // An address may by chance be what stands for another one.
        let shown = Ipv4Addr::from(address).to_string();
        let hex = format!("{:08x}:", address.swap_bytes());
        let there = tokens.iter().any(|t| {
            t.match_indices(&shown).any(|(i, s)| {
                !t[..i].ends_with(|c: char| c.is_ascii_digit() || c == '.') && !t[i + s.len()..].starts_with(|c: char| c.is_ascii_digit())
            }) || t.starts_with(&hex)
        });
        if there && !fresh4.contains(&address) {
            found.push(shown);
        }
    }
    for &address in &old.v6 {
        let shown = Ipv6Addr::from(address).to_string();
        if text.contains(&format!("[{shown}]")) && !fresh6.contains(&address) {
            found.push(shown);
        }
    }
    for name in &old.names {
        let lower = name.to_lowercase();
        let kept = COMMON.contains(&lower.as_str()) || old.commands.contains(name) || lower.parse::<f64>().is_ok();
        if !kept && (words.contains(lower.as_str()) || tokens.contains(lower.as_str())) {
            found.push(name.clone());
        }
    }
    found
}

#[test]
fn a_paste_tells_nothing_of_its_host() {
    let scratch = tempfile::tempdir().expect("a directory");
    let paste = scratch.path().join("vault-7.txt");
    let text = "\
[ops@vault-7 ~]# ss -tanp
State      Recv-Q Send-Q Local Address:Port               Peer Address:Port
CLOSE-WAIT 1      0      10.20.5.15:40112                 10.20.5.16:9092    users:((\"java\",pid=4684,fd=9))
CLOSE-WAIT 1      0      [fd12:3456::7]:40113             [fd12:3456::8]:9092 users:((\"java\",pid=4684,fd=10))
[ops@vault-7 ~]# lsof -p 4684
COMMAND  PID USER   FD   TYPE DEVICE SIZE/OFF NODE NAME
java    4684 ops     9u  IPv4  13391      0t0  TCP ledger-db.corp.example:40112->10.20.5.16:9092 (CLOSE_WAIT)
java    4684 ops    11r   REG  253,0     4096  712 /home/ops/treasure/map.txt
a line about treasure that nobody understands
";
    std::fs::write(&paste, text).expect("a file");
    let out = scratch.path().join("out");
    let done = run(&paste, &out, &options());
    assert_eq!(done.changed, None);
    let names: Vec<String> =
        std::fs::read_dir(&out).expect("a directory").flatten().map(|e| e.file_name().to_string_lossy().into_owned()).collect();
    let [name] = names.as_slice() else { panic!("{names:?}") };
    let shown = std::fs::read_to_string(out.join(name)).expect("a file");
    for secret in ["vault", "ops", "10.20.5.1", "3456", "ledger", "corp", "treasure", "map"] {
        assert!(!shown.contains(secret) && !name.contains(secret), "{secret}:\n{shown}");
    }
    for kept in ["users:((\"java\",pid=4684,fd=9))", ":9092", "java    4684 ", "(CLOSE_WAIT)", "ss -tanp", "lsof -p 4684", "/home/", ".txt"]
    {
        assert!(shown.contains(kept), "{kept}:\n{shown}");
    }
    assert_eq!(done.dropped.lines.values().sum::<u64>(), 1, "{:?}", done.dropped);
    assert!(done.replaced.contains_key("address") && done.replaced.contains_key("path") && done.replaced.contains_key("user name"));
    // Columns that follow a replaced cell stay where they were.
    let column = |text: &str| text.lines().find(|l| l.contains("fd=9")).and_then(|l| l.find("users:"));
    assert_eq!(column(&shown), column(text));
}

#[test]
fn users_that_only_netstat_names() {
    let scratch = tempfile::tempdir().expect("a directory");
    let from = scratch.path().join("netstat.txt");
    let rows: String = (1..40)
        .map(|n| {
            format!("tcp        1      0 10.20.5.15:{}  10.20.5.16:9092    CLOSE_WAIT  treasurer  {}     4684/java\n", 40_000 + n, n + 900)
        })
        .collect();
    let head = "Active Internet connections (servers and established)\n\
                Proto Recv-Q Send-Q Local Address           Foreign Address         State       User       Inode      PID/Program name\n";
    std::fs::write(&from, format!("{head}{rows}")).expect("a file");
    let out = scratch.path().join("out");
    assert_eq!(run(&from, &out, &options()).changed, None);
    let shown = String::from_utf8(secrets(&out).text).expect("text");
    assert!(!shown.contains("treasurer") && shown.contains("4684/java") && shown.contains("CLOSE_WAIT"), "{shown}");
}

#[test]
fn a_user_that_is_named_like_the_program_it_runs() {
    let scratch = tempfile::tempdir().expect("a directory");
    let from = scratch.path().join("in");
    std::fs::create_dir(&from).expect("a directory");
    let table = "COMMAND    PID     USER FD   TYPE DEVICE SIZE/OFF NODE NAME\n\
                 treasurer  812 treasurer 4u  sock 0,9 0t0 133868 protocol: TCP\n\
                 treasurer  812 treasurer 5r  REG  8,1 4096 712 /home/treasurer/chest.txt\n";
    let fields = "p812\nctreasurer\nu33\nLtreasurer\nf4\nau\ntsock\ni133868\nnprotocol: TCP\nf5\ntREG\nn/home/treasurer/chest.txt\n";
    std::fs::write(from.join("lsof.txt"), table).expect("a file");
    std::fs::write(from.join("lsof-F.txt"), fields).expect("a file");
    std::fs::write(from.join("lsof-F0.txt"), fields.replace('\n', "\0").replace("\0f", "\0\nf") + "\n").expect("a file");
    let out = scratch.path().join("out");
    assert_eq!(run(&from, &out, &options()).changed, None);
    let shown = String::from_utf8(secrets(&out).text).expect("text");
    // The program's name stays, for the report needs it; the user's and the directory's do not.
    for kept in ["treasurer  812 ", "\nctreasurer\n", "\0ctreasurer\0", "n/home/", ".txt"] {
        assert!(shown.contains(kept), "{kept}:\n{shown}");
    }
    assert_eq!(shown.matches("treasurer").count(), 4, "twice in the table, once in each list of fields:\n{shown}");
    assert!(!shown.contains("chest"), "{shown}");
}

#[test]
fn words_of_other_signatures_are_no_reason_to_stay() {
    let scratch = tempfile::tempdir().expect("a directory");
    let from = scratch.path().join("app.log");
    // `reset`, `pool` and `upstream` are words of other signatures than the one that recognises the line.
    let line = "2026-11-22 14:56:05.803 WARN [sender] Connection to node 5 (/10.20.5.15:9092) could not be established. Broker may not be \
                available. upstream pool of treasure reset\n";
    std::fs::write(&from, line.repeat(3)).expect("a file");
    let out = scratch.path().join("out");
    assert_eq!(run(&from, &out, &options()).changed, None);
    let shown = String::from_utf8(secrets(&out).text).expect("text");
    assert!(shown.contains("could not be established. Broker may not be"), "{shown}");
    for word in ["upstream", "pool", "treasure", "reset", "10.20.5.15"] {
        assert!(!shown.contains(word), "{word}: {shown}");
    }
}

#[test]
fn standard_input_is_redacted_like_the_file() {
    let scratch = tempfile::tempdir().expect("a directory");
    let (from, to) = (scratch.path().join("a.log"), scratch.path().join("out"));
    let text =
        b"2026-11-22 14:56:05.803 WARN Connection to node 5 (/10.20.5.15:9092) could not be established. Broker may not be available.\n";
    std::fs::write(&from, text).expect("a file");
    let ran = std::process::Command::new(env!("CARGO_BIN_EXE_sockdiag"))
        .args(["redact", "-", "--key", "a key of the tests", "-o"])
        .arg(&to)
        .stdin(std::fs::File::open(&from).expect("a file"))
        .output()
        .expect("the binary runs");
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    let shown = secrets(&to).text;
    run(&from, &scratch.path().join("again"), &options());
    assert!(shown == secrets(&scratch.path().join("again")).text && !shown.is_empty());
}

#[test]
fn keys_masks_and_archives() {
    let scratch = tempfile::tempdir().expect("a directory");
    let log = scratch.path().join("app.log");
    std::fs::write(&log, "2026-11-22 14:56:05.803 WARN [broker-5-sender-0] Connection to broker 5 (10.20.5.15/10.20.5.15:9092) could not be established. Broker may not be available. (attempt 500)\n2026-11-22 14:56:06.803 INFO [main] customer Treasure logged in\n").expect("a file");
    let read = |name: &str, options: &Options| {
        let out = scratch.path().join(name);
        assert_eq!(run(&log, &out, options).changed, None);
        secrets(&out).text
    };
    let one = String::from_utf8(read("one", &options())).expect("text");
    assert!(
        one.contains("Connection to broker 5 (") && one.contains(":9092) could not be established.") && one.contains("(attempt 500)"),
        "{one}"
    );
    assert!(!one.contains("10.20.5.15") && !one.contains("customer") && !one.contains("Treasure"), "{one}");
    assert_eq!(read("again.tgz", &options()), one.as_bytes(), "an archive holds the same");
    assert_eq!(read("same", &options()), one.as_bytes());
    assert_ne!(read("other", &Options { key: Key::random(), ..options() }), one.as_bytes());
}

#[test]
fn nothing_that_exists_is_overwritten() {
    let scratch = tempfile::tempdir().expect("a directory");
    let log = scratch.path().join("sockstat");
    std::fs::write(&log, "sockets: used 94\nTCP: inuse 27 orphan 0 tw 8 alloc 60 mem 290\n").expect("a file");
    for name in ["sockstat", "there.tgz", "there"] {
        let out = scratch.path().join(name);
        if name == "there" {
            std::fs::create_dir(&out).expect("a directory");
        } else if !out.exists() {
            std::fs::write(&out, "mine").expect("a file");
        }
        let failed = redact(&input(&log), &out, &options(), &Limits::default(), Signatures::builtin(), &Thresholds::default());
        assert!(failed.is_err() && out.exists(), "{name}");
    }
    assert_eq!(std::fs::read(scratch.path().join("there.tgz")).expect("a file"), b"mine");
}

impl Visitor for Secrets {
    fn begin(&mut self, head: &MemberHead) {
        let command = bundle::datum::command_of(&head.path).unwrap_or_default();
        self.reader = Some(Reader::new(MemberId(0), &head.path, command.as_bytes(), None));
    }

    fn data(&mut self, chunk: &[u8]) {
        self.text.extend_from_slice(chunk);
        if let Some(mut reader) = self.reader.take() {
            reader.feed(chunk, &mut Facts(self));
            self.reader = Some(reader);
        }
    }

    fn end(&mut self, _end: MemberEnd) {
        if let Some(reader) = self.reader.take() {
            reader.finish(&mut Facts(self));
        }
    }
}

impl Facts<'_> {
    fn end(&mut self, end: Option<Endpoint<'_>>) {
        match end.map(|e| e.addr) {
            Some(Addr::V4(a)) if a >> 24 != 127 && a >> 28 < 14 && a >> 24 != 0 => drop(self.0.v4.insert(a)),
            Some(Addr::V6(a)) if a > 1 && a >> 120 != 0xff => drop(self.0.v6.insert(a)),
            Some(Addr::Name(n)) => self.name(n),
            _ => {}
        }
    }

    fn name(&mut self, name: &[u8]) {
        if name.len() > 1 {
            self.0.names.insert(String::from_utf8_lossy(name).into_owned());
        }
    }

    fn command(&mut self, name: &[u8]) {
        self.0.commands.insert(String::from_utf8_lossy(name).into_owned());
    }
}

impl Sink for Facts<'_> {
    fn descriptor(&mut self, _at: At<'_>, d: &Descriptor<'_>) {
        self.name(d.user);
        self.command(d.command);
        self.end(d.local);
        self.end(d.remote);
    }

    fn socket(&mut self, _at: At<'_>, s: &Socket<'_>) {
        for holder in s.holders {
            self.command(holder.command);
        }
        self.end(s.local);
        self.end(s.remote);
    }

    fn process(&mut self, _at: At<'_>, p: &Process<'_>) {
        self.name(p.user);
        self.command(p.command);
    }

    fn identity(&mut self, _at: At<'_>, i: &Identity<'_>) {
        if i.key == IdentityKey::Hostname {
            self.name(i.value);
        }
    }
}
