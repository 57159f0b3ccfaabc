//! Every example of every signature, and the errors of a file that is wrong.

use super::load::{CODES, Match};
use super::*;

#[test]
fn every_file_is_registered_and_sound() {
    let directory = concat!(env!("CARGO_MANIFEST_DIR"), "/src/signatures");
    let on_disk =
        std::fs::read_dir(directory).unwrap().filter(|e| e.as_ref().unwrap().path().extension().is_some_and(|x| x == "yaml")).count();
    assert_eq!(on_disk, FILES.len());
    for (file, yaml) in FILES {
        let list = load::signatures(yaml, file, false).unwrap_or_else(|e| panic!("{e}"));
        assert!(!list.is_empty(), "{file}");
    }
    load::check_unique(Signatures::builtin().all(), "", "built in").unwrap();
}

#[test]
fn every_example_does_what_it_says() {
    let all = Signatures::builtin();
    assert!(all.all().len() > 80);
    let mut wrong = Vec::new();
    for signature in all.all() {
        let id = &signature.id;
        assert!(signature.points_to.iter().all(|c| CODES.contains(&c.as_str())), "{id}");
        assert!(!signature.examples.matches.is_empty() && !signature.examples.rejects.is_empty(), "{id} lacks examples");
        assert!(signature.reference.starts_with("https://"), "{id} lacks a reference");
        for example in &signature.examples.matches {
            let line = match example {
                Match::Line(line) => line,
                Match::Told(told) => &told.line,
            };
            let Some(seen) = all.find(line.as_bytes()) else {
                wrong.push(format!("{id} does not match: {line}"));
                continue;
            };
            if &seen.signature.id != id {
                wrong.push(format!("{} goes before {id}: {line}", seen.signature.id));
            }
            let read = format!("{:?} {:?} {:?} {:?} {:?}", seen.endpoint, seen.broker, seen.attempt, seen.interval_s, seen.errno);
            if let Match::Told(told) = example {
                let want = format!("{:?} {:?} {:?} {:?} {:?}", told.endpoint, told.broker, told.attempt, told.interval_s, told.errno);
                if read != want {
                    wrong.push(format!("{id} reads {read}, not {want}: {line}"));
                }
            }
        }
        for line in &signature.examples.rejects {
            if signature.is_match(line.as_bytes()) {
                wrong.push(format!("{id} must not match: {line}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_cause_goes_before_a_symptom_and_a_peer_before_none() {
    let all = Signatures::builtin();
    for (line, want) in [
        ("request timed out: dial tcp 10.0.0.1:80: connect: connection refused", "go-dial-refused"),
        ("accept: too many open files; connect to 10.0.0.1:80 refused, ECONNREFUSED", "connection-refused"),
        ("retrying in 5s: Too many open files", "emfile"),
    ] {
        assert_eq!(all.id_of(line.as_bytes()), Some(want), "{line}");
    }
    assert_eq!(all.id_of(b"feed fetched from 10.0.8.11:8080"), None);
}

#[test]
fn a_users_file_adds_and_goes_first() {
    let yaml =
        "- id: mine\n  title: t\n  pattern: 'connection refused by (?&addr)'\n  means: m\n  weight: cause\n  points_to: [connect-stuck]\n";
    let all = Signatures::with_extra(yaml, "mine.yaml").unwrap();
    let sighting = all.find(b"connection refused by db/10.0.0.1:5432").unwrap();
    assert_eq!((sighting.signature.id.as_str(), sighting.endpoint.as_deref()), ("mine", Some("10.0.0.1:5432")));
}

#[test]
fn a_wrong_file_is_told_with_its_line() {
    let entry = |id: &str, pattern: &str, more: &str| {
        format!("# mine\n- id: {id}\n  title: t\n  pattern: '{pattern}'\n  means: m\n  weight: cause\n{more}")
    };
    for (yaml, line, word) in [
        (entry("a", "(", ""), ":2", "compile"),
        (entry("a", "x", "  points_to: [no-such]\n"), ":2", "no-such"),
        (entry("emfile", "x", ""), ":2", "taken"),
        (entry("a", "x*", ""), ":2", "empty"),
        (entry("a", "(?:a{1000}){1000}", ""), ":2", "compile"),
        (entry("a", "(?P<who>x)", ""), ":2", "who"),
        (entry("a", "x", "  wieght: cause\n"), "", "wieght"),
    ] {
        let error = Signatures::with_extra(&yaml, "mine.yaml").unwrap_err().to_string();
        assert!(error.starts_with(&format!("mine.yaml{line}")) && error.contains(word), "{error}");
    }
}

#[test]
fn codes_are_those_of_the_causes() {
    let causes: Vec<&str> = crate::causes::CAUSES.iter().map(|c| c.code()).collect();
    assert_eq!(CODES, causes);
}
