//! `ls -l /proc/PID/ns`, `readlink /proc/PID/ns/net`: which namespaces a process lives in.
//!
//! ```text
//! lrwxrwxrwx 1 root root 0 Nov 22 14:19 net -> net:[4026532177]
//! lrwxrwxrwx 1 root root 0 Nov 22 14:26 pid -> pid:[4026531836]
//! 7951 python3 net:[4026532458]                              a loop over processes
//! ```
//!
//! Two processes with the same number share the namespace; counters of `/proc/net` belong to that of whoever read them. A descriptor
//! may point to a namespace too (`7 -> net:[4026532177]` in a listing of `fd`): only links with the namespace's own name are read.

use super::{Fit, Format, Hint, Parser, Probe, Taken, named, prompt, scan};
use crate::facts::{At, Identity, IdentityKey, Sink};

/// The namespaces of a process.
pub struct Ns;

struct Reading {
    pid: Option<u32>,
}

impl Format for Ns {
    fn id(&self) -> &'static str {
        "ns"
    }

    fn title(&self) -> &'static str {
        "ls -l /proc/PID/ns"
    }

    fn fit(&self, probe: &Probe<'_>) -> Fit {
        let mut rows = probe.rows().filter(|l| !l.starts_with(b"total ") && named::banner_pid(l).is_none());
        match rows.next() {
            Some(line) if self.opens(line) => Fit::Sure,
            _ => Fit::No,
        }
    }

    fn opens(&self, line: &[u8]) -> bool {
        row(line.trim_ascii()).is_some()
    }

    fn printed_by(&self, command: &[u8]) -> bool {
        !prompt::counts(command)
            && named::paths_below(command, b"/proc/")
                .any(|path| path.ends_with(b"/ns") || scan::contains(path, b"/ns/") || path.ends_with(b"/ns/"))
    }

    fn parser(&self, hint: &Hint<'_>) -> Box<dyn Parser> {
        Box::new(Reading { pid: hint.pid })
    }
}

impl Parser for Reading {
    fn line(&mut self, at: At<'_>, sink: &mut dyn Sink) -> Taken {
        let line = at.text.trim_ascii();
        if line.is_empty() || is_total(line) {
            return Taken::Noise;
        }
        if let Some(pid) = named::banner_pid(line) {
            self.pid = Some(pid);
            return Taken::Noise;
        }
        let Some((link, target)) = row(line) else { return Taken::Unknown };
        let key = match link.rsplit(|&b| b == b'/').next() {
            Some(b"net") => IdentityKey::Netns,
            Some(b"pid") => IdentityKey::Pidns,
            _ => return Taken::Noise,
        };
        sink.identity(at, &Identity { key, value: target, pid: named::pid_in(link).or(pid_in_front(line)).or(self.pid) });
        Taken::Row
    }
}

/// The link's name (or path) and its target; a bare target stands for a link of its own kind.
fn row(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let blank = line.ends_with(b"]").then(|| line.iter().rposition(|&b| scan::is_blank(b)))?;
    let target = line.get(blank.map_or(0, |i| i + 1)..)?;
    let colon = memchr::memchr(b':', target)?;
    let (kind, number) = target.split_at_checked(colon)?;
    scan::bracketed(number, b":")?;
    if !is_kind(kind) {
        return None;
    }
    if target.len() == line.len() {
        return Some((kind, target));
    }
    let before = line.get(..line.len().checked_sub(target.len())?)?.trim_ascii_end();
    if pid_in_front(line).is_some() && !before.ends_with(b"->") {
        return Some((kind, target));
    }
    let link = scan::Fields::new(before.strip_suffix(b"->").unwrap_or(before)).last()?;
    let name = link.rsplit(|&b| b == b'/').next()?;
    is_kind(name.strip_suffix(b"_for_children").unwrap_or(name)).then_some((link, target))
}

/// `7951 python3 net:[N]`, `7951 net:[N]`: the process that a loop names in front of its link.
fn pid_in_front(line: &[u8]) -> Option<u32> {
    let mut fields = scan::Fields::new(line);
    let pid = fields.next().and_then(scan::number).and_then(|n| u32::try_from(n).ok()).filter(|pid| *pid > 0)?;
    fields.next().is_some_and(|word| word != b"->").then_some(pid)
}

fn is_kind(name: &[u8]) -> bool {
    matches!(name, b"cgroup" | b"ipc" | b"mnt" | b"net" | b"pid" | b"time" | b"user" | b"uts")
}

fn is_total(line: &[u8]) -> bool {
    let mut fields = scan::Fields::new(line);
    fields.next().is_some_and(|w| matches!(w, b"total" | b"insgesamt"))
        && fields.next().and_then(scan::number).is_some()
        && fields.next().is_none()
}

#[cfg(test)]
mod tests {
    use crate::formats::testing::{facts, told_as};

    #[test]
    fn net_and_pid() {
        let text = "total 0\nlrwxrwxrwx 1 root root 0 Nov 22 14:26 ipc -> ipc:[4026531839]\n\
                    lrwxrwxrwx 1 root root 0 Nov 22 14:19 net -> net:[4026532177]\n\
                    lrwxrwxrwx 1 root root 0 Nov 22 14:26 pid_for_children -> pid:[4026531836]\n";
        let (told, reading) = told_as("proc/7/ns", text);
        assert_eq!(told.lines, ["identity Netns pid=7 net:[4026532177]"], "pid_for_children is not its own");
        assert_eq!(reading.unparsed(), 0);
    }

    #[test]
    fn readlink_and_many_processes() {
        assert_eq!(facts("$ readlink /proc/9/ns/net\nnet:[4026531992]\n"), ["identity Netns pid=9 net:[4026531992]"]);
        let many = "lrwxrwxrwx 1 root root 0 Nov 22 14:19 /proc/12/ns/net -> net:[4026531992]\n";
        assert_eq!(facts(many), ["identity Netns pid=12 net:[4026531992]"]);
    }

    #[test]
    fn a_loop_names_each_process() {
        let text = "1 systemd net:[4026531840]\n7951 python3 net:[4026532458]\n8000 tmux: server net:[4026531840]\n9 net:[4026531840]\n";
        let (told, reading) = told_as("ns.txt", text);
        let netns = |pid: u32, number: u64| format!("identity Netns pid={pid} net:[{number}]");
        assert_eq!(told.lines, [netns(1, 4026531840), netns(7951, 4026532458), netns(8000, 4026531840), netns(9, 4026531840)]);
        assert_eq!(reading.unparsed(), 0);
    }

    #[test]
    fn a_descriptor_of_a_namespace_is_none_of_ours() {
        let told = facts("lr-x------ 1 root root 64 Nov 22 14:19 7 -> net:[4026532177]\n");
        assert!(!told.iter().any(|f| f.starts_with("identity")), "{told:?}");
    }
}
