//! `systemctl status UNIT`: which processes a service has.
//!
//! ```text
//! ● kube-apiserver.service - Kubernetes API Server
//!    Loaded: loaded (/etc/systemd/system/kube-apiserver.service; disabled)
//!  Main PID: 71042 (kube-apiserver)
//!    CGroup: /system.slice/kube-apiserver.service
//!            └─71042 /etc/kubernetes/bin/kube-apiserver --v=0
//! ```
//!
//! The name behind `Main PID` is the kernel's, the lines below `CGroup` are arguments, cut at the terminal's width (`…`). Behind a blank
//! line the unit's last log lines follow, which are another format's.

use super::{Fit, Format, Hint, Parser, Probe, Taken, prompt, scan};
use crate::facts::{At, Process, Sink};

/// The state of a service.
pub struct SystemctlStatus;

struct Reading;

impl Format for SystemctlStatus {
    fn id(&self) -> &'static str {
        "systemctl-status"
    }

    fn title(&self) -> &'static str {
        "systemctl status"
    }

    fn fit(&self, probe: &Probe<'_>) -> Fit {
        if probe.rows().take(2).any(|l| self.opens(l)) { Fit::Sure } else { Fit::No }
    }

    fn opens(&self, line: &[u8]) -> bool {
        let bullet = ["●", "○", "×", "↻", "*"].iter().any(|b| line.strip_prefix(b.as_bytes()).is_some_and(|rest| rest.starts_with(b" ")));
        (bullet && scan::Fields::new(line).nth(1).is_some_and(|unit| unit.ends_with(b".service")))
            || line.trim_ascii().starts_with(b"Loaded: loaded (")
    }

    fn printed_by(&self, command: &[u8]) -> bool {
        prompt::program(command) == b"systemctl" && !prompt::counts(command) && scan::Fields::new(command).any(|f| f == b"status")
    }

    fn parser(&self, _hint: &Hint<'_>) -> Box<dyn Parser> {
        Box::new(Reading)
    }
}

impl Parser for Reading {
    fn line(&mut self, at: At<'_>, sink: &mut dyn Sink) -> Taken {
        let line = at.text.trim_ascii();
        if line.is_empty() || SystemctlStatus.opens(at.text) {
            return Taken::Noise;
        }
        if !at.text.starts_with(b" ") {
            return Taken::Unknown;
        }
        if let Some(process) = main_pid(line).or_else(|| in_group(line)) {
            sink.process(at, &process);
            return Taken::Row;
        }
        Taken::Noise
    }
}

/// `Main PID: 71042 (kube-apiserver)`.
fn main_pid(line: &[u8]) -> Option<Process<'_>> {
    let (pid, rest) = scan::leading_number(line.strip_prefix(b"Main PID: ")?)?;
    let command = rest.strip_prefix(b" (")?.split(|&b| b == b')').next()?;
    Some(Process { pid: u32::try_from(pid).ok()?, command, ..Process::default() })
}

/// `└─71042 /etc/kubernetes/bin/kube-apiserver --v=0`.
fn in_group(line: &[u8]) -> Option<Process<'_>> {
    let branch = line
        .strip_prefix("└─".as_bytes())
        .or_else(|| line.strip_prefix("├─".as_bytes()))
        .or_else(|| line.strip_prefix(b"|-"))
        .or_else(|| line.strip_prefix(b"`-"))?;
    let (pid, rest) = scan::leading_number(branch.trim_ascii_start())?;
    let cmdline = rest.strip_prefix(b" ")?.trim_ascii();
    (!cmdline.is_empty()).then_some(())?;
    Some(Process { pid: u32::try_from(pid).ok()?, cmdline, ..Process::default() })
}

#[cfg(test)]
mod tests {
    use crate::formats::testing::told_as;

    #[test]
    fn processes_of_a_service() {
        let text = "● x.service - X\n   Loaded: loaded (/etc/x.service; disabled)\n Main PID: 71042 (x-daemon)\n   CGroup: /system.slice/x.service\n           └─71042 /usr/bin/x-daemon --v=0\n\n";
        let (told, reading) = told_as("x", text);
        assert_eq!(
            told.lines,
            [
                "process pid=71042 ppid=- user=- command=x-daemon cmdline=- threads=- tid=-",
                "process pid=71042 ppid=- user=- command=- cmdline=/usr/bin/x-daemon --v=0 threads=- tid=-",
            ]
        );
        assert_eq!((reading.format(), reading.unparsed()), ("systemctl-status", 0));
    }
}
