//! Whose archive it is, and which host and which sample in time a member belongs to: told from member paths alone.
//!
//! ```text
//! sosreport-web1-2026/sos_commands/networking/ss_-s     root sosreport-web1-2026
//! web1/sample1/proc/4684/fd                             root web1, sample sample1
//! samples/00/netns/4026531840/tcp                       root "", sample 00
//! stalk/2026_11_22_15_02_03-netstat                     root stalk, sample 2026_11_22_15_02_03
//! web1/before/lsof.txt, web1/lsof.after.txt             root web1, samples before and after
//! ```
//!
//! A path only proposes: host names and dates inside the files decide whether two roots are one host.

use super::datum::{datum_of_name, strip_suffixes};

/// Whose layout an archive has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Layout {
    /// Our own collector: `MANIFEST` and `samples/NN/`.
    Collector,
    /// sosreport: `sos_commands/`.
    Sos,
    /// insights-client: `insights_commands/`.
    Insights,
    /// UAC: `live_response/`.
    Uac,
    /// SUSE supportconfig: `basic-environment.txt` and other concatenated files.
    Supportconfig,
    /// The EKS log collector: `sysctls/`, `networking/`, `system/`.
    Eks,
    /// Elastic support-diagnostics: `syscalls/`.
    Elastic,
    /// pt-stalk: `2026_11_22_15_02_03-netstat`.
    PtStalk,
    /// Nobody's: files as somebody saved them.
    Loose,
}

/// Which host directory and which sample a member belongs to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Placement {
    /// The directory of the host; empty for the top of the input.
    pub root: String,
    /// Which of several samples in time, as the path spells it.
    pub sample: Option<String>,
}

impl Layout {
    /// The layout's one word.
    pub fn word(self) -> &'static str {
        match self {
            Layout::Collector => "collector",
            Layout::Sos => "sos",
            Layout::Insights => "insights",
            Layout::Uac => "uac",
            Layout::Supportconfig => "supportconfig",
            Layout::Eks => "eks",
            Layout::Elastic => "elastic",
            Layout::PtStalk => "pt-stalk",
            Layout::Loose => "loose",
        }
    }
}

/// The layout that these member paths have.
pub fn layout_of<'a>(paths: impl IntoIterator<Item = &'a str>) -> Layout {
    let (mut manifest, mut samples, mut eks) = (false, false, [false; 3]);
    let mut found: Option<Layout> = None;
    for path in paths {
        manifest |= path.rsplit('/').next() == Some("MANIFEST");
        samples |= after_directory(path, "samples").is_some_and(|rest| rest.contains('/'));
        for (seen, directory) in eks.iter_mut().zip(["system", "sysctls", "networking"]) {
            *seen |= after_directory(path, directory).is_some();
        }
        let mark = mark_of(path);
        // The list of layouts is in the order of how sure their marks are.
        if mark.is_some_and(|m| found.is_none_or(|f| (m as u8) < (f as u8))) {
            found = mark;
        }
    }
    match found {
        _ if manifest && samples => Layout::Collector,
        Some(layout) if layout != Layout::PtStalk => layout,
        _ if eks == [true; 3] => Layout::Eks,
        other => other.unwrap_or(Layout::Loose),
    }
}

/// How many digits a pid has at most: the kernel hands out no number above 4,194,304.
pub const PID_DIGITS: usize = 7;

/// The host directory and the sample of a member, from its path alone.
pub fn place(path: &str) -> Placement {
    let mut directories: Vec<&str> = path.split('/').collect();
    let name = directories.pop().unwrap_or("");
    directories.truncate(inner_from(&directories, name));
    // `samples/NN` names a sample whatever NN is; else a directory does whose name says so.
    let mut sample = None;
    if let Some(at) = directories.iter().position(|&d| d == "samples").filter(|at| at + 1 < directories.len()) {
        sample = directories.get(at + 1).map(|s| (*s).to_string());
        directories.truncate(at);
    } else if let Some(at) = directories.iter().rposition(|d| is_sample(d)) {
        sample = Some(directories.remove(at).to_string());
    } else if directories.last().is_some_and(|d| is_clock(d)) {
        sample = directories.pop().map(str::to_string);
    }
    let mut root = directories.join("/");
    if let Some((host, time)) = split_time(directories.last().copied().unwrap_or("")) {
        directories.pop();
        directories.push(host);
        // Samples inside a dated capture belong to that capture, in time order with others of the host.
        let time = sample.map_or_else(|| time.to_string(), |s| format!("{time}/{s}"));
        (root, sample) = (directories.join("/"), Some(time));
    }
    Placement { root, sample: sample.or_else(|| sample_of_name(name)) }
}

