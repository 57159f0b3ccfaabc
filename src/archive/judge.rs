//! Compares a report with what is expected of it.
//!
//! Each expected finding is met by a reported one of its own. Which one is the assignment with the largest sum of points, so that a finding
//! with the right process and a wrong code is compared with the one that meant it, and the difference says what is wrong with it.

use super::expect::{Expect, Wanted, WantedCount, WantedProcess};
use super::told::{Found, Holder, Told};
use super::words::{Many, Word};
use serde::Serialize;
use std::collections::BTreeSet;

/// Reported findings tried for each expected one.
const CANDIDATES: usize = 4;

/// One thing that is not as expected.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// Which part: runs, verdict, findings, process, kind, cause, count, ruled-out, false-claim.
    pub part: &'static str,
    /// Of which finding, if of one.
    pub of: Option<String>,
    /// What is expected.
    pub expected: String,
    /// What was found.
    pub found: String,
    /// Number of the reported finding it is about, from 0.
    pub finding: Option<usize>,
}

/// The parts of an expected finding that are stated, and whether a reported one fits them.
#[derive(Clone, Copy, Debug, Default)]
struct Parts {
    cause: Option<bool>,
    process: Option<bool>,
    kind: Option<bool>,
    class: Option<bool>,
    remote: Option<bool>,
    count: Option<bool>,
}

/// All differences between what is expected and a run that ended with `status` and perhaps a report.
pub fn judge(expect: &Expect, status: u8, error: &str, told: Option<&Told>) -> Vec<Difference> {
    let mut differences = Vec::new();
    let wanted = if expect.exit.is_empty() { vec![0] } else { expect.exit.0.clone() };
    if !wanted.contains(&status) {
        let words: Vec<String> = wanted.iter().map(u8::to_string).collect();
        let found = if error.is_empty() { format!("exit status {status}") } else { format!("exit status {status}: {error}") };
        differences.push(plain("runs", format!("exit status {}", words.join(" or ")), found));
    } else if status == 3 {
        if error.lines().filter(|l| !l.trim().is_empty()).count() != 1 {
            differences.push(plain("runs", "one line that says what is refused and why".into(), error.to_string()));
        }
        return differences;
    }
    verdict(expect, told, &mut differences);
    findings(expect, told, &mut differences);
    ruled_out(expect, told, &mut differences);
    false_claims(expect, told, &mut differences);
    differences
}

/// Whether two commands are the same: as given or by their last path component, or one is the other cut to 9 or 15 letters.
pub fn same_command(a: &str, b: &str) -> bool {
    let last = |s: &str| -> Vec<char> { s.rsplit('/').next().unwrap_or(s).chars().collect() };
    let (a, b) = (last(a), last(b));
    if a.is_empty() || b.is_empty() {
        return false;
    }
    let cut = |short: &[char], long: &[char], n: usize| short.len() == n && long.get(..n).is_some_and(|head| head == short);
    a == b || [9, 15].into_iter().any(|n| cut(&a, &b, n) || cut(&b, &a, n))
}

fn plain(part: &'static str, expected: String, found: String) -> Difference {
    Difference { part, of: None, expected, found, finding: None }
}

fn verdict(expect: &Expect, told: Option<&Told>, differences: &mut Vec<Difference>) {
    let said = told.map(|t| t.verdict.as_str());
    if !expect.verdict.is_empty() && !expect.verdict.iter().any(|v| Some(v.0.as_str()) == said) {
        differences.push(plain("verdict", expect.verdict.to_string(), said.unwrap_or("no report").to_string()));
    }
}

