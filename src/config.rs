//! Thresholds of the reasoning, each with its unit and reason, and the file of one's own that `--config` names.
//!
//! ```text
//! thresholds:
//!   close_wait: 200            a pool of ours keeps up to 150
//! signatures:
//!   - id: our-broker-gone
//!     title: The broker list has a host that is gone
//!     pattern: 'OurClient: giving up on (?&addr)'
//!     means: OurClient failed to connect and says so once per attempt.
//!     points_to: [connect-failed-not-closed]
//!     weight: cause
//! ```
//!
//! A misspelt key, a threshold that is no number, or a pattern that is no regular expression is an error with file and line.

use crate::error::Error;
use crate::signatures::Signatures;
use serde::{Deserialize, Deserializer};
use std::path::Path;

/// Largest configuration file that is read, in bytes.
const MAX_FILE: u64 = 4 << 20;

/// What a configuration file changes.
#[derive(Debug, Default)]
pub struct Config {
    /// Thresholds, those not named at their defaults.
    pub thresholds: Thresholds,
    /// The built-in signatures with those of the file; `None` if it has none.
    extra: Option<Signatures>,
}

/// The file as it is written; its signatures are read by [`Signatures::with_extra`], which knows their form.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct File {
    thresholds: Thresholds,
    signatures: Option<Vec<serde_yaml::Value>>,
}

