//! One incident, taken by different collectors: each layout leads to the sample's verdict, process and cause.

mod layout;
mod sample;

use layout::{Bundle, Host};
use sample::Sample;
use sockdiag::bundle::{Input, Limits};
use sockdiag::causes::Class;
use sockdiag::config::Thresholds;
use sockdiag::diagnosis::Diagnosis;
use sockdiag::signatures::Signatures;
use std::io::Write;

/// Incidents of one form, whose members the layouts are made of.
const LEAKS: &[&str] = &["accept-not-closed", "connect-failed-not-closed"];

fn host(name: &str) -> (Sample, Host) {
    let sample = Sample::open(name);
    let host = Host::of(&sample.members());
    assert!(!host.pid.is_empty() && !host.text("ss-tcp").is_empty(), "{name} has another form now");
    (sample, host)
}

fn tar(bundle: &Bundle) -> Vec<u8> {
    let mut tar = tar::Builder::new(Vec::new());
    for (path, target) in &bundle.links {
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(tar::EntryType::Symlink);
        header.set_size(0);
        tar.append_link(&mut header, path, target).expect("a link");
    }
    for (path, text) in &bundle.members {
        let mut header = tar::Header::new_gnu();
        header.set_size(text.len() as u64);
        header.set_mode(0o644);
        tar.append_data(&mut header, path, text.as_bytes()).expect("a member");
    }
    tar.into_inner().expect("a tar")
}

fn gz(bytes: &[u8]) -> Vec<u8> {
    let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    out.write_all(bytes).expect("gzip");
    out.finish().expect("gzip")
}

fn xz(bytes: &[u8]) -> Vec<u8> {
    let mut out = lzma_rust2::XzWriter::new(Vec::new(), lzma_rust2::XzOptions::with_preset(1)).expect("xz");
    out.write_all(bytes).expect("xz");
    out.finish().expect("xz")
}

fn zst(bytes: &[u8]) -> Vec<u8> {
    zstd::encode_all(bytes, 1).expect("zstd")
}

/// What sockdiag says of a file with these bytes.
fn diagnosis(bytes: &[u8]) -> Diagnosis {
    let mut file = tempfile::NamedTempFile::new().expect("a file");
    file.write_all(bytes).expect("a file");
    let input = Input { path: file.path().to_string_lossy().into_owned(), format: None };
    sockdiag::diagnose(&[input], &Limits::default(), Signatures::builtin(), &Thresholds::default()).expect("an archive")
}

/// In what a bundle's diagnosis differs from the sample's, and what of it was not understood.
fn wrong(sample: &Sample, diagnosis: &Diagnosis) -> Vec<String> {
    let mut wrong = sample::differences(&sample.expect, diagnosis);
    if diagnosis.reports.len() != 1 {
        wrong.push(format!("{} hosts", diagnosis.reports.len()));
    }
    for member in diagnosis.sources.iter().flat_map(|s| &s.members) {
        if member.reading.unparsed() > 0 {
            wrong.push(format!("{}: not understood: {:?}", member.path, member.reading.unknown));
        }
    }
    wrong
}

/// Each sample in a layout, packed.
fn agrees(what: &str, samples: &[&str], pack: impl Fn(&Host) -> Vec<u8>) {
    for name in samples {
        let (sample, host) = host(name);
        let wrong = wrong(&sample, &diagnosis(&pack(&host)));
        assert!(wrong.is_empty(), "{name} as {what}:\n{}", wrong.join("\n"));
    }
}

#[test]
fn sos() {
    agrees("sos", LEAKS, |h| xz(&tar(&layout::sos(h, false))));
}

#[test]
fn sos_with_the_end_of_lsof() {
    agrees("sos, lsof tailed", LEAKS, |h| xz(&tar(&layout::sos(h, true))));
}

#[test]
fn insights() {
    agrees("insights", &LEAKS[..1], |h| gz(&tar(&layout::insights(h))));
}

/// Two rows of a filtered lsof are no count of descriptors.
#[test]
fn insights_counts_no_filtered_rows() {
    let (_, host) = host(LEAKS[1]);
    let told = diagnosis(&gz(&tar(&layout::insights(&host))));
    for finding in told.findings.iter().filter(|f| f.claim.class == Class::Leak) {
        assert!(finding.claim.count.is_none_or(|n| n > 2), "{}: {:?}", finding.claim.code, finding.claim.count);
    }
    assert_ne!(told.verdict.word(), "healthy");
}

#[test]
fn pt_stalk() {
    agrees("pt-stalk", LEAKS, |h| gz(&tar(&layout::pt_stalk(h))));
}

