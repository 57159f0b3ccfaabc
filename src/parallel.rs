//! Work on all cores, with results in the order of the jobs.

use std::collections::BTreeMap;
use std::panic::resume_unwind;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread::{Builder, available_parallelism, scope};

/// Runs `work` on every job on all cores, and hands the results to `done` in the order of the jobs, each as soon as all before it are there.
pub fn in_order<J: Sync, T: Send>(jobs: &[J], work: impl Fn(&J) -> T + Sync, mut done: impl FnMut(&J, T)) {
    let threads = available_parallelism().map_or(1, |n| n.get()).min(jobs.len());
    if threads < 2 {
        return jobs.iter().for_each(|job| done(job, work(job)));
    }
    let next = AtomicUsize::new(0);
    let (sender, results) = mpsc::channel();
    // A panic in a thread goes on in this one when the scope ends.
    scope(|scope| {
        for _ in 0..threads {
            let (sender, next, work) = (sender.clone(), &next, &work);
            scope.spawn(move || {
                while let Some((number, job)) = Some(next.fetch_add(1, Ordering::Relaxed)).and_then(|n| Some((n, jobs.get(n)?))) {
                    if sender.send((number, work(job))).is_err() {
                        break;
                    }
                }
            });
        }
        drop(sender);
        let mut waiting = BTreeMap::new();
        let mut turn = 0;
        for (number, result) in results {
            waiting.insert(number, result);
            while let (Some(result), Some(job)) = (waiting.remove(&turn), jobs.get(turn)) {
                done(job, result);
                turn += 1;
            }
        }
    });
}

/// Does two things side by side, or one after the other where no thread can be had.
pub fn both<A: Send, B>(beside: impl Fn() -> A + Sync, here: impl FnOnce() -> B) -> (A, B) {
    scope(|scope| match Builder::new().spawn_scoped(scope, &beside) {
        Ok(thread) => {
            let here = here();
            (thread.join().unwrap_or_else(|panic| resume_unwind(panic)), here)
        }
        Err(_) => (beside(), here()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn results_come_in_order_whoever_is_first() {
        let jobs: Vec<u64> = (0..20).collect();
        let mut seen = Vec::new();
        let work = |n: &u64| {
            std::thread::sleep(Duration::from_millis((20 - n) % 7));
            n * 2
        };
        in_order(&jobs, work, |n, twice| seen.push((*n, twice)));
        assert_eq!(seen, (0..20).map(|n| (n, n * 2)).collect::<Vec<_>>());
    }

    #[test]
    fn two_things_are_both_done() {
        let one = String::from("one");
        assert_eq!(both(|| one.len(), || one.clone()), (3, one.clone()));
    }
}
