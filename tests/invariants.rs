//! What holds for every input: nothing panics, nothing is written, nothing of the surroundings reaches a report, memory stays small.

mod sample;

use proptest::prelude::*;
use sample::{Member, Sample};
use sockdiag::bundle::{MemberEnd, MemberHead, Visitor, Walked};
use sockdiag::capture::Intake;
use sockdiag::config::Thresholds;
use sockdiag::report::{Detail, Look, RENDERERS, inspect};
use sockdiag::signatures::Signatures;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;
use tempfile::TempDir;

/// Samples that are damaged: one for each family of formats, small ones, for each is read some hundred times.
const DAMAGED: &[&str] = &[
    "accept-stalled",
    "backlog-overflow",
    "conntrack-full",
    "founding-article",
    "founding-fragments",
    "netlink-not-closed",
    "never-connected",
    "owner-not-visible-no-root",
    "raw-not-closed",
    "udp-not-closed",
    "workers-waiting-in-recv",
];

static MEMBERS: LazyLock<Vec<Vec<Member>>> = LazyLock::new(|| DAMAGED.iter().map(|n| Sample::open(n).members()).collect());

/// One piece of damage, at shares of the text rather than at offsets, so that it fits every member.
#[derive(Clone, Debug)]
enum Damage {
    /// A byte becomes another.
    Byte(f64, u8),
    /// The text ends here.
    End(f64),
    /// The text begins here.
    Begin(f64),
    /// A stretch is gone.
    Gap(f64, usize),
    /// A stretch stands twice.
    Echo(f64, usize),
    /// A stretch of another text, or of nothing sensible, stands in between.
    Insert(f64, Vec<u8>),
    /// Every number becomes this one.
    Number(String),
}

fn damage() -> impl Strategy<Value = Damage> {
    let huge = prop_oneof!["[0-9]{1,40}", Just("-1".to_string()), Just("18446744073709551615".to_string()), Just("4294967296".to_string())];
    prop_oneof![
        (0.0..1.0, any::<u8>()).prop_map(|(at, byte)| Damage::Byte(at, byte)),
        (0.0..1.0).prop_map(Damage::End),
        (0.0..1.0).prop_map(Damage::Begin),
        (0.0..1.0, 1..400_usize).prop_map(|(at, n)| Damage::Gap(at, n)),
        (0.0..1.0, 1..4000_usize).prop_map(|(at, n)| Damage::Echo(at, n)),
        (0.0..1.0, prop::collection::vec(any::<u8>(), 1..64)).prop_map(|(at, bytes)| Damage::Insert(at, bytes)),
        huge.prop_map(Damage::Number),
    ]
}

impl Damage {
    fn to(&self, text: &mut Vec<u8>) {
        let place = |share: f64| ((text.len() as f64 * share) as usize).min(text.len());
        match self {
            Damage::Byte(at, byte) => {
                let at = place(*at);
                if let Some(b) = text.get_mut(at) {
                    *b = *byte;
                }
            }
            Damage::End(at) => text.truncate(place(*at)),
            Damage::Begin(at) => drop(text.drain(..place(*at))),
            Damage::Gap(at, n) => drop(text.drain(place(*at)..(place(*at) + n).min(text.len()))),
            Damage::Echo(at, n) => {
                let stretch = text[place(*at)..(place(*at) + n).min(text.len())].to_vec();
                let at = place(*at);
                drop(text.splice(at..at, stretch));
            }
            Damage::Insert(at, bytes) => {
                let at = place(*at);
                drop(text.splice(at..at, bytes.iter().copied()));
            }
            Damage::Number(number) => {
                let mut out = Vec::with_capacity(text.len());
                let mut digits = false;
                for &b in text.iter() {
                    if !b.is_ascii_digit() {
                        out.push(b);
                    } else if !digits {
                        out.extend_from_slice(number.as_bytes());
                    }
                    digits = b.is_ascii_digit();
                }
                *text = out;
            }
        }
    }
}

