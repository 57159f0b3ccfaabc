//! Which outputs of which tool versions are read, held against the samples and against `docs/formats.md`.
//!
//! The samples stand beside the repository or where `SOCKDIAG_SHARED` says. Without them only what needs none is tested.
//! That all versions of a tool tell the same facts is tested beside the parsers: `all_versions_tell_the_same` (lsof),
//! `all_versions_of_ss_show_the_same_tcp_sockets`, `all_versions_of_netstat_show_the_same_tcp_sockets`,
//! `versions_agree_on_the_calls_of_one_program` (strace), `locales_tell_the_same_counters` (netstat -s).

mod generated;

use generated::{keep, part, repository, table};
use sockdiag::facts::{MemberId, Sink};
use sockdiag::formats::{FORMATS, reader};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

const DOCUMENT: &str = "docs/formats.md";

/// What was read of the samples of one tool in one format.
#[derive(Default)]
struct Row {
    versions: BTreeSet<String>,
    variants: BTreeSet<String>,
    samples: u64,
    lines: u64,
    rows: u64,
    left: u64,
}

/// Facts are not looked at here.
struct Nowhere;

impl Sink for Nowhere {}

#[test]
fn the_list_of_formats_is_the_registry() {
    let mut formats: Vec<_> = FORMATS.to_vec();
    formats.sort_by_key(|f| f.id());
    let rows: Vec<Vec<String>> = formats.iter().map(|f| vec![format!("`{}`", f.id()), f.title().replace('|', "\\|")]).collect();
    keep(DOCUMENT, "formats", &table(&["id", "what it reads"], &rows));
}

#[test]
fn the_table_of_versions_is_what_the_samples_show() {
    let Some(samples) = samples() else { return };
    let mut found: BTreeMap<(String, &str), Row> = BTreeMap::new();
    for (tool, path) in samples {
        let name = path.file_stem().and_then(|n| n.to_str()).expect("a sample has a name").to_string();
        let text = std::fs::read(&path).expect("a sample can be read");
        let file = path.file_name().and_then(|n| n.to_str()).expect("a sample has a name");
        let reading = reader::read_text(MemberId(0), &format!("{tool}/{file}"), &text, &mut Nowhere);
        assert_ne!(reading.format(), "unknown", "{tool}/{file} is not recognised");
        assert!(reading.unknown.is_empty(), "{tool}/{file} has lines that are not understood: {:?}", reading.unknown);
        let row = found.entry((tool, reading.format())).or_default();
        let (version, variant) = version_and_variant(&name);
        row.versions.extend(version);
        row.variants.insert(variant);
        row.samples += 1;
        row.lines += u64::from(reading.lines);
        row.rows += reading.rows();
        row.left += reading.unparsed();
    }
    let rows: Vec<Vec<String>> = found.into_iter().map(|((tool, format), row)| cells(&tool, format, &row)).collect();
    keep(
        DOCUMENT,
        "conformance",
        &table(&["samples of", "format", "versions", "variants", "samples", "lines", "rows read", "lines left"], &rows),
    );
}

/// Holds without the samples too: nobody commits a table with lines left over.
#[test]
fn the_committed_table_leaves_no_line() {
    let part = part(DOCUMENT, "conformance");
    let rows: Vec<&str> = part.lines().skip(2).collect();
    assert!(rows.len() >= 10, "the table has {} rows", rows.len());
    for row in rows {
        let left = row.trim_end_matches([' ', '|']).rsplit('|').next().map(str::trim);
        assert_eq!(left, Some("0"), "{row}");
    }
}

/// Every sample with the folder it stands in.
fn samples() -> Option<Vec<(String, PathBuf)>> {
    let root = std::env::var_os("SOCKDIAG_SHARED").map_or_else(|| repository("../shared"), PathBuf::from).join("formats");
    let mut samples = Vec::new();
    for folder in list(&root)?.into_iter().filter(|f| f.is_dir()) {
        let tool = folder.file_name().and_then(|n| n.to_str()).expect("a folder has a name").to_string();
        samples.extend(list(&folder)?.into_iter().map(|file| (tool.clone(), file)));
    }
    Some(samples)
}

fn list(folder: &Path) -> Option<Vec<PathBuf>> {
    let mut paths: Vec<PathBuf> = std::fs::read_dir(folder).ok()?.map(|e| e.expect("an entry").path()).collect();
    paths.sort();
    Some(paths)
}

fn cells(tool: &str, format: &str, row: &Row) -> Vec<String> {
    let mut versions: Vec<&str> = row.versions.iter().map(String::as_str).collect();
    versions.sort_by_key(|v| v.split('.').map(|n| n.parse().unwrap_or(u64::MAX)).collect::<Vec<u64>>());
    let variants: Vec<&str> = row.variants.iter().map(String::as_str).filter(|v| !v.is_empty()).collect();
    let mut cells = vec![tool.to_string(), format!("`{format}`"), versions.join(", "), variants.join(", ")];
    cells.extend([row.samples, row.lines, row.rows, row.left].map(|n| n.to_string()));
    cells
}

/// `4.95.0-bigfd-F` is version 4.95.0 in the variant bigfd-F, `netstat-1_36_1-antp` version 1.36.1 in netstat-antp.
fn version_and_variant(name: &str) -> (Option<String>, String) {
    let is_version = |word: &&str| {
        let word = word.trim_start_matches('k');
        word.starts_with("head") || (word.starts_with(|c: char| c.is_ascii_digit()) && word.contains(['.', '_']))
    };
    let version = name.split('-').find(is_version);
    let variant: Vec<&str> = name.split('-').filter(|w| Some(*w) != version).collect();
    (version.map(|v| v.replace('_', ".")), variant.join("-"))
}

#[test]
fn versions_in_names() {
    let said = |name| {
        let (version, variant) = version_and_variant(name);
        (version.unwrap_or_default(), variant)
    };
    assert_eq!(said("4.95.0-bigfd-F"), ("4.95.0".into(), "bigfd-F".into()));
    assert_eq!(said("netstat-1_36_1-antp"), ("1.36.1".into(), "netstat-antp".into()));
    assert_eq!(said("head2026-s"), ("head2026".into(), "s".into()));
    assert_eq!(said("net_tcp6-k6.18"), ("k6.18".into(), "net_tcp6".into()));
    assert_eq!(said("status"), (String::new(), "status".into()));
}
