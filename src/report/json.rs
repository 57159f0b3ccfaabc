//! The report as JSON, schema `sockdiag.report/1`. Keys are only ever added.

use super::harmless::harmless_json;
use super::{Detail, Look, Renderer};
use crate::bundle::MemberEnd;
use crate::capture::{Member, Quote};
use crate::causes::{Claim, Evidence, Missing};
use crate::checks::Checked;
use crate::diagnosis::{Diagnosis, Finding, HostReport, Traced};
use crate::host::Source;
use crate::ledger::{Figure, Pile};
use serde_json::{Map, Value, json};

/// Up to so many members times hosts, those that belong to no host are listed with each; past it with the first alone.
const MAX_LISTED: usize = 1 << 20;

/// The schema's name.
pub const SCHEMA: &str = "sockdiag.report/1";

/// JSON, for scripts.
pub struct Json;

impl Renderer for Json {
    fn id(&self) -> &'static str {
        "json"
    }

    fn render(&self, diagnosis: &Diagnosis, look: &Look) -> String {
        let report = report(diagnosis);
        if look.detail == Detail::Quiet { format!("{}\n", harmless_json(&report.to_string())) } else { print(&report) }
    }
}

/// A value as indented text, with every character escaped that a terminal would act on.
pub fn print(value: &Value) -> String {
    format!("{}\n", harmless_json(&format!("{value:#}")))
}

/// The whole report.
pub fn report(diagnosis: &Diagnosis) -> Value {
    let mut report = json!({
        "schema": SCHEMA,
        "tool": {"name": "sockdiag", "version": env!("CARGO_PKG_VERSION")},
        "verdict": diagnosis.verdict.word(),
        "headline": diagnosis.headline,
        "captures": captures(diagnosis),
        "findings": diagnosis.findings.iter().map(|f| finding(diagnosis, f)).collect::<Vec<_>>(),
        "ruled_out": ruled_out(diagnosis),
        "next": diagnosis.next.iter().map(|m| json!({"what": m.what, "would": m.would, "command": m.command})).collect::<Vec<_>>(),
    });
    if let (Value::Object(map), true) = (&mut report, diagnosis.further > 0) {
        map.insert("findings_left_out".into(), json!(diagnosis.further));
    }
    report
}

/// The `captures` part of the report.
pub fn captures(diagnosis: &Diagnosis) -> Value {
    let members: usize = diagnosis.sources.iter().map(|s| s.members.len()).sum();
    let all = members.saturating_mul(diagnosis.reports.len()) <= MAX_LISTED;
    diagnosis.reports.iter().enumerate().map(|(n, r)| capture(diagnosis, r, all || n == 0)).collect()
}

/// One host; what belongs to all hosts of its input is listed with it where `shared` asks for that.
fn capture(diagnosis: &Diagnosis, report: &HostReport, shared: bool) -> Value {
    let source = diagnosis.sources.get(report.input);
    let listed = |m: &&Member| belongs(m, report) && (shared || m.place.root == report.root);
    let members: Vec<Value> = source.into_iter().flat_map(|s| &s.members).filter(listed).map(member).collect();
    let mut object = json!({
        "input": source.map(|s| s.name.clone()),
        "label": report.label,
        "host": report.host,
        "kernel": report.kernel,
        "captured_at": report.captured_at.as_ref().filter(|d| d.contains('T')),
        "snapshots": report.snapshots,
        "cut": source.and_then(|s| s.walked.cut.clone()),
        "members": members,
        "ledger": ledger(source, report),
        "traces": report.traces.iter().map(|t| traced(source, t)).collect::<Vec<_>>(),
        "checks": report.checks.iter().map(|c| check(source, c)).collect::<Vec<_>>(),
        "remarks": report.remarks.iter().map(|(says, _)| says).collect::<Vec<_>>(),
    });
    if let (Value::Object(map), false) = (&mut object, report.left_out.is_empty()) {
        map.insert("left_out".into(), json!(report.left_out));
    }
    object
}

fn traced(source: Option<&Source>, trace: &Traced) -> Value {
    json!({
        "member": source.and_then(|s| s.members.get(trace.at.member.0 as usize)).map(|m| m.path.as_str()),
        "pid": trace.pid,
        "calls": trace.calls,
        "sockets_created": trace.created,
        "sockets_left_open": trace.open,
    })
}

