//! Numbers that every kernel since 2.6 leaves at zero.

use super::Checked;
use crate::causes::{Case, number};
use crate::ledger::Figure;

check! {
    /// Whether the dead numbers of an old `ss -s` are zero.
    ///
    /// # Compared
    /// `synrecv N` and the number after the slash of `timewait W/N`, each with 0.
    ///
    /// # Scope
    /// Names of slab caches that ended with Linux 2.4, so ss finds none and prints 0.
    ///
    /// # Tolerance
    /// None: it is a constant.
    ///
    /// # When they agree
    /// Nothing. In particular `synrecv 0` does not rule out a SYN flood.
    ///
    /// # When they disagree
    /// The text is of a kernel before 2.6, or was made up or edited.
    ///
    /// # Source
    /// iproute2 `misc/ss.c`, get_slabstat; formats.md identity 20.
    DeadCounters, "dead-counters", make
}

fn make(case: &Case<'_>) -> Checked {
    let dead: Vec<(&str, Figure)> = [("synrecv", "ss.tcp.synrecv"), ("the second number of timewait", "ss.tcp.timewait_slab")]
        .into_iter()
        .filter_map(|(word, name)| Some((word, case.counter(name)?)))
        .collect();
    let at = dead.iter().flat_map(|(_, f)| f.at.clone()).collect();
    match dead.iter().find(|(_, f)| f.value != 0) {
        _ if dead.is_empty() => Checked::skipped("no ss -s of the old layout was captured"),
        Some((word, f)) => Checked::disagree(
            format!("{word} is {}, which no kernel since 2.6 can print: the text was edited, or is of Linux 2.4", number(f.value)),
            at,
        )
        .undermining(),
        None => {
            Checked::agree("synrecv and the second number of timewait are 0, as on every kernel since 2.6: they carry no information", at)
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::checks::Status;
    use crate::checks::testing::status;

    const OLD: &str = "Total: 94 (kernel 209)\nTCP:   68 (estab 22, closed 36, orphaned 0, synrecv 0, timewait 8/0), ports 0\n";

    #[test]
    fn zero_other_and_absent() {
        assert_eq!(status("dead-counters", &[("ss-s", OLD)]), Status::Agree);
        assert_eq!(status("dead-counters", &[("ss-s", &OLD.replace("8/0", "8/8"))]), Status::Disagree);
        assert_eq!(status("dead-counters", &[("ss-s", &OLD.replace("synrecv 0", "synrecv 5"))]), Status::Disagree);
        let new = "Total: 94\nTCP:   68 (estab 22, closed 36, orphaned 0, timewait 8)\n";
        assert_eq!(status("dead-counters", &[("ss-s", new)]), Status::Skipped);
    }
}
