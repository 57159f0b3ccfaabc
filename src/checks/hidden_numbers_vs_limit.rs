//! lsof's starred descriptor numbers against the process's limit.

use super::{Checked, held};
use crate::causes::{Case, number};
use crate::facts::{DescriptorKind, LimitValue};

/// lsof prints a star and three digits from this number on.
const HIDDEN: u64 = 10_000;

check! {
    /// lsof's starred descriptor numbers against the process's limit.
    ///
    /// # Compared
    /// Rows of a process whose number is a star and three digits (`*280u`), which stands for 10,000 or more, with its `Max open files`
    /// and its table's slots (FDSize): both must be above 10,000.
    ///
    /// # Scope
    /// One process each; the limit of the shell that captured says nothing here.
    ///
    /// # Tolerance
    /// None: the kernel gives out no number at or above the limit.
    ///
    /// # When they agree
    /// The process has 10,000 descriptors or more, or had them.
    ///
    /// # When they disagree
    /// Limit or status are of another process or moment.
    ///
    /// # Source
    /// lsof `print.c`; formats.md section 5, identity 21.
    HiddenNumbersVsLimit, "hidden-numbers-vs-limit", make
}

fn make(case: &Case<'_>) -> Checked {
    let mut made: Option<Checked> = None;
    let mut hidden: Option<u32> = None;
    for &pid in case.ledger.holdings.iter().filter(|(_, h)| h.hidden_numbers > 0).map(|h| h.0) {
        hidden = hidden.or(Some(pid));
        let Some(proc) = case.snapshot.processes.get(&pid) else { continue };
        let limit = proc.nofile.as_ref().and_then(|(soft, _, q)| match soft {
            LimitValue::At(n) => Some(("its limit of open files", *n, q.clone())),
            LimitValue::Unlimited => None,
        });
        let slots = proc.fd_size.as_ref().map(|(n, q)| ("its descriptor table (FDSize)", u64::from(*n), q.clone()));
        for (what, n, quote) in limit.into_iter().chain(slots) {
            let at = held::row_of(proc, DescriptorKind::Socket).into_iter().chain([quote]).collect();
            let says = format!(
                "{} has descriptors of {} and more (lsof prints a star), {what} is {}",
                held::name_of(case.snapshot, pid),
                number(HIDDEN as i64),
                number(n as i64)
            );
            if n <= HIDDEN {
                return Checked::disagree(format!("{says}: that is of another process or moment"), at).undermining();
            }
            made = made.or_else(|| Some(Checked::agree(says, at)));
        }
    }
    made.unwrap_or_else(|| match hidden {
        Some(pid) => Checked::skipped(format!(
            "{} has descriptors of {} and more (lsof prints a star); its own limit was not captured",
            held::name_of(case.snapshot, pid),
            number(HIDDEN as i64)
        )),
        None => Checked::skipped("lsof shows no descriptor of 10,000 or more"),
    })
}

#[cfg(test)]
mod tests {
    use crate::checks::Status;
    use crate::checks::testing::status;

    #[test]
    fn a_star_means_ten_thousand() {
        let lsof =
            "COMMAND PID USER FD TYPE DEVICE SIZE/OFF NODE NAME\njava 4684 apps *280u sock 0,6 0t0 675441359 can't identify protocol\n";
        let limits = |n: u32| {
            format!(
                "Limit                     Soft Limit           Hard Limit           Units     \nMax open files            {n:<20} 524288               files     \n"
            )
        };
        let with = |n| status("hidden-numbers-vs-limit", &[("lsof", lsof), ("proc/4684/limits", &limits(n))]);
        assert_eq!((with(131_072), with(4096)), (Status::Agree, Status::Disagree));
        assert_eq!(status("hidden-numbers-vs-limit", &[("lsof", lsof)]), Status::Skipped);
        assert_eq!(
            status("hidden-numbers-vs-limit", &[("lsof", &lsof.replace('*', "")), ("proc/4684/limits", &limits(4096))]),
            Status::Skipped
        );
    }
}
