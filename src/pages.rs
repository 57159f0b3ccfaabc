//! What `sockdiag explain` can tell of: a page for each cause, look-alike, check, log signature, socket kind, verdict and grade.
//!
//! The pages of causes and checks are the doc comments of their types, so that code, documentation and terminal say the same.

use crate::causes::{CAUSES, Cause};
use crate::checks::CHECKS;
use crate::config::Thresholds;
use crate::nearest::hint;
use crate::signatures::Signatures;
use std::fmt::Write;

/// The headings of a cause's page, in this order.
pub const HEADINGS: [&str; 8] =
    ["How it looks", "Evidence for", "Evidence against", "Mistaken for", "Confirm", "Now", "For good", "References"];

/// Something that can be explained.
#[derive(Clone, Debug)]
pub struct Page {
    /// What it is called: the argument of `explain`.
    pub name: String,
    /// What it is, in one line.
    pub title: String,
    /// The page, as Markdown with headings of the first level.
    pub text: String,
}

/// Pages of one sort.
#[derive(Clone, Debug)]
pub struct Group {
    /// What they are.
    pub title: &'static str,
    /// The pages.
    pub pages: Vec<Page>,
}

/// Every page, grouped.
pub fn all(signatures: &Signatures) -> Vec<Group> {
    let words = |all: &[(&str, &str, &str)]| -> Vec<Page> {
        all.iter().map(|(name, title, text)| Page { name: (*name).into(), title: (*title).into(), text: (*text).into() }).collect()
    };
    let causes = |leak: bool| CAUSES.iter().filter(|c| c.is_leak() == leak).map(|c| cause(*c)).collect();
    vec![
        Group { title: "Causes of a leak", pages: causes(true) },
        Group { title: "Look-alikes that are no leak", pages: causes(false) },
        Group { title: "Cross-checks between sources", pages: CHECKS.iter().map(|c| titled(c.code(), c.page())).collect() },
        Group { title: "Socket kinds", pages: words(KINDS) },
        Group { title: "Verdicts", pages: words(VERDICTS) },
        Group { title: "Grades", pages: words(GRADES) },
        Group { title: "Log signatures", pages: signatures.all().iter().map(signature).collect() },
        Group { title: "Configuration", pages: vec![thresholds()] },
    ]
}

/// The page with this name, or what to type instead.
///
/// # Errors
/// No page has the name; the text names the nearest ones.
pub fn find(name: &str, signatures: &Signatures) -> Result<Page, String> {
    let groups = all(signatures);
    let pages = || groups.iter().flat_map(|g| &g.pages);
    match pages().find(|p| p.name.eq_ignore_ascii_case(name)) {
        Some(page) => Ok(page.clone()),
        None => {
            let hint = hint(name, pages().map(|p| p.name.as_str()));
            Err(format!("nothing is called so{hint} (`sockdiag explain` lists all)"))
        }
    }
}

/// All causes and look-alikes as Markdown, headings from the second level down: `docs/causes.md`.
pub fn causes_book() -> String {
    let mut book = String::new();
    for (title, leak) in [("Causes of a leak", true), ("Look-alikes that are no leak", false)] {
        let of_sort = || CAUSES.iter().filter(|c| c.is_leak() == leak);
        let _ = write!(book, "{}## {title}\n\n", if leak { "" } else { "\n" });
        for cause in of_sort() {
            let _ = writeln!(book, "- [`{0}`](#{0}): {1}", cause.code(), cause.claim());
        }
        for cause in of_sort() {
            chapter(&mut book, cause.code(), cause.page());
        }
    }
    book
}

/// All cross-checks as Markdown: a part of `docs/ledger-and-checks.md`.
pub fn checks_book() -> String {
    let mut book = String::new();
    for check in CHECKS {
        let page = titled(check.code(), check.page());
        let _ = writeln!(book, "- [`{0}`](#{0}): {1}", page.name, page.title);
    }
    for check in CHECKS {
        chapter(&mut book, check.code(), check.page());
    }
    book
}

fn chapter(book: &mut String, name: &str, page: &str) {
    let _ = write!(book, "\n### {name}\n\n");
    for line in lines(page) {
        book.push_str(if line.starts_with("# ") { "###" } else { "" });
        book.push_str(line);
        book.push('\n');
    }
}

/// The lines of a doc comment, without the space that opens each, and without blank ones at either end.
pub fn lines(page: &str) -> Vec<&str> {
    let lines: Vec<&str> = page.lines().map(|l| l.strip_prefix(' ').unwrap_or(l).trim_end()).collect();
    let first = lines.iter().position(|l| !l.is_empty()).unwrap_or(0);
    let last = lines.iter().rposition(|l| !l.is_empty()).map_or(0, |n| n + 1);
    lines.get(first..last).unwrap_or_default().to_vec()
}

