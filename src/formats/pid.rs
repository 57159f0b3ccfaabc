//! The process that a member is about, told from its path or from the command that printed it.

use super::scan;
use crate::bundle::layout::PID_DIGITS;

/// The process that a path or a command line names: `proc/4684/fd`, `pid-8259-fd.txt`, `fd.26372`, `strace -p 36111`.
pub fn pid_of(path: &str, command: &[u8]) -> Option<u32> {
    pid_of_command(command).or_else(|| pid_of_path(path))
}

/// What a command line asks `pidof` or `pgrep` for, with their options: `-x NAME`.
pub fn asked(command: &[u8]) -> Option<&[u8]> {
    let place = [&b"pidof "[..], b"pgrep "].into_iter().find_map(|asks| Some(memchr::memmem::find(command, asks)? + asks.len()))?;
    command.get(place..)?.split(|b| matches!(b, b')' | b'`' | b';' | b'|')).next()
}

/// The program by whose name a command line asks for a process: `$(pidof NAME)`, `pgrep -x NAME`.
pub fn asked_program(command: &[u8]) -> Option<&[u8]> {
    let name = scan::Fields::new(asked(command)?).last()?;
    let name = name.rsplit(|&b| b == b'/').next()?;
    let plain = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b'+');
    (name.first() != Some(&b'-') && !name.is_empty() && name.iter().all(plain)).then_some(name)
}

/// The process in whose namespaces a command line runs another: `nsenter -t 4684 -n ss -tan`.
pub fn entered(command: &[u8]) -> Option<u32> {
    let mut words = scan::Fields::new(command).skip_while(|word| !word.ends_with(b"nsenter")).skip(1);
    while let Some(word) = words.next() {
        match word {
            b"-t" | b"--target" => return words.next().and_then(scan::number32),
            [b'-', b't', digits @ ..] => return scan::number32(digits),
            [b'-', ..] => {}
            _ => return None,
        }
    }
    None
}

fn pid_of_command(command: &[u8]) -> Option<u32> {
    let mut fields = scan::Fields::new(command);
    while let Some(field) = fields.next() {
        if field == b"-p" || field == b"pid" {
            return fields.next().and_then(scan::number32);
        }
        if let Some(pid) = field.strip_prefix(b"-p").and_then(scan::number32) {
            return Some(pid);
        }
        if let Some(rest) = field.strip_prefix(b"/proc/") {
            return scan::leading_number(rest).and_then(|(pid, _)| u32::try_from(pid).ok());
        }
    }
    None
}

/// The process whose number a text begins with.
fn leading_digits(text: &str) -> Option<u32> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    text.get(..end).filter(|digits| is_pid(digits))?.parse().ok()
}

fn pid_of_path(path: &str) -> Option<u32> {
    let mut parts = path.rsplit('/');
    let name = unnumbered(parts.next().unwrap_or(""));
    let directory = parts.next().unwrap_or("");
    // In the name the number must stand beside a word that names a per-process file, so that dates and counters are not taken for pids.
    const WORDS: &[&str] = &[
        "pid", "fd", "fds", "limits", "status", "cmdline", "strace", "trace", "wchan", "comm", "cgroup", "stat", "ns", "proc", "jstack",
        "stack", "ulimit", "prlimit",
    ];
    if WORDS.iter().any(|w| name.to_ascii_lowercase().split(|c: char| !c.is_ascii_alphabetic()).any(|part| part == *w)) {
        // A number that the name itself calls a process.
        let called =
            name.to_ascii_lowercase().split_once("pid").and_then(|(_, rest)| leading_digits(rest.trim_start_matches(['-', '_', '.', '='])));
        if let Some(pid) = called {
            return Some(pid);
        }
        let number = name
            .split(|c: char| !c.is_ascii_digit())
            // What counts in a fixed width counts files.
            .filter(|s| !s.is_empty() && s.len() <= PID_DIGITS && !s.starts_with('0'))
            .filter_map(|s| s.parse().ok())
            .rfind(|&n: &u32| n > 0);
        if number.is_some() && name.bytes().filter(u8::is_ascii_digit).count() <= PID_DIGITS {
            return number;
        }
        let digits: Vec<u32> = name.split(|c: char| !c.is_ascii_digit()).filter_map(|s| s.parse().ok()).collect();
        if digits.len() > 1 {
            return digits.into_iter().rfind(|&n| n > 99);
        }
    }
    // `4684/limits`: a directory that is a number is a process if the file is one of `/proc/PID`'s.
    let stem = name.split('.').next().unwrap_or(name);
    if WORDS.contains(&stem) && is_pid(directory) {
        return directory.parse().ok();
    }
    // `fd/4684`, `limits/4684.txt`: one file for each process, but not the links of `/proc/PID/fd`.
    let above = parts.clone().next().unwrap_or("");
    if WORDS.contains(&directory) && is_pid(stem) && !is_pid(above) && above != "self" {
        return stem.parse().ok();
    }
    for part in std::iter::once(directory).chain(parts) {
        let digits = part.trim_start_matches("pid").trim_start_matches("proc").trim_start_matches(['-', '_', '.']);
        if !digits.is_empty()
            && digits.len() <= PID_DIGITS
            && digits.bytes().all(|b| b.is_ascii_digit())
            && (digits.len() < part.len() || path.contains("proc/"))
        {
            return digits.parse().ok();
        }
    }
    None
}

