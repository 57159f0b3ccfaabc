//! What every command that reads captures takes: the inputs, the bounds, the configuration.

use super::caps::Caps;
use super::progress::Bar;
use crate::bundle::{Input, Limits};
use crate::capture;
use crate::config::{self, Config};
use crate::error::Error;
use crate::formats::by_id;
use crate::read;
use std::path::{Path, PathBuf};

/// Inputs and how they are read.
#[derive(Debug, clap::Args)]
pub struct Inputs {
    /// Archives, directories, text files, or - for standard input; NAME=PATH forces a format
    #[arg(required = true, value_name = "INPUT")]
    pub inputs: Vec<String>,
    /// YAML file with thresholds and further log signatures
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Bounds on what they may cost.
    #[command(flatten)]
    pub caps: Caps,
}

impl Inputs {
    /// The inputs, parsed.
    ///
    /// # Errors
    /// Standard input named twice.
    pub fn list(&self) -> Result<Vec<Input>, Error> {
        let inputs: Vec<Input> = self.inputs.iter().map(|a| Input::parse(a, |n| by_id(n).is_some())).collect();
        if inputs.iter().filter(|i| i.path == "-").count() > 1 {
            let reason = "standard input can be read only once; name it once".to_string();
            return Err(Error::Invalid { file: "-".to_string(), reason });
        }
        Ok(inputs)
    }

    /// The bounds.
    pub fn limits(&self) -> Limits {
        self.caps.limits()
    }

    /// The configuration.
    ///
    /// # Errors
    /// A configuration that cannot be read or is wrong.
    pub fn config(&self) -> Result<Config, Error> {
        configured(self.config.as_deref())
    }

    /// Reads all inputs, with a bar on a terminal if it takes long; `digest` asks for their SHA-256.
    ///
    /// # Errors
    /// The first input that cannot be read or is refused.
    pub fn read(&self, config: &Config, digest: bool) -> Result<Vec<capture::Input>, Error> {
        let bar = Bar::new();
        let limits = Limits { want_sha256: digest, ..self.limits() };
        let read = read::inputs(&self.list()?, &limits, config.signatures(), bar.as_ref().map(|b| b as _));
        if let Some(bar) = bar {
            bar.finish();
        }
        read
    }
}

/// The configuration of a file, or the defaults.
///
/// # Errors
/// A configuration that cannot be read or is wrong.
pub fn configured(path: Option<&Path>) -> Result<Config, Error> {
    path.map_or_else(|| Ok(Config::default()), config::load)
}

/// `64G`, `512MiB`, `1000`: powers of 1024.
pub fn bytes(text: &str) -> Result<u64, String> {
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, suffix) = text.split_at_checked(digits).unwrap_or((text, ""));
    let shift = match suffix.trim().to_ascii_lowercase().trim_end_matches("ib").trim_end_matches('b') {
        "" => 0,
        "k" => 10,
        "m" => 20,
        "g" => 30,
        "t" => 40,
        _ => return Err(format!("`{suffix}` is no suffix; use K, M, G or T")),
    };
    let number: u64 = number.parse().map_err(|_| "a number of bytes is expected, such as 64G".to_string())?;
    match number.checked_mul(1 << shift) {
        Some(0) => Err("must be more than 0".to_string()),
        Some(bytes) => Ok(bytes),
        None => Err("is too large".to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::bytes;

    #[test]
    fn sizes_take_suffixes() {
        assert_eq!(bytes("1000"), Ok(1000));
        assert_eq!(bytes("4K"), Ok(4096));
        assert_eq!(bytes("2GiB"), Ok(2 << 30));
        assert_eq!(bytes("1tb"), Ok(1 << 40));
        for wrong in ["", "x", "5q", "-1", "0", "99999999999T", "1.5G"] {
            assert!(bytes(wrong).is_err(), "{wrong}");
        }
    }
}
