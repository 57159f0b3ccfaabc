//! Owned, compact endpoints: what an [`Endpoint`] becomes when it is kept.

use super::intern::{Interner, Name, Wide};
use crate::facts::{Addr, Endpoint};
use std::net::{Ipv4Addr, Ipv6Addr};

/// An endpoint that can be kept and compared; names are interned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum End {
    /// Any address and this port (0 for any port).
    Any(u16),
    /// IPv4 address and port.
    V4(u32, u16),
    /// IPv6 address (by number: millions of ends are kept, and one with 16 bytes would more than double each) and port.
    V6(Wide, u16),
    /// Named host and port.
    Named(Name, u16),
    /// Host and port both as printed, `host:service`.
    Text(Name),
}

impl End {
    /// Keeps an endpoint.
    pub fn keep(endpoint: &Endpoint<'_>, names: &mut Interner) -> End {
        if !endpoint.service.is_empty() {
            return End::Text(names.add(endpoint.to_string().as_bytes()));
        }
        match endpoint.addr {
            Addr::Any => End::Any(endpoint.port),
            Addr::V4(a) => End::V4(a, endpoint.port),
            Addr::V6(a) => match names.add_wide(a) {
                Some(number) => End::V6(number, endpoint.port),
                None => End::Named(names.add_placeholder(), endpoint.port),
            },
            Addr::Name(n) => End::Named(names.add(n), endpoint.port),
        }
    }

    /// The port, 0 if none is told as a number.
    pub fn port(self) -> u16 {
        match self {
            End::Any(p) | End::V4(_, p) | End::V6(_, p) | End::Named(_, p) => p,
            End::Text(_) => 0,
        }
    }

    /// The same host with no port.
    pub fn host(self) -> End {
        match self {
            End::Any(_) => End::Any(0),
            End::V4(a, _) => End::V4(a, 0),
            End::V6(a, _) => End::V6(a, 0),
            End::Named(n, _) => End::Named(n, 0),
            End::Text(n) => End::Text(n),
        }
    }

    /// Whether this is the unset peer of a listener.
    pub fn is_unset(self) -> bool {
        self == End::Any(0)
    }

    /// Whether the host is of the loopback network.
    pub fn is_loopback(self) -> bool {
        match self {
            End::V4(a, _) => a >> 24 == 127,
            End::V6(a, _) => a == Wide::LOOPBACK,
            _ => false,
        }
    }

    /// As every report prints it: `10.0.0.5:9092`, `[::1]:9092`; without `:port` where the port is 0.
    pub fn show(self, names: &Interner) -> String {
        let (host, port) = match self {
            End::Any(p) => ("*".to_string(), p),
            End::V4(a, p) => (Ipv4Addr::from(a).to_string(), p),
            End::V6(a, 0) => return Ipv6Addr::from(names.wide(a)).to_string(),
            End::V6(a, p) => (format!("[{}]", Ipv6Addr::from(names.wide(a))), p),
            End::Named(n, p) => (names.text(n), p),
            End::Text(n) => return names.text(n),
        };
        if port == 0 { host } else { format!("{host}:{port}") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_end_takes_eight_bytes() {
        assert_eq!(size_of::<End>(), 8);
    }

    #[test]
    fn wide_addresses_come_back() {
        let mut names = Interner::default();
        let mut shown = |text: &str| {
            let end = End::keep(&Endpoint::new(Addr::parse(text.as_bytes()), 443), &mut names);
            (end.show(&names), end.is_loopback())
        };
        assert_eq!(shown("::1"), ("[::1]:443".to_string(), true));
        assert_eq!(shown("2001:db8::7"), ("[2001:db8::7]:443".to_string(), false));
        assert_eq!(shown("2001:db8::8"), ("[2001:db8::8]:443".to_string(), false));
    }
}
