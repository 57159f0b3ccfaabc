//! Work on all cores, with results in the order of the jobs.

use std::collections::BTreeMap;
use std::panic::resume_unwind;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{OnceLock, mpsc};
use std::thread::{Builder, available_parallelism, scope};

/// Runs `work` on every job on all cores, this thread's among them, and hands the results to `done` in the order of the jobs: each as soon as all
/// before it are there and this thread has nothing at hand.
pub fn in_order<J: Sync, T: Send>(jobs: &[J], work: impl Fn(&J) -> T + Sync, mut done: impl FnMut(&J, T)) {
    // To ask how many cores there are takes longer than some of the work.
    static CORES: OnceLock<usize> = OnceLock::new();
    let threads = jobs.len().min(*CORES.get_or_init(|| available_parallelism().map_or(1, |n| n.get())));
    let next = AtomicUsize::new(0);
    let take = || Some(next.fetch_add(1, Ordering::Relaxed)).and_then(|n| Some((n, jobs.get(n)?)));
    let (sender, results) = mpsc::channel();
    let (mut waiting, mut turn) = (BTreeMap::new(), 0);
    let mut hand_over = |number: usize, result: T| {
        waiting.insert(number, result);
        while let (Some(result), Some(job)) = (waiting.remove(&turn), jobs.get(turn)) {
            done(job, result);
            turn += 1;
        }
    };
    // A panic in a thread goes on in this one when the scope ends.
    scope(|scope| {
        for _ in 1..threads {
            let (sender, take, work) = (sender.clone(), &take, &work);
            let beside = move || {
                while let Some((number, job)) = take() {
                    if sender.send((number, work(job))).is_err() {
                        break;
                    }
                }
            };
            // Where no thread can be had, there is this one.
            if Builder::new().spawn_scoped(scope, beside).is_err() {
                break;
            }
        }
        drop(sender);
        while let Some((number, job)) = take() {
            hand_over(number, work(job));
            results.try_iter().for_each(|(number, result)| hand_over(number, result));
        }
        results.iter().for_each(|(number, result)| hand_over(number, result));
    });
}

/// Does two things side by side where they are worth a thread and one can be had, or else one after the other.
pub fn both<A: Send, B>(worth: bool, beside: impl Fn() -> A + Sync, here: impl FnOnce() -> B) -> (A, B) {
    if !worth {
        return (beside(), here());
    }
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
        for worth in [true, false] {
            assert_eq!(both(worth, || one.len(), || one.clone()), (3, one.clone()));
        }
    }
}
