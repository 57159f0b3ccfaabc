//! What a report tells, as far as it is compared: read from the JSON report itself, so that what is compared is what users get.

use serde::Deserialize;

/// A report.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Told {
    /// The verdict.
    pub verdict: String,
    /// Its one sentence.
    #[serde(default)]
    pub headline: String,
    /// Findings, most telling first.
    #[serde(default)]
    pub findings: Vec<Found>,
    /// Usual suspects.
    #[serde(default)]
    pub ruled_out: Vec<Suspect>,
}

/// A finding.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Found {
    /// Its code.
    pub code: String,
    /// leak, exhaustion or note.
    pub class: String,
    /// How sure.
    pub grade: String,
    /// What it says.
    #[serde(default)]
    pub says: String,
    /// The process, if it is about one.
    pub process: Option<Holder>,
    /// The kind of socket.
    pub socket_kind: Option<String>,
    /// How many.
    pub count: Option<f64>,
    /// Remote ends.
    #[serde(default)]
    pub remotes: Vec<RemoteTold>,
    /// Evidence for it.
    #[serde(default)]
    pub evidence: Vec<Proof>,
}

/// A process.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Holder {
    /// The kernel's name.
    pub command: Option<String>,
    /// Process numbers.
    #[serde(default)]
    pub pids: Vec<u64>,
    /// What it really is.
    pub program: Option<String>,
    /// The command line.
    pub cmdline: Option<String>,
}

/// A remote end.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct RemoteTold {
    /// Address and port, or a name.
    pub endpoint: String,
}

/// A piece of evidence.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Proof {
    /// The member.
    pub member: Option<String>,
    /// The line.
    pub line: Option<u64>,
    /// The line's text.
    pub quote: Option<String>,
    /// What it says.
    #[serde(default)]
    pub says: String,
}

/// A usual suspect.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Suspect {
    /// Its code.
    pub code: String,
    /// ruled-out or not-ruled-out.
    pub status: String,
    /// Why.
    #[serde(default)]
    pub says: String,
}

impl Holder {
    /// `java pid 4684`, shortened after three processes.
    pub fn named(&self) -> String {
        let pids: Vec<String> = self.pids.iter().take(3).map(u64::to_string).collect();
        let more = if self.pids.len() > 3 { format!(" and {} more", self.pids.len() - 3) } else { String::new() };
        let program = self.program.as_deref().filter(|p| !p.is_empty() && Some(*p) != self.command.as_deref());
        let program = program.map_or(String::new(), |p| format!(" ({p})"));
        format!("{} pid {}{more}{program}", self.command.as_deref().unwrap_or("?"), pids.join(", "))
    }
}

impl Found {
    /// One line: class, code, grade, process, kind and count.
    pub fn line(&self) -> String {
        let mut parts = vec![format!("{} {} ({})", self.class, self.code, self.grade)];
        parts.extend(self.process.as_ref().map(Holder::named));
        parts.extend(self.socket_kind.clone());
        parts.extend(self.count.map(|n| format!("{n}")));
        parts.extend(self.remotes.first().map(|r| format!("to {}", r.endpoint)));
        parts.join(", ")
    }
}

impl Proof {
    /// `lsof.txt:12`, or nothing for evidence without a line.
    pub fn place(&self) -> Option<String> {
        Some(format!("{}:{}", self.member.as_deref()?, self.line?))
    }
}
