//! JUnit XML of a check, for CI systems that show it.

use super::judge::Difference;
use crate::error::Error;
use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};
use std::path::Path;
use std::time::Duration;

/// One incident's line in the XML.
#[derive(Clone, Debug)]
pub struct Case<'a> {
    /// The directory that was named, its suite.
    pub suite: &'a str,
    /// The incident's name.
    pub name: &'a str,
    /// How long it took.
    pub took: Duration,
    /// What differs; nothing if it passed.
    pub differences: &'a [Difference],
    /// The differences as text.
    pub text: String,
}

/// The XML's text.
pub fn text(cases: &[Case<'_>]) -> String {
    let mut report = Report::new("sockdiag check");
    let mut suites: Vec<TestSuite> = Vec::new();
    for case in cases {
        let mut status = TestCaseStatus::success();
        if !case.differences.is_empty() {
            let mut parts: Vec<&str> = case.differences.iter().map(|d| d.part).collect();
            parts.dedup();
            status = TestCaseStatus::non_success(NonSuccessKind::Failure);
            status.set_type("difference").set_message(parts.join(", ")).set_description(case.text.as_str());
        }
        let mut test = TestCase::new(case.name, status);
        test.set_classname(case.suite).set_time(case.took);
        match suites.iter_mut().find(|s| s.name.as_str() == case.suite) {
            Some(suite) => suite.add_test_case(test),
            None => {
                let mut suite = TestSuite::new(case.suite);
                suite.add_test_case(test);
                suites.push(suite);
                continue;
            }
        };
    }
    report.add_test_suites(suites);
    report.to_string().unwrap_or_default()
}

/// Writes the XML.
///
/// # Errors
/// The file cannot be written.
pub fn write(path: &Path, cases: &[Case<'_>]) -> Result<(), Error> {
    std::fs::write(path, text(cases)).map_err(|source| Error::Write { path: path.to_path_buf(), source })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_carry_their_text() {
        let difference = Difference { part: "verdict", of: None, expected: "leak".into(), found: "healthy".into(), finding: None };
        let differences = [difference];
        let case =
            |name, differences| Case { suite: "set", name, took: Duration::from_millis(1500), differences, text: "expected <leak>".into() };
        let xml = text(&[case("a", &[]), case("b", &differences)]);
        assert!(xml.contains("tests=\"2\"") && xml.contains("failures=\"1\""), "{xml}");
        assert!(xml.contains("message=\"verdict\"") && xml.contains("expected &lt;leak&gt;"), "{xml}");
    }
}
