//! `sockdiag check`: archived incidents, each still gets its diagnosis.
//!
//! ```text
//! pass  incidents/2024-11-flume   0.21 s
//! FAIL  incidents/2025-02-feed    verdict, process   0.08 s
//!       verdict    expected leak, found inconclusive
//!       process    expected node, pid 26372, found nothing (peer-closed-not-closed)
//!       the report says: cannot tell: the capture lacks what would decide
//! 2 incidents, 1 passed, 1 failed, in 0.3 s
//! ```

use super::caps::Caps;
use super::inputs::configured;
use super::{Exit, output};
use crate::archive::{self, Difference, Expect, Incident, Ran, Setup, bless, expect, judge, junit};
use crate::bundle::Limits;
use crate::error::Error;
use crate::parallel;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Reported findings shown for an incident that fails, and lines of evidence for each.
const SHOWN: usize = 3;
/// Letters of a quoted line that are shown.
const QUOTE: usize = 120;

/// Arguments of `check`.
#[derive(Debug, clap::Args)]
#[command(mut_arg("max_findings", |a| a.hide(true)))]
pub struct Args {
    /// Directories of archived incidents, found at any depth: each has an expect.yaml beside its capture
    #[arg(required = true, value_name = "DIR")]
    pub dirs: Vec<PathBuf>,
    /// Only incidents whose name contains this
    #[arg(long, value_name = "TEXT")]
    pub filter: Option<String>,
    /// Format of the result
    #[arg(long, default_value = "text", value_parser = ["text", "json"])]
    pub format: String,
    /// Write JUnit XML here, for CI
    #[arg(long, value_name = "FILE")]
    pub junit: Option<PathBuf>,
    /// Write expect.yaml, from today's report, for incidents that have none
    #[arg(long)]
    pub bless: bool,
    /// With --bless: also replace the expect.yaml of incidents that fail
    #[arg(long, requires = "bless")]
    pub overwrite: bool,
    /// Thresholds and additional log signatures
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Refuse an incident whose captures take longer to read, and go on with the others
    #[arg(long, default_value_t = 120, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub max_seconds: u64,
    /// Bounds on what an incident may cost.
    #[command(flatten)]
    pub caps: Caps,
}

/// One incident with what is expected of it.
struct Job {
    suite: String,
    incident: Incident,
    expect: Option<Expect>,
}

/// How an incident came out.
struct Outcome {
    ran: Ran,
    differences: Vec<Difference>,
    /// What `--bless` did, or would need to do.
    blessed: Option<String>,
}

/// Runs the command.
///
/// # Errors
/// A directory that cannot be read, a wrong `expect.yaml`, a file that cannot be written.
pub fn run(args: &Args, out: &mut dyn Write) -> Result<Exit, Error> {
    let start = Instant::now();
    let config = configured(args.config.as_deref())?;
    let limits = Limits { max_time: Some(Duration::from_secs(args.max_seconds)), ..args.caps.limits() };
    let setup = Setup { limits, config };
    let jobs = jobs(args)?;
    let width = jobs.iter().map(|j| j.incident.name.chars().count()).max().unwrap_or(0);
    let mut outcomes = Vec::new();
    let mut failure = None;
    let work = |job: &Job| archive::run(&job.incident, &setup);
    parallel::in_order(&jobs, work, |job, ran| match conclude(args, job, ran) {
        Ok(outcome) => {
            if args.format == "text" {
                failure = failure.take().or(output::show(out, &line(&job.incident, &outcome, width)).err());
            }
            outcomes.push(outcome);
        }
        Err(e) => failure = failure.take().or(Some(e)),
    });
    if let Some(error) = failure {
        return Err(error);
    }
    let failed = outcomes.iter().filter(|o| !o.differences.is_empty()).count();
    let took = start.elapsed();
    match args.format.as_str() {
        "json" => output::show_json(out, &as_json(&jobs, &outcomes, took))?,
        _ => output::show(out, &format!("{}\n", total(outcomes.len(), failed, took)))?,
    }
    if let Some(path) = &args.junit {
        junit::write(path, &cases(&jobs, &outcomes))?;
    }
    Ok(if failed > 0 { Exit::Failed } else { Exit::Made })
}

