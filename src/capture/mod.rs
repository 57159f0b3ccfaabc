//! What an input said, kept compact: one [`Snapshot`] for each host and time, members and names shared.
//!
//! Rows become counts as they pass. What stays of ten million descriptors is three bytes each; of text, the few lines that a report quotes, packed.

mod byte_order;
mod counts;
pub mod end;
mod group;
pub mod holding;
mod hot;
mod intake;
pub mod intern;
pub mod lines;
pub mod logs;
pub mod naming;
mod parts;
pub mod passing;
mod pending;
pub mod process;
pub mod quote;
mod room;
mod siblings;
pub mod snapshot;
mod sockaddr;
pub mod sockets;
pub mod stacks;
mod stretches;
pub mod table;
#[cfg(test)]
pub(crate) mod testing;
pub mod tops;
pub mod trace;
mod turns;
pub mod twins;
mod varint;

pub use end::End;
pub use intake::{Input, Intake, Member};
pub use intern::{Interner, Name};
pub use quote::{Quote, Quotes};
pub use room::{Over, Room};
pub use snapshot::Snapshot;