macro_rules! thresholds {
    ($($(#[doc = $doc:literal])+ $name:ident: $default:literal,)+) => {
        /// From how many on a pile is worth a suspicion. All are numbers of sockets held by one process unless said otherwise; where a
        /// program has several and none reaches the number by itself, each further one adds what a process may hold in health.
        #[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
        #[serde(deny_unknown_fields, default)]
        pub struct Thresholds {
            $($(#[doc = $doc])+ #[serde(deserialize_with = "positive")] pub $name: u64,)+
        }

        impl Default for Thresholds {
            fn default() -> Self {
                Thresholds { $($name: $default,)+ }
            }
        }

        impl Thresholds {
            /// Every threshold: its name in the configuration, its default, and the reason for it.
            pub const ALL: &[(&str, u64, &str)] = &[$((stringify!($name), $default, concat!($($doc),+).trim_ascii()),)+];
        }
    };
}

thresholds! {
    /// TCP sockets in no connection state. A healthy program keeps none for long; a handful are races of the capture.
    closed: 24,
    /// CLOSE-WAIT. Idle pools keep up to some tens until their next use.
    close_wait: 64,
    /// SYN-SENT to one remote. A burst of a crawler goes to many remotes.
    syn_sent: 100,
    /// Listeners of one program on one address. `SO_REUSEPORT` servers open one a core, so this stays above any core count in use.
    listen: 128,
    /// UDP sockets. Resolvers and pollers keep pools of some tens by design.
    udp: 200,
    /// Unix sockets of one process. Hubs have hundreds, but then with as many peers.
    unix: 400,
    /// Netlink sockets. Daemons need a few each.
    netlink: 24,
    /// Packet sockets. Capture tools open one an interface.
    packet: 24,
    /// Raw sockets. A prober needs one or two.
    raw: 24,
    /// epoll instances. Event loops open one a thread.
    eventpoll: 192,
    /// Established connections, below which nothing is said of them.
    established: 200,
    /// FIN-WAIT sockets that a descriptor still holds.
    fin_wait: 64,
    /// TIME-WAIT entries, from which they are worth a word.
    time_wait: 2000,
    /// Percent of a limit from which it counts as near.
    near_limit: 90,
}

impl Config {
    /// Reads a file.
    ///
    /// # Errors
    /// It cannot be read, or is wrong: with its line and what to write instead.
    pub fn load(path: &Path) -> Result<Config, Error> {
        let file = path.display().to_string();
        let unreadable =
            |reason: String| Error::Invalid { file: file.clone(), reason: format!("the configuration cannot be read: {reason}") };
        let size = std::fs::metadata(path).map_err(|e| unreadable(e.to_string()))?.len();
        if size > MAX_FILE {
            return Err(unreadable(format!("{size} bytes are too large for a configuration")));
        }
        let text = std::fs::read_to_string(path).map_err(|e| unreadable(e.to_string()))?;
        Config::parse(&text, &file)
    }

    /// Reads a text; `file` is only named in errors.
    ///
    /// # Errors
    /// As [`load`].
    pub fn parse(text: &str, file: &str) -> Result<Config, Error> {
        let told: Option<File> = serde_yaml::from_str(text).map_err(|e| yaml_error(file, &e))?;
        let told = told.unwrap_or_default();
        let extra = match told.signatures {
            Some(list) if !list.is_empty() => Some(Signatures::with_extra(&only_signatures(text), file)?),
            _ => None,
        };
        Ok(Config { thresholds: told.thresholds, extra })
    }

    /// The signatures to search logs with.
    pub fn signatures(&self) -> &Signatures {
        self.extra.as_ref().unwrap_or_else(|| Signatures::builtin())
    }
}

/// Reads the file that `--config` names.
///
/// # Errors
/// It cannot be read, or is wrong: with its line and what to write instead.
pub fn load(path: &Path) -> Result<Config, Error> {
    Config::load(path)
}

/// An error in a YAML file of ours, with the line in the place where editors look for it.
pub fn yaml_error(file: &str, error: &serde_yaml::Error) -> Error {
    let place = error.location().map_or(String::new(), |l| format!(":{}", l.line()));
    let says = error.to_string();
    let says = says.split(" at line ").next().unwrap_or(&says);
    Error::Invalid { file: format!("{file}{place}"), reason: says.to_string() }
}

/// A threshold is a number from 1 on: 0 would make everything suspect.
fn positive<'de, D: Deserializer<'de>>(d: D) -> Result<u64, D::Error> {
    match u64::deserialize(d)? {
        0 => Err(serde::de::Error::custom("a threshold is at least 1")),
        n => Ok(n),
    }
}

/// The text with everything blanked but the value of `signatures:`, so that its lines keep their numbers.
fn only_signatures(text: &str) -> String {
    let mut inside = false;
    let keep = |line: &str| -> String {
        let top = !line.starts_with([' ', '\t', '-', '#', ']', '}']) && !line.trim().is_empty();
        if top {
            inside = false;
            for key in ["signatures:", "\"signatures\":", "'signatures':"] {
                if let Some(rest) = line.strip_prefix(key) {
                    inside = true;
                    return format!("{}{rest}", " ".repeat(key.len()));
                }
            }
        }
        if inside { line.to_string() } else { String::new() }
    };
    text.lines().map(keep).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrong(text: &str) -> String {
        Config::parse(text, "my.yaml").unwrap_err().to_string()
    }

    #[test]
    fn thresholds_not_named_keep_their_defaults() {
        let config = Config::parse("thresholds:\n  close_wait: 200\n", "x").unwrap();
        assert_eq!(config.thresholds, Thresholds { close_wait: 200, ..Thresholds::default() });
        assert!(Config::parse("", "x").unwrap().extra.is_none());
    }

    #[test]
    fn errors_name_file_and_line() {
        let says = wrong("thresholds:\n  closed: 5\n  close_weight: 200\n");
        assert!(says.starts_with("my.yaml:3: ") && says.contains("close_weight") && says.contains("close_wait"), "{says}");
        assert!(wrong("thresholds:\n  closed: many\n").starts_with("my.yaml:2: "));
        assert!(wrong("thresholds:\n  udp: 0\n").contains("at least 1"));
        assert!(wrong("tresholds: {}\n").starts_with("my.yaml:1: "));
    }

    #[test]
    fn every_threshold_has_a_reason_and_its_default() {
        for (name, default, reason) in Thresholds::ALL {
            assert!(!name.is_empty() && *default > 0 && reason.len() > 10, "{name}");
        }
        let text: String = Thresholds::ALL.iter().map(|(n, d, _)| format!("  {n}: {d}\n")).collect();
        assert_eq!(Config::parse(&format!("thresholds:\n{text}"), "x").unwrap().thresholds, Thresholds::default());
    }

    #[test]
    fn signatures_keep_their_lines() {
        let text = "# mine\nthresholds:\n  udp: 5\nsignatures:\n- id: a\n  pattern: x\n# between\n\n- id: b\nother: 1\n";
        assert_eq!(only_signatures(text), "\n\n\n           \n- id: a\n  pattern: x\n# between\n\n- id: b\n");
        assert_eq!(only_signatures("signatures: [{id: a}]\n").trim(), "[{id: a}]");
    }
}