/// A file's name without the number in front that counts the files of a directory: `07_fd.log`, `0030-strace.txt`.
fn unnumbered(name: &str) -> &str {
    let rest = name.trim_start_matches(|c: char| c.is_ascii_digit());
    let digits = name.len() - rest.len();
    let counts = digits > 0 && (digits <= 2 || name.starts_with('0'));
    if counts && rest.starts_with(['_', '-', '.', ' ']) { rest } else { name }
}

fn is_pid(text: &str) -> bool {
    !text.is_empty() && text.len() <= PID_DIGITS && text.bytes().all(|b| b.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pids_from_paths() {
        for (path, want) in [
            ("proc/4684/fd", Some(4684)),
            ("host/proc/4684/net/tcp", Some(4684)),
            ("front-1/pid-8259-fd.txt", Some(8259)),
            ("feed-01/fd.26372", Some(26372)),
            ("hook-4/15_strace_2013.log", Some(2013)),
            ("app-07/strace_-p_17112", Some(17112)),
            ("app-07/proc_17112/fd", Some(17112)),
            ("hook-4/pid_2013/cmdline", Some(2013)),
            ("strace.26372.out", Some(26372)),
            ("sample1/ulimit-15201.txt", Some(15201)),
            ("21873/fd", Some(21873)),
            ("process/21873/limits.txt", Some(21873)),
            ("fd/28191", Some(28191)),
            ("host/limits/28191.txt", Some(28191)),
            ("proc/28191/fd/7", Some(28191)),
            ("proc/self/fd/7", None),
            ("07_fd.log", None),
            ("0030-strace.txt", None),
            ("12-limits_2013.txt", Some(2013)),
            ("4684_fd.log", Some(4684)),
            ("01/sockstat", None),
            ("sample1/ss-s.txt", None),
            ("0030-relay.strace", None),
            ("0030-relay-4471.strace", Some(4471)),
            ("2026-11-22/lsof.txt", None),
            ("pid-2835-fd-1.txt", Some(2835)),
            ("pid2835_fds.2", Some(2835)),
        ] {
            assert_eq!(pid_of(path, b""), want, "{path}");
        }
        assert_eq!(pid_of("x", b"strace -f -p 21733 -e trace=network"), Some(21733));
        assert_eq!(pid_of("x", b"cat /proc/6120/limits"), Some(6120));
        for (command, want) in [("nsenter -t 177 -n ss -tan", Some(177)), ("sudo nsenter -n -t177 ss", Some(177)), ("ss -t 177", None)] {
            assert_eq!(entered(command.as_bytes()), want, "{command}");
        }
    }

    #[test]
    fn programs_that_are_asked_for_by_name() {
        for (command, want) in [
            ("grep 'open files' /proc/$(pidof -s relayd)/limits", Some("relayd")),
            ("ls /proc/`pgrep -x relayd`/fd | wc -l", Some("relayd")),
            ("cat /proc/$(pidof /usr/sbin/relayd)/limits", Some("relayd")),
            ("cat /proc/$(pgrep -f 'java .*jar')/limits", None),
            ("cat /proc/$PID/limits", None),
        ] {
            assert_eq!(asked_program(command.as_bytes()).map(String::from_utf8_lossy).as_deref(), want, "{command}");
        }
    }
}