fn cause(cause: &dyn Cause) -> Page {
    Page { name: cause.code().into(), title: cause.claim().into(), text: lines(cause.page()).join("\n") }
}

/// A page whose first sentence is its title.
fn titled(name: &str, text: &str) -> Page {
    let text = lines(text).join("\n");
    let paragraph: Vec<&str> = text.lines().take_while(|l| !l.is_empty()).collect();
    let paragraph = paragraph.join(" ");
    let title = paragraph.split_once(". ").map_or(paragraph.trim_end_matches('.'), |(first, _)| first);
    Page { name: name.into(), title: title.trim_start_matches("# ").into(), text }
}

fn signature(signature: &crate::signatures::Signature) -> Page {
    let mut text = format!("{}\n\n# Points to\n", signature.means);
    for code in &signature.points_to {
        let _ = writeln!(text, "- `{code}`: {}", crate::causes::by_code(code).map_or("", |c| c.claim()));
    }
    if signature.points_to.is_empty() {
        text.push_str("Nothing by itself: it sets the scene.\n");
    }
    let weight = match signature.weight {
        crate::signatures::Weight::Cause => "It names a cause.",
        crate::signatures::Weight::Symptom => "It shows a symptom, not its cause.",
        crate::signatures::Weight::Context => "It only sets the scene.",
    };
    let _ = write!(text, "\n# Weight\n{weight}\n\n# Pattern\n```\n{}\n```\n", signature.pattern());
    if let Some(example) = signature.example() {
        let _ = write!(text, "\n# Example\n```\n{example}\n```\n");
    }
    if !signature.reference.is_empty() {
        let _ = write!(text, "\n# References\n{}\n", signature.reference);
    }
    let text = text.trim_end().to_string();
    Page { name: signature.id.clone(), title: signature.title.clone(), text }
}

fn thresholds() -> Page {
    let mut text = String::from(
        "From how many on a pile is worth a suspicion: numbers of sockets held by one process, unless said otherwise; where a program has several and none reaches the number by itself, each further one adds what a process may hold in health. A threshold only opens a case; evidence decides it. `--config FILE` changes them:\n\n```\nthresholds:\n  close_wait: 200\n```\n\n# Names, defaults and reasons\n",
    );
    for (name, default, reason) in Thresholds::ALL {
        let _ = writeln!(text, "- `{name}` {default}: {reason}");
    }
    Page { name: "thresholds".into(), title: "every threshold with its default and its reason".into(), text: text.trim_end().into() }
}

/// Socket kinds: word, what it is, what that means.
const KINDS: &[(&str, &str, &str)] = &[
    (
        "closed",
        "TCP sockets in no protocol table",
        "TCP sockets that exist and are in no hash table of the kernel: never connected, refused, reset, or closed by both sides, with the descriptor kept open. No table lists them, so ss and netstat show nothing.\n\n# Where it shows\n- `ss -s`: closed minus timewait. `closed` alone also counts every TIME-WAIT entry.\n- `/proc/net/sockstat`: TCP alloc minus inuse minus TCP6 inuse of sockstat6 (alloc is of the whole host, inuse of one network namespace).\n- old lsof: `can't identify protocol`; newer lsof: `protocol: TCP` or `protocol: TCPv6`. TCPv6 says how the socket was created, not that IPv6 is at fault.\n\n# Beware\nlsof prints the same words for a healthy connection of another network namespace: see `foreign-namespace`.",
    ),
    (
        "close-wait",
        "the peer has closed, this side has not",
        "The peer's FIN has arrived and the program has not called close(). CLOSE-WAIT has no time limit: only the owner can end it. Rows without an owner and without an inode wait in an accept queue and hold no descriptor.",
    ),
    (
        "syn-sent",
        "connects that wait for an answer",
        "A connect() is under way. The kernel gives up after tcp_syn_retries (about two minutes by default) and the socket becomes `closed`, held until the program closes it.",
    ),
    (
        "established",
        "live connections",
        "Both sides are open. Many of them are no fault; growth at constant load, or hours of silence, is.",
    ),
    (
        "listen",
        "listening sockets",
        "A listener. For listeners, ss prints in Recv-Q how many connections wait to be accepted and in Send-Q how many may.",
    ),
    (
        "fin-wait",
        "shut down on this side, not finished by the peer",
        "FIN-WAIT-1, FIN-WAIT-2, CLOSING and LAST-ACK. Without an owner they are orphans and end by themselves. With an owner (shutdown() without close()) FIN-WAIT-2 has no time limit: tcp_fin_timeout is for orphans.",
    ),
    (
        "time-wait",
        "connections that ended properly within the last minute",
        "The side that closed first keeps the pair of addresses for 60 seconds. It holds no descriptor, no inode and no process.",
    ),
    ("udp", "UDP sockets", "UDP, UDP-Lite and ping sockets. ss prints UNCONN for unconnected and ESTAB for connected ones."),
    ("unix", "local sockets", "AF_UNIX. The accepted side carries the listener's path, the connecting side none."),
    ("netlink", "netlink sockets", "How programs talk with the kernel on routes, addresses, audit, events. A daemon needs a few."),
    ("packet", "packet sockets", "AF_PACKET: capture tools, DHCP clients, monitors. Each one receives a copy of every frame it asks for."),
    ("raw", "raw IP sockets", "SOCK_RAW: ping, OSPF, monitors. Each receives a copy of every packet of its protocol."),
    (
        "eventpoll",
        "epoll instances, eventfds and pipes beside sockets",
        "Not sockets themselves: what event loops are made of. Groups of pipe, pipe, eventpoll that repeat are one selector each.",
    ),
    (
        "unidentified",
        "sockets of a protocol the capture cannot tell",
        "A descriptor that is a socket, and nothing in the capture says of which protocol. Capture `/proc/net` of the process's own namespace, or lsof as root.",
    ),
    ("file", "not a socket at all", "Regular files, directories, devices: when they fill a limit, sockets are not the matter."),
];

