//! Numbers and lists as sentences have them.

/// A number with a comma at each thousand: `157,624`.
pub fn number(n: impl TryInto<i64>) -> String {
    let n: i64 = n.try_into().unwrap_or(i64::MAX);
    let digits = n.unsigned_abs().to_string();
    let mut out = String::new();
    for (i, c) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(c);
    }
    if n < 0 { format!("-{out}") } else { out }
}

/// `one thing`, `3 things`.
pub fn many(n: u64, one: &str, more: &str) -> String {
    if n == 1 { format!("1 {one}") } else { format!("{} {more}", number(n as i64)) }
}

#[cfg(test)]
mod tests {
    #[test]
    fn thousands() {
        assert_eq!(super::number(157_624), "157,624");
        assert_eq!(super::number(-1_000), "-1,000");
        assert_eq!(super::number(7), "7");
        assert_eq!(super::many(1, "row", "rows"), "1 row");
        assert_eq!(super::many(1200, "row", "rows"), "1,200 rows");
    }
}
