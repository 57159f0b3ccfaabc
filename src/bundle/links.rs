//! Links inside an input, resolved among its members only.
//!
//! A sos report keeps `proc/net -> self/net` and `proc/self -> 96008`, so that `proc/net/sockstat` is really `proc/96008/net/sockstat`.
//! Loops, links out of the input and links to what was not captured end in `None`; nothing here touches the disk.

use std::collections::{HashMap, HashSet};

/// How many links one path may go through; Linux allows 40.
const MAX_HOPS: u32 = 40;
/// How many components a path may grow to while it is resolved.
const MAX_PARTS: usize = 512;

/// The members and links of one input.
#[derive(Clone, Debug, Default)]
pub struct Links {
    members: HashSet<String>,
    links: HashMap<String, String>,
}

impl Links {
    /// A table without members.
    pub fn new() -> Self {
        Links::default()
    }

    /// Adds a member that was read.
    pub fn member(&mut self, path: &str) {
        self.members.insert(path.to_string());
    }

    /// Adds a link, with its target as [`super::MemberEnd::Link`] tells it.
    pub fn link(&mut self, path: &str, target: &str) {
        self.links.insert(path.to_string(), target.to_string());
    }

    /// The links, sorted, each with the member it leads to.
    pub fn resolved(&self) -> Vec<(&str, Option<String>)> {
        let mut all: Vec<_> = self.links.keys().map(|path| (path.as_str(), self.resolve(path))).collect();
        all.sort();
        all
    }

    /// The member that a path leads to through any links; `None` for a loop, a way out, or what is not there.
    pub fn resolve(&self, path: &str) -> Option<String> {
        let mut hops = 0;
        let resolved = self.follow(path, &mut hops)?;
        self.members.contains(&resolved).then_some(resolved)
    }

    /// Goes through a path component by component; what is left to go is kept in reverse.
    fn follow(&self, path: &str, hops: &mut u32) -> Option<String> {
        let mut left: Vec<&str> = path.split('/').rev().collect();
        let mut done: Vec<&str> = Vec::new();
        while let Some(part) = left.pop() {
            match part {
                "" | "." => continue,
                ".." => {
                    done.pop()?;
                    continue;
                }
                _ => done.push(part),
            }
            let Some(target) = self.links.get(&done.join("/")) else { continue };
            *hops += 1;
            if *hops > MAX_HOPS || left.len() + target.split('/').count() > MAX_PARTS {
                return None;
            }
            done.pop();
            if let Some(absolute) = target.strip_prefix('/') {
                left.reverse();
                return self.below_some_root(&done, absolute, &left.join("/"), hops);
            }
            left.extend(target.split('/').rev());
        }
        Some(done.join("/"))
    }

    /// An absolute target counts from the captured host's root, which is the input's top or some directory above the link: the highest
    /// under which it exists.
    fn below_some_root(&self, above: &[&str], absolute: &str, rest: &str, hops: &mut u32) -> Option<String> {
        for depth in 0..=above.len() {
            *hops += 1;
            if *hops > MAX_HOPS {
                return None;
            }
            let root = above.get(..depth)?.join("/");
            let path = format!("{root}/{absolute}/{rest}");
            if let Some(found) = self.follow(&path, hops).filter(|p| self.members.contains(p)) {
                return Some(found);
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(members: &[&str], links: &[(&str, &str)]) -> Links {
        let mut table = Links::new();
        members.iter().for_each(|m| table.member(m));
        links.iter().for_each(|(p, t)| table.link(p, t));
        table
    }

    #[test]
    fn the_links_of_a_sos_report() {
        let t = table(
            &["sos-a/proc/96008/net/sockstat", "sos-a/sos_commands/process/lsof_M_-n_-l_-c"],
            &[("sos-a/proc/net", "self/net"), ("sos-a/proc/self", "96008"), ("sos-a/lsof", "sos_commands/process/lsof_M_-n_-l_-c")],
        );
        assert_eq!(t.resolve("sos-a/proc/net/sockstat").as_deref(), Some("sos-a/proc/96008/net/sockstat"));
        assert_eq!(t.resolve("sos-a/lsof").as_deref(), Some("sos-a/sos_commands/process/lsof_M_-n_-l_-c"));
        assert_eq!(t.resolve("sos-a/proc/96008/net/sockstat").as_deref(), Some("sos-a/proc/96008/net/sockstat"));
        assert_eq!(t.resolve("sos-a/proc/net/tcp"), None);
    }

    #[test]
    fn loops_and_ways_out_lead_nowhere() {
        let t =
            table(&["a/x", "x"], &[("l", "l"), ("p", "q"), ("q", "p"), ("up", "../x"), ("a/up", "../../x"), ("d", "d/d/d"), ("e", "/e")]);
        for path in ["l", "p", "p/x", "up", "a/up", "d", "d/x", "e", "../x", "none"] {
            assert_eq!(t.resolve(path), None, "{path}");
        }
    }

    #[test]
    fn absolute_targets_count_from_some_root_above() {
        let t = table(&["host/var/log/app.log", "x"], &[("host/app.log", "/var/log/app.log"), ("h", "/x"), ("host/out", "/etc/shadow")]);
        assert_eq!(t.resolve("host/app.log").as_deref(), Some("host/var/log/app.log"));
        assert_eq!(t.resolve("h").as_deref(), Some("x"));
        assert_eq!(t.resolve("host/out"), None);
    }

    #[test]
    fn many_links_in_a_row_end() {
        let names: Vec<(String, String)> = (0..100).map(|i| (format!("l{i}"), format!("l{}/l{}", i + 1, i + 1))).collect();
        let links: Vec<(&str, &str)> = names.iter().map(|(a, b)| (a.as_str(), b.as_str())).collect();
        assert_eq!(table(&["l100"], &links).resolve("l0"), None);
    }
}