pub(super) fn belongs(member: &Member, report: &HostReport) -> bool {
    // The root a member was sorted to, not its path: a time in the path is no part of the root.
    let (root, own) = (report.root.as_str(), member.place.root.as_str());
    root.is_empty() || own.is_empty() || own.strip_prefix(root).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

fn member(member: &Member) -> Value {
    let reading = &member.reading;
    let mut notes: Vec<String> = Vec::new();
    match &member.end {
        MemberEnd::Cut(why) => notes.push(format!("cut: {why}")),
        MemberEnd::Skipped(why) => notes.push(format!("not read: {why}")),
        MemberEnd::Link(to) => notes.push(format!("link to {to}")),
        MemberEnd::Whole => {}
    }
    if reading.long_lines > 0 {
        notes.push(format!("{} line(s) too long to be read whole", reading.long_lines));
    }
    for (line, text) in &reading.unknown {
        if reading.unparsed() > 0 {
            notes.push(format!("line {line} not understood: {text}"));
        }
    }
    json!({
        "path": member.path,
        "format": reading.format(),
        "lines": reading.lines,
        "rows": reading.rows(),
        "unparsed": reading.unparsed(),
        "complete": member.end == MemberEnd::Whole,
        "notes": notes,
    })
}

fn ledger(source: Option<&Source>, report: &HostReport) -> Value {
    let b = &report.books;
    let figure = |f: &Option<Figure>| f.as_ref().map(|f| json!({"value": f.value, "evidence": quotes(source, &f.at)}));
    let states: Map<String, Value> = report.states.iter().map(|(s, n)| (s.word().to_string(), json!(n))).collect();
    json!({
        "sockets_used": figure(&b.used),
        "tcp_allocated": figure(&b.alloc),
        "tcp_allocated_by_ss": figure(&b.ss_alloc),
        "tcp_hashed_v4": figure(&b.inuse4),
        "tcp_hashed_v6": figure(&b.inuse6),
        "tcp_unhashed": figure(&b.unhashed),
        "tcp_unhashed_is_upper_bound": b.unhashed_is_bound,
        "tcp_orphans": figure(&b.orphan),
        "tcp_time_wait": figure(&b.timewait),
        "tcp_memory_pages": figure(&b.mem),
        "states": if report.states.is_empty() && !report.states_whole { Value::Null } else { Value::Object(states) },
        "held": report.piles.iter().take(200).map(|p| pile(source, p)).collect::<Vec<_>>(),
        "unexplained": report.unexplained,
        "other_namespaces": b.foreign,
    })
}

fn pile(source: Option<&Source>, pile: &Pile) -> Value {
    json!({
        "command": pile.owner.as_ref().map(|o| o.command.clone()),
        "pids": pile.owner.as_ref().map_or(Vec::new(), |o| o.pids.iter().map(|p| p.0).collect()),
        "socket_kind": pile.kind.word(),
        "count": pile.count,
        "count_is": pile.is.word(),
        "seen_by": pile.words.iter().map(|w| json!({"source": w.source, "count": w.count})).collect::<Vec<_>>(),
        "evidence": quotes(source, &pile.traits.quotes),
    })
}

fn check(source: Option<&Source>, check: &Checked) -> Value {
    json!({"code": check.code, "status": check.status.word(), "says": check.says, "evidence": quotes(source, &check.at)})
}

fn finding(diagnosis: &Diagnosis, finding: &Finding) -> Value {
    let claim = &finding.claim;
    let report = finding.hosts.first().and_then(|&h| diagnosis.reports.get(h));
    let source = report.and_then(|r| diagnosis.sources.get(r.input));
    json!({
        "code": claim.code,
        "class": class(claim),
        "captures": finding.hosts,
        "grade": finding.grade.grade.word(),
        "grade_because": finding.grade.because,
        "grade_lift": finding.grade.lift.as_ref().map(|(m, to)| json!({"to": to.word(), "what": m.what, "command": m.command})),
        "says": super::sentence(finding),
        "process": process(claim, report),
        "socket_kind": claim.kind.map(|k| k.word()),
        "count": claim.count,
        "count_is": claim.is.word(),
        "descriptors": claim.copies,
        "remotes": claim.remotes.iter().map(|r| json!({"endpoint": r.endpoint, "count": r.count, "why": r.why})).collect::<Vec<_>>(),
        "evidence": claim.evidence.iter().flat_map(|e| evidence(source, e)).collect::<Vec<_>>(),
        "against": claim.against.iter().flat_map(|e| evidence(source, e)).collect::<Vec<_>>(),
        "missing": claim.missing.iter().map(missing).collect::<Vec<_>>(),
        "rivals": finding.rivals.iter().map(|r| json!({"code": r.code, "says": r.says})).collect::<Vec<_>>(),
        "remedy": {"now": claim.now, "fix": claim.fix},
    })
}

fn class(claim: &Claim) -> &'static str {
    match claim.class {
        crate::causes::Class::Leak => "leak",
        crate::causes::Class::Exhaustion => "exhaustion",
        crate::causes::Class::Note => "note",
    }
}

fn process(claim: &Claim, report: Option<&HostReport>) -> Value {
    let Some(o) = &claim.owner else { return Value::Null };
    let mut object = json!({
        "command": o.command,
        "pids": o.pids.iter().map(|p| p.0).collect::<Vec<_>>(),
        "user": if o.user.is_empty() { Value::Null } else { json!(o.user) },
        "program": o.program,
        "cmdline": if o.cmdline.is_empty() { Value::Null } else { json!(o.cmdline) },
    });
    if let (Value::Object(map), Some(service)) = (&mut object, super::summary::service(o, report)) {
        map.insert("service".into(), json!(service));
    }
    object
}

fn missing(m: &Missing) -> Value {
    json!({"what": m.what, "would": m.would, "command": m.command})
}

/// One piece of evidence as one object per line it cites, or one without a line.
fn evidence(source: Option<&Source>, e: &Evidence) -> Vec<Value> {
    if e.at.is_empty() {
        return vec![json!({"member": null, "line": null, "quote": null, "says": e.says})];
    }
    e.at.iter()
        .map(|q| {
            let mut object = quote(source, q);
            if let Value::Object(map) = &mut object {
                map.insert("says".into(), json!(e.says));
            }
            object
        })
        .collect()
}

fn quotes(source: Option<&Source>, all: &[Quote]) -> Vec<Value> {
    all.iter().map(|q| quote(source, q)).collect()
}

fn quote(source: Option<&Source>, q: &Quote) -> Value {
    json!({"member": super::path_of(source, q), "line": q.at.line, "quote": &*q.text()})
}

fn ruled_out(diagnosis: &Diagnosis) -> Vec<Value> {
    let Some(report) = super::worst(diagnosis) else { return Vec::new() };
    let source = diagnosis.sources.get(report.input);
    report
        .ruled_out
        .iter()
        .map(|r| {
            let status = if r.exclusion.out { "ruled-out" } else { "not-ruled-out" };
            json!({"code": r.code, "status": status, "says": r.exclusion.says, "evidence": quotes(source, &r.exclusion.at)})
        })
        .collect()
}