/// The layout that one path alone proves.
fn mark_of(path: &str) -> Option<Layout> {
    let name = path.rsplit('/').next().unwrap_or("");
    let has = |directory: &str| after_directory(path, directory).is_some();
    if has("sos_commands") || has("sos_reports") || has("sos_logs") {
        Some(Layout::Sos)
    } else if has("insights_commands") || name == "insights_archive.txt" {
        Some(Layout::Insights)
    } else if has("live_response") || name == "uac.log" {
        Some(Layout::Uac)
    } else if name == "basic-environment.txt" || path.starts_with("scc_") || path.starts_with("nts_") {
        Some(Layout::Supportconfig)
    } else if path.starts_with("eks_i-") {
        Some(Layout::Eks)
    } else if has("syscalls") {
        Some(Layout::Elastic)
    } else if name.get(19..20) == Some("-") && name.get(..19).is_some_and(|stamp| stamp.matches('_').count() == 5 && is_time(stamp)) {
        Some(Layout::PtStalk)
    } else {
        None
    }
}

/// What follows a directory of this name.
fn after_directory<'a>(path: &'a str, directory: &str) -> Option<&'a str> {
    let mut from = 0;
    while let Some(at) = path.get(from..)?.find(directory) {
        let start = from + at;
        let end = start + directory.len();
        if (start == 0 || path.get(..start)?.ends_with('/')) && path.get(end..)?.starts_with('/') {
            return path.get(end + 1..);
        }
        from = end;
    }
    None
}

/// The index at which directories begin that stand inside every host's capture: `proc/4684`, `sos_commands/process`, `var/log`.
fn inner_from(directories: &[&str], name: &str) -> usize {
    const ALWAYS: &[&str] = &[
        "sos_commands",
        "sos_reports",
        "sos_logs",
        "sos_strings",
        "insights_commands",
        "live_response",
        "syscalls",
        "sysctls",
        "networking",
        "netns",
        "namespaces",
        "etc",
    ];
    const LAST: &[&str] = &[
        "log",
        "logs",
        "system",
        "kernel",
        "net",
        "fd",
        "fdinfo",
        "task",
        "ns",
        "process",
        "processes",
        "network",
        "pids",
        "strace",
        "stderr",
        "proc",
        "sys",
        "commands",
        "cmd",
    ];
    for (i, &directory) in directories.iter().enumerate() {
        let next = directories.get(i + 1).copied().unwrap_or(name);
        let inner = match directory {
            "proc" => is_number(next) || matches!(next, "net" | "sys" | "self" | "fs") || i + 1 == directories.len(),
            "var" => matches!(next, "log" | "lib" | "run" | "spool"),
            "sys" => matches!(next, "fs" | "class" | "kernel" | "module" | "devices"),
            "run" | "usr" | "boot" | "root" | "opt" => directories.iter().any(|&d| ALWAYS.contains(&d)) && i > 0,
            _ => ALWAYS.contains(&directory),
        };
        if inner {
            return i;
        }
    }
    let mut end = directories.len();
    while let Some(&last) = end.checked_sub(1).and_then(|i| directories.get(i)) {
        // `samples/03/fd-counts` counts descriptors of all processes; 3 is none of them. In a container pids are as small.
        let above = end.checked_sub(2).and_then(|i| directories.get(i)).copied();
        let datum = datum_of_name(name);
        // A file that names its process itself (`2/pid-8702-fd.txt`) does not need a directory for it.
        let of_a_process = last.len() > 2 || above == Some("logs") || datum.is_some_and(is_of_a_process) && !names_a_number(name);
        // `1030/ss.txt` was taken at half past ten; what of a process is about itself tells the reader of the rows, or its own name does
        // (`1030/fd_8702.txt`). No pid begins with a zero.
        let of_the_host = datum.is_some_and(|d| !is_of_a_process(d) && d != "log");
        let at_a_time = is_clock(last) && end == directories.len() && (of_the_host || last.starts_with('0') || names_a_number(name));
        let process_number = is_number(last) && last.len() <= PID_DIGITS && above != Some("samples") && of_a_process && !at_a_time;
        if !(LAST.contains(&last) || names_a_process(last) || process_number) {
            break;
        }
        end -= 1;
    }
    end
}

