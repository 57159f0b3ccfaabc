//! Addresses for addresses: one to one, keyed, with prefixes and classes kept.
//!
//! Two addresses that share their first n octets (16-bit groups for IPv6) share exactly as many afterwards, so subnets stay subnets.
//! An octet is replaced by a permutation that depends on the key and on the octets before it, and only within its class: private,
//! shared (100.64/10), link-local and multicast networks stay what they are, public addresses stay public, and loopback, the wildcard,
//! broadcast and well-known multicast groups are not touched. A v4-mapped address is mapped as the IPv4 address it carries.

use super::key::Key;
use rustc_hash::FxHashMap;
use std::net::{Ipv4Addr, Ipv6Addr};

/// How many addresses are remembered: computing one again costs some microseconds.
const REMEMBERED: usize = 1 << 18;
/// First octets whose networks mean something by themselves, wholly or in part: they stay.
const KEPT_FIRST: &[u8] = &[0, 10, 100, 127, 169, 172, 192];

/// The mapping of one key.
#[derive(Debug)]
pub struct Addresses {
    key: Key,
    v4: FxHashMap<u32, u32>,
    v6: FxHashMap<u128, u128>,
}

impl Addresses {
    /// The mapping of this key.
    pub fn new(key: Key) -> Self {
        Addresses { key, v4: FxHashMap::default(), v6: FxHashMap::default() }
    }

    /// The address that stands for this one.
    pub fn v4(&mut self, address: Ipv4Addr) -> Ipv4Addr {
        let bits = u32::from(address);
        if let Some(&known) = self.v4.get(&bits) {
            return known.into();
        }
        let mapped = self.compute_v4(address.octets());
        if self.v4.len() >= REMEMBERED {
            self.v4.clear();
        }
        self.v4.insert(bits, mapped.into());
        mapped
    }

    /// The address that stands for this one.
    pub fn v6(&mut self, address: Ipv6Addr) -> Ipv6Addr {
        let bits = u128::from(address);
        if let Some(&known) = self.v6.get(&bits) {
            return known.into();
        }
        let mapped = self.compute_v6(address);
        if self.v6.len() >= REMEMBERED {
            self.v6.clear();
        }
        self.v6.insert(bits, mapped.into());
        mapped
    }

    fn compute_v4(&self, [a, b, c, d]: [u8; 4]) -> Ipv4Addr {
        let untouched = matches!((a, b, c, d), (0 | 127 | 255, ..) | (224, 0, 0 | 1, _));
        if untouched {
            return Ipv4Addr::new(a, b, c, d);
        }
        let first = if a >= 224 || KEPT_FIRST.contains(&a) { a } else { self.octet(&[], a, |x| x < 224 && !KEPT_FIRST.contains(&x)) };
        let second = match second_class(a, b) {
            Some(_) if matches!((a, b), (169, 254) | (192, 168)) => b,
            class => self.octet(&[a], b, |x| second_class(a, x) == class),
        };
        // 224.0.0 and 224.0.1 are kept above, so nothing else may become them.
        let third = self.octet(&[a, b], c, |x| (a, b) != (224, 0) || x > 1);
        let second = if (a, b) == (224, 0) { 0 } else { second };
        let fourth = self.octet(&[a, b, c], d, |_| true);
        Ipv4Addr::new(first, second, third, fourth)
    }

    /// A permutation of the octets that are `inside`, of which `octet` is one.
    fn octet(&self, before: &[u8], octet: u8, inside: impl Fn(u8) -> bool) -> u8 {
        let table = self.key.digest(b"octet", before);
        let mut at = octet;
        // Walking the cycle until it is back inside keeps it a permutation; it ends at the latest where it began.
        loop {
            at = shuffle(&table, at);
            if inside(at) {
                return at;
            }
        }
    }

