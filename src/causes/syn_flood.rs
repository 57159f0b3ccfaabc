//! Half-open connections flood a listener.

use super::claim::{Class, Evidence, Strength, Witnessed};
use super::support;
use super::{Case, Claim, Exclusion, number};
use crate::facts::SocketState;

/// Half-open connections from which a flood is worth a word: far above what round trips explain.
const MANY: i64 = 256;

cause! {
    /// Many SYNs arrive whose connections never complete. They hold no descriptor and are in SYN-RECV.
    ///
    /// # How it looks
    /// SYN-RECV rows in numbers; kernel: `possible SYN flooding`; cookies sent.
    ///
    /// # Evidence for
    /// The rows; the counters rising.
    ///
    /// # Evidence against
    /// None in SYN-RECV. `synrecv 0` of an old ss proves nothing: that number is always 0 on 2.6 and later.
    ///
    /// # Mistaken for
    /// backlog-overflow: a slow server shows the same kernel line.
    ///
    /// # Confirm
    /// `ss -tan state syn-recv | wc -l`.
    ///
    /// # Now
    /// tcp_syncookies (default on); filter upstream.
    ///
    /// # For good
    /// -
    ///
    /// # References
    /// tcp(7) tcp_syncookies; net/ipv4/tcp_input.c `tcp_syn_flood_action`.
    SynFlood, "syn-flood", lookalike, "half-open connections arrive faster than they complete", weigh, rule_out
}

fn weigh(case: &Case<'_>) -> Vec<Claim> {
    let Some(figure) = case.ledger.states.get(&SocketState::SynRecv).filter(|f| f.value >= MANY) else { return Vec::new() };
    let mut claim = support::note("syn-flood", Class::Exhaustion, "half open, held by no descriptor");
    claim.count = Some(figure.value as u64);
    claim.evidence.push(Evidence::new(
        Strength::Strong,
        Witnessed::Table,
        format!("{} connections are half open (SYN-RECV)", number(figure.value)),
        figure.at.clone(),
    ));
    if let Some(cookies) = case.counter("tcpext.syncookies_sent").filter(|f| f.value > 0) {
        claim.evidence.push(Evidence::new(
            Strength::Moderate,
            Witnessed::Counters,
            format!("{} SYN cookies were sent", number(cookies.value)),
            cookies.at,
        ));
    }
    claim.now = vec!["check that net.ipv4.tcp_syncookies is on; filter the sources upstream".into()];
    vec![claim]
}

fn rule_out(case: &Case<'_>) -> Option<Exclusion> {
    match case.ledger.state(SocketState::SynRecv) {
        Some(n) if n < MANY => {
            let at = case.ledger.states.get(&SocketState::SynRecv).map_or(Vec::new(), |f| f.at.clone());
            Exclusion::out(format!("{} half-open connections (SYN-RECV) in the table", number(n)), at)
        }
        Some(n) => Exclusion::not(format!("{} half-open connections", number(n)), Vec::new()),
        None => Exclusion::not("cannot be ruled out: no table of connections was captured (synrecv of ss -s is always 0)", Vec::new()),
    }
}
