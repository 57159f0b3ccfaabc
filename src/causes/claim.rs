//! What a cause claims of a case, on which evidence.

use crate::capture::Quote;
use crate::ledger::{CountIs, Kind, Owner};

/// Whether a finding is a leak, a limit that is reached, or only worth knowing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Class {
    /// Somebody fails to close.
    Leak,
    /// A limit is reached or near.
    Exhaustion,
    /// Worth knowing, no problem by itself.
    Note,
}

/// How much a piece of evidence weighs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Strength {
    /// Fits, and fits others too.
    Weak,
    /// Makes it more likely.
    Moderate,
    /// Hard to explain otherwise.
    Strong,
    /// Shows the mechanism itself.
    Decisive,
}

/// What kind of source a piece of evidence comes from; two of different kinds are independent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "each variant is the source it is named after")]
pub enum Witnessed {
    Listing,
    Table,
    Books,
    Trace,
    Dump,
    Log,
    Counters,
    Growth,
    Limit,
    Kernel,
}

/// One piece of evidence.
#[derive(Clone, Debug)]
pub struct Evidence {
    /// How much it weighs.
    pub strength: Strength,
    /// Where it comes from.
    pub by: Witnessed,
    /// What it says, one sentence without a full stop.
    pub says: String,
    /// The lines.
    pub at: Vec<Quote>,
}

/// Something the capture lacks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Missing {
    /// What.
    pub what: String,
    /// What it would tell.
    pub would: String,
    /// The command that captures it.
    pub command: String,
}

/// A remote end of a pile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remote {
    /// `10.0.0.5:9092`, or a name such as `broker 5`.
    pub endpoint: String,
    /// How many sockets, 0 where unknown.
    pub count: u64,
    /// Why it is named.
    pub why: String,
    /// Whether it is the near end: where connections were accepted.
    pub near: bool,
}

/// What a cause claims.
#[derive(Clone, Debug)]
pub struct Claim {
    /// The code of the contract.
    pub code: &'static str,
    /// Leak, exhaustion or note.
    pub class: Class,
    /// The pile it explains, as an index into the ledger's piles.
    pub pile: Option<usize>,
    /// The process it is about.
    pub owner: Option<Owner>,
    /// The kind of socket.
    pub kind: Option<Kind>,
    /// Distinct sockets.
    pub count: Option<u64>,
    /// How sure the count is.
    pub is: CountIs,
    /// Remote ends.
    pub remotes: Vec<Remote>,
    /// How many rows tell their ends, of which those of a remote are a share; 0 where its remotes are known from elsewhere.
    pub remotes_told: u64,
    /// What happens, in a few words: `a failed connect that nobody closes`.
    pub says: String,
    /// Descriptors of these sockets, where they are many more: copies.
    pub copies: Option<u64>,
    /// Evidence for.
    pub evidence: Vec<Evidence>,
    /// Evidence against.
    pub against: Vec<Evidence>,
    /// What would decide.
    pub missing: Vec<Missing>,
    /// What to do now.
    pub now: Vec<String>,
    /// What mends it for good.
    pub fix: Vec<String>,
}

impl Strength {
    /// How much it weighs when claims on the same pile are compared: each step outweighs two of the one below.
    pub fn weight(self) -> i32 {
        match self {
            Strength::Weak => 1,
            Strength::Moderate => 3,
            Strength::Strong => 7,
            Strength::Decisive => 15,
        }
    }
}

impl Evidence {
    /// A piece of evidence.
    pub fn new(strength: Strength, by: Witnessed, says: impl Into<String>, at: impl IntoIterator<Item = Quote>) -> Evidence {
        Evidence { strength, by, says: says.into(), at: at.into_iter().collect() }
    }
}

impl Claim {
    /// Evidence for minus evidence against.
    pub fn score(&self) -> i32 {
        let sum = |all: &[Evidence]| all.iter().map(|e| e.strength.weight()).sum::<i32>();
        sum(&self.evidence) - sum(&self.against)
    }

    /// What it counts, so many of them.
    pub fn noun(&self, n: u64) -> String {
        match self.kind {
            // They close in several states, of which the kernel's count does not tell which.
            Some(_) if self.code == "orphan-buildup" => "orphaned TCP sockets".to_string(),
            // They are in no state of the tables that were captured, which are not theirs.
            Some(Kind::Closed) if self.code == "foreign-namespace" => "TCP sockets".to_string(),
            Some(kind) => kind.noun(n),
            None => counted(self.code).to_string(),
        }
    }

    /// The strongest piece of evidence for.
    pub fn strongest(&self) -> Option<Strength> {
        self.evidence.iter().map(|e| e.strength).max()
    }
}

/// What a look-alike counts that is of no kind of socket.
fn counted(code: &str) -> &'static str {
    match code {
        "accept-stalled" | "backlog-overflow" | "port-exhaustion" | "syn-flood" => "connections",
        "fd-limit-too-low" | "fd-limit-by-files" => "descriptors",
        "threads-counted-as-files" => "rows",
        "system-file-limit" => "open files",
        "conntrack-full" => "entries",
        "foreign-namespace" => "sockets",
        _ => "rows or events",
    }
}
