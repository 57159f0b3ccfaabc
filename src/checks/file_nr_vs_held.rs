//! Open files of the host against the sockets that processes hold.

use super::Checked;
use super::held;
use super::slack::Slack;
use crate::causes::{Case, number};

/// The kernel's count is kept per CPU and read without adding up what each CPU has not yet handed in: up to 32 a CPU (more on large
/// machines). A listing takes seconds besides.
const PER_CPU: Slack = Slack { absolute: 1024, percent: 5 };

check! {
    /// Open files of the host against the sockets that processes hold.
    ///
    /// # Compared
    /// The first number of `/proc/sys/fs/file-nr` with the different socket inodes in all listings: each socket with a descriptor is one
    /// open file, so there cannot be more.
    ///
    /// # Scope
    /// The whole host. Descriptors that were duplicated or inherited share one open file; sockets without a descriptor are none.
    ///
    /// # Tolerance
    /// 5 % and 1024: the count is kept per CPU and read roughly, and the listing takes seconds.
    ///
    /// # When they agree
    /// Nothing speaks against the listing.
    ///
    /// # When they disagree
    /// More sockets than open files: the two are of different hosts or moments.
    ///
    /// # Source
    /// `fs/file_table.c` get_nr_files; formats.md identity 12.
    FileNrVsHeld, "file-nr-vs-held", make
}

fn make(case: &Case<'_>) -> Checked {
    let Some(files) = case.counter("file_nr.allocated") else { return Checked::skipped("/proc/sys/fs/file-nr was not captured") };
    let held = held::sockets(case.snapshot, &case.ledger.holdings, false);
    if held.processes == 0 {
        return Checked::skipped("no descriptors of processes were captured");
    }
    let at = files.at.iter().chain(&held.at).cloned().collect();
    let both = format!("the host has {} open files, the listed processes hold {} sockets", number(files.value), number(held.sockets));
    if held.sockets > files.value.saturating_add(PER_CPU.at(files.value)) {
        return Checked::disagree(format!("{both}: each socket is an open file, so the two are of different hosts or moments"), at);
    }
    Checked::agree(both, at)
}

#[cfg(test)]
mod tests {
    use crate::checks::Status;
    use crate::checks::testing::status;

    #[test]
    fn a_socket_is_a_file() {
        let mut lsof = String::from("COMMAND PID USER FD TYPE DEVICE SIZE/OFF NODE NAME\n");
        for n in 0..1500 {
            lsof.push_str(&format!("java 4684 apps {}u sock 0,8 0t0 {} protocol: TCP\n", 10 + n, 5000 + n));
        }
        assert_eq!(status("file-nr-vs-held", &[("file-nr", "1600 0 99999\n"), ("lsof", &lsof)]), Status::Agree);
        assert_eq!(status("file-nr-vs-held", &[("file-nr", "16 0 99999\n"), ("lsof", &lsof)]), Status::Disagree);
        assert_eq!(status("file-nr-vs-held", &[("file-nr", "16 0 99999\n")]), Status::Skipped);
        assert_eq!(status("file-nr-vs-held", &[("lsof", &lsof)]), Status::Skipped);
    }
}
