//! One file per cause and look-alike. Each says what it claims of a case, with evidence for and against; `diagnosis` holds them against each other.
//!
//! A new one is one file here and one line in [`CAUSES`]. The doc comment of its type is the page that `sockdiag explain` prints.

mod balance;
mod bar;
mod calls;
pub mod case;
mod children;
pub mod claim;
mod clock;
mod course;
mod directions;
mod doubt;
mod filled;
mod forecast;
mod hoarding;
pub mod past;
mod place;
mod say;
mod selectors;
mod support;
mod suspicion;
mod turnover;

pub use case::{Case, Tie};
pub use children::unheard as silent_children;
pub use claim::{Claim, Class, Evidence, Missing, Remote, Strength, Witnessed};
pub use course::{hoards, left_before, left_standing};
pub use fd_limit_too_low::undecided as limit_undecided;
pub use forecast::{HOST_LIMITS, HostLimit};
pub use half_closed::few_beside_live;
pub use owner_not_visible::at_most as namespace_at_most;
pub use past::{Growth, History, Then};
pub use port_exhaustion::undecided as ports_undecided;
pub use say::{many, number};
pub use support::{near, trace_command};
use suspicion::innocence;
pub use suspicion::{Suspicion, suspect};
pub use syn_flood::reported as flood_reported;
pub use unix_ends::listens as listens_on_paths;
pub use vanished::of as vanished_clients;

/// A cause of a leak, or a look-alike that is none.
pub trait Cause: Sync {
    /// The contract's code, which is the file's name with hyphens.
    fn code(&self) -> &'static str;
    /// What it claims, in one sentence.
    fn claim(&self) -> &'static str;
    /// The page `explain` prints: the doc comment.
    fn page(&self) -> &'static str;
    /// Whether it is a cause of a leak; a look-alike otherwise.
    fn is_leak(&self) -> bool;
    /// What it claims of a case: one claim for each pile it could explain, or none.
    fn weigh(&self, case: &Case<'_>) -> Vec<Claim>;
    /// For what people suspect first: whether the capture rules it out.
    fn rule_out(&self, _case: &Case<'_>) -> Option<Exclusion> {
        None
    }
}

/// Whether a usual suspect is ruled out, and by what.
#[derive(Clone, Debug)]
pub struct Exclusion {
    /// Whether it is.
    pub out: bool,
    /// By which evidence, or what is missing.
    pub says: String,
    /// The lines.
    pub at: Vec<crate::capture::Quote>,
}

impl Exclusion {
    fn out(says: impl Into<String>, at: Vec<crate::capture::Quote>) -> Option<Exclusion> {
        Some(Exclusion { out: true, says: says.into(), at })
    }

    fn not(says: impl Into<String>, at: Vec<crate::capture::Quote>) -> Option<Exclusion> {
        Some(Exclusion { out: false, says: says.into(), at })
    }
}

/// Defines a cause: its page, its type, its code and claim, and the functions that weigh it.
macro_rules! cause {
    ($(#[doc = $doc:literal])+ $name:ident, $code:literal, $kind:ident, $claim:literal, $weigh:path $(, $rule_out:path)?) => {
        $(#[doc = $doc])+
        pub struct $name;

        impl $crate::causes::Cause for $name {
            fn code(&self) -> &'static str {
                $code
            }

            fn claim(&self) -> &'static str {
                $claim
            }

            fn page(&self) -> &'static str {
                concat!($($doc, "\n"),+)
            }

            fn is_leak(&self) -> bool {
                stringify!($kind).as_bytes() == b"leak"
            }

            fn weigh(&self, case: &$crate::causes::Case<'_>) -> Vec<$crate::causes::Claim> {
                $weigh(case)
            }

            $(fn rule_out(&self, case: &$crate::causes::Case<'_>) -> Option<$crate::causes::Exclusion> {
                $rule_out(case)
            })?
        }
    };
}

