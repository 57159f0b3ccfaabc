//! Peers and errors of a trace by number, so that a life keeps a few bytes of them.

use super::life::{BOUND, CLOEXEC, EOF, KEPT, LISTENING, Life, NO_REMOTE, RESET, SHUTDOWN, Stage, USED};
use super::pattern::{Outcome, Pattern};
use crate::capture::end::End;
use crate::capture::intern::Name;
use rustc_hash::FxHashMap;

/// Peers told apart, at most. Patterns show far fewer, and failed connects are counted by themselves, so that nothing told depends on more.
const MAX_PEERS: usize = 65_536;
/// Peers that make patterns of their own; many more would make as many patterns.
const SHOWN: u32 = 512;
/// Errors told apart, at most.
const MAX_ERRNOS: usize = 250;

/// Peers and errors in the order in which they came.
#[derive(Debug, Default)]
pub struct Peers {
    ends: Vec<End>,
    numbers: FxHashMap<End, u32>,
    errnos: Vec<Name>,
}

impl Peers {
    /// The number of a peer, which may be a new one.
    pub fn number(&mut self, end: Option<End>) -> u32 {
        let Some(end) = end else { return NO_REMOTE };
        if let Some(&n) = self.numbers.get(&end) {
            return n;
        }
        if self.ends.len() >= MAX_PEERS {
            return NO_REMOTE;
        }
        let n = self.ends.len() as u32;
        self.ends.push(end);
        self.numbers.insert(end, n);
        n
    }

    /// The peer with a number.
    pub fn end(&self, number: u32) -> Option<End> {
        self.ends.get(number as usize).copied()
    }

    /// What a life has in common with others: the same for all that become one pattern.
    pub fn key(&self, life: &Life) -> Life {
        Life {
            line: 0,
            tid: 0,
            flags: life.flags & !(CLOEXEC | KEPT),
            remote: if life.remote < SHOWN { life.remote } else { NO_REMOTE },
            ..*life
        }
    }

    /// The pattern of a life.
    pub fn pattern(&self, life: &Life) -> Pattern {
        Pattern {
            origin: life.origin,
            outcome: match life.stage {
                Stage::NotTried => Outcome::NotTried,
                Stage::InProgress => Outcome::InProgress,
                Stage::Connected => Outcome::Connected,
                Stage::Failed => Outcome::Failed(self.errno_name(life.errno)),
            },
            remote: self.end(life.remote).filter(|_| life.remote < SHOWN),
            eof: life.has(EOF),
            reset: life.has(RESET),
            shutdown: life.has(SHUTDOWN),
            used: life.has(USED),
            bound: life.has(BOUND),
            listening: life.has(LISTENING),
        }
    }

    /// The number of an error.
    pub fn errno(&mut self, name: Name) -> u8 {
        let number = self.errnos.iter().position(|&e| e == name).unwrap_or_else(|| {
            if self.errnos.len() < MAX_ERRNOS {
                self.errnos.push(name);
            }
            self.errnos.len() - 1
        });
        number as u8
    }

    /// The error with a number.
    fn errno_name(&self, number: u8) -> Name {
        self.errnos.get(usize::from(number)).copied().unwrap_or_default()
    }
}