/// `1030` or `103005`: a time of day, unless it is a pid.
pub(super) fn is_clock(word: &str) -> bool {
    let field = |from: usize| word.get(from..from + 2).and_then(|f| f.parse::<u32>().ok());
    is_number(word)
        && matches!(word.len(), 4 | 6)
        && field(0).is_some_and(|h| h < 24)
        && (2..word.len()).step_by(2).all(|at| field(at).is_some_and(|m| m < 60))
}

/// `10:30`, `10-30-05`, `10h30`: a time of day that is nothing else.
pub(super) fn is_time_of_day(word: &str) -> bool {
    let digits: String = word.chars().filter(char::is_ascii_digit).collect();
    let parted = word.split([':', '-', '_', 'h']).all(|field| field.len() == 2);
    parted && word.len() + 1 == digits.len() / 2 * 3 && is_clock(&digits)
}

/// `pid_4684`, `proc-4684`, `pid4684`.
fn names_a_process(directory: &str) -> bool {
    ["pid", "proc", "process"]
        .iter()
        .any(|word| directory.strip_prefix(word).is_some_and(|rest| is_number(rest.trim_start_matches(['_', '-', '.']))))
}

/// Whether a file name has a word that may be a pid: `fd_8702.txt`, `limits.21880`.
fn names_a_number(name: &str) -> bool {
    let mut words = name.split(|c: char| !c.is_ascii_alphanumeric()).skip(1);
    words.any(|word| is_number(word) && (3..=PID_DIGITS).contains(&word.len()))
}

fn is_of_a_process(datum: &str) -> bool {
    matches!(datum, "fd" | "limits" | "status" | "stat" | "cmdline" | "comm" | "cgroup" | "wchan" | "stack" | "environ" | "strace")
}

/// Whether a directory or a part of a file name says which sample it is: `sample1`, `s1`, `t0`, `before`, a date and time.
pub(super) fn is_sample(word: &str) -> bool {
    const WORDS: &[&str] = &["before", "after", "during", "first", "second", "third", "baseline", "later", "earlier", "start", "end"];
    const NUMBERED: &[&str] = &["sample", "s", "t", "run", "iter", "iteration", "round", "snap", "snapshot", "pass", "step", "take"];
    let lower = word.to_ascii_lowercase();
    if WORDS.contains(&lower.as_str()) || is_time(word) || is_time_of_day(word) {
        return true;
    }
    // `t+30s` has its unit behind.
    let number = lower.strip_suffix('s').unwrap_or(&lower);
    let letters = number.trim_end_matches(|c: char| c.is_ascii_digit());
    let stem = letters.trim_end_matches(['-', '_', '.', '+']);
    let digits = number.len() - letters.len();
    (digits > 0 && digits <= 4 && NUMBERED.contains(&stem)) || (is_number(word) && word.len() <= 2)
}