    fn compute_v6(&self, address: Ipv6Addr) -> Ipv6Addr {
        if let Some(v4) = carried(address) {
            let mapped = self.compute_v4(v4.octets());
            let front = u128::from(address) >> 32 << 32;
            return Ipv6Addr::from(front | u128::from(u32::from(mapped)));
        }
        let groups = address.segments();
        if is_untouched(address) {
            return address;
        }
        let mut mapped = [0u16; 8];
        for (i, (&group, slot)) in groups.iter().zip(&mut mapped).enumerate() {
            let before = groups.get(..i).unwrap_or(&[]);
            *slot = if i == 0 { self.first_group(group) } else { self.group(before, group, |x| x != 0) };
        }
        Ipv6Addr::from(mapped)
    }

    /// The class of an IPv6 address is in its first group.
    fn first_group(&self, group: u16) -> u16 {
        match group >> 8 {
            // Unique local addresses stay in fc or fd, global ones in 2000::/3.
            0xfc | 0xfd => self.group(&[], group, |x| x >> 8 == group >> 8),
            0x20..=0x3f => self.group(&[], group, |x| (0x2000..0x4000).contains(&x)),
            _ => group,
        }
    }

    /// A permutation of the groups that are `inside`. Zero stays zero, so that `::` stays where it was.
    fn group(&self, before: &[u16], group: u16, inside: impl Fn(u16) -> bool) -> u16 {
        if group == 0 {
            return 0;
        }
        let prefix: Vec<u8> = before.iter().flat_map(|g| g.to_be_bytes()).collect();
        let mut at = group;
        loop {
            at = self.shuffle_group(&prefix, at);
            if inside(at) {
                return at;
            }
        }
    }

    /// A Feistel network over two octets.
    fn shuffle_group(&self, prefix: &[u8], group: u16) -> u16 {
        let [mut left, mut right] = group.to_be_bytes();
        let mut data = Vec::with_capacity(prefix.len() + 2);
        for round in 0..6u8 {
            data.clear();
            data.extend_from_slice(&[round, right]);
            data.extend_from_slice(prefix);
            let [f, ..] = self.key.digest(b"group", &data);
            (left, right) = (right, left ^ f);
        }
        u16::from_be_bytes([left, right])
    }
}

/// Which network within the first octet the second one puts an address in; `None` for no particular one.
fn second_class(a: u8, b: u8) -> Option<u8> {
    match (a, b) {
        (100, 64..=127) | (169, 254) | (172, 16..=31) | (192, 168) => Some(a),
        (224, 0) => Some(a),
        _ => None,
    }
}

/// A Feistel network over two halves of four bits; the digest holds a table of sixteen half octets for each of four rounds.
fn shuffle(table: &[u8; 32], octet: u8) -> u8 {
    let (mut left, mut right) = (octet >> 4, octet & 15);
    for round in 0..4usize {
        let byte = table.get(round * 8 + usize::from(right >> 1)).copied().unwrap_or(0);
        let f = if right & 1 == 0 { byte >> 4 } else { byte & 15 };
        (left, right) = (right, left ^ f);
    }
    left << 4 | right
}

/// The IPv4 address in `::ffff:a.b.c.d` or, behind NAT64, in `64:ff9b::a.b.c.d`.
fn carried(address: Ipv6Addr) -> Option<Ipv4Addr> {
    address.to_ipv4_mapped().or_else(|| {
        let bits = u128::from(address);
        (bits >> 32 == 0x0064_ff9b_u128 << 64).then(|| Ipv4Addr::from(bits as u32))
    })
}

