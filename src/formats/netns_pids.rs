//! `netns/INODE/pids` of our collector: the processes of a network namespace.
//!
//! ```text
//! 1
//! 4684
//! ```
//!
//! The namespace is named by the directory. Numbers alone say nothing, so they are read only there.

use super::{Fit, Format, Hint, Parser, Probe, Taken, scan};
use crate::facts::{At, Identity, IdentityKey, Sink};

/// The processes of a network namespace.
pub struct NetnsPids;

struct Reading {
    /// As the kernel names it: `net:[4026531992]`.
    namespace: String,
}

impl Format for NetnsPids {
    fn id(&self) -> &'static str {
        "netns-pids"
    }

    fn title(&self) -> &'static str {
        "the collector's netns/INODE/pids"
    }

    fn fit(&self, probe: &Probe<'_>) -> Fit {
        let numbers = probe.rows().next().is_some_and(|line| scan::number32(line.trim_ascii()).is_some());
        if numbers && namespace(probe.path).is_some() { Fit::Sure } else { Fit::No }
    }

    fn opens(&self, _line: &[u8]) -> bool {
        false
    }

    fn parser(&self, hint: &Hint<'_>) -> Box<dyn Parser> {
        Box::new(Reading { namespace: format!("net:[{}]", namespace(hint.path).unwrap_or("?")) })
    }
}

impl Parser for Reading {
    fn line(&mut self, at: At<'_>, sink: &mut dyn Sink) -> Taken {
        let line = at.text.trim_ascii();
        if line.is_empty() {
            return Taken::Noise;
        }
        let Some(pid) = scan::number32(line).filter(|&pid| pid > 0) else { return Taken::Unknown };
        sink.identity(at, &Identity { key: IdentityKey::Netns, value: self.namespace.as_bytes(), pid: Some(pid) });
        Taken::Row
    }
}

/// The number in `netns/INODE/pids`.
fn namespace(path: &str) -> Option<&str> {
    let mut parts = path.rsplit('/');
    let (name, inode, directory) = (parts.next()?, parts.next()?, parts.next()?);
    let named = name == "pids" && directory == "netns" && !inode.is_empty() && inode.bytes().all(|b| b.is_ascii_digit());
    named.then_some(inode)
}

#[cfg(test)]
mod tests {
    use crate::formats::testing::told_as;

    #[test]
    fn only_in_its_directory() {
        let (told, reading) = told_as("h/netns/4026531992/pids", "1\n4684\n0\n");
        assert_eq!(told.lines, ["identity Netns pid=1 net:[4026531992]", "identity Netns pid=4684 net:[4026531992]"]);
        assert_eq!((reading.format(), reading.unparsed()), ("netns-pids", 1));
        for path in ["pids", "h/netns/self/pids", "h/4026531992/pids"] {
            assert!(told_as(path, "1\n4684\n").0.lines.is_empty(), "{path}");
        }
    }
}
