//! Local ends with a port that the kernel hands out: nearly each comes once, so that only the few that recur are worth a count.
//!
//! Services listen below these ports as a rule; one that does not has the same end in all its rows, and is found by majority: an end
//! holds its slot against others until more of them have come than of itself.

use super::end::End;
use super::tops::Tops;

/// The first port that Linux hands out by default (`net.ipv4.ip_local_port_range`).
pub const FIRST_PORT: u16 = 32_768;
/// Ends that are counted at a time.
const SLOTS: usize = 16;

/// A few counts of very many ends; takes nothing to speak of until one comes.
#[derive(Debug, Default)]
pub struct Passing {
    /// One for each of the low bits of the port, in their order once there are all.
    slots: Vec<Slot>,
    /// Ends that lost their slot.
    rest: u64,
}

#[derive(Clone, Copy, Debug)]
struct Slot {
    end: End,
    count: u32,
    /// How many more came of it than of others.
    lead: u32,
}

impl Passing {
    /// Counts a local end, here or where those of services are counted.
    #[inline]
    pub fn add(&mut self, end: End, services: &mut Tops<End>) {
        if end.port() < FIRST_PORT {
            return services.defer(end);
        }
        self.keep(end);
    }

    /// All have come: hands over what was counted.
    pub fn seal(&mut self, services: &mut Tops<End>) {
        let Passing { slots, rest } = std::mem::take(self);
        for slot in &slots {
            services.defer_many(slot.end, slot.count);
        }
        services.add_rest(rest);
        services.seal();
    }

    #[inline]
    fn keep(&mut self, end: End) {
        let place = place(end);
        let slot = match self.slots.len() {
            SLOTS => self.slots.get_mut(place),
            _ => self.slots.iter_mut().find(|s| self::place(s.end) == place),
        };
        let Some(slot) = slot else { return self.open(end) };
        if slot.end == end {
            slot.count = slot.count.saturating_add(1);
            slot.lead = slot.lead.saturating_add(1);
        } else if slot.lead == 0 {
            self.rest += u64::from(slot.count);
            *slot = Slot { end, count: 1, lead: 1 };
        } else {
            slot.lead -= 1;
            self.rest += 1;
        }
    }

    fn open(&mut self, end: End) {
        self.slots.push(Slot { end, count: 1, lead: 1 });
        if self.slots.len() == SLOTS {
            self.slots.sort_unstable_by_key(|s| place(s.end));
        }
    }
}

#[inline]
fn place(end: End) -> usize {
    usize::from(end.port()) % SLOTS
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counted(ports: impl Iterator<Item = u16>) -> Tops<End> {
        let (mut passing, mut services) = (Passing::default(), Tops::default());
        ports.for_each(|port| passing.add(End::V4(1, port), &mut services));
        passing.seal(&mut services);
        services
    }

    #[test]
    fn ports_that_recur_are_found_among_those_that_pass() {
        let many = counted((0..20_000u32).map(|n| if n % 3 == 0 { 50_051 } else { 32_768 + (n * 7 % 28_000) as u16 }));
        assert_eq!(many.first().map(|(end, _)| end), Some(End::V4(1, 50_051)));
        assert!(many.get(&End::V4(1, 50_051)) > 6_000);
        assert_eq!(many.total(), 20_000);
        assert!(many.distinct() <= 17);
    }

    #[test]
    fn ports_of_services_are_all_counted() {
        let all = counted((0..3000).map(|n| n % 1000 + 1).chain(40_000..50_000));
        assert_eq!((all.get(&End::V4(1, 443)), all.total()), (3, 13_000));
    }
}
