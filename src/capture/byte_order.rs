//! Addresses of `/proc/net/tcp` and its like, which the kernel prints as words in the order of its machine: a big-endian one prints
//! 10.20.4.17 as `0A140411`.
//!
//! Little-endian is taken where the table itself does not tell by its loopback rows. Another file of the capture may name the machine, and
//! that may come later than the table: then all ends of the table are turned.

use super::end::End;
use super::intern::Interner;
use super::table::Table;
use crate::facts::{Addr, Endpoint};

/// Turns the ends of a table of the kernel's that was read as little-endian and comes from a big-endian machine.
pub(super) fn turn(table: &mut Table, names: &mut Interner) {
    let ends = || {
        let rows = table.groups.iter().flat_map(|g| g.locals.iter().chain(g.remotes.iter())).map(|(end, _)| end);
        let listening = table.listeners.iter().map(|l| l.local);
        rows.chain(listening).chain(table.connections.iter().flat_map(|c| [c.0, c.1]))
    };
    // A loopback address that was read right has told the order.
    if !table.format.starts_with("proc-net") || ends().any(End::is_loopback) {
        return;
    }
    for group in &mut table.groups {
        group.locals = group.locals.renamed(|end| turned(end, names));
        group.remotes = group.remotes.renamed(|end| turned(end, names));
    }
    table.listeners.iter_mut().for_each(|l| l.local = turned(l.local, names));
    for (local, remote, _) in &mut table.connections {
        (*local, *remote) = (turned(*local, names), turned(*remote, names));
    }
}

/// The end whose address has each word of 32 bits in the other order.
fn turned(end: End, names: &mut Interner) -> End {
    let addr = match end {
        End::V4(a, _) => Addr::V4(a.swap_bytes()),
        End::V6(a, _) => {
            let [a, b, c, d] = [96, 64, 32, 0].map(|shift| u128::from(((names.wide(a) >> shift) as u32).swap_bytes()));
            Addr::from_v6(a << 96 | b << 64 | c << 32 | d)
        }
        other => return other,
    };
    End::keep(&Endpoint::new(addr, end.port()), names)
}
