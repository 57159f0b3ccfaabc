//! Units, scopes and parts of the settings that analyses read.

use crate::facts::{Scope, Unit};

/// What is known of a setting by its key.
pub struct Key {
    /// What it counts.
    pub unit: Unit,
    /// Over what.
    pub scope: Scope,
    parts: &'static [&'static str],
}

/// Keys that a file's name alone may stand for (`somaxconn.txt`, `ip_local_port_range`).
const BY_NAME: &[&str] = &[
    "fs.file-max",
    "fs.nr_open",
    "net.core.somaxconn",
    "net.ipv4.ip_local_port_range",
    "net.ipv4.tcp_fin_timeout",
    "net.ipv4.tcp_max_orphans",
    "net.ipv4.tcp_max_syn_backlog",
    "net.ipv4.tcp_max_tw_buckets",
    "net.ipv4.tcp_mem",
    "net.ipv4.tcp_tw_reuse",
    "net.ipv4.udp_mem",
    "net.netfilter.nf_conntrack_count",
    "net.netfilter.nf_conntrack_max",
];

impl Key {
    /// What the key tells.
    pub fn of(key: &str) -> Key {
        let leaf = key.rsplit('.').next().unwrap_or(key);
        let parts: &[&str] = match leaf {
            "tcp_mem" | "udp_mem" | "sctp_mem" => &[".min", ".pressure", ".max"],
            "tcp_rmem" | "tcp_wmem" => &[".min", ".default", ".max"],
            "ip_local_port_range" => &[".low", ".high"],
            _ => &[],
        };
        Key { unit: unit_of(leaf), scope: scope_of(key, leaf), parts }
    }

    /// Adds the name of the part at `i` of `count` values.
    pub fn push_part(&self, name: &mut String, i: usize, count: usize) {
        if count < 2 {
            return;
        }
        match self.parts.get(i) {
            Some(part) => name.push_str(part),
            None => {
                name.push('.');
                name.push_str(&i.to_string());
            }
        }
    }
}

/// The key that a member's name stands for.
pub fn known_key(path: &str) -> Option<Vec<u8>> {
    let squash = |text: &str| -> String { text.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect() };
    let name = path.rsplit('/').next().unwrap_or(path);
    let stem = squash(name.strip_suffix(".txt").or(name.strip_suffix(".out")).or(name.strip_suffix(".log")).unwrap_or(name));
    BY_NAME.iter().find(|key| stem.ends_with(&squash(key.rsplit('.').next().unwrap_or(key)))).map(|key| key.as_bytes().to_vec())
}

fn unit_of(leaf: &str) -> Unit {
    match leaf {
        "tcp_mem" | "udp_mem" | "sctp_mem" => Unit::Pages,
        "tcp_rmem" | "tcp_wmem" | "rmem_max" | "wmem_max" | "rmem_default" | "wmem_default" | "optmem_max" => Unit::Bytes,
        "ip_local_port_range" => Unit::Ports,
        "tcp_fin_timeout" | "tcp_keepalive_time" | "tcp_keepalive_intvl" => Unit::Seconds,
        _ if leaf.starts_with("nf_conntrack_") && leaf.contains("timeout") => Unit::Seconds,
        "file-max" | "nr_open" => Unit::Files,
        "tcp_max_orphans" | "tcp_max_tw_buckets" => Unit::Sockets,
        "somaxconn" | "tcp_max_syn_backlog" | "nf_conntrack_count" | "nf_conntrack_max" | "nf_conntrack_buckets" => Unit::Entries,
        _ => Unit::None,
    }
}

/// Most of `net` belongs to the namespace; memory, orphans and most of `net.core` to the host.
fn scope_of(key: &str, leaf: &str) -> Scope {
    match leaf {
        "tcp_mem" | "udp_mem" | "tcp_max_orphans" | "nf_conntrack_max" => Scope::Host,
        "somaxconn" => Scope::Netns,
        _ if key.starts_with("net.core.") => Scope::Host,
        _ if key.starts_with("net.") => Scope::Netns,
        _ => Scope::Host,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_members() {
        assert_eq!(known_key("a/somaxconn.txt").as_deref(), Some(&b"net.core.somaxconn"[..]));
        assert_eq!(known_key("proc_sys_net_ipv4_tcp_max_orphans").as_deref(), Some(&b"net.ipv4.tcp_max_orphans"[..]));
        assert_eq!(known_key("notes.txt"), None);
    }

    #[test]
    fn scopes() {
        assert_eq!(Key::of("net.ipv4.tcp_mem").scope, Scope::Host);
        assert_eq!(Key::of("net.ipv4.ip_local_port_range").scope, Scope::Netns);
        assert_eq!(Key::of("net.ipv4.tcp_mem").unit, Unit::Pages);
    }
}
