//! What a client typed at a prompt says when it finds no local port: `curl: (7) Failed to connect to 10.0.0.8: Cannot assign requested address`.

use super::super::scan;

/// How such lines begin; what curl tells beside (`* Failed to connect to ...`) tells the same attempt once more.
const CLIENTS: &[&[u8]] =
    &[b"curl: (", b"wget: ", b"telnet: ", b"nc: ", b"ncat: ", b"ssh: ", b"dig: ", b"ping: ", b"connect: ", b"mysql: ", b"psql: "];

/// Whether a line is such a complaint. Of an address of IPv6 it is not: on a host without IPv6 each attempt ends so, whatever ports are left.
pub fn finds_no_port(line: &[u8]) -> bool {
    let line = line.trim_ascii();
    line.len() <= 300
        && CLIENTS.iter().any(|client| line.starts_with(client))
        && scan::contains(line, b"annot assign requested address")
        && !scan::contains(line, b"::")
        && !line.contains(&b'[')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn complaints_of_clients() {
        for line in [
            "curl: (7) Failed to connect to 172.28.56.184: Cannot assign requested address",
            "telnet: Unable to connect to remote host: Cannot assign requested address",
            "ssh: connect to host web-1 port 22: Cannot assign requested address",
            "connect: Cannot assign requested address",
        ] {
            assert!(finds_no_port(line.as_bytes()), "{line}");
        }
        for line in [
            "curl: (7) Failed to connect to 2001:db8::8: Cannot assign requested address",
            "ssh: connect to host web-1 port 22: Connection refused",
            "I read that connect: Cannot assign requested address means that ports are gone",
        ] {
            assert!(!finds_no_port(line.as_bytes()), "{line}");
        }
    }
}
