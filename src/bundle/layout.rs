//! Placeholder until the layouts land: the directory is the root.

/// Where a member belongs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Placement {
    /// The host's directory.
    pub root: String,
    /// The sample.
    pub sample: Option<String>,
}

/// The place of a member.
pub fn place(path: &str) -> Placement {
    let mut parts: Vec<&str> = path.split('/').collect();
    parts.pop();
    let digits = |p: &str| {
        let d = p.trim_start_matches("pid").trim_start_matches("proc").trim_start_matches(['_', '-']);
        !d.is_empty() && d.bytes().all(|b| b.is_ascii_digit())
    };
    while let Some(last) = parts.last() {
        if digits(last) || *last == "proc" || *last == "log" || *last == "logs" {
            parts.pop();
        } else {
            break;
        }
    }
    let sample = parts.last().filter(|p| p.starts_with("sample") || p.starts_with("t0") || p.starts_with("t1")).map(|s| s.to_string());
    if sample.is_some() {
        parts.pop();
    }
    Placement { root: parts.join("/"), sample }
}

/// The command that printed a member, where its name tells.
pub fn command_of(_path: &str) -> Option<String> {
    None
}