/// Verdicts.
const VERDICTS: &[(&str, &str, &str)] = &[
    (
        "leak",
        "somebody fails to close",
        "Sockets, or the descriptors behind them, pile up without use and somebody fails to close them. At least one finding of class leak is graded moderate or better.",
    ),
    (
        "exhaustion",
        "no leak, but a limit",
        "No leak, but a limit is reached or near: ports, descriptors, backlog, memory, connection tracking. The first finding says which.",
    ),
    ("healthy", "nothing of the kind", "Neither a leak nor a limit, on evidence that leaves no kind of socket room to pile up unseen."),
    (
        "inconclusive",
        "the evidence cannot decide",
        "Something may be wrong and the capture lacks what would decide. The end of the report says what to capture next, with the commands.",
    ),
];

/// Grades.
const GRADES: &[(&str, &str, &str)] = &[
    (
        "proved",
        "the mechanism itself is seen, and other sources agree",
        "A decisive piece of evidence (a trace that shows the calls, or a count that fits nothing else) and an independent kind of source that agrees. Nothing weighty speaks against it.",
    ),
    (
        "strong",
        "hard to explain otherwise",
        "Two strong pieces of evidence from independent kinds of source, or a decisive one alone. `-v` prints the derivation.",
    ),
    (
        "moderate",
        "more likely than not",
        "One strong piece, or two kinds of source that fit. Also the most a claim can get when a rival fits nearly as well, when the process or the cause is not shown, or when the count is inferred.",
    ),
    ("weak", "possible", "It fits, and so do other explanations. A leak that is only weak makes the verdict inconclusive."),
];

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_cause_has_the_headings_in_their_order_and_says_something_under_each() {
        for cause in CAUSES {
            let lines = lines(cause.page());
            let headings: Vec<&str> = lines.iter().filter_map(|l| l.strip_prefix("# ")).collect();
            assert_eq!(headings, HEADINGS, "{}", cause.code());
            for pair in lines.split(|l| l.starts_with("# ")) {
                assert!(pair.iter().map(|l| l.len()).sum::<usize>() > 8, "{} has an empty section", cause.code());
            }
            assert!(lines.len() <= 60, "{} has {} lines", cause.code(), lines.len());
            assert!(lines.iter().all(|l| l.chars().count() <= 140), "{} has long lines", cause.code());
        }
    }

    #[test]
    fn pages_name_only_codes_that_exist() {
        let known: BTreeSet<&str> = CAUSES.iter().map(|c| c.code()).collect();
        for cause in CAUSES {
            for word in lines(cause.page()).join("\n").split('`') {
                if word.ends_with("-not-closed") || word.ends_with("-buildup") || word.ends_with("-overflow") || word.ends_with("-limit") {
                    assert!(known.contains(word), "{} names {word}", cause.code());
                }
            }
        }
    }

    #[test]
    fn every_name_is_found_once_and_misspelt_ones_are_near() {
        let groups = all(Signatures::builtin());
        let mut seen = BTreeSet::new();
        for page in groups.iter().flat_map(|g| &g.pages) {
            assert!(seen.insert(page.name.clone()), "{} twice", page.name);
            assert!(!page.title.is_empty() && page.text.len() > 20, "{}", page.name);
        }
        for kind in crate::ledger::Kind::ALL {
            assert!(seen.contains(kind.word()), "{}", kind.word());
        }
        assert_eq!(find("Close-Wait", Signatures::builtin()).unwrap().name, "close-wait");
        assert!(find("close-weit", Signatures::builtin()).unwrap_err().contains("did you mean close-wait?"));
        assert!(find("thresholds", Signatures::builtin()).unwrap().text.contains("`close_wait` 64"));
    }
}
