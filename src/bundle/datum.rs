//! What a member's name says it holds, and the command that printed it.
//!
//! ```text
//! sos_commands/networking/netstat_-W_-neopa      netstat      netstat -W -neopa
//! sos_commands/process/lsof_M_-n_-l_-c           lsof         lsof +M -n -l -c
//! live_response/network/ss_-anp.txt              ss           ss -anp
//! proc/96008/net/sockstat                        sockstat     (a file, no command)
//! 2026_11_22_15_02_03-netstat_s                  netstat-s
//! ```
//!
//! sos and insights make names of command lines in the same way ([`mangle`]): the directory of the program goes, every run of other
//! characters than `A-Za-z0-9_.-/` becomes `_`, `/` becomes `.`. That loses `+` and quotes, so that the way back is a good guess only.
//! Sources: sos `_mangle_command` in `sos/report/plugins/__init__.py`, insights `insights/util/mangle.py`.

/// The longest name that [`mangle`] makes, in bytes.
const NAME_LIMIT: usize = 255;

/// What kind of evidence the member at this path is, from its path alone; `None` where the name does not tell.
pub fn datum(path: &str) -> Option<&'static str> {
    let (directory, name) = path.rsplit_once('/').unwrap_or(("", path));
    if let Some(file) = datum_of_proc(directory, strip_suffixes(name)) {
        return Some(file);
    }
    if let Some(found) = command_of(path).and_then(|command| datum_of_command(&command)) {
        return Some(found);
    }
    datum_of_name(name)
}

/// The command whose output the member is, where its name tells it: the program and its options, options' marks put back where the
/// mangling lost them.
pub fn command_of(path: &str) -> Option<String> {
    let (directory, name) = path.rsplit_once('/').unwrap_or(("", path));
    let collected = ["sos_commands", "insights_commands", "live_response"].iter().any(|d| directory.split('/').any(|part| part == *d));
    let stem = strip_order(strip_namespace(strip_suffixes(name)));
    let mut words = stem.split(['_', ' ']).filter(|w| !w.is_empty());
    let program = words.next()?.to_ascii_lowercase();
    if !PROGRAMS.contains(&program.as_str()) {
        return None;
    }
    let rest: Vec<&str> = words.collect();
    let is_option = |w: &&str| w.len() > 1 && w.starts_with('-');
    let bsd = program == "ps" && rest.first().is_some_and(|w| w.starts_with("a") && w.len() > 1);
    if !rest.iter().any(is_option) && !bsd && !collected {
        return None;
    }
    let mut command = program.clone();
    let mut takes_value = false;
    for (i, word) in rest.iter().enumerate() {
        let option = is_option(word) || (bsd && i == 0);
        // Words that are neither an option nor the value of one are the file name's own: `ss -s output.txt`.
        if !(option || takes_value || collected || program == "lsof" && *word == "M") {
            break;
        }
        command.push(' ');
        if program == "lsof" && *word == "M" {
            command.push('+');
        }
        command.push_str(word);
        takes_value = matches!(*word, "-p" | "-o" | "-eo" | "-e");
    }
    Some(command)
}

/// The file name that sos and insights make of a command line.
pub fn mangle(command: &str) -> String {
    let bare = ["/usr/bin/", "/usr/sbin/", "/bin/", "/sbin/"].iter().find_map(|d| command.strip_prefix(d)).unwrap_or(command);
    let mut name = String::with_capacity(bare.len());
    let mut in_run = false;
    for c in bare.chars() {
        let kept = c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-' | '/');
        if kept {
            name.push(if c == '/' { '.' } else { c });
        } else if !in_run {
            name.push('_');
        }
        in_run = !kept;
    }
    let trimmed = name.trim_matches([' ', '.', '_', '-']);
    trimmed.get(..trimmed.len().min(NAME_LIMIT)).unwrap_or(trimmed).to_string()
}