/// How many damaged captures are tried: `PROPTEST_CASES`, or as many as take some seconds.
fn cases() -> u32 {
    std::env::var("PROPTEST_CASES").ok().and_then(|n| n.parse().ok()).unwrap_or(150)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever the damage, every report is drawn.
    #[test]
    fn damage_never_stops_a_report(
        which in 0..DAMAGED.len(),
        damages in prop::collection::vec((any::<prop::sample::Index>(), damage()), 1..6),
    ) {
        let mut members = MEMBERS[which].clone();
        for (index, damage) in &damages {
            let n = index.index(members.len());
            damage.to(&mut members[n].text);
        }
        let diagnosis = sample::diagnose(&members);
        for detail in [Detail::Quiet, Detail::Normal, Detail::Full] {
            for renderer in RENDERERS {
                let text = renderer.render(&diagnosis, &Look { detail, ..Look::default() });
                prop_assert!(text.ends_with('\n'), "{}", renderer.id());
            }
        }
        let json = sockdiag::report::by_id("json").expect("a renderer").render(&diagnosis, &Look::default());
        prop_assert!(serde_json::from_str::<serde_json::Value>(&json).is_ok());
    }

    /// A text may reach a parser in pieces of any size.
    #[test]
    fn pieces_tell_the_same_as_the_whole(which in 0..DAMAGED.len(), size in 1..5000_usize) {
        let members = &MEMBERS[which];
        let whole = sockdiag::diagnose_read(vec![sample::read(members)], &Thresholds::default());
        let mut intake = Intake::new(Signatures::builtin(), None);
        for member in members {
            intake.begin(&MemberHead { path: member.path.clone(), size: Some(member.text.len() as u64), modified: None });
            member.text.chunks(size).for_each(|chunk| intake.data(chunk));
            intake.end(MemberEnd::Whole);
        }
        let input = intake.finish("capture", Walked { kind: "directory".to_string(), ..Walked::default() });
        let pieces = sockdiag::diagnose_read(vec![input], &Thresholds::default());
        let look = Look { detail: Detail::Full, ..Look::default() };
        for renderer in RENDERERS {
            prop_assert_eq!(renderer.render(&whole, &look), renderer.render(&pieces, &look));
        }
    }
}

fn sockdiag(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sockdiag"));
    command.args(arguments);
    command
}

