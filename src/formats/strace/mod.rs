//! Listings of strace 4.5 to 7.2, to a terminal or a file, in every combination of the prefixes and decorations it can print.
//!
//! ```text
//! strace: Process 7161 attached with 2 threads
//! [pid  7163] 14:24:58.424458 socket(AF_INET, SOCK_STREAM, IPPROTO_IP) = 18 <0.000018>
//! [pid  7163] 14:24:58.424590 connect(18, {sa_family=AF_INET, ...}, 16 <unfinished ...>
//! [pid  7161] 14:24:58.424612 futex(0x7f1e4823c990, FUTEX_WAIT, 7163, NULL <unfinished ...>
//! [pid  7163] 14:24:58.424701 <... connect resumed>) = -1 ECONNREFUSED (Connection refused) <0.000111>
//! strace: Process 7161 detached
//! ```
//!
//! `[pid N]` is a thread id. While one tracee exists there is no prefix at all. A call that others interrupt in the listing is joined
//! by thread and name. Banners go out while a line is open, so they stand in the middle of lines and the rest of the call begins the
//! next one. A listing that was cut ends in a call without its `)`: the thread was in it. `-c` tables are a format of their own.
//!
//! Sources: `strace(1)`; `src/syscall.c` (`print_syscall_resume`), `src/strace.c` (`printleader`, `attach_tcb`, `detach`).

mod banner;
mod line;
mod parser;
mod prefix;
mod summary;
mod tail;
#[cfg(test)]
mod tests;

pub use summary::StraceSummary;

use super::{Fit, Format, Hint, Parser, Probe, prompt};

/// How many rows of the head are looked at; the first may be a heading.
const LOOKED_AT: usize = 4;

/// A listing of system calls.
pub struct Strace;

impl Format for Strace {
    fn id(&self) -> &'static str {
        "strace"
    }

    fn title(&self) -> &'static str {
        "strace listings of system calls"
    }

    fn fit(&self, probe: &Probe<'_>) -> Fit {
        match probe.rows().take(LOOKED_AT).position(|row| self.opens(row)) {
            Some(0) => Fit::Sure,
            Some(_) => Fit::Likely,
            None if !probe.name().contains("strace") => Fit::No,
            None if probe.rows().next().is_some_and(line::begins_like_a_call) => Fit::Weak,
            None => Fit::Name,
        }
    }

    fn opens(&self, text: &[u8]) -> bool {
        line::is_unmistakable(text)
    }

    fn printed_by(&self, command: &[u8]) -> bool {
        prompt::program(command) == b"strace" && !prompt::counts(command)
    }

    fn begins_at_command(&self) -> bool {
        true
    }

    fn parser(&self, hint: &Hint<'_>) -> Box<dyn Parser> {
        Box::new(parser::Trace::new(hint.pid))
    }
}