/// What a bare file name says, as people and pt-stalk spell them: `lsof-nP.txt`, `07_lsof.log`, `cat proc net sockstat.txt`.
pub(super) fn datum_of_name(name: &str) -> Option<&'static str> {
    let lower = strip_suffixes(name).to_ascii_lowercase();
    let words: Vec<&str> =
        lower.split(|c: char| !c.is_ascii_alphanumeric()).filter(|w| !w.is_empty() && !w.bytes().all(|b| b.is_ascii_digit())).collect();
    let has = |word: &str| words.contains(&word);
    // Files whose name is two words, and words that outweigh the tool's.
    let pairs: &[(&str, &str, &str)] = &[
        ("file", "nr", "file-nr"),
        ("filenr", "", "file-nr"),
        ("file", "max", "file-max"),
        ("netstat", "s", "netstat-s"),
        ("netstat", "stats", "netstat-s"),
        ("ss", "s", "ss-summary"),
        ("ss", "summary", "ss-summary"),
        ("strace", "", "strace"),
        ("boot", "id", "boot-id"),
        ("port", "range", "sysctl"),
    ];
    if let Some((_, _, datum)) = pairs.iter().find(|(a, b, _)| has(a) && (b.is_empty() || has(b))) {
        return Some(datum);
    }
    if let Some(found) = words.iter().find_map(|word| WORDS.iter().find(|(spelling, _)| spelling == word)) {
        return Some(found.1);
    }
    (name.contains(".log") || name.ends_with(".out") && has("log")).then_some("log")
}

/// A name without what was hung on it: `.gz`, `.txt`, sos's `.tailed`.
pub(super) fn strip_suffixes(name: &str) -> &str {
    let mut stem = name;
    while let Some(shorter) = [".gz", ".xz", ".zst", ".txt", ".out", ".log", ".tailed", ".text"].iter().find_map(|s| stem.strip_suffix(s)) {
        if shorter.is_empty() {
            break;
        }
        stem = shorter;
    }
    stem
}

const PROGRAMS: &[&str] = &[
    "ss",
    "netstat",
    "lsof",
    "lsfd",
    "ps",
    "strace",
    "nstat",
    "sysctl",
    "conntrack",
    "dmesg",
    "hostname",
    "uname",
    "uptime",
    "date",
    "pidstat",
    "pstree",
    "ulimit",
    "top",
];

/// A word of a file name and the datum it names; the first word that is here decides.
const WORDS: &[(&str, &str)] = &[
    ("sockstat", "sockstat"),
    ("sockstat6", "sockstat6"),
    ("snmp", "snmp"),
    ("snmp6", "snmp6"),
    ("nstat", "nstat"),
    ("ss", "ss"),
    ("netstat", "netstat"),
    ("lsof", "lsof"),
    ("lsfd", "lsfd"),
    ("ps", "ps"),
    ("allprocstat", "stat"),
    ("top", "top"),
    ("fd", "fd"),
    ("fds", "fd"),
    ("limits", "limits"),
    ("limit", "limits"),
    ("status", "status"),
    ("cmdline", "cmdline"),
    ("comm", "comm"),
    ("cgroup", "cgroup"),
    ("environ", "environ"),
    ("wchan", "wchan"),
    ("jstack", "jstack"),
    ("stack", "stack"),
    ("ulimit", "ulimit"),
    ("sysctl", "sysctl"),
    ("conntrack", "conntrack"),
    ("dmesg", "dmesg"),
    ("hostname", "hostname"),
    ("uname", "uname"),
    ("uptime", "uptime"),
    ("date", "date"),
    ("meminfo", "meminfo"),
    ("slabinfo", "slabinfo"),
    ("manifest", "manifest"),
];