#[test]
fn supportconfig() {
    agrees("supportconfig", LEAKS, |h| xz(&tar(&layout::supportconfig(h))));
}

#[test]
fn uac() {
    agrees("UAC", LEAKS, |h| gz(&tar(&layout::uac(h))));
}

#[test]
fn eks() {
    agrees("EKS", &LEAKS[..1], |h| gz(&tar(&layout::eks(h))));
}

/// Without owners nobody is named, nor is the host called healthy.
#[test]
fn elastic() {
    let (sample, host) = host(LEAKS[0]);
    let told = diagnosis(&gz(&tar(&layout::elastic(&host))));
    assert_ne!(told.verdict.word(), "healthy");
    assert_eq!(sample::false_claims(&sample.expect, &told), Vec::<String>::new());
}

#[test]
fn loose_files_in_zst_and_xz() {
    for name in LEAKS {
        let sample = Sample::open(name);
        let members = sample.members().into_iter().map(|m| (m.path, String::from_utf8_lossy(&m.text).into_owned())).collect();
        let tar = tar(&Bundle { members, links: Vec::new() });
        for (what, bytes) in [("tar.zst", zst(&tar)), ("tar.xz", xz(&tar)), ("tar", tar.clone())] {
            assert_eq!(sample::differences(&sample.expect, &diagnosis(&bytes)), Vec::<String>::new(), "{name} as {what}");
        }
    }
}

#[test]
fn pasted_with_prompts() {
    agrees("a paste", LEAKS, |h| layout::paste(h).into_bytes());
}

#[test]
fn pasted_with_line_numbers() {
    let numbered = |text: String| text.lines().enumerate().map(|(n, l)| format!("{:>6}\t{l}\n", n + 1)).collect::<String>();
    agrees("a paste with line numbers", LEAKS, |h| numbered(layout::paste(h)).into_bytes());
}

#[test]
fn pasted_with_timestamps() {
    let stamped = |text: String| text.lines().map(|l| format!("[2026-11-24T16:54:25.123Z] {l}\n")).collect::<String>();
    agrees("a paste with times", LEAKS, |h| stamped(layout::paste(h)).into_bytes());
}

#[test]
fn pasted_with_carriage_returns_and_a_mark() {
    agrees("a paste from a Windows terminal", LEAKS, |h| format!("\u{feff}{}", layout::paste(h).replace('\n', "\r\n")).into_bytes());
}

/// What became of a text on its way, and how.
type Form<'a> = (&'a str, &'a dyn Fn(&str) -> String);

/// What screens, pagers, loggers, web pages and word processors make of a paste.
#[test]
fn pasted_through_other_programs() {
    let each = |text: &str, line: fn(&str) -> String| text.lines().map(line).collect::<String>();
    let escaped = |text: &str| text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    let recorded = |text: &str| {
        let prompts = text.replace("[root@host ~]# ", "\u{1b}[?2004h\u{1b}]0;root@host\u{7}[root@host ~]# ");
        format!("Script started on 2026-11-24 16:54:25+00:00\n\u{1b}[?2004l\r{}Script done on 2026-11-24\n", prompts.replace('\n', "\r\n"))
    };
    let paged = |text: &str| {
        let mark = |n: usize| if n % 40 == 39 { "--More--(5%)\r            \r" } else { "" };
        text.lines().enumerate().map(|(n, line)| format!("{}{line}\n", mark(n))).collect::<String>()
    };
    let forms: &[Form] = &[
        ("the journal", &|t| each(t, |l| format!("Nov 24 16:54:25 web-1 diag[812]: {l}\n"))),
        ("times with a zone", &|t| each(t, |l| format!("2026-11-24T16:54:25+01:00 {l}\n"))),
        ("docker compose", &|t| each(t, |l| format!("app-1  | {l}\n"))),
        ("a quote in a quote", &|t| each(t, |l| format!("> > {l}\n"))),
        ("indentation", &|t| each(t, |l| format!("    {l}\n"))),
        ("a padded screen", &|t| each(t, |l| format!("{l:<200}\n"))),
        ("double line ends", &|t| each(t, |l| format!("{l}\r\r\n"))),
        ("a web page", &|t| format!("<pre>{}</pre>\n", escaped(t))),
        ("a word processor", &|t| t.replace('\'', "\u{2019}").replace('"', "\u{201d}").replace("  ", "\u{a0} ")),
        ("script", &recorded),
        ("a pager", &paged),
    ];
    for (what, form) in forms {
        agrees(what, LEAKS, |h| form(&layout::paste(h)).into_bytes());
    }
}
