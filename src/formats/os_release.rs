//! `/etc/os-release`: which distribution. Understood and not handed on: no cause depends on it. `sw_vers` says that it is no Linux.
//!
//! ```text
//! PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"
//! VERSION_ID="12"
//!
//! ProductName:            macOS
//! ProductVersion:         14.6.1
//! ```

use super::{Fit, Format, Hint, Parser, Probe, Taken, named, prompt, scan};
use crate::facts::{At, Identity, IdentityKey, Sink};

/// The distribution.
pub struct OsRelease;

#[derive(Default)]
struct Reading {
    /// The system's name, as `sw_vers` prints it in front of the version.
    product: String,
}

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
        if known >= 2 || named || probe.rows().next().is_some_and(|l| product(l).is_some()) { Fit::Likely } else { Fit::No }
    }

    fn opens(&self, line: &[u8]) -> bool {
        [&b"PRETTY_NAME="[..], b"VERSION_ID=", b"ID_LIKE=", b"VERSION_CODENAME="].iter().any(|key| line.starts_with(key))
            || product(line).is_some()
    }

    fn printed_by(&self, command: &[u8]) -> bool {
        scan::Fields::new(command).any(|f| f.ends_with(b"/os-release")) && !prompt::counts(command)
            || prompt::program(command) == b"sw_vers"
    }

    fn parser(&self, _hint: &Hint<'_>) -> Box<dyn Parser> {
        Box::<Reading>::default()
    }
}

impl Parser for Reading {
    fn line(&mut self, at: At<'_>, sink: &mut dyn Sink) -> Taken {
        if let Some((key, value)) = product(at.text) {
            match key {
                b"ProductName" => self.product = scan::lossy(value),
                b"ProductVersion" if !self.product.is_empty() => {
                    let system = format!("{} {}", self.product, scan::lossy(value));
                    sink.identity(at, &Identity { key: IdentityKey::System, value: system.as_bytes(), pid: None });
                    return Taken::Row;
                }
                _ => {}
            }
            return Taken::Noise;
        }
        if at.text.trim_ascii().is_empty() || is_setting(at.text) { Taken::Noise } else { Taken::Unknown }
    }
}

/// A line of `sw_vers`.
fn product(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let (key, value) = line.split_at_checked(memchr::memchr(b':', line)?)?;
    let known = matches!(key, b"ProductName" | b"ProductVersion" | b"ProductVersionExtra" | b"BuildVersion");
    let value = value.get(1..).unwrap_or_default().trim_ascii();
    (known && !value.is_empty()).then_some((key, value))
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

    #[test]
    fn macos_is_told() {
        let (told, reading) = told_as("x.txt", "ProductName:\t\tmacOS\nProductVersion:\t\t14.6.1\nBuildVersion:\t\t23G93\n");
        assert_eq!((told.lines, reading.unparsed()), (vec!["identity System pid=- macOS 14.6.1".to_string()], 0));
    }
}
