//! Metrics of the Prometheus node exporter, as `curl host:9100/metrics` prints them.
//!
//! ```text
//! # HELP node_sockstat_TCP_alloc Number of TCP sockets in state alloc.
//! # TYPE node_sockstat_TCP_alloc gauge
//! node_sockstat_TCP_alloc 998
//! node_filefd_maximum 1.613792e+06
//! node_uname_info{nodename="feed-2",release="5.15.0-91-generic",sysname="Linux"} 1
//! ```
//!
//! It copies the numbers of `/proc/net/sockstat`, `sockstat6`, `/proc/net/snmp`, `/proc/net/netstat` and `/proc/sys/fs/file-nr` of its own
//! network namespace under the kernel's names, large ones with an exponent. What it tells of its own process (`process_open_fds`) is of no
//! interest. Source: `collector/sockstat_linux.go`, `netstat_linux.go`, `filefd_linux.go` of node_exporter.

use super::sockstat::counter_of;
use super::{Fit, Format, Hint, Parser, Probe, Taken, counter_names, proc_net_snmp::unit_of, scan};
use crate::facts::{At, Counter, Identity, IdentityKey, Scope, Sink, Unit};

/// The node exporter's metrics.
pub struct NodeExporter;

struct Reading {
    buffer: String,
}

/// `NAME{LABELS} VALUE`.
struct Metric<'a> {
    name: &'a [u8],
    labels: &'a [u8],
    value: f64,
}

impl Format for NodeExporter {
    fn id(&self) -> &'static str {
        "node-exporter"
    }

    fn title(&self) -> &'static str {
        "metrics of the Prometheus node exporter"
    }

    fn fit(&self, probe: &Probe<'_>) -> Fit {
        let ours = |l: &[u8]| self.opens(l) || l.starts_with(b"# HELP go_") || l.starts_with(b"# HELP process_");
        if probe.rows().next().is_some_and(ours) && probe.rows().any(|l| self.opens(l)) { Fit::Sure } else { Fit::No }
    }

    fn opens(&self, line: &[u8]) -> bool {
        let told = line.strip_prefix(b"# HELP ").or_else(|| line.strip_prefix(b"# TYPE ")).unwrap_or(line);
        told.starts_with(b"node_") && (told.len() < line.len() || metric(line).is_some())
    }

    fn parser(&self, _hint: &Hint<'_>) -> Box<dyn Parser> {
        Box::new(Reading { buffer: String::new() })
    }
}

impl Parser for Reading {
    fn line(&mut self, at: At<'_>, sink: &mut dyn Sink) -> Taken {
        if at.text.trim_ascii().is_empty() || at.text.starts_with(b"# HELP ") || at.text.starts_with(b"# TYPE ") {
            return Taken::Noise;
        }
        let Some(metric) = metric(at.text) else { return Taken::Unknown };
        if self.tell(&metric, at, sink).is_some() { Taken::Row } else { Taken::Noise }
    }
}

impl Reading {
    /// Hands on what a metric tells of the kernel's counts or of the host; `None` if that is nothing.
    fn tell(&mut self, metric: &Metric<'_>, at: At<'_>, sink: &mut dyn Sink) -> Option<()> {
        let name = metric.name.strip_prefix(b"node_")?;
        let value = metric.value as i64;
        if let Some(rest) = name.strip_prefix(b"sockstat_") {
            let (group, key) = halves(rest)?;
            let (name, unit, scope) = counter_of(group, key)?;
            sink.counter(at, &Counter { name, value, unit, scope });
        } else if let Some(rest) = name.strip_prefix(b"netstat_") {
            let (group, key) = halves(rest)?;
            counter_names::write(&mut self.buffer, counter_names::prefix(group)?, key);
            sink.counter(at, &Counter { name: &self.buffer, value, unit: unit_of(&self.buffer), scope: Scope::Netns });
        } else {
            match name {
                b"filefd_allocated" => sink.counter(at, &files("file_nr.allocated", value)),
                b"filefd_maximum" => sink.counter(at, &files("file_nr.max", value)),
                b"time_seconds" => {
                    let time = jiff::Timestamp::from_second(value).ok()?.to_string();
                    sink.identity(at, &Identity { key: IdentityKey::Date, value: time.as_bytes(), pid: None });
                }
                b"uname_info" => {
                    for (label, key) in [(&b"nodename"[..], IdentityKey::Hostname), (b"release", IdentityKey::Kernel)] {
                        let value = label_of(metric.labels, label)?;
                        sink.identity(at, &Identity { key, value, pid: None });
                    }
                }
                _ => return None,
            }
        }
        Some(())
    }
}