fn findings(expect: &Expect, told: Option<&Told>, differences: &mut Vec<Difference>) {
    let reported: &[Found] = told.map_or(&[], |t| &t.findings);
    let required: Vec<&Wanted> = expect.findings.iter().filter(|w| !w.optional).collect();
    for (wanted, chosen) in required.iter().zip(assign(&required, reported)) {
        let name = if wanted.code.is_empty() { "a finding".to_string() } else { wanted.code.to_string() };
        let mut differ = |part, expected: String, found: String| {
            differences.push(Difference { part, of: Some(name.clone()), expected, found, finding: chosen });
        };
        let Some(found) = chosen.and_then(|i| reported.get(i)) else {
            differ("findings", describe(wanted), "nothing like it".into());
            // What is stated and met by nothing counts as wrong in each of its parts.
            let stated = compare(wanted, &Found::default());
            for (part, is) in [("process", stated.process), ("kind", stated.kind), ("cause", stated.cause), ("count", stated.count)] {
                if is == Some(false) {
                    differ(part, expected_of(wanted, part), "nothing".into());
                }
            }
            continue;
        };
        let parts = compare(wanted, found);
        if parts.class == Some(false) {
            differ("findings", format!("class {}", wanted.class), format!("class {}", found.class));
        }
        if parts.remote == Some(false) {
            let ends: Vec<&str> = found.remotes.iter().map(|r| r.endpoint.as_str()).collect();
            differ(
                "findings",
                format!("remote {}", wanted.remote),
                if ends.is_empty() { "no remote".into() } else { format!("remote {}", ends.join(", ")) },
            );
        }
        for (part, is, got) in [
            ("process", parts.process, found.process.as_ref().map(Holder::named)),
            ("kind", parts.kind, found.socket_kind.clone()),
            ("cause", parts.cause, Some(found.code.clone())),
            ("count", parts.count, found.count.map(|n| n.to_string())),
        ] {
            if is == Some(false) {
                differ(part, expected_of(wanted, part), got.unwrap_or_else(|| "none".into()));
            }
        }
    }
}

fn ruled_out(expect: &Expect, told: Option<&Told>, differences: &mut Vec<Difference>) {
    let suspect = |code: &str| told.and_then(|t| t.ruled_out.iter().find(|s| s.code == code));
    let out = |code: &str| told.is_some_and(|t| t.ruled_out.iter().any(|s| s.code == code && s.status == "ruled-out"));
    let says = |code: &str| suspect(code).map_or("it is not listed".to_string(), |s| format!("{}: {}", s.status, s.says));
    for code in expect.ruled_out.iter().filter(|c| !out(&c.0)) {
        differences.push(plain("ruled-out", format!("{code} ruled out"), says(&code.0)));
    }
    for code in expect.not_ruled_out.iter().filter(|c| out(&c.0)) {
        differences.push(plain("ruled-out", format!("{code} not ruled out, for want of evidence"), says(&code.0)));
    }
}

fn false_claims(expect: &Expect, told: Option<&Told>, differences: &mut Vec<Difference>) {
    let Some(told) = told else { return };
    let never: BTreeSet<&str> = expect.never.iter().map(|w| w.0.as_str()).collect();
    for (number, found) in told.findings.iter().enumerate() {
        let mut claim = |expected: String, says: String| {
            differences.push(Difference {
                part: "false-claim",
                of: Some(found.code.clone()),
                expected,
                found: says,
                finding: Some(number),
            });
        };
        let leak = found.class == "leak";
        if leak || found.class == "exhaustion" {
            let kind = found.socket_kind.as_deref().filter(|_| leak);
            let claimed: BTreeSet<&str> = [Some(found.code.as_str()), kind].into_iter().flatten().collect();
            for word in claimed.intersection(&never) {
                claim(format!("never {word}"), format!("{} of {word} is claimed", found.class));
            }
        }
        let Some(process) = found.process.as_ref().filter(|_| leak) else { continue };
        for who in expect.never_process.iter() {
            let by_pid = process.pids.iter().any(|p| p.to_string() == who.to_string());
            let by_name = matches!(who, Word::Text(name) if same_command(name, process.command.as_deref().unwrap_or("")));
            if by_pid || by_name {
                claim(format!("never blame {who}"), format!("{} is blamed for {}", process.named(), found.code));
            }
        }
    }
    if !expect.verdict.is_empty() && !expect.verdict.iter().any(|v| v.0 == "leak") && told.verdict == "leak" {
        differences.push(plain("false-claim", "no leak".into(), "verdict leak where there is none".into()));
    }
}