/// Files of `/proc`, told by their directory.
fn datum_of_proc(directory: &str, name: &str) -> Option<&'static str> {
    let last = directory.rsplit('/').next().unwrap_or("");
    let in_net = last == "net" || directory.contains("netns/") || name.starts_with("proc_net_");
    if in_net {
        return Some(match name.strip_prefix("proc_net_").unwrap_or(name) {
            "sockstat" => "sockstat",
            "sockstat6" => "sockstat6",
            "snmp" => "snmp",
            "snmp6" => "snmp6",
            "netstat" => "netstat-counters",
            "tcp" | "tcp6" => "proc-net-tcp",
            "udp" | "udp6" | "udplite" | "udplite6" | "raw" | "raw6" => "proc-net-udp",
            "unix" => "proc-net-unix",
            "netlink" => "proc-net-netlink",
            "packet" => "proc-net-packet",
            "protocols" => "proc-net-protocols",
            "nf_conntrack" => "conntrack",
            _ => return None,
        });
    }
    if directory.contains("proc/sys") || directory == "sys" {
        return Some(match name {
            "file-nr" => "file-nr",
            "file-max" => "file-max",
            "boot_id" => "boot-id",
            "hostname" => "hostname",
            _ => "sysctl",
        });
    }
    let process = last.trim_start_matches("pid").trim_start_matches("proc").trim_start_matches(['_', '-', '.']);
    if process.is_empty() || !process.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    Some(match name {
        "fd" => "fd",
        "limits" => "limits",
        "status" => "status",
        "stat" => "stat",
        "comm" => "comm",
        "cmdline" => "cmdline",
        "cgroup" => "cgroup",
        "environ" => "environ",
        "wchan" => "wchan",
        "stack" => "stack",
        "strace" => "strace",
        _ => return None,
    })
}

fn datum_of_command(command: &str) -> Option<&'static str> {
    let mut words = command.split(' ');
    let program = words.next()?;
    let short = |letter: char| {
        words.clone().any(|w| w.starts_with('-') && !w.starts_with("--") && w.contains(letter))
            || words.clone().any(|w| w.len() == 1 && w.starts_with(letter))
    };
    let long = |option: &str| words.clone().any(|w| w == option);
    Some(match program {
        "ss" if short('s') || long("--summary") => "ss-summary",
        "netstat" if short('s') || long("--statistics") => "netstat-s",
        "netstat" if short('g') || short('i') || short('r') => return None,
        "pidstat" | "pstree" => return None,
        _ => WORDS.iter().find(|(word, _)| *word == program).map(|(_, datum)| *datum).or(match program {
            "strace" => Some("strace"),
            _ => None,
        })?,
    })
}

/// `ip_netns_exec_NS_ss_-peaonmi` is the output of ss inside a namespace.
fn strip_namespace(name: &str) -> &str {
    let Some(rest) = name.strip_prefix("ip_netns_exec_") else { return name };
    // The namespace may hold `_` itself, so the program is looked for.
    PROGRAMS
        .iter()
        .filter_map(|program| {
            let at = rest.find(&format!("_{program}_"))?;
            rest.get(at + 1..)
        })
        .max_by_key(|r| r.len())
        .unwrap_or(name)
}

