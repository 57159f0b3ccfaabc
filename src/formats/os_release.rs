//! `/etc/os-release`: which distribution. Understood and not handed on: no cause depends on it.
//!
//! ```text
//! PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"
//! VERSION_ID="12"
//! ```

use super::{Fit, Format, Hint, Parser, Probe, Taken, named, prompt, scan};
use crate::facts::{At, Sink};

/// The distribution.
pub struct OsRelease;

struct Reading;

impl Format for OsRelease {
    fn id(&self) -> &'static str {
        "os-release"
    }

    fn title(&self) -> &'static str {
        "/etc/os-release"
    }

    fn fit(&self, probe: &Probe<'_>) -> Fit {
        let known = probe.rows().take(4).filter(|l| self.opens(l)).count();
        let named = named::has_letters(probe.path, "osrelease") && probe.rows().next().is_some_and(is_setting);
        if known >= 2 || named { Fit::Likely } else { Fit::No }
    }

    fn opens(&self, line: &[u8]) -> bool {
        [&b"PRETTY_NAME="[..], b"VERSION_ID=", b"ID_LIKE=", b"VERSION_CODENAME="].iter().any(|key| line.starts_with(key))
    }

    fn printed_by(&self, command: &[u8]) -> bool {
        scan::Fields::new(command).any(|f| f.ends_with(b"/os-release")) && !prompt::counts(command)
    }

    fn parser(&self, _hint: &Hint<'_>) -> Box<dyn Parser> {
        Box::new(Reading)
    }
}

impl Parser for Reading {
    fn line(&mut self, at: At<'_>, _sink: &mut dyn Sink) -> Taken {
        if at.text.trim_ascii().is_empty() || is_setting(at.text) { Taken::Noise } else { Taken::Unknown }
    }
}

fn is_setting(line: &[u8]) -> bool {
    let key = line.split(|&b| b == b'=').next().unwrap_or(b"");
    key.len() < line.len() && !key.is_empty() && key.iter().all(|b| b.is_ascii_uppercase() || *b == b'_')
}

#[cfg(test)]
mod tests {
    use crate::formats::testing::told_as;

    #[test]
    fn is_understood() {
        let (told, reading) = told_as("etc/os-release", "PRETTY_NAME=\"x 12\"\nNAME=\"x\"\n");
        assert_eq!((reading.format(), reading.unparsed(), told.lines.len()), ("os-release", 0, 0));
    }
}
