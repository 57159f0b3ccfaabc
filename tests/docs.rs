//! Documents that come out of the program, and links between documents.

mod generated;

use generated::{keep, repository, table};
use sockdiag::config::Thresholds;
use sockdiag::pages::{causes_book, checks_book};

#[test]
fn the_book_of_causes_is_their_pages() {
    keep("docs/causes.md", "causes", &causes_book());
}

#[test]
fn the_chapter_on_checks_is_their_pages() {
    keep("docs/ledger-and-checks.md", "checks", &checks_book());
}

#[test]
fn the_table_of_thresholds_is_their_definition() {
    let rows: Vec<Vec<String>> =
        Thresholds::ALL.iter().map(|(name, default, reason)| vec![format!("`{name}`"), default.to_string(), reason.to_string()]).collect();
    keep("docs/configuration.md", "thresholds", &table(&["name", "default", "reason"], &rows));
}

#[test]
fn links_between_documents_lead_somewhere() {
    for name in ["reading-a-report.md", "ledger-and-checks.md", "configuration.md", "adding.md", "causes.md"] {
        let text = std::fs::read_to_string(repository("docs").join(name)).expect("the document");
        for link in text.split("](").skip(1).filter_map(|rest| rest.split_once(')')).map(|(link, _)| link) {
            let (file, anchor) = link.split_once('#').unwrap_or((link, ""));
            if file.contains(':') {
                continue;
            }
            let target = if file.is_empty() { name } else { file };
            let there = std::fs::read_to_string(repository("docs").join(target)).unwrap_or_else(|_| panic!("{name} links to {link}"));
            assert!(anchor.is_empty() || there.contains(&format!("\n### {anchor}\n")), "{name} links to {link}");
        }
    }
}

#[test]
fn the_configuration_that_the_document_shows_is_right() {
    let text = std::fs::read_to_string(repository("docs/configuration.md")).expect("the document");
    let yaml = text.split("```yaml\n").nth(1).and_then(|rest| rest.split("```").next()).expect("an example");
    let config = sockdiag::config::Config::parse(yaml, "docs/configuration.md").expect("a right configuration");
    assert_eq!(config.thresholds.close_wait, 200);
    let found = config.signatures().find(b"WARN OurClient: giving up on 10.0.0.5:9092").expect("the signature");
    assert_eq!((found.signature.id.as_str(), found.endpoint.as_deref()), ("our-broker-gone", Some("10.0.0.5:9092")));
}

#[test]
fn the_expectation_that_the_document_shows_is_right() {
    let text = std::fs::read_to_string(repository("docs/adding.md")).expect("the document");
    let yaml = text.split("```yaml\n").nth(1).and_then(|rest| rest.split("```").next()).expect("an example");
    let expect = sockdiag::archive::Expect::parse(yaml, "docs/adding.md").expect("a right expectation");
    assert_eq!(expect.findings.iter().len(), 1);
}