/// The wildcard, loopback and their surroundings, and multicast groups that every host joins.
fn is_untouched(address: Ipv6Addr) -> bool {
    let groups = address.segments();
    let [first, middle @ .., _] = groups;
    // `::/16` holds the wildcard, loopback and what embeds IPv4, none of which another address may become.
    first == 0 || (first >> 8 == 0xff && middle.iter().all(|&g| g == 0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn mapping(key: &str) -> Addresses {
        Addresses::new(Key::of(key))
    }

    fn class(a: Ipv4Addr) -> u8 {
        match a.octets() {
            [127, ..] => 1,
            [10, ..] => 2,
            [172, 16..=31, ..] => 3,
            [192, 168, ..] => 4,
            [169, 254, ..] => 5,
            [100, 64..=127, ..] => 6,
            [224..=239, ..] => 7,
            [240..=255, ..] => 8,
            [0, ..] => 9,
            _ => 0,
        }
    }

    fn common(a: &[u8], b: &[u8]) -> usize {
        a.iter().zip(b).take_while(|(a, b)| a == b).count()
    }

    #[test]
    fn what_means_something_stays() {
        let mut map = mapping("k");
        for text in ["0.0.0.0", "127.0.0.1", "127.0.1.1", "255.255.255.255", "224.0.0.251"] {
            let address: Ipv4Addr = text.parse().expect("an address");
            assert_eq!(map.v4(address), address);
        }
        for text in ["::", "::1", "ff02::fb", "::ffff:127.0.0.1"] {
            let address: Ipv6Addr = text.parse().expect("an address");
            assert_eq!(map.v6(address), address);
        }
        let plain = map.v4(Ipv4Addr::new(10, 20, 5, 15));
        assert_ne!(plain, Ipv4Addr::new(10, 20, 5, 15));
        assert_eq!(map.v6(Ipv4Addr::new(10, 20, 5, 15).to_ipv6_mapped()), plain.to_ipv6_mapped());
    }

    #[test]
    fn every_octet_is_a_permutation() {
        let mut map = mapping("k");
        for front in [[10, 1, 2], [192, 168, 7], [8, 8, 8], [224, 0, 7], [240, 1, 2]] {
            let [a, b, c] = front;
            let all: std::collections::BTreeSet<Ipv4Addr> = (0..=255).map(|d| map.v4(Ipv4Addr::new(a, b, c, d))).collect();
            assert_eq!(all.len(), 256, "{front:?}");
        }
        let firsts: std::collections::BTreeSet<u8> = (0..=255).map(|a| map.v4(Ipv4Addr::new(a, 1, 1, 1)).octets()[0]).collect();
        assert_eq!(firsts.len(), 256);
        for a in [100, 169, 172, 192, 224, 255] {
            let seconds: std::collections::BTreeSet<u8> = (0..=255).map(|b| map.v4(Ipv4Addr::new(a, b, 7, 1)).octets()[1]).collect();
            assert_eq!(seconds.len(), 256, "{a}");
        }
    }

    proptest! {
        #[test]
        fn v4_keeps_prefixes_and_classes(a: u32, b: u32, share in 0u32..=4, key in "[a-z]{0,8}") {
            let mask = if share == 0 { 0 } else { u32::MAX << (32 - 8 * share) };
            let (a, b) = (Ipv4Addr::from(a), Ipv4Addr::from(a & mask | b & !mask));
            let mut map = mapping(&key);
            let (x, y) = (map.v4(a), map.v4(b));
            prop_assert_eq!(common(&a.octets(), &b.octets()), common(&x.octets(), &y.octets()));
            prop_assert_eq!(class(a), class(x));
            prop_assert_eq!(mapping(&key).v4(a), x);
        }

        #[test]
        fn v6_keeps_prefixes_and_classes(a: u128, b: u128, share in 0u32..=8, first in prop::sample::select(vec![None, Some(0xfe80u16), Some(0xfd12), Some(0x2001), Some(0xff05)])) {
            let set = |bits: u128| first.map_or(bits, |f| bits << 16 >> 16 | u128::from(f) << 112);
            let mask = if share == 0 { 0 } else { u128::MAX << (128 - 16 * share) };
            let (a, b) = (set(a), set(a & mask | b & !mask));
            let mut map = mapping("key");
            let (x, y) = (map.v6(a.into()), map.v6(b.into()));
            let groups = |v: Ipv6Addr| v.segments();
            let same = |p: [u16; 8], q: [u16; 8]| p.iter().zip(q).take_while(|(p, q)| **p == *q).count();
            prop_assert_eq!(same(groups(a.into()), groups(b.into())), same(groups(x), groups(y)));
            let class = |g: u16| match g >> 8 { 0xfc => 1, 0xfd => 2, 0x20..=0x3f => 3, _ => u32::from(g) + 10 };
            prop_assert_eq!(class(groups(a.into())[0]), class(groups(x)[0]));
        }
    }
}
