//! Names of members: directories of hosts and names of applications are replaced, what tells a datum, a sample or a process stays.

use super::find::{self, Found};
use super::mask::{Masks, runs};
use super::names::is_letter;
use super::words::{self, has};
use crate::bundle::datum::{command_of, datum};

/// The longest component that is written, in bytes; file systems take 255.
const LONGEST: usize = 200;

/// The name that a member gets. It has no empty, `.` or `..` component and nothing but letters, digits and a few marks.
pub fn rename(path: &str, masks: &mut Masks) -> String {
    let parts: Vec<&str> = path.split('/').filter(|p| !p.is_empty() && *p != "." && *p != "..").collect();
    let last = parts.len().saturating_sub(1);
    let mut renamed: Vec<String> = parts
        .iter()
        .enumerate()
        .map(|(i, p)| {
            // Names of kernel parameters are the same everywhere.
            let below = i > 1 && parts.get(..i).is_some_and(|above| above.windows(2).any(|w| w == ["proc", "sys"]));
            // The number of a namespace, which the manifest and listings name too.
            let namespace = p.bytes().all(|b| b.is_ascii_digit()) && i.checked_sub(1).and_then(|i| parts.get(i)) == Some(&"netns");
            if below || namespace || p.contains("proc_sys_") || p.contains("proc.sys.") { sane(p) } else { component(p, masks) }
        })
        .collect();
    // A command line in a name says more than words can be looked up for.
    let told = command_of(path).is_some() && datum(path) != datum(&renamed.join("/"));
    if let (true, Some(name), Some(old)) = (told, renamed.get_mut(last), parts.get(last))
        && !old.split(|c: char| !c.is_alphanumeric()).any(|w| masks.names.knows(w.as_bytes()))
    {
        *name = sane(old);
    }
    if renamed.is_empty() { "member".into() } else { renamed.join("/") }
}

fn component(part: &str, masks: &mut Masks) -> String {
    let bytes = part.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let tool = bytes.split(|b| !b.is_ascii_alphanumeric()).any(|w| has(&words::COMMANDS, w) && w.len() > 1);
    let mut at = 0;
    let known: &dyn Fn(&[u8]) -> bool = &|w| has(&words::MEMBERS, w) || has(&words::ENDINGS, w) || has(&words::COMMANDS, w);
    let commands = masks.commands.clone();
    while at < bytes.len() {
        if let Some(Found::V4(address, mark, len)) = find::address(bytes, at, false) {
            let shown = masks.addresses.v4(address).to_string();
            out.extend(shown.bytes().map(|b| if b == b'.' { mark } else { b }));
            at += len;
            continue;
        }
        let rest = bytes.get(at..).unwrap_or(b"");
        let word = runs(rest, |b| is_letter(b) || b.is_ascii_digit()).next().unwrap_or(rest);
        let option = tool && at > 0 && bytes.get(at - 1) == Some(&b'-') && word.len() <= 8 && word.iter().all(u8::is_ascii_alphanumeric);
        let hidden = masks.hide_commands;
        let learned = masks.names.knows(word) || masks.names.knows(bytes);
        if option && !learned || is_stamp(word) {
            out.extend_from_slice(word);
        } else {
            masks.words(
                word,
                &|w| !learned && (known(w) || datum(&String::from_utf8_lossy(w)).is_some() || !hidden && commands.contains(w)),
                &mut out,
            );
        }
        at += word.len().max(1);
    }
    if out != bytes {
        masks.count("member name");
    }
    sane(&String::from_utf8_lossy(&out))
}

/// `20261124T175312Z`: when a capture was made, which puts several of a host in order.
fn is_stamp(word: &[u8]) -> bool {
    let [century, digits @ .., b'Z'] = word else { return false };
    matches!(century, b'1' | b'2')
        && digits.len() == 14
        && digits.iter().enumerate().all(|(i, b)| if i == 7 { *b == b'T' } else { b.is_ascii_digit() })
}

/// Nothing that a file system, a shell or a terminal takes for more than a name.
fn sane(name: &str) -> String {
    let plain: String = name
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | '+' | '=' | ' ' | ',' | '@' | ':') { c } else { '_' })
        .take(LONGEST)
        .collect();
    match plain.trim() {
        "" | "." | ".." => "member".into(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bundle::layout::place;
    use crate::redact::key::Key;

    #[test]
    fn what_a_path_tells_stays() {
        let mut masks = Masks::new(&Key::of("k"), false);
        masks.names.learn(&[b"render-1".to_vec()].into());
        for path in [
            "render-1/pid-8374-fd.txt",
            "render-1/proc_net_sockstat6.txt",
            "render-1/ss-tanpoe.txt",
            "render-1/sample1/ss-s.txt",
            "samples/00/netns/4026531840/tcp",
            "sockdiag-render-1-20261124T175312Z/netns/4026531840/pids",
            "sockdiag-render-1-20261124T175312Z/samples/03/sockstat",
            "sockdiag-render-1-20261124T175312Z/loadavg",
            "render-1/sos_commands/networking/ss_-tanpoe",
            "render-1/proc/4684/fd",
            "render-1/before/lsof-nP.txt",
            "stalk/2026_11_22_15_02_03-netstat_s",
            "render-1/strace.26372.out",
            "render-1/cmds/_proc_sys_net_ipv4_ip_local_port_range",
        ] {
            let new = rename(path, &mut masks);
            assert_eq!(datum(path), datum(&new), "{path} {new}");
            assert_eq!(place(path).sample, place(&new).sample, "{path} {new}");
            assert_eq!(place(path).root.is_empty(), place(&new).root.is_empty(), "{path} {new}");
            assert!(!new.contains("render"), "{new}");
            assert!(path.split('/').filter(|p| p.len() == 10 && p.starts_with("40")).all(|p| new.split('/').any(|n| n == p)), "{new}");
            assert_eq!(path.rsplit('/').next(), new.rsplit('/').next(), "the file's own name");
        }
    }

    #[test]
    fn no_name_leads_out() {
        let mut masks = Masks::new(&Key::of("k"), false);
        for path in ["../../etc/passwd", "/etc/passwd", "", ".", "a/./../b", "a\nb", "\u{202e}x", &"y".repeat(5000)] {
            let new = rename(path, &mut masks);
            assert!(
                !new.is_empty()
                    && !new.starts_with('/')
                    && new.split('/').all(|p| !p.is_empty() && p != "." && p != ".." && p.len() <= LONGEST),
                "{path}: {new}"
            );
        }
    }
}
