//! One system call of an strace listing.

/// A system call, with its two halves joined where the listing broke it in two.
#[derive(Clone, Copy, Debug)]
pub struct Syscall<'a> {
    /// The thread, `None` while the listing shows no prefix (one tracee).
    pub tid: Option<u32>,
    /// When it began, as printed (`14:24:58.424458`, epoch seconds, or a relative time); empty if not printed.
    pub at: &'a [u8],
    /// The call's name.
    pub name: &'a [u8],
    /// The first argument where it is a descriptor number.
    pub fd: Option<i32>,
    /// The arguments as printed, without the outer parentheses; both halves of a broken call.
    pub args: &'a [u8],
    /// The result; `None` for `?` and for a call that never returned in the listing.
    pub result: Option<i64>,
    /// The error's name (`ECONNREFUSED`), empty on success.
    pub errno: &'a [u8],
    /// What follows the result in parentheses (`Timeout`, `[...]`), empty if nothing does.
    pub comment: &'a [u8],
    /// How long it took in seconds, as printed (`0.000063`), empty if not printed.
    pub duration: &'a [u8],
    /// How this record ended.
    pub finish: Finish,
}

impl Syscall<'_> {
    /// How long it took in seconds, `None` if not printed.
    pub fn seconds(&self) -> Option<f64> {
        std::str::from_utf8(self.duration).ok()?.parse().ok()
    }
}

/// How a record of a call ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finish {
    /// Whole on one line.
    Whole,
    /// The beginning of a call that has not returned yet: sent at once, because from the start of `close` its number is free.
    Started,
    /// The return of a call sent before as `Started`; `args` are those of both halves.
    Resumed,
    /// The listing ended inside the call: the thread was still in it.
    Pending,
}
