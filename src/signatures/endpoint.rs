//! Peers, attempts and intervals as messages spell them.

/// `kafka/10.0.0.5:9092` as `10.0.0.5:9092`, `kafka/<unresolved>:9092` as `kafka:9092`, `10.0.0.53#53` as `10.0.0.53:53`.
pub fn tidy(text: &str) -> String {
    let text = text.rsplit_once("://").map_or(text, |(_, rest)| rest);
    let text = match text.split_once('/') {
        Some((name, rest)) => match rest.strip_prefix("<unresolved>") {
            Some(port) => format!("{name}{port}"),
            None if rest.is_empty() => name.to_string(),
            None => rest.to_string(),
        },
        None => text.to_string(),
    };
    text.replacen('#', ":", 1)
}

/// The address that stands nearest to `from..to` in a message: the last one before, else the first one inside or after.
pub fn nearest(text: &[u8], from: usize, to: usize) -> Option<String> {
    let mut before = None;
    let mut at = 0;
    for word in text.split(|b| matches!(b, b' ' | b'\t' | b',' | b';' | b'(' | b')' | b'"' | b'\'' | b'=' | b'<' | b'>' | b'{' | b'}')) {
        let start = at;
        at += word.len() + 1;
        let Some(found) = address(word) else { continue };
        if start >= to || start >= from {
            return Some(before.unwrap_or(found));
        }
        before = Some(found);
    }
    before
}

/// `10.0.0.5:9092`, `[fd00::7]:2379`, `db.example:5432`, with a scheme, a path or a colon around it.
fn address(word: &[u8]) -> Option<String> {
    let word = std::str::from_utf8(word).ok()?;
    let word = word.rsplit_once("://").map_or(word, |(_, rest)| rest);
    let word = word.trim_end_matches([':', '.', ']', '!']).trim_end_matches('/');
    let word = word.strip_prefix('/').unwrap_or(word);
    let (host, rest) = word.rsplit_once([':', '#'])?;
    let (port, path) = rest.split_at(rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len()));
    if port.is_empty() || port.parse::<u16>().is_err() || !(path.is_empty() || path.starts_with('/')) {
        return None;
    }
    let host = host.rsplit_once('/').map_or(host, |(_, address)| address);
    let bracketed = host.starts_with('[') && host.ends_with(']') && host.contains(':');
    let named = host.contains(['.', '-']) && host.starts_with(|c: char| c.is_ascii_alphanumeric()) || host == "localhost";
    let plain = named && host.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_')) && !is_source_file(host);
    (bracketed || plain).then(|| format!("{host}:{port}"))
}

/// `Logging.java:89` names a line, not a port.
fn is_source_file(host: &str) -> bool {
    let suffix = host.rsplit_once('.').map_or("", |(_, s)| s);
    matches!(suffix, "java" | "go" | "py" | "js" | "ts" | "c" | "cc" | "cpp" | "h" | "rs" | "rb" | "php" | "scala" | "kt" | "cs" | "lua")
}

/// `attempt 500`, `attempt #3`, `attempt=3`.
pub fn attempt(text: &[u8]) -> Option<u64> {
    let lower = text.to_ascii_lowercase();
    let at = memchr::memmem::find(&lower, b"attempt")?;
    let rest = lower.get(at + 7..)?;
    let rest = rest.strip_prefix(b"s").unwrap_or(rest);
    let start = rest.iter().take(3).position(u8::is_ascii_digit)?;
    if !rest.iter().take(start).all(|b| matches!(b, b' ' | b'#' | b'=' | b':')) {
        return None;
    }
    crate::formats::scan::leading_number(rest.get(start..)?).map(|(n, _)| n)
}

/// `5ms`, `1.5s`, `30 seconds`, `2m`; without a unit seconds.
pub fn seconds(text: &str) -> Option<f64> {
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    let number: f64 = number.parse().ok()?;
    let unit = unit.trim().to_ascii_lowercase();
    Some(match unit.as_str() {
        "ms" | "millisecond" | "milliseconds" | "millis" => number / 1000.0,
        "m" | "min" | "minute" | "minutes" => number * 60.0,
        _ => number,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endpoints_are_told_in_one_way() {
        for (text, want) in [
            ("10.0.5.15/10.0.5.15:9092", "10.0.5.15:9092"),
            ("kafka-5.example/10.0.5.15:9092", "10.0.5.15:9092"),
            ("/10.0.5.15:9092", "10.0.5.15:9092"),
            ("kafka/<unresolved>:9092", "kafka:9092"),
            ("10.0.0.53#53", "10.0.0.53:53"),
        ] {
            assert_eq!(tidy(text), want);
        }
    }

    #[test]
    fn the_nearest_address_is_taken() {
        let text = b"proxy 10.0.0.1:80 to 10.0.0.2:90: refused, next 10.0.0.3:91";
        assert_eq!(nearest(text, 34, 41).as_deref(), Some("10.0.0.2:90"));
        assert_eq!(nearest(b"refused by http://db-1:5432/x", 0, 7).as_deref(), Some("db-1:5432"));
        assert_eq!(nearest(b"refused at Logging.java:89 12:30", 0, 7), None);
    }

    #[test]
    fn intervals_in_seconds() {
        assert_eq!(seconds("5ms"), Some(0.005));
        assert_eq!(seconds("2 minutes"), Some(120.0));
        assert_eq!(seconds("30000ms"), Some(30.0));
        assert_eq!(attempt(b"x (attempt 500)"), Some(500));
        assert_eq!(attempt(b"attempted 3"), None);
    }
}