fn output(command: &mut Command) -> Vec<u8> {
    let output = command.output().expect("the binary runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

fn absolute(sample: &Sample) -> String {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(&sample.capture).to_string_lossy().into_owned()
}

/// What a run of a command is asked for.
const RUNS: &[&[&str]] =
    &[&["analyze"], &["analyze", "-v"], &["analyze", "--format", "json"], &["analyze", "--format", "markdown"], &["inspect"], &["facts"]];

#[test]
fn the_same_input_gives_the_same_bytes() {
    for name in ["two-leaks", "pool-unbounded", "founding-article"] {
        let input = absolute(&Sample::open(name));
        for run in RUNS {
            let arguments: Vec<&str> = run.iter().copied().chain([input.as_str()]).collect();
            assert_eq!(output(&mut sockdiag(&arguments)), output(&mut sockdiag(&arguments)), "{name} {run:?}");
        }
    }
}

/// One processor reads inputs one after the other and decodes beside nothing, several do both side by side.
#[cfg(target_os = "linux")]
#[test]
fn the_number_of_processors_changes_no_byte() {
    let allowed = fs::read_to_string("/proc/self/status").expect("/proc/self/status");
    let first = allowed.lines().find_map(|l| l.strip_prefix("Cpus_allowed_list:")).expect("a list").trim();
    let first: String = first.chars().take_while(char::is_ascii_digit).collect();
    let inputs: Vec<String> = ["two-leaks", "pool-unbounded", "founding-article"].iter().map(|n| absolute(&Sample::open(n))).collect();
    for run in RUNS {
        let arguments: Vec<&str> = run.iter().copied().chain(inputs.iter().map(String::as_str)).collect();
        let mut pinned = Command::new("taskset");
        pinned.args(["-c", &first, env!("CARGO_BIN_EXE_sockdiag")]).args(&arguments);
        // A machine without taskset cannot tell.
        let Ok(one) = pinned.output() else { return };
        assert!(one.status.success() && one.stdout == output(&mut sockdiag(&arguments)), "{run:?}");
    }
}

/// Time zone, language, home, terminal, user and working directory are the reader's, not the capture's.
#[test]
fn nothing_of_the_surroundings_reaches_a_report() {
    let elsewhere = TempDir::new().expect("a directory");
    for name in ["founding-article", "backlog-overflow"] {
        let input = absolute(&Sample::open(name));
        for run in RUNS {
            let arguments: Vec<&str> = run.iter().copied().chain([input.as_str()]).collect();
            let plain = output(sockdiag(&arguments).env_clear());
            for (key, value) in [
                ("TZ", "Asia/Kathmandu"),
                ("TZ", "UTC-14"),
                ("LANG", "tr_TR.UTF-8"),
                ("LC_ALL", "de_DE.ISO-8859-1"),
                ("HOME", "/nonexistent"),
                ("TERM", "xterm-256color"),
                ("COLUMNS", "40"),
                ("USER", "somebody"),
                ("PWD", "/nonexistent"),
                ("SOURCE_DATE_EPOCH", "1"),
                ("RUST_BACKTRACE", "full"),
            ] {
                let set = output(sockdiag(&arguments).env_clear().env(key, value));
                assert!(plain == set, "{name} {run:?} under {key}={value}");
            }
            assert!(plain == output(sockdiag(&arguments).current_dir(&elsewhere)), "{name} {run:?} from another directory");
        }
    }
}

/// Neither beside the input nor in the working directory nor among temporary files.
#[test]
fn nothing_is_written() {
    let home = TempDir::new().expect("a directory");
    let place = |name: &str| {
        let path = home.path().join(name);
        fs::create_dir_all(&path).expect("a directory");
        path
    };
    let (work, temporary, input) = (place("work"), place("tmp"), place("input"));
    for name in ["founding-article", "pool-unbounded", "syn-flood"] {
        for member in Sample::open(name).members() {
            let path = input.join(name).join(&member.path);
            fs::create_dir_all(path.parent().expect("a parent")).expect("a directory");
            fs::write(path, &member.text).expect("a member");
        }
    }
    fs::copy(absolute(&Sample::open("pool-unbounded")), input.join("packed.tgz")).expect("an archive");
    let before = tree(home.path());
    for run in RUNS {
        let input = input.to_string_lossy();
        let arguments: Vec<&str> = run.iter().copied().chain([input.as_ref()]).collect();
        let mut command = sockdiag(&arguments);
        for key in ["TMPDIR", "HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME"] {
            command.env(key, &temporary);
        }
        output(command.current_dir(&work));
    }
    assert!(before.len() > 20, "{}", before.len());
    assert_eq!(before, tree(home.path()));
}

/// Every file and directory below, with its bytes.
fn tree(directory: &Path) -> BTreeMap<PathBuf, Option<Vec<u8>>> {
    let mut out = BTreeMap::new();
    for path in fs::read_dir(directory).expect("a directory").map(|e| e.expect("an entry").path()) {
        if path.is_dir() {
            out.extend(tree(&path));
            out.insert(path, None);
        } else {
            let bytes = fs::read(&path).expect("a file");
            out.insert(path, Some(bytes));
        }
    }
    out
}

/// Sockets of the listing whose memory is measured.
#[cfg(target_os = "linux")]
const SOCKETS: usize = 1_000;

/// How much more memory ten times the bytes may take, in KiB: the noise of an allocator.
#[cfg(target_os = "linux")]
const SLACK_KIB: u64 = 1_024;

/// A listing repeats each descriptor for each thread; ten times the threads are ten times the bytes and not one socket more.
#[cfg(target_os = "linux")]
#[test]
fn memory_grows_with_sockets_and_not_with_bytes() {
    let (small, large) = (peak_kib(SOCKETS, 5), peak_kib(SOCKETS, 50));
    assert!(large < small + SLACK_KIB, "5 MB took {small} KiB, 50 MB took {large} KiB");
    // The measure must be able to see growth, or it says nothing.
    let many = peak_kib(SOCKETS * 800, 50);
    assert!(many > small + SLACK_KIB, "eight hundred times the sockets took {many} KiB, {SOCKETS} took {small} KiB");
}

/// The peak memory of a process that reads so many megabytes about so many sockets: this test's own binary, told by its environment.
#[cfg(target_os = "linux")]
fn peak_kib(sockets: usize, megabytes: usize) -> u64 {
    let output = Command::new(std::env::current_exe().expect("this test"))
        .args(["--exact", "measured", "--nocapture", "--ignored"])
        .env(MEASURE, format!("{sockets} {megabytes}"))
        .output()
        .expect("this test runs");
    let text = String::from_utf8_lossy(&output.stdout);
    let peak = text.lines().find_map(|l| l.split_once("VmHWM:")).unwrap_or_else(|| panic!("no peak in {text}"));
    peak.1.trim().trim_end_matches("kB").trim().parse().expect("a number")
}

#[cfg(target_os = "linux")]
const MEASURE: &str = "SOCKDIAG_TEST_MEASURE";

#[cfg(target_os = "linux")]
#[test]
#[ignore = "run by memory_grows_with_sockets_and_not_with_bytes in a process of its own"]
fn measured() {
    let Ok(told) = std::env::var(MEASURE) else { return };
    let (sockets, megabytes) = told.split_once(' ').expect("two numbers");
    let (sockets, megabytes): (usize, usize) = (sockets.parse().expect("a number"), megabytes.parse().expect("a number"));
    let mut intake = Intake::new(Signatures::builtin(), None);
    intake.begin(&MemberHead { path: "lsof.txt".to_string(), size: None, modified: None });
    intake.data(b"COMMAND     PID   TID TASKCMD        USER   FD      TYPE             DEVICE SIZE/OFF      NODE NAME\n");
    let (mut bytes, mut tid) = (0, 4684);
    let mut chunk = Vec::new();
    while bytes < megabytes << 20 {
        for n in 0..sockets {
            // A number is of one socket: one that came again would be of another moment.
            let (fd, inode) = (n, 675_441_359 + n);
            let task = if tid == 4684 { "                ".to_string() } else { format!("{tid:>5} Worker    ") };
            let row = format!("java       4684 {task}      apps {fd:>4}u     sock                0,8      0t0 {inode} protocol: TCP\n");
            chunk.extend_from_slice(row.as_bytes());
            if chunk.len() > 60_000 {
                intake.data(&chunk);
                bytes += chunk.len();
                chunk.clear();
            }
        }
        tid += 1;
    }
    intake.data(&chunk);
    intake.end(MemberEnd::Whole);
    let diagnosis = sockdiag::diagnose_read(vec![intake.finish("lsof.txt", Walked::default())], &Thresholds::default());
    let counted = diagnosis.findings.first().and_then(|f| f.claim.count);
    assert_eq!(counted, Some(sockets as u64), "{}", diagnosis.headline);
    let status = fs::read_to_string("/proc/self/status").expect("/proc/self/status");
    println!("{}", status.lines().find(|l| l.starts_with("VmHWM:")).expect("a peak"));
}

/// Full reports of damaged captures still name where a reader may look.
#[test]
fn what_was_read_can_be_inspected() {
    for sample in sample::all().iter().filter(|s| s.name != "founding-incident") {
        let diagnosis = sample.diagnosis();
        let text = inspect::text(&diagnosis, &Look::default());
        for member in sample.members() {
            let shown = member.path.rsplit('/').next().unwrap_or(&member.path);
            assert!(text.contains(shown), "{}: {shown} is not listed", sample.name);
        }
    }
}