/// A key that sorts names of samples in time: `before` in front of `after`, `sample2` in front of `sample10`.
pub fn order(name: &str) -> (u8, String) {
    let words: Vec<String> = name.to_ascii_lowercase().split_inclusive(|c: char| !c.is_ascii_alphanumeric()).map(numbered).collect();
    let lower = words.concat();
    let rank = |word: &String| match word.trim_end_matches(|c: char| !c.is_ascii_alphanumeric()) {
        "before" | "first" | "start" | "baseline" | "earlier" | "yesterday" => Some(0),
        "third" => Some(2),
        "after" | "later" | "end" => Some(3),
        _ => None,
    };
    let rank = words.iter().find_map(rank).unwrap_or(1);
    let mut key = String::new();
    let mut digits = String::new();
    for c in lower.chars().chain([' ']) {
        if c.is_ascii_digit() {
            digits.push(c);
            continue;
        }
        if !digits.is_empty() {
            // Twenty digits hold any time since the epoch.
            key.push_str(&format!("{:0>20}", digits));
            digits.clear();
        }
        key.push(c);
    }
    (rank, key)
}

/// Whether a name tells that something was captured before: `later`, `after`.
pub fn is_later(name: &str) -> bool {
    matches!(name, "after" | "later" | "again")
}

/// A word with the number of a day of the week in the place of its name, which has the order of letters.
fn numbered(word: &str) -> String {
    let name = word.trim_end_matches(|c: char| !c.is_ascii_alphanumeric());
    super::moments::day(name).map_or_else(|| word.to_string(), |day| format!("{day}{}", word.get(name.len()..).unwrap_or("")))
}

/// Whether the whole of a word is a date, a date and time, or a time since the epoch.
pub(super) fn is_time(word: &str) -> bool {
    let digits: String = word.chars().filter(char::is_ascii_digit).collect();
    let plain = word.chars().all(|c| c.is_ascii_digit() || matches!(c, '-' | '_' | ':' | '.' | 'T' | 'Z' | '+'));
    let date = |d: &str| {
        let field = |from, to| d.get(from..to).and_then(|f: &str| f.parse::<u32>().ok()).unwrap_or(0);
        (1990..2100).contains(&field(0, 4)) && (1..=12).contains(&field(4, 6)) && (1..=31).contains(&field(6, 8))
    };
    plain
        && (matches!(digits.len(), 8 | 12 | 14..=23) && date(&digits)
            || digits.len() == 10 && word.len() == 10 && word.starts_with(['1', '2']))
}

/// `web1-2026-11-22T15-02-00`: a name with a date and a time of day behind it. A date alone stays: it is in the name of every sos report.
fn split_time(directory: &str) -> Option<(&str, &str)> {
    let start = directory.char_indices().find(|&(i, c)| {
        c == '2' && i > 1 && directory.get(..i).is_some_and(|s| s.ends_with(['-', '_', '.'])) && directory.get(i..).is_some_and(is_time)
    })?;
    let (host, time) = directory.split_at_checked(start.0)?;
    (time.bytes().filter(u8::is_ascii_digit).count() >= 12).then(|| (host.trim_end_matches(['-', '_', '.']), time))
}

/// The sample that a file name tells: a date and time in front, or one of the words of [`is_sample`] behind.
fn sample_of_name(name: &str) -> Option<String> {
    for (at, _) in name.char_indices().filter(|&(i, c)| i >= 12 && matches!(c, '-' | '_' | '.')).take(12) {
        let (front, rest) = name.split_at_checked(at)?;
        let digits = front.bytes().filter(u8::is_ascii_digit).count();
        // Seconds are two digits; a longer number behind the minutes is a pid (`20261124-1652_7153_fd.log`).
        let next = rest.get(1..).map_or(0, |r| r.bytes().take_while(u8::is_ascii_digit).count());
        if is_time(front) && (digits == 14 || (digits == 12 && next != 2)) {
            return Some(front.to_string());
        }
    }
    let stem = strip_suffixes(name);
    // `09-00.prom` has no other name.
    let bare = name.rsplit_once('.').map_or(name, |(bare, _)| bare);
    if is_time_of_day(bare) {
        return Some(bare.to_string());
    }
    let cut = stem.rfind(['.', '-', '_'])?;
    let (what, word) = (stem.get(..cut)?, stem.get(cut + 1..)?);
    // `netstat_-s_-6` ends with an option, `ss-4.txt` most likely too.
    if what.is_empty() || what.ends_with(['-', '_', ' ']) || (matches!(word, "4" | "6") && matches!(what, "ss" | "netstat")) {
        return None;
    }
    // `app.log.1` is a rotated log and `fd.12` is of a process: a bare number counts only behind the name of a thing sampled.
    let datum = datum_of_name(what);
    let sampled = datum.is_some_and(|d| !is_of_a_process(d) && d != "log");
    // `ss-s`, `ss-t`: an option of one letter never comes here, since it has no digit.
    ((is_number(word) && word.len() <= 2 && sampled)
        || (!is_number(word) && is_sample(word))
        || ((is_time(word) || is_clock(word)) && sampled))
        .then(|| word.to_string())
}