/// The incidents to run. All expectations are read first: a misspelt key is found before anything runs.
fn jobs(args: &Args) -> Result<Vec<Job>, Error> {
    let mut jobs: Vec<Job> = Vec::new();
    let mut seen = BTreeSet::new();
    for dir in &args.dirs {
        let suite = dir.display().to_string();
        for incident in archive::find(dir)? {
            let wanted = args.filter.as_ref().is_none_or(|f| incident.name.contains(f.as_str())) && (incident.expected || args.bless);
            if wanted && seen.insert(incident.path.clone()) {
                let expect = if incident.expected { Some(Expect::load(&incident.path.join(expect::FILE))?) } else { None };
                jobs.push(Job { suite: suite.clone(), incident, expect });
            }
        }
    }
    if jobs.is_empty() {
        let dirs: Vec<String> = args.dirs.iter().map(|d| d.display().to_string()).collect();
        let reason = match &args.filter {
            Some(filter) => format!("no incident whose name contains `{filter}`"),
            None => "no incident in it: a directory with expect.yaml and a capture (or with a capture only, and --bless)".into(),
        };
        return Err(Error::Unreadable { input: dirs.join(" "), reason });
    }
    jobs.sort_by(|a, b| a.incident.name.cmp(&b.incident.name));
    Ok(jobs)
}

fn conclude(args: &Args, job: &Job, ran: Ran) -> Result<Outcome, Error> {
    let (incident, expect) = (&job.incident, job.expect.as_ref());
    let mut outcome = Outcome { ran, differences: Vec::new(), blessed: None };
    if incident.captures.is_empty() {
        let expected = "a capture: capture/, capture.tgz, .tar, .tar.gz, .tar.xz, .tar.zst, or several capture-*".to_string();
        outcome.differences.push(Difference { part: "runs", of: None, expected, found: "none".into(), finding: None });
        return Ok(outcome);
    }
    if let Some(expect) = expect {
        outcome.differences = judge(expect, outcome.ran.status, &outcome.ran.error, outcome.ran.told.as_ref());
    }
    let failed = !outcome.differences.is_empty();
    let path = incident.path.join(expect::FILE);
    if args.bless && outcome.ran.status == 70 {
        outcome.blessed = Some("not blessed: a bug is nothing to expect".into());
    } else if args.bless && (expect.is_none() || (failed && args.overwrite)) {
        let notes = expect.and_then(|e| e.notes.as_ref()).and_then(|n| n.as_str()).map(str::trim_end);
        let text = bless::expectation(&outcome.ran, notes);
        std::fs::write(&path, text).map_err(|source| Error::Write { path: path.clone(), source })?;
        outcome.blessed = Some(format!("wrote {}; read it before you trust it", path.display()));
        outcome.differences.clear();
    } else if args.bless && failed {
        outcome.blessed = Some(format!("{} exists and was left as it is; --overwrite replaces it", path.display()));
    }
    Ok(outcome)
}

/// The incident's line, and what differs below it.
fn line(incident: &Incident, outcome: &Outcome, width: usize) -> String {
    let seconds = outcome.ran.took.as_secs_f64();
    let mut text = if outcome.differences.is_empty() {
        format!("pass  {:width$}  {seconds:.2} s\n", incident.name)
    } else {
        let parts = parts(&outcome.differences).join(", ");
        format!("FAIL  {:width$}  {seconds:.2} s  {parts}\n", incident.name)
    };
    text.push_str(&explanation(outcome));
    if let Some(blessed) = &outcome.blessed {
        text.push_str(&format!("      {blessed}\n"));
    }
    text
}

/// Which parts differ, each once, in the order in which they were compared.
fn parts(differences: &[Difference]) -> Vec<&'static str> {
    let mut parts: Vec<&str> = Vec::new();
    for difference in differences {
        if !parts.contains(&difference.part) {
            parts.push(difference.part);
        }
    }
    parts
}