fn files(name: &'static str, value: i64) -> Counter<'static> {
    Counter { name, value, unit: Unit::Files, scope: Scope::Host }
}

/// `TCP` and `alloc` of `TCP_alloc`.
fn halves(name: &[u8]) -> Option<(&[u8], &[u8])> {
    let (group, key) = name.split_at_checked(memchr::memchr(b'_', name)?)?;
    Some((group, key.get(1..)?))
}

/// The value of a label, which holds no quote of its own.
fn label_of<'a>(labels: &'a [u8], label: &[u8]) -> Option<&'a [u8]> {
    let mut parts = labels.split(|&b| b == b'"');
    while let (Some(key), Some(value)) = (parts.next(), parts.next()) {
        let key = key.strip_prefix(b",").unwrap_or(key);
        if key.strip_suffix(b"=") == Some(label) {
            return Some(value);
        }
    }
    None
}

fn metric(line: &[u8]) -> Option<Metric<'_>> {
    let line = line.trim_ascii();
    let end = line.iter().position(|b| !b.is_ascii_alphanumeric() && *b != b'_' && *b != b':').filter(|&end| end > 0)?;
    let (name, rest) = line.split_at_checked(end)?;
    let (labels, rest) = match rest.strip_prefix(b"{") {
        // A value of a label may hold a brace; what follows the last one holds none.
        Some(inner) => {
            inner.split_at_checked(memchr::memrchr(b'}', inner)?).map(|(labels, rest)| (labels, rest.get(1..).unwrap_or(b"")))?
        }
        None => (&b""[..], rest),
    };
    let rest = rest.strip_prefix(b" ")?;
    // A time may follow.
    let mut fields = scan::Fields::new(rest);
    let value = std::str::from_utf8(fields.next()?).ok()?.parse().ok()?;
    let time = fields.next();
    (time.is_none_or(scan::is_digits) && fields.next().is_none()).then_some(Metric { name, labels, value })
}

#[cfg(test)]
mod tests {
    use crate::formats::testing::told_as;

    #[test]
    fn the_kernels_numbers_and_the_host() {
        let text = "# HELP node_filefd_maximum File descriptor statistics: maximum.\n# TYPE node_filefd_maximum gauge\n\
            node_filefd_maximum 1.613792e+06\nnode_sockstat_TCP_alloc 998\nnode_sockstat_TCP6_inuse 17\nnode_netstat_Tcp_AttemptFails 412\n\
            node_uname_info{domainname=\"(none)\",machine=\"x86_64\",nodename=\"feed-2\",release=\"5.15.0-91\",sysname=\"Linux\"} 1\n\
            node_time_seconds 1.795770000e+09\nnode_load1 0.3\nprocess_open_fds 9\n";
        let (told, reading) = told_as("09-00.prom", text);
        let lines: Vec<&str> = told.lines.iter().map(String::as_str).collect();
        assert_eq!(
            lines,
            [
                "counter file_nr.max=1613792",
                "counter sockstat.tcp.alloc=998",
                "counter sockstat.tcp6.inuse=17",
                "counter snmp.tcp.attempt_fails=412",
                "identity Hostname pid=- feed-2",
                "identity Kernel pid=- 5.15.0-91",
                "identity Date pid=- 2026-11-27T09:00:00Z",
            ]
        );
        assert_eq!((reading.format(), reading.unparsed()), ("node-exporter", 0));
    }

    #[test]
    fn prose_is_no_metric() {
        let (told, reading) = told_as("x", "# HELP wanted\nnode_exporter is down 7\nnode_load1{a=\"b\" 1\n");
        assert!(told.lines.is_empty());
        assert_ne!(reading.format(), "node-exporter");
    }
}