pub(super) fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_sort_in_time() {
        let mut names = ["after", "t10", "before", "t2", "during"];
        names.sort_by_key(|n| order(n));
        assert_eq!(names, ["before", "during", "t2", "t10", "after"]);
        let mut names = ["fri_0911", "thu_0904", "3_end", "2_during", "1_before"];
        names.sort_by_key(|n| order(n));
        assert_eq!(names, ["1_before", "2_during", "thu_0904", "fri_0911", "3_end"]);
    }

    #[test]
    fn layouts_by_their_marks() {
        for (paths, want) in [
            (&["MANIFEST", "samples/00/sockstat"][..], Layout::Collector),
            (&["b/MANIFEST", "b/samples/00/sockstat"], Layout::Collector),
            (&["sosreport-a/sos_commands/networking/ss_-s", "sosreport-a/proc/1/limits"], Layout::Sos),
            (&["insights-a-1/insights_commands/ss_-tupna"], Layout::Insights),
            (&["live_response/network/ss_-anp.txt", "uac.log"], Layout::Uac),
            (&["scc_a_1/network.txt", "scc_a_1/basic-environment.txt"], Layout::Supportconfig),
            (&["system/netstat.txt", "sysctls/sysctl_all.txt", "networking/conntrack.txt"], Layout::Eks),
            (&["d/syscalls/netstat.txt"], Layout::Elastic),
            (&["2026_11_22_15_02_03-netstat", "2026_11_22_15_02_03-ps"], Layout::PtStalk),
            (&["ss.txt", "lsof.txt", "my_sos_commands/x"], Layout::Loose),
            (&["MANIFEST"], Layout::Loose),
            (&[], Layout::Loose),
        ] {
            assert_eq!(layout_of(paths.iter().copied()), want, "{paths:?}");
        }
    }

    #[test]
    fn roots_and_samples() {
        for (path, root, sample) in [
            ("ss.txt", "", None),
            ("app-07/ss_-s", "app-07", None),
            ("app-07/proc_17112/fd", "app-07", None),
            ("app-07/log/worker.log", "app-07", None),
            ("lb-2/pid_23280/limits", "lb-2", None),
            ("cni-9/sos_commands/process/ps_auxwww", "cni-9", None),
            ("cni-9/proc/26648/fd", "cni-9", None),
            ("cni-9/proc/net/sockstat", "cni-9", None),
            ("cni-9/proc/sys/fs/file-nr", "cni-9", None),
            ("cni-9/var/log/linkd/sub/a.log", "cni-9", None),
            ("catalog-4/sample1/ss-s.txt", "catalog-4", Some("sample1")),
            ("catalog-4/sample2/proc/77/fd", "catalog-4", Some("sample2")),
            ("samples/00/sockstat", "", Some("00")),
            ("b/samples/01/netns/4026531840/tcp", "b", Some("01")),
            ("before/host-a/ss.txt", "host-a", Some("before")),
            ("host-a/after/ss.txt", "host-a", Some("after")),
            ("t0/ss.txt", "", Some("t0")),
            ("t+30s/ss.txt", "", Some("t+30s")),
            ("runs/ss.txt", "runs", None),
            ("web/2026-11-22T15-02-00/lsof.txt", "web", Some("2026-11-22T15-02-00")),
            ("web-2026-11-22T15-02-00/lsof.txt", "web", Some("2026-11-22T15-02-00")),
            ("sosreport-web-2026-11-22-abcdef/sos_commands/x/y", "sosreport-web-2026-11-22-abcdef", None),
            ("stalk/2026_11_22_15_02_03-netstat", "stalk", Some("2026_11_22_15_02_03")),
            ("stalk/2026_11_22_15_02_03-netstat_s", "stalk", Some("2026_11_22_15_02_03")),
            ("h/sockstat.1", "h", Some("1")),
            ("h/lsof-2.txt", "h", Some("2")),
            ("h/ss-s.t0", "h", Some("t0")),
            ("h/ss-1030.txt", "h", Some("1030")),
            ("h/lsof.103005", "h", Some("103005")),
            ("h/lsof.26372", "h", None),
            ("h/strace.1030", "h", None),
            ("h/lsof.before.txt", "h", Some("before")),
            ("h/app.log.1", "h", None),
            ("h/fd.26372", "h", None),
            ("h/fd.12", "h", None),
            ("h/strace.26372.out", "h", None),
            ("h/01_sockstat.log", "h", None),
            ("h/netstat_-s_-6", "h", None),
            ("h/ss-6.txt", "h", None),
            ("h/ss-t.txt", "h", None),
            ("outer.tgz/host-b/ss.txt", "outer.tgz/host-b", None),
            ("outer.tgz/ss.txt", "outer.tgz", None),
            ("node-a/pid-8532-fd.txt", "node-a", None),
            ("system/netstat.txt", "", None),
            ("1/ss.txt", "", Some("1")),
            ("1030/ss.txt", "", Some("1030")),
            ("h/103005/lsof.txt", "h", Some("103005")),
            ("h/10:30/lsof.txt", "h", Some("10:30")),
            ("h/10-30-05/lsof.txt", "h", Some("10-30-05")),
            ("10h30/ss.txt", "", Some("10h30")),
            ("1795357497/ss.txt", "", Some("1795357497")),
            ("20261122/ss.txt", "", Some("20261122")),
            ("1030/fd", "", None),
            ("0610/fd", "", Some("0610")),
            ("h/09-00.prom", "h", Some("09-00")),
            ("1030/fd_8702.txt", "", Some("1030")),
            ("1/pid-8702-fd.txt", "", Some("1")),
            ("h/1030/limits.21880", "h", Some("1030")),
            ("1030/limits", "", None),
            ("1090/ss.txt", "", None),
            ("h/1030/net/tcp", "h", None),
            ("4684/fd", "", None),
            ("h/12/limits", "h", None),
            ("h/stderr/164", "h", None),
            ("h/samples/03/fd-counts", "h", Some("03")),
            ("h/logs/19/app.log", "h", None),
        ] {
            let want = Placement { root: root.into(), sample: sample.map(str::to_string) };
            assert_eq!(place(path), want, "{path}");
        }
    }

    #[test]
    fn a_pid_behind_a_time_is_no_seconds() {
        for name in ["20261124-1652_7153_fd.log", "20261124-1652_lsof.log"] {
            assert_eq!(place(name).sample.as_deref(), Some("20261124-1652"), "{name}");
        }
        assert_eq!(place("2026_11_22_15_02_03-netstat").sample.as_deref(), Some("2026_11_22_15_02_03"));
    }

    #[test]
    fn samples_inside_a_dated_capture_are_of_that_host() {
        let main = place("sockdiag-web1-20261124T175312Z/ss_-s");
        let inner = place("sockdiag-web1-20261124T175312Z/samples/03/sockstat");
        assert_eq!(main.root, inner.root);
        assert_eq!((main.sample.as_deref(), inner.sample.as_deref()), (Some("20261124T175312Z"), Some("20261124T175312Z/03")));
    }

    #[test]
    fn odd_paths_do_no_harm() {
        for path in ["", "/", "//", "a/", "samples", "samples/", "proc/", "é/ü.é", "2026_11_22_15_02_0é-x", "-", "a.-_"] {
            let _ = place(path);
            let _ = layout_of([path]);
        }
    }
}
