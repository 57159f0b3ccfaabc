//! Whether two captures mean the same: verdict, findings, counts and grades, whoever and wherever it is.

use super::mask::Masks;
use crate::diagnosis::Diagnosis;

/// What a diagnosis says, one line a claim, without names of hosts, users and places; names of processes as the masks show them.
pub fn meaning(diagnosis: &Diagnosis, masks: Option<&mut Masks>) -> Vec<String> {
    let mut hidden = masks.filter(|m| m.hide_commands);
    let mut lines: Vec<String> = diagnosis
        .findings
        .iter()
        .map(|finding| {
            let claim = &finding.claim;
            let process = claim.owner.as_ref().map(|owner| {
                let mut command = owner.command.clone();
                if let Some(masks) = &mut hidden {
                    let mut out = Vec::new();
                    masks.hidden_command(command.as_bytes(), &mut out);
                    command = String::from_utf8_lossy(&out).into_owned();
                }
                (command, owner.pids.iter().map(|p| p.0).collect::<Vec<_>>())
            });
            format!(
                "{:?} {} of {} by {process:?}: {:?} ({}), {}",
                claim.class,
                claim.code,
                claim.kind.map_or("no kind", |k| k.word()),
                claim.count,
                claim.is.word(),
                finding.grade.grade.word(),
            )
        })
        .collect();
    lines.sort();
    lines.insert(0, format!("verdict {}", diagnosis.verdict.word()));
    lines
}

/// The first thing that only one of them says.
pub fn difference(before: &[String], after: &[String]) -> Option<String> {
    let lost = before.iter().find(|l| !after.contains(l));
    let new = after.iter().find(|l| !before.contains(l));
    match (lost, new) {
        (None, None) if before.len() == after.len() => None,
        (None, None) => Some(format!("{} findings became {}", before.len().saturating_sub(1), after.len().saturating_sub(1))),
        (lost, new) => {
            let or_none = |l: Option<&String>| l.map_or("nothing".to_string(), |l| format!("`{l}`"));
            Some(format!("{} became {}", or_none(lost), or_none(new)))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::difference;

    #[test]
    fn differences_are_told() {
        let all = |l: &[&str]| l.iter().map(|s| s.to_string()).collect::<Vec<_>>();
        assert_eq!(difference(&all(&["a", "b"]), &all(&["a", "b"])), None);
        assert_eq!(difference(&all(&["a", "b"]), &all(&["a", "c"])).as_deref(), Some("`b` became `c`"));
        assert_eq!(difference(&all(&["a", "b", "b"]), &all(&["a", "b"])).as_deref(), Some("2 findings became 1"));
    }
}
