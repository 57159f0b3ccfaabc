//! `/proc/PID/cgroup`: the control groups of a process, which name its service or container.
//!
//! ```text
//! 0::/system.slice/nginx.service
//! 5:cpu,cpuacct:/docker/6ded13578d8
//! ```
//!
//! Hierarchy, controllers, path (`cgroups(7)`). Version 2 has one line with hierarchy 0 and no controllers; version 1 has a line per
//! hierarchy with nearly the same path, of which the systemd, memory and pids ones are handed on.

use super::{Fit, Format, Hint, Parser, Probe, Taken, named, scan};
use crate::facts::{At, Identity, IdentityKey, Sink};

/// The control groups of a process.
pub struct Cgroup;

struct Reading {
    pid: Option<u32>,
}

impl Format for Cgroup {
    fn id(&self) -> &'static str {
        "cgroup"
    }

    fn title(&self) -> &'static str {
        "/proc/PID/cgroup"
    }

    fn fit(&self, probe: &Probe<'_>) -> Fit {
        match probe.rows().find(|l| named::banner_pid(l).is_none()) {
            Some(line) if self.opens(line) => Fit::Likely,
            _ => Fit::No,
        }
    }

    fn opens(&self, line: &[u8]) -> bool {
        row(line.trim_ascii()).is_some()
    }

    fn printed_by(&self, command: &[u8]) -> bool {
        named::prints_process_file(command, b"cgroup")
    }

    fn parser(&self, hint: &Hint<'_>) -> Box<dyn Parser> {
        Box::new(Reading { pid: hint.pid })
    }
}

impl Parser for Reading {
    fn line(&mut self, at: At<'_>, sink: &mut dyn Sink) -> Taken {
        let line = at.text.trim_ascii();
        if line.is_empty() {
            return Taken::Noise;
        }
        if let Some(pid) = named::banner_pid(line) {
            self.pid = Some(pid);
            return Taken::Noise;
        }
        let Some((controllers, path)) = row(line) else { return Taken::Unknown };
        if !controllers.split(|&b| b == b',').any(|c| matches!(c, b"" | b"name=systemd" | b"memory" | b"pids")) {
            return Taken::Noise;
        }
        sink.identity(at, &Identity { key: IdentityKey::Cgroup, value: path, pid: self.pid });
        Taken::Row
    }
}

/// Controllers and path. No controller's name has a digit, so that times (`12:30:/x`) are no rows.
fn row(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut parts = line.splitn(3, |&b| b == b':');
    let hierarchy = parts.next()?;
    let (controllers, path) = (parts.next()?, parts.next()?);
    scan::number(hierarchy).filter(|&n| n < 1000)?;
    let named = controllers.iter().all(|b| b.is_ascii_lowercase() || matches!(b, b'_' | b',' | b'='));
    (named && (hierarchy == b"0") == controllers.is_empty() && path.starts_with(b"/")).then_some((controllers, path))
}

#[cfg(test)]
mod tests {
    use crate::formats::testing::{facts, told_as};

    #[test]
    fn both_versions() {
        let text = "12:cpu,cpuacct:/a\n5:memory:/docker/6ded\n1:name=systemd:/docker/6ded\n0::/system.slice/x.service\n";
        let (told, reading) = told_as("proc/7/cgroup", text);
        assert_eq!(told.lines.len(), 3);
        assert_eq!(told.lines[2], "identity Cgroup pid=7 /system.slice/x.service");
        assert_eq!(reading.unparsed(), 0);
    }

    #[test]
    fn times_are_no_groups() {
        assert!(facts("12:30:/var/log rotated\n0:10:/x\n").is_empty());
    }
}
