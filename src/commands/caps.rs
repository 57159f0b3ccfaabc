//! The bounds on what an input may cost, each with an option.

use super::inputs::bytes;
use crate::bundle::Limits;

/// Bounds; what is not given keeps its default.
#[derive(Clone, Debug, Default, clap::Args)]
#[command(next_help_heading = "Bounds (what breaks one is refused, or left out, counted and said)")]
pub struct Caps {
    /// Refuse inputs larger than this after decompression (suffixes K, M, G, T) [default: 16G]
    #[arg(long, value_name = "BYTES", value_parser = bytes)]
    pub max_bytes: Option<u64>,
    /// Refuse inputs with more members than this [default: 200000]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub max_members: Option<u64>,
    /// Refuse inputs with a member larger than this [default: 4G]
    #[arg(long, value_name = "BYTES", value_parser = bytes)]
    pub max_member_bytes: Option<u64>,
    /// Refuse what decompresses to more than N bytes for each of its own, once it is large [default: 500]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub max_ratio: Option<u64>,
    /// Leave out archives inside archives that are deeper than this [default: 2]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(0..=16))]
    pub max_depth: Option<u32>,
    /// Leave out what is longer in a line [default: 4M]
    #[arg(long, value_name = "BYTES", value_parser = bytes)]
    pub max_line: Option<u64>,
    /// Leave out further hosts [default: 1000]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub max_hosts: Option<u64>,
    /// Leave out further processes of one input [default: 32768]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub max_processes: Option<u64>,
    /// Leave out further rows of sockets of one input [default: 33554432]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub max_sockets: Option<u64>,
    /// Leave out further findings [default: 200]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub max_findings: Option<u64>,
}

impl Caps {
    /// The bounds.
    pub fn limits(&self) -> Limits {
        let mut limits = Limits::default();
        if let Some(bytes) = self.max_bytes {
            limits = limits.with_max_bytes(bytes);
        }
        let or = |option: Option<u64>, default: usize| option.map_or(default, |n| usize::try_from(n).unwrap_or(usize::MAX));
        Limits {
            max_members: self.max_members.unwrap_or(limits.max_members),
            max_member_bytes: self.max_member_bytes.unwrap_or(limits.max_member_bytes),
            max_ratio: self.max_ratio.unwrap_or(limits.max_ratio),
            max_depth: self.max_depth.unwrap_or(limits.max_depth),
            max_line: or(self.max_line, limits.max_line),
            max_hosts: or(self.max_hosts, limits.max_hosts),
            max_processes: or(self.max_processes, limits.max_processes),
            max_sockets: or(self.max_sockets, limits.max_sockets),
            max_findings: or(self.max_findings, limits.max_findings),
            ..limits
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_bound_of_its_own_goes_before_the_one_for_all_bytes() {
        let caps = Caps { max_bytes: Some(1000), max_member_bytes: Some(10), max_hosts: Some(7), ..Caps::default() };
        let limits = caps.limits();
        assert_eq!((limits.max_bytes, limits.max_member_bytes, limits.ratio_from, limits.max_hosts), (1000, 10, 1000, 7));
        assert_eq!(limits.max_members, Limits::default().max_members);
    }

    /// The help names the defaults; it is written by hand.
    #[test]
    fn the_help_tells_the_defaults() {
        let limits = Caps::default().limits();
        assert_eq!((limits.max_bytes, limits.max_members, limits.max_member_bytes), (16 << 30, 200_000, 4 << 30));
        assert_eq!((limits.max_ratio, limits.max_depth, limits.max_line, limits.max_hosts), (500, 2, 4 << 20, 1000));
        assert_eq!((limits.max_processes, limits.max_sockets, limits.max_findings), (32_768, 33_554_432, 200));
    }
}