/// Expected and found for each difference, then what the report said and on which lines.
fn explanation(outcome: &Outcome) -> String {
    let mut text = String::new();
    // That each part of a finding is missing too adds nothing to the line that says that all of it is.
    for d in outcome.differences.iter().filter(|d| d.found != "nothing") {
        let of = d.of.as_ref().map_or(String::new(), |of| format!("  ({of})"));
        text.push_str(&format!("      {:<11} expected {}, found {}{of}\n", d.part, d.expected, d.found));
    }
    let Some(told) = outcome.ran.told.as_ref().filter(|_| !outcome.differences.is_empty()) else { return text };
    text.push_str(&format!("      the report says: {}: {}\n", told.verdict, told.headline));
    // Those that differ first, then the leading ones.
    let mut numbers: Vec<usize> = outcome.differences.iter().filter_map(|d| d.finding).collect();
    numbers.extend(0..told.findings.len());
    let mut shown = BTreeSet::new();
    for number in numbers {
        let Some(found) = told.findings.get(number) else { continue };
        if shown.len() >= SHOWN || !shown.insert(number) {
            continue;
        }
        text.push_str(&format!("        {}. {}\n", number + 1, found.line()));
        if !told.headline.contains(&found.says) {
            text.push_str(&format!("           {}\n", found.says));
        }
        for proof in found.evidence.iter().take(SHOWN) {
            text.push_str(&format!("           for: {}\n", proof.says));
            if let (Some(place), Some(quote)) = (proof.place(), &proof.quote) {
                let quote: String = quote.trim().chars().take(QUOTE).collect();
                text.push_str(&format!("                {place}: {quote}\n"));
            }
        }
    }
    if told.findings.len() > shown.len() {
        text.push_str(&format!("        ... and {} more findings\n", told.findings.len() - shown.len()));
    }
    text
}

fn total(all: usize, failed: usize, took: Duration) -> String {
    let incidents = if all == 1 { "incident" } else { "incidents" };
    format!("{all} {incidents}, {} passed, {failed} failed, in {:.1} s", all - failed, took.as_secs_f64())
}

fn as_json(jobs: &[Job], outcomes: &[Outcome], took: Duration) -> Value {
    let incident = |(job, outcome): (&Job, &Outcome)| {
        let told = outcome.ran.told.as_ref();
        json!({
            "name": job.incident.name,
            "path": path_text(&job.incident.path),
            "pass": outcome.differences.is_empty(),
            "failed": parts(&outcome.differences),
            "differences": outcome.differences,
            "exit": outcome.ran.status,
            "error": if outcome.ran.error.is_empty() { Value::Null } else { json!(outcome.ran.error) },
            "verdict": told.map(|t| &t.verdict),
            "headline": told.map(|t| &t.headline),
            "blessed": outcome.blessed,
            "seconds": outcome.ran.took.as_secs_f64(),
        })
    };
    let failed = outcomes.iter().filter(|o| !o.differences.is_empty()).count();
    json!({
        "schema": "sockdiag.check/1",
        "tool": {"name": "sockdiag", "version": env!("CARGO_PKG_VERSION")},
        "incidents": jobs.iter().zip(outcomes).map(incident).collect::<Vec<_>>(),
        "total": {"incidents": outcomes.len(), "passed": outcomes.len() - failed, "failed": failed, "seconds": took.as_secs_f64()},
    })
}

fn cases<'a>(jobs: &'a [Job], outcomes: &'a [Outcome]) -> Vec<junit::Case<'a>> {
    let case = |(job, outcome): (&'a Job, &'a Outcome)| junit::Case {
        suite: &job.suite,
        name: &job.incident.name,
        took: outcome.ran.took,
        differences: &outcome.differences,
        text: explanation(outcome),
    };
    jobs.iter().zip(outcomes).map(case).collect()
}

fn path_text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}