fn compare(wanted: &Wanted, found: &Found) -> Parts {
    let stated = |is: bool, fits: bool| is.then_some(fits);
    Parts {
        cause: stated(!wanted.code.is_empty(), wanted.code.iter().any(|c| c.0 == found.code)),
        process: wanted.process.as_ref().map(|p| process_fits(p, found.process.as_ref())),
        kind: stated(!wanted.socket_kind.is_empty(), wanted.socket_kind.iter().any(|k| Some(&k.0) == found.socket_kind.as_ref())),
        class: stated(!wanted.class.is_empty(), wanted.class.iter().any(|c| c.0 == found.class)),
        remote: stated(!wanted.remote.is_empty(), remote_fits(&wanted.remote, found)),
        count: wanted.count.as_ref().map(|c| count_fits(c, found.count)),
    }
}

fn process_fits(wanted: &WantedProcess, found: Option<&Holder>) -> bool {
    let nobody = Holder::default();
    let found = found.unwrap_or(&nobody);
    let text = |t: &Option<String>| t.as_deref().unwrap_or("").to_string();
    let program = format!("{} {}", text(&found.program), text(&found.cmdline)).to_lowercase();
    let command = text(&found.command);
    let any = |many: &Many<Word>, fits: &dyn Fn(&str) -> bool| many.is_empty() || many.iter().any(|w| fits(&w.to_string()));
    any(&wanted.command, &|c| same_command(c, &command))
        && any(&wanted.pid, &|p| found.pids.iter().any(|n| n.to_string() == p))
        && any(&wanted.program, &|p| program.contains(&p.to_lowercase()))
}

fn remote_fits(wanted: &Many<Word>, found: &Found) -> bool {
    wanted.iter().any(|w| found.remotes.iter().any(|r| r.endpoint.contains(&w.to_string())))
}

fn count_fits(wanted: &WantedCount, found: Option<f64>) -> bool {
    found.is_some_and(|got| wanted.about.iter().any(|n| (got - n).abs() <= n * wanted.within.0 / 100.0 + 1e-9))
}

/// How well a reported finding fits an expected one: nothing if it shares neither cause, process nor kind (where one is stated), or is no
/// leak where a leak is meant.
fn points(wanted: &Wanted, found: &Found) -> u32 {
    let parts = compare(wanted, found);
    let core = [parts.cause, parts.process, parts.kind];
    let meant_leak = matches!(wanted.class.0.as_slice(), [class] if class.0 == "leak");
    if (core.iter().any(Option::is_some) && !core.contains(&Some(true))) || (meant_leak && found.class != "leak") {
        return 0;
    }
    let weighed = [(parts.cause, 4), (parts.process, 4), (parts.kind, 3), (parts.class, 1), (parts.remote, 1), (parts.count, 1)];
    weighed.into_iter().filter(|(fits, _)| *fits == Some(true)).map(|(_, weight)| weight).sum()
}

/// For each expected finding the reported one that fits best, each used once. The sum of points is as large as it can be; of equals the
/// first in the order of the report.
fn assign(wanted: &[&Wanted], reported: &[Found]) -> Vec<Option<usize>> {
    let choices: Vec<Vec<(usize, u32)>> = wanted
        .iter()
        .map(|w| {
            let mut fits: Vec<(usize, u32)> = reported.iter().enumerate().map(|(i, f)| (i, points(w, f))).filter(|c| c.1 > 0).collect();
            fits.sort_by_key(|&(i, p)| (std::cmp::Reverse(p), i));
            fits.truncate(CANDIDATES);
            fits
        })
        .collect();
    // The most that the expected findings from each on can still add.
    let mut rest: Vec<u32> = vec![0; choices.len() + 1];
    for (n, choice) in choices.iter().enumerate().rev() {
        let most = choice.first().map_or(0, |c| c.1);
        let after = rest.get(n + 1).copied().unwrap_or(0);
        if let Some(cell) = rest.get_mut(n) {
            *cell = most + after;
        }
    }
    let mut search = Search { choices: &choices, rest: &rest, best: None, pick: Vec::new() };
    search.descend(0);
    search.best.map_or_else(|| vec![None; wanted.len()], |(_, pick)| pick)
}

