//! `nstat` of iproute2: the counters of `/proc/net/snmp` and `netstat`, one in each line.
//!
//! ```text
//! #kernel
//! TcpExtListenOverflows           88                 0.0
//! ```
//!
//! Without `-a` nstat prints what was added since its last run (`nstat(8)`), with `-z` zeros as well. Only a command or a member's name
//! with `a` among the options makes a value absolute; all others are of unknown scope, so that no analysis takes a difference for a
//! total. The third column is a rate that only the daemon fills.

use super::{Fit, Format, Hint, Parser, Probe, Taken, counter_names, proc_net_snmp::unit_of, prompt, scan};
use crate::facts::{At, Counter, Scope, Sink};

/// nstat's list.
pub struct Nstat;

struct Reading {
    absolute: bool,
    buffer: String,
}

impl Format for Nstat {
    fn id(&self) -> &'static str {
        "nstat"
    }

    fn title(&self) -> &'static str {
        "nstat of iproute2"
    }

    fn fit(&self, probe: &Probe<'_>) -> Fit {
        let mut rows = probe.rows();
        match rows.next() {
            Some(line) if self.opens(line) => Fit::Sure,
            _ => Fit::No,
        }
    }

    fn opens(&self, line: &[u8]) -> bool {
        let line = line.trim_ascii();
        line == b"#kernel" || row(line).is_some()
    }

    fn printed_by(&self, command: &[u8]) -> bool {
        prompt::program(command) == b"nstat" && !prompt::counts(command)
    }

    fn parser(&self, hint: &Hint<'_>) -> Box<dyn Parser> {
        let absolute = if prompt::program(hint.command) == b"nstat" {
            scan::Fields::new(hint.command).any(|f| f == b"--ignore" || short_option(f))
        } else {
            let name = hint.path.rsplit('/').next().unwrap_or("");
            name.split(['_', '.', ' ']).any(|part| short_option(part.as_bytes()) || part.ends_with("-az") || part.ends_with("-a"))
        };
        Box::new(Reading { absolute, buffer: String::new() })
    }
}

impl Parser for Reading {
    fn line(&mut self, at: At<'_>, sink: &mut dyn Sink) -> Taken {
        let line = at.text.trim_ascii();
        if line.is_empty() || line == b"#kernel" {
            return Taken::Noise;
        }
        let Some((word, value)) = row(line) else { return Taken::Unknown };
        let Some((prefix, name)) = counter_names::split(word) else { return Taken::Noise };
        counter_names::write(&mut self.buffer, prefix, name);
        let scope = if self.absolute { Scope::Netns } else { Scope::Unknown };
        sink.counter(at, &Counter { name: &self.buffer, value, unit: unit_of(&self.buffer), scope });
        Taken::Row
    }
}

/// Whether this is a bundle of short options with `a`: `-az`, `-zas`.
fn short_option(field: &[u8]) -> bool {
    field.strip_prefix(b"-").is_some_and(|letters| letters.contains(&b'a') && letters.iter().all(u8::is_ascii_lowercase))
}

/// Name, value and the rate behind it.
fn row(line: &[u8]) -> Option<(&[u8], i64)> {
    let mut fields = scan::Fields::new(line);
    let word = fields.next().filter(|w| w.first().is_some_and(u8::is_ascii_uppercase) && w.iter().all(u8::is_ascii_alphanumeric))?;
    let value = counter_names::value(fields.next()?)?;
    let rate = fields.next()?;
    (fields.next().is_none() && rate.contains(&b'.') && rate.iter().all(|b| b.is_ascii_digit() || *b == b'.')).then_some((word, value))
}

#[cfg(test)]
mod tests {
    use crate::facts::{At, Counter, MemberId, Scope, Sink};
    use crate::formats::reader::read_text;

    #[derive(Default)]
    struct Kept(Vec<(String, i64, Scope)>);

    impl Sink for Kept {
        fn counter(&mut self, _at: At<'_>, c: &Counter<'_>) {
            self.0.push((c.name.into(), c.value, c.scope));
        }
    }

    fn read(path: &str, text: &str) -> Vec<(String, i64, Scope)> {
        let mut kept = Kept::default();
        read_text(MemberId(0), path, text.as_bytes(), &mut kept);
        kept.0
    }

    #[test]
    fn only_a_makes_values_absolute() {
        let rows = "#kernel\nTcpExtListenOverflows           88                 0.0\n";
        let name = "tcpext.listen_overflows".to_string();
        assert_eq!(read("nstat.txt", rows), [(name.clone(), 88, Scope::Unknown)]);
        assert_eq!(read("nstat_-zas", rows), [(name.clone(), 88, Scope::Netns)]);
        assert_eq!(read("x", &format!("$ nstat -az\n{rows}")), [(name.clone(), 88, Scope::Netns)]);
        assert_eq!(read("x", &format!("$ nstat -z\n{rows}")), [(name, 88, Scope::Unknown)]);
    }
}