mod accept_not_closed;
mod accept_stalled;
mod all_taken;
mod backlog_overflow;
mod busy_not_leaking;
mod by_kind;
mod connect_burst;
mod connect_failed_not_closed;
mod connect_stuck;
mod conntrack_full;
mod dup_not_closed;
mod fd_inherited;
mod fd_limit_by_files;
mod fd_limit_room;
mod fd_limit_too_low;
pub mod foreign_namespace;
mod half_closed;
mod idle_not_reaped;
mod in_flight;
mod kept_port;
mod kernel_leak;
mod limit_by_name;
mod listener_not_closed;
mod mirror;
mod netlink_not_closed;
mod never_connected;
mod one_end;
mod one_use;
mod orphan_buildup;
mod owner_not_visible;
mod packet_not_closed;
mod peer_closed_not_closed;
mod pool_unbounded;
mod port_exhaustion;
mod process_hung;
mod raw_not_closed;
mod reserved_ports;
mod reset_not_closed;
mod selector_not_closed;
mod shutdown_not_closed;
mod syn_flood;
mod system_file_limit;
mod taken_port;
mod tcp_memory;
mod threads_counted_as_files;
mod time_wait_buildup;
mod udp_not_closed;
mod unix_ends;
mod unix_not_closed;
mod unknown;
mod unowned;
mod vanished;
mod when;
mod writer;

/// Every cause and look-alike, in the order of the contract.
pub static CAUSES: &[&dyn Cause] = &[
    &never_connected::NeverConnected,
    &connect_failed_not_closed::ConnectFailedNotClosed,
    &connect_stuck::ConnectStuck,
    &reset_not_closed::ResetNotClosed,
    &shutdown_not_closed::ShutdownNotClosed,
    &peer_closed_not_closed::PeerClosedNotClosed,
    &accept_not_closed::AcceptNotClosed,
    &idle_not_reaped::IdleNotReaped,
    &pool_unbounded::PoolUnbounded,
    &listener_not_closed::ListenerNotClosed,
    &udp_not_closed::UdpNotClosed,
    &unix_not_closed::UnixNotClosed,
    &netlink_not_closed::NetlinkNotClosed,
    &packet_not_closed::PacketNotClosed,
    &raw_not_closed::RawNotClosed,
    &selector_not_closed::SelectorNotClosed,
    &fd_inherited::FdInherited,
    &dup_not_closed::DupNotClosed,
    &in_flight::InFlight,
    &owner_not_visible::OwnerNotVisible,
    &kernel_leak::KernelLeak,
    &unknown::Unknown,
    &time_wait_buildup::TimeWaitBuildup,
    &port_exhaustion::PortExhaustion,
    &backlog_overflow::BacklogOverflow,
    &syn_flood::SynFlood,
    &orphan_buildup::OrphanBuildup,
    &tcp_memory::TcpMemory,
    &busy_not_leaking::BusyNotLeaking,
    &fd_limit_too_low::FdLimitTooLow,
    &fd_limit_by_files::FdLimitByFiles,
    &system_file_limit::SystemFileLimit,
    &threads_counted_as_files::ThreadsCountedAsFiles,
    &connect_burst::ConnectBurst,
    &accept_stalled::AcceptStalled,
    &process_hung::ProcessHung,
    &conntrack_full::ConntrackFull,
    &foreign_namespace::ForeignNamespace,
];

/// The cause or look-alike with this code.
pub fn by_code(code: &str) -> Option<&'static dyn Cause> {
    CAUSES.iter().copied().find(|c| c.code() == code)
}

/// A claim for each suspect pile of one of these kinds, prepared with the reasons of the suspicion.
fn on_piles(
    case: &Case<'_>,
    code: &'static str,
    kinds: &[crate::ledger::Kind],
    says: &str,
    weigh: impl Fn(&crate::ledger::Pile, &mut Claim),
) -> Vec<Claim> {
    let mut claims = Vec::new();
    for (number, pile) in case.ledger.piles.iter().enumerate().filter(|(_, p)| kinds.contains(&p.kind)) {
        let Some(suspicion) = suspect(case, pile) else { continue };
        let mut claim = support::claim(code, Class::Leak, number, pile, says);
        claim.evidence = suspicion.reasons;
        claim.against = suspicion.against;
        if let Some(parent) = fd_inherited::same_block(case, pile) {
            let says = format!("all its holders have the same sockets, and pid {parent} started them: it made the sockets before");
            claim.against.push(claim::Evidence::new(claim::Strength::Strong, claim::Witnessed::Listing, says, []));
        }
        weigh(pile, &mut claim);
        claim.evidence.extend(forecast::forecast(case, pile));
        claim.evidence.extend(clock::clocks(case, pile));
        place::tell(case, pile, &mut claim);
        claims.push(claim);
    }
    claims
}
