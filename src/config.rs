//! Thresholds of the reasoning, each with its unit and reason; `--config` can change them.

use crate::error::Error;
use crate::signatures::Signatures;
use serde::Deserialize;
use std::path::Path;

/// From how many on a pile is worth a suspicion. All are numbers of sockets held by one program unless said otherwise.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Thresholds {
    /// TCP sockets in no connection state. A healthy program keeps none for long; a handful are races of the capture.
    pub closed: u64,
    /// CLOSE-WAIT. Idle pools keep up to some tens until their next use.
    pub close_wait: u64,
    /// SYN-SENT to one remote. A burst of a crawler goes to many remotes.
    pub syn_sent: u64,
    /// Listeners of one program on one address. `SO_REUSEPORT` servers open one a core, so this stays above any core count in use.
    pub listen: u64,
    /// UDP sockets. Resolvers and pollers keep pools of some tens by design.
    pub udp: u64,
    /// Unix sockets of one program. Hubs have hundreds, but then with as many peers.
    pub unix: u64,
    /// Netlink sockets. Daemons need a few each.
    pub netlink: u64,
    /// Packet sockets. Capture tools open one an interface.
    pub packet: u64,
    /// Raw sockets.
    pub raw: u64,
    /// epoll instances. Event loops open one a thread.
    pub eventpoll: u64,
    /// Established connections, below which nothing is said of them.
    pub established: u64,
    /// FIN-WAIT sockets that a descriptor still holds.
    pub fin_wait: u64,
    /// TIME-WAIT entries, from which they are worth a word.
    pub time_wait: u64,
    /// Percent of a limit from which it counts as near.
    pub near_limit: u64,
}

/// The file of `--config`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    thresholds: Thresholds,
    #[serde(default)]
    signatures: Option<serde_yaml::Value>,
}

/// Reads a configuration: `thresholds:` and `signatures:`, both optional.
///
/// # Errors
/// A file that cannot be read, a misspelt key, a signature that is wrong; with file and line.
pub fn load(path: &Path) -> Result<(Thresholds, Signatures), Error> {
    let file = path.display().to_string();
    let yaml = std::fs::read_to_string(path)
        .map_err(|e| Error::Invalid { file: file.clone(), reason: format!("the configuration cannot be read: {e}") })?;
    parse(&yaml, &file)
}

/// Reads the text of a configuration; `file` is what errors call it.
///
/// # Errors
/// A misspelt key, a signature that is wrong; with file and line.
pub fn parse(yaml: &str, file: &str) -> Result<(Thresholds, Signatures), Error> {
    let read: Option<File> = serde_yaml::from_str(yaml).map_err(|e| {
        let line = e.location().map_or(String::new(), |l| format!(":{}", l.line()));
        Error::Invalid { file: format!("{file}{line}"), reason: e.to_string() }
    })?;
    let read = read.unwrap_or(File { thresholds: Thresholds::default(), signatures: None });
    let extra = if read.signatures.is_some() { only_signatures(yaml) } else { "[]".to_string() };
    Ok((read.thresholds, Signatures::with_extra(&extra, file)?))
}

/// The list under `signatures:`, each entry in the line it has in the file, so that errors name the right one.
fn only_signatures(yaml: &str) -> String {
    let mut inside = false;
    let mut out = String::new();
    for line in yaml.lines() {
        let top = !line.is_empty() && !line.starts_with([' ', '\t', '-', '#', ']', '}']);
        if top {
            inside = line.starts_with("signatures:");
            out.push_str(if inside { line.strip_prefix("signatures:").unwrap_or("") } else { "" });
        } else if inside {
            out.push_str(line);
        }
        out.push('\n');
    }
    out
}

impl Default for Thresholds {
    fn default() -> Self {
        Thresholds {
            closed: 24,
            close_wait: 64,
            syn_sent: 100,
            listen: 128,
            udp: 200,
            unix: 400,
            netlink: 24,
            packet: 24,
            raw: 24,
            eventpoll: 192,
            established: 200,
            fin_wait: 64,
            time_wait: 2000,
            near_limit: 90,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIGNATURE: &str = "- id: ours-refused
  title: t
  pattern: ours says no
  means: m
  points_to: [connect-failed-not-closed]
  weight: cause
";

    #[test]
    fn thresholds_and_signatures_are_read() {
        let yaml = format!("thresholds:\n  closed: 7\nsignatures:\n{SIGNATURE}");
        let (thresholds, signatures) = parse(&yaml, "c.yaml").expect("a right configuration");
        assert_eq!((thresholds.closed, thresholds.udp), (7, Thresholds::default().udp));
        assert_eq!(signatures.id_of(b"ours says no"), Some("ours-refused"));
        let (thresholds, _) = parse("", "c.yaml").expect("an empty configuration");
        assert_eq!(thresholds.closed, Thresholds::default().closed);
    }

    #[test]
    fn what_is_wrong_is_named_with_its_line() {
        let wrong = |yaml: &str| parse(yaml, "c.yaml").expect_err("a wrong configuration").to_string();
        assert!(wrong("thresholds:\n  closd: 7\n").starts_with("c.yaml:2: "), "{}", wrong("thresholds:\n  closd: 7\n"));
        assert!(wrong("treshholds: {}\n").starts_with("c.yaml:1: "));
        let bad = format!("# ours\nsignatures:\n{}", SIGNATURE.replace("ours says no", "("));
        assert!(wrong(&bad).starts_with("c.yaml:3: "), "{}", wrong(&bad));
    }
}
