//! systemd units and `systemctl show`: the descriptor limit a service is started with.
//!
//! ```text
//! [Service]
//! LimitNOFILE=65536
//! LimitNOFILE=1024:4096        soft and hard
//! MainPID=71042                systemctl show
//! LimitNOFILESoft=1024
//! ```
//!
//! What the unit asks for, not what a running process has (`/proc/PID/limits`): it was changed after the start, maybe. The process is
//! known only in `systemctl show`, which prints `MainPID` before the limits.

use super::{Fit, Format, Hint, Parser, Probe, Taken, named, prompt, scan};
use crate::facts::{At, Limit, LimitValue, Sink};

/// The limits of a service.
pub struct UnitFile;

struct Reading {
    pid: Option<u32>,
}

impl Format for UnitFile {
    fn id(&self) -> &'static str {
        "unit-file"
    }

    fn title(&self) -> &'static str {
        "systemd units, systemctl show (LimitNOFILE)"
    }

    fn fit(&self, probe: &Probe<'_>) -> Fit {
        if probe.rows().take(3).any(is_section) {
            return Fit::Sure;
        }
        if probe.rows().next().is_some_and(|l| setting(l).is_some()) && probe.rows().any(|l| l.starts_with(b"LimitNOFILE")) {
            return Fit::Likely;
        }
        Fit::No
    }

    fn opens(&self, line: &[u8]) -> bool {
        let line = line.trim_ascii();
        is_section(line) || setting(line).is_some_and(|(key, value)| limit(key, value).is_some())
    }

    fn printed_by(&self, command: &[u8]) -> bool {
        prompt::program(command) == b"systemctl"
            && !prompt::counts(command)
            && scan::Fields::new(command).any(|f| matches!(f, b"show" | b"cat"))
    }

    fn parser(&self, _hint: &Hint<'_>) -> Box<dyn Parser> {
        Box::new(Reading { pid: None })
    }
}

impl Parser for Reading {
    fn line(&mut self, at: At<'_>, sink: &mut dyn Sink) -> Taken {
        let line = at.text.trim_ascii();
        let comment = (line.starts_with(b"#") || line.starts_with(b";")) && !named::is_prompt(line);
        if line.is_empty() || comment || is_section(line) {
            return Taken::Noise;
        }
        let Some((key, value)) = setting(line) else { return Taken::Unknown };
        if key == b"MainPID" {
            self.pid = scan::number32(value).filter(|&pid| pid != 0);
            return Taken::Row;
        }
        let Some((soft, hard)) = limit(key, value) else { return Taken::Noise };
        sink.limit(at, &Limit { pid: self.pid, name: "Max open files", soft, hard, program: b"" });
        Taken::Row
    }
}

/// Soft and hard limit of a `LimitNOFILE` setting. `systemctl show` prints the hard one under the plain name and the soft one apart.
fn limit(key: &[u8], value: &[u8]) -> Option<(Option<LimitValue>, Option<LimitValue>)> {
    let read = |text: &[u8]| match text {
        b"infinity" => Some(LimitValue::Unlimited),
        _ => scan::number(text).map(LimitValue::At),
    };
    match key {
        b"LimitNOFILESoft" => Some((Some(read(value)?), None)),
        b"LimitNOFILE" => match memchr::memchr(b':', value).and_then(|i| value.split_at_checked(i)) {
            Some((soft, hard)) => Some((read(soft), read(hard.strip_prefix(b":")?))),
            None => Some((Some(read(value)?), Some(read(value)?))),
        },
        _ => None,
    }
}

/// `Key=value`, the key in systemd's spelling.
fn setting(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let (key, value) = line.split_at_checked(memchr::memchr(b'=', line)?)?;
    let key = key.trim_ascii_end();
    let shaped = key.first().is_some_and(u8::is_ascii_uppercase) && key.iter().all(u8::is_ascii_alphanumeric);
    shaped.then(|| (key, value.get(1..).unwrap_or(b"").trim_ascii()))
}

fn is_section(line: &[u8]) -> bool {
    matches!(line.trim_ascii(), b"[Unit]" | b"[Service]" | b"[Install]" | b"[Socket]")
}

#[cfg(test)]
mod tests {
    use crate::formats::testing::{facts, told_as};

    #[test]
    fn units_and_show() {
        let (told, reading) =
            told_as("etc/systemd/system/x.service", "[Unit]\nDescription=x\n# LimitNOFILE=1\n[Service]\nLimitNOFILE=1024:infinity\n");
        assert_eq!(told.lines, ["limit pid=- Max open files soft=Some(At(1024)) hard=Some(Unlimited)"]);
        assert_eq!(reading.unparsed(), 0);
        let show = "$ systemctl show x\nMainPID=7\nLimitNOFILESoft=1024\n";
        assert_eq!(facts(show), ["limit pid=7 Max open files soft=Some(At(1024)) hard=None"]);
    }

    #[test]
    fn other_settings_files_are_not_ours() {
        assert!(facts("Color=red\nSize=7\n").is_empty());
    }
}