/// `07_lsof`: a number that only sorts.
fn strip_order(name: &str) -> &str {
    let digits = name.bytes().take_while(u8::is_ascii_digit).count();
    match name.get(digits..).and_then(|rest| rest.strip_prefix(['_', '-'])) {
        Some(rest) if digits > 0 && digits <= 3 => rest,
        _ => name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_made_as_sos_and_insights_make_them() {
        for (command, want) in [
            ("/usr/sbin/ss -peaonmi", "ss_-peaonmi"),
            ("netstat -W -neopa", "netstat_-W_-neopa"),
            ("lsof +M -n -l -c ''", "lsof_M_-n_-l_-c"),
            ("lsof -b +M -n -l -P", "lsof_-b_M_-n_-l_-P"),
            ("ps axo pid,ppid,user,group", "ps_axo_pid_ppid_user_group"),
            ("/bin/cat /proc/net/sockstat", "cat_.proc.net.sockstat"),
            ("ip netns exec NS ss -peaonmi", "ip_netns_exec_NS_ss_-peaonmi"),
        ] {
            assert_eq!(mangle(command), want);
        }
        assert_eq!(mangle(&"é".repeat(300)), "");
        assert_eq!(mangle(&"x".repeat(300)).len(), NAME_LIMIT);
    }

    #[test]
    fn commands_of_collectors_come_back() {
        for (command, want) in [
            ("ss -peaonmi", "ss"),
            ("ss -s", "ss-summary"),
            ("ss -tupna", "ss"),
            ("netstat -W -neopa", "netstat"),
            ("netstat -T -neopa", "netstat"),
            ("netstat -neopa", "netstat"),
            ("netstat -s", "netstat-s"),
            ("netstat -s -6", "netstat-s"),
            ("nstat -zas", "nstat"),
            ("lsof +M -n -l -c", "lsof"),
            ("lsof -b +M -n -l -c", "lsof"),
            ("lsof -b +M -n -l -P", "lsof"),
            ("ps auxwwwm", "ps"),
            ("ps -elfL", "ps"),
            ("sysctl -a", "sysctl"),
            ("uname -a", "uname"),
        ] {
            let path = format!("sosreport-x/sos_commands/any/{}", mangle(command));
            assert_eq!(command_of(&path).as_deref(), Some(command), "{path}");
            assert_eq!(datum(&path), Some(want), "{path}");
        }
    }

    #[test]
    fn commands_in_the_names_people_give() {
        for (path, want) in [
            ("app-07/netstat_-nat", Some("netstat -nat")),
            ("app-07/strace_-p_17112", Some("strace -p 17112")),
            ("api-05/SS -s output.txt", Some("ss -s")),
            ("api-05/netstat -natp.txt", Some("netstat -natp")),
            ("live_response/network/ss_-anp.txt", Some("ss -anp")),
            ("insights_commands/lsof", Some("lsof")),
            ("x/sos_commands/networking/namespaces/a_b/ip_netns_exec_a_b_ss_-peaonmi", Some("ss -peaonmi")),
            ("ps_auxww", Some("ps auxww")),
            // What only looks like options is not taken for them.
            ("mail-3/ss-summary.out", None),
            ("mail-3/netstat-stats.out", None),
            ("lsof-wc.txt", None),
            ("lsof.txt", None),
            ("ss tanpoe.txt", None),
            ("", None),
        ] {
            assert_eq!(command_of(path).as_deref(), want, "{path}");
        }
    }

    #[test]
    fn data_by_name() {
        for (path, want) in [
            ("x/proc/96008/net/sockstat", Some("sockstat")),
            ("proc/net/tcp6", Some("proc-net-tcp")),
            ("proc/net/netstat", Some("netstat-counters")),
            ("h/netns/4026531840/unix", Some("proc-net-unix")),
            ("proc/sys/fs/file-nr", Some("file-nr")),
            ("proc/sys/net/ipv4/tcp_mem", Some("sysctl")),
            ("proc/4684/fd", Some("fd")),
            ("app-07/proc_17112/limits", Some("limits")),
            ("lb-2/pid_23280/cmdline", Some("cmdline")),
            ("front-1/pid-8259-fd.txt", Some("fd")),
            ("mail-3/limits.16035", Some("limits")),
            ("feed-01/strace.26372.out", Some("strace")),
            ("hook-4/07_lsof.log", Some("lsof")),
            ("hook-4/03_ss_s.log", Some("ss-summary")),
            ("mail-3/ss-summary.out", Some("ss-summary")),
            ("mail-3/netstat-stats.out", Some("netstat-s")),
            ("feed-01/filenr.out", Some("file-nr")),
            ("front-1/proc_net_sockstat6.txt", Some("sockstat6")),
            ("api-05/cat proc net sockstat.txt", Some("sockstat")),
            ("api-05/process 4275 limits.txt", Some("limits")),
            ("stalk/2026_11_22_15_02_03-netstat_s", Some("netstat-s")),
            ("stalk/2026_11_22_15_02_03-lsof", Some("lsof")),
            ("feed-01/puller.log", Some("log")),
            ("x/sos_strings/process/lsof_M_-n_-l_-c.tailed", Some("lsof")),
            ("x/lsof.gz", Some("lsof")),
            ("notes.txt", None),
            ("", None),
        ] {
            assert_eq!(datum(path), want, "{path}");
        }
    }
}