struct Search<'a> {
    choices: &'a [Vec<(usize, u32)>],
    rest: &'a [u32],
    best: Option<(u32, Vec<Option<usize>>)>,
    pick: Vec<Option<usize>>,
}

impl Search<'_> {
    fn descend(&mut self, total: u32) {
        let depth = self.pick.len();
        let Some(choice) = self.choices.get(depth) else {
            if self.best.as_ref().is_none_or(|(most, _)| total > *most) {
                self.best = Some((total, self.pick.clone()));
            }
            return;
        };
        let hope = total + self.rest.get(depth).copied().unwrap_or(0);
        if self.best.as_ref().is_some_and(|(most, _)| hope <= *most) {
            return;
        }
        for &(i, p) in choice {
            if !self.pick.contains(&Some(i)) {
                self.pick.push(Some(i));
                self.descend(total + p);
                self.pick.pop();
            }
        }
        self.pick.push(None);
        self.descend(total);
        self.pick.pop();
    }
}

fn describe(wanted: &Wanted) -> String {
    let parts = ["cause", "process", "kind", "count"].map(|part| expected_of(wanted, part));
    let words: Vec<String> = parts.into_iter().filter(|p| !p.is_empty()).collect();
    if words.is_empty() { "a finding".into() } else { words.join(", ") }
}

