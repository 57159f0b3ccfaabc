//! Descriptors that were open before the trace began, and that it shows being closed. As many of them as new ones are created are a program
//! at work: its number of descriptors stays, however many of those that it created the end of a short trace still finds open.

use crate::capture::quote::Quotes;
use crate::facts::At;

/// Numbers that are told apart, one bit each.
const TOLD: usize = 1 << 20;
/// Of those that are closed, so many numbers are kept.
const KEPT: usize = 65_536;

/// What is known of them.
#[derive(Debug, Default)]
pub struct Older {
    /// Numbers that the trace has shown being handed out, or closed once without that.
    known: Vec<u64>,
    /// The highest one handed out.
    highest: i32,
    /// Closed, by number.
    pub numbers: Vec<i32>,
    /// Of them, those that were lower than a number which had been handed out already.
    below: u64,
    /// Descriptors that came over a socket: what is closed may be one of them.
    received: u64,
    /// The first closes.
    pub quotes: Quotes,
}

impl Older {
    /// The trace shows a number being handed out.
    #[inline]
    pub fn hand_out(&mut self, fd: i32) {
        self.is_new(fd);
        self.highest = self.highest.max(fd);
    }

    /// A descriptor came over a socket.
    pub fn receive(&mut self) {
        self.received += 1;
    }

    /// A descriptor is closed whose creation the trace did not show.
    pub fn close(&mut self, fd: i32, at: &At<'_>) {
        // What is closed a second time was handed out in between by a call that the trace leaves out.
        if self.numbers.len() < KEPT && self.is_new(fd) {
            self.numbers.push(fd);
            self.below += u64::from(fd < self.highest);
            self.quotes.offer(at);
        }
    }

    /// There was nothing to close.
    pub fn was_free(&mut self, fd: i32) {
        if self.numbers.last() == Some(&fd) {
            self.numbers.pop();
            self.below = self.below.min(self.numbers.len() as u64);
        }
    }

    /// How many were closed. A trace without the calls that open files shows files being closed too: they get the lowest free number, above
    /// all that are in use where none becomes free, so that only the lower ones are certain.
    pub fn count(&self, files_too: bool) -> u64 {
        let sure = if files_too { self.numbers.len() as u64 } else { self.below };
        sure.saturating_sub(self.received)
    }

    /// Whether a number comes for the first time. The lowest ones are the standard streams.
    #[inline]
    fn is_new(&mut self, fd: i32) -> bool {
        let Some(n) = usize::try_from(fd).ok().filter(|n| (3..TOLD).contains(n)) else { return false };
        let (word, bit) = (n / 64, 1 << (n % 64));
        if self.known.len() <= word {
            self.known.resize(word + 1, 0);
        }
        let Some(word) = self.known.get_mut(word) else { return false };
        let new = *word & bit == 0;
        *word |= bit;
        new
    }
}

#[cfg(test)]
mod tests {
    use crate::capture::testing::read;

    /// Older descriptors closed, and new ones left open beyond as many.
    fn balance(text: &str) -> (u64, u64) {
        let input = read(&[("strace.4711", text)]);
        let trace = input.snapshots.values().flat_map(|s| &s.traces).next().map(|t| (t.older(), t.growth()));
        trace.unwrap_or_default()
    }

    fn rounds(count: usize, round: impl Fn(usize) -> String) -> String {
        (0..count).map(round).collect()
    }

    const REST: &str = "clock_nanosleep(CLOCK_MONOTONIC, 0, {tv_sec=0, tv_nsec=1}, NULL) = 0\n";

    #[test]
    fn one_older_goes_for_each_new_one() {
        let row = |n: usize| format!("socket(AF_INET, SOCK_DGRAM, IPPROTO_IP) = {}\nclose({}) = 0\n{REST}", 31 + n, 32 + n);
        assert_eq!(balance(&rounds(30, row)), (30, 0));
    }

    #[test]
    fn files_that_come_and_go_are_not_older() {
        let seen = |n: usize| {
            let (socket, file) = (31 + n, 32 + n);
            format!(
                "socket(AF_INET, SOCK_DGRAM, IPPROTO_IP) = {socket}\nopenat(AT_FDCWD, \"/etc/hosts\", O_RDONLY) = {file}\nclose({file}) = 0\n{REST}"
            )
        };
        assert_eq!(balance(&rounds(30, seen)), (0, 30));
        let unseen = |n: usize| format!("socket(AF_INET, SOCK_DGRAM, IPPROTO_IP) = {}\nclose({}) = 0\n", 31 + n, 32 + n);
        assert_eq!(balance(&rounds(30, unseen)), (0, 30), "the calls that open files are left out");
        let timers = |n: usize| {
            format!(
                "socket(AF_INET, SOCK_DGRAM, 0) = {0}\ntimerfd_create(CLOCK_MONOTONIC, 0) = {1}\nclose({1}) = 0\n{REST}",
                31 + n,
                32 + n
            )
        };
        assert_eq!(balance(&rounds(30, timers)), (0, 30));
    }

    #[test]
    fn what_is_lower_was_open_before() {
        let row = |n: usize| format!("socket(AF_INET, SOCK_DGRAM, IPPROTO_IP) = {}\nclose({}) = 0\n", 300 - 3 * n, 297 - 3 * n);
        assert_eq!(balance(&rounds(30, row)), (30, 0));
        let free = |n: usize| {
            format!("socket(AF_INET, SOCK_DGRAM, IPPROTO_IP) = {}\nclose({}) = -1 EBADF (Bad file descriptor)\n", 300 + n, 5 + n)
        };
        assert_eq!(balance(&rounds(30, free)), (0, 30));
    }
}