fn expected_of(wanted: &Wanted, part: &str) -> String {
    match part {
        "process" => wanted.process.as_ref().map_or(String::new(), |p| {
            let named = [("", &p.command), ("pid ", &p.pid), ("program ", &p.program)];
            let words: Vec<String> = named.into_iter().filter(|(_, m)| !m.is_empty()).map(|(name, m)| format!("{name}{m}")).collect();
            words.join(", ")
        }),
        "kind" => wanted.socket_kind.to_string(),
        "count" => wanted.count.as_ref().map_or(String::new(), |c| format!("{} within {}%", c.about, c.within.0)),
        _ => wanted.code.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(code: &str, class: &str, command: &str, kind: &str, count: f64) -> Found {
        Found {
            code: code.into(),
            class: class.into(),
            grade: "strong".into(),
            process: Some(Holder { command: Some(command.into()), pids: vec![7], ..Holder::default() }),
            socket_kind: Some(kind.into()),
            count: Some(count),
            ..Found::default()
        }
    }

    fn told(verdict: &str, findings: Vec<Found>) -> Told {
        Told { verdict: verdict.into(), findings, ..Told::default() }
    }

    fn parts(yaml: &str, told: &Told) -> Vec<&'static str> {
        let expect = Expect::parse(yaml, "x").unwrap();
        judge(&expect, 0, "", Some(told)).into_iter().map(|d| d.part).collect()
    }

    #[test]
    fn commands_as_the_kernel_and_lsof_cut_them() {
        for (a, b, want) in [
            ("tikv-serv", "tikv-server", true),
            ("very-long-comma", "very-long-command-name", true),
            ("/usr/bin/java", "java", true),
            ("tikv-se", "tikv-server", false),
            ("", "", false),
        ] {
            assert_eq!(same_command(a, b), want, "{a} {b}");
            assert_eq!(same_command(b, a), want, "{b} {a}");
        }
    }

    #[test]
    fn each_expected_finding_takes_one_of_its_own() {
        let report = told("leak", vec![found("unknown", "leak", "a", "udp", 10.0), found("udp-not-closed", "leak", "b", "udp", 20.0)]);
        let yaml = "findings:\n- {code: udp-not-closed, process: {command: b}}\n- {socket_kind: udp, process: {command: a}}\n";
        assert!(parts(yaml, &report).is_empty());
        let twice = "findings:\n- {code: udp-not-closed}\n- {code: udp-not-closed}\n";
        assert_eq!(parts(twice, &report), ["findings", "cause"]);
    }

    #[test]
    fn the_sum_of_points_decides_not_the_first_come() {
        let report = told("leak", vec![found("unknown", "leak", "a", "udp", 1.0), found("unknown", "leak", "b", "unix", 1.0)]);
        // The first one fits both, the second only one of them.
        let yaml = "findings:\n- {code: unknown}\n- {code: unknown, process: {command: a}}\n";
        assert!(parts(yaml, &report).is_empty());
    }

    #[test]
    fn a_note_does_not_meet_an_expected_leak() {
        let report = told("healthy", vec![found("unknown", "note", "a", "udp", 1.0)]);
        assert_eq!(parts("findings:\n- {code: unknown, class: leak}\n", &report), ["findings", "cause"]);
        assert_eq!(parts("findings:\n- {code: unknown, class: [leak, exhaustion]}\n", &report), ["findings"]);
    }

    #[test]
    fn counts_within_their_tolerance() {
        let report = told("leak", vec![found("unknown", "leak", "a", "udp", 102.0)]);
        for (within, want) in [("2%", true), ("1%", false), ("'1.9'", false), ("2", true)] {
            let yaml = format!("findings:\n- {{code: unknown, count: {{about: [5, 100], within: {within}}}}}\n");
            assert_eq!(parts(&yaml, &report).is_empty(), want, "{within}");
        }
        assert_eq!(parts("findings:\n- {code: unknown, count: {about: 101}}\n", &report), ["count"]);
    }

    #[test]
    fn optional_findings_may_be_absent_and_take_nothing() {
        let report = told("leak", vec![found("unknown", "leak", "a", "udp", 1.0)]);
        assert!(
            parts("findings:\n- {code: unknown, optional: true}\n- {code: unknown}\n- {code: in-flight, optional: true}\n", &report)
                .is_empty()
        );
    }

    #[test]
    fn what_is_never_to_be_claimed() {
        let report =
            told("leak", vec![found("udp-not-closed", "leak", "sshd", "udp", 1.0), found("syn-flood", "note", "x", "listen", 1.0)]);
        assert_eq!(parts("never: [udp, syn-flood, listen]\n", &report), ["false-claim"]);
        assert_eq!(parts("never_process: [sshd]\n", &report), ["false-claim"]);
        assert_eq!(parts("never_process: [7]\n", &report), ["false-claim"]);
        assert_eq!(parts("verdict: healthy\n", &report), ["verdict", "false-claim"]);
    }

    #[test]
    fn suspects_ruled_out_or_not() {
        let suspect = |status: &str| Suspect { code: "tcp-memory".into(), status: status.into(), says: String::new() };
        use super::super::told::Suspect;
        let mut report = told("leak", Vec::new());
        assert_eq!(parts("ruled_out: [tcp-memory]\n", &report), ["ruled-out"]);
        report.ruled_out = vec![suspect("not-ruled-out")];
        assert_eq!(parts("ruled_out: [tcp-memory]\n", &report), ["ruled-out"]);
        assert!(parts("not_ruled_out: [tcp-memory]\n", &report).is_empty());
        report.ruled_out = vec![suspect("ruled-out")];
        assert!(parts("ruled_out: [tcp-memory]\n", &report).is_empty());
        assert_eq!(parts("not_ruled_out: [tcp-memory]\n", &report), ["ruled-out"]);
    }

    #[test]
    fn statuses() {
        let expect = |yaml: &str| Expect::parse(yaml, "x").unwrap();
        let refused = |yaml: &str| judge(&expect(yaml), 3, "refused x: too large", None);
        assert!(refused("exit: 3\nverdict: leak\n").is_empty(), "a refusal that is wanted is all there is to compare");
        assert_eq!(refused("verdict: leak\n").iter().map(|d| d.part).collect::<Vec<_>>(), ["runs", "verdict"]);
        assert_eq!(judge(&expect("exit: 3\n"), 0, "", Some(&told("leak", vec![]))).first().map(|d| d.part), Some("runs"));
        assert!(judge(&expect("exit: [0, 3]\nsurvives: true\n"), 0, "", Some(&told("inconclusive", vec![]))).is_empty());
    }
}
