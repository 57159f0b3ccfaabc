//! Cuts one line of an strace listing into its parts; knows nothing of the lines around it.

use crate::formats::scan;

/// What stands in front of a call.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Prefix<'a> {
    /// `[pid N]`, or the bare number of a `-o` file.
    pub tid: Option<u32>,
    /// The time as printed, empty if none.
    pub at: &'a [u8],
    /// The rest of the line.
    pub body: &'a [u8],
}

/// How a line's arguments end.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Tail<'a> {
    /// `ARGS) = RESULT`.
    Returned(&'a [u8], Return<'a>),
    /// `ARGS <unfinished ...>`.
    Unfinished(&'a [u8]),
    /// `ARGS <detached ...>`.
    Detached(&'a [u8]),
    /// `ARGS <unfinished ... exit status N>`: the thread ended in the call.
    Exited(&'a [u8]),
    /// `ARGSstrace: Process N attached`: a banner went out while the line was open.
    Glued(&'a [u8]),
    /// The line ends inside its arguments.
    Cut(&'a [u8]),
}

/// What a call returned.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Return<'a> {
    /// The number, `None` for `?`.
    pub result: Option<i64>,
    /// The error's name, empty on success.
    pub errno: &'a [u8],
    /// What stands in parentheses behind, without them.
    pub comment: &'a [u8],
    /// `-T`, in seconds.
    pub duration: Option<f64>,
}

/// A line that is no call.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Banner {
    /// strace attached to this process or thread.
    Attached(u32),
    /// It was not allowed to.
    NotPermitted(Option<u32>),
    /// It could not for another reason.
    NotAttached(Option<u32>),
    /// The program was called in a way it does not know.
    Usage,
    /// Anything else it says of itself.
    Other,
}

/// Splits a line into prefix and body.
#[inline]
pub fn prefix(line: &[u8]) -> Prefix<'_> {
    let mut prefix = Prefix { tid: None, at: b"", body: line };
    let mut rest = line;
    if let Some(after) = rest.strip_prefix(b"[pid ") {
        let Some((tid, after)) = number_and_comm(after.trim_ascii_start()) else { return prefix };
        let Some(after) = after.strip_prefix(b"]") else { return prefix };
        prefix.tid = Some(tid);
        rest = after.trim_ascii_start();
    } else if let Some(b'0'..=b'9') = rest.first()
        && let Some((tid, after)) = number_and_comm(rest)
        && after.first() == Some(&b' ')
    {
        prefix.tid = Some(tid);
        rest = after.trim_ascii_start();
    }
    if let Some((at, after)) = time(rest) {
        prefix.at = at;
        rest = after;
    }
    if prefix.tid.is_none() && prefix.at.is_empty() {
        // Leading blanks mean something only in front of a relative time; elsewhere they mark the rest of a call or a stack line.
        if rest.first() != Some(&b'[') {
            return prefix;
        }
    } else {
        rest = rest.trim_ascii_start();
    }
    prefix.body = skip_brackets(rest);
    prefix
}

/// `NAME(`: the name and what follows the parenthesis.
#[inline]
pub fn call(body: &[u8]) -> Option<(&[u8], &[u8])> {
    if !matches!(body.first(), Some(b'a'..=b'z' | b'_')) {
        return None;
    }
    let length = body.iter().take(48).position(|b| !(b.is_ascii_alphanumeric() || *b == b'_'))?;
    let (name, rest) = body.split_at_checked(length)?;
    Some((name, rest.strip_prefix(b"(")?))
}

/// `<... NAME resumed>`: the name and what follows.
#[inline]
pub fn resumed(body: &[u8]) -> Option<(&[u8], &[u8])> {
    let rest = body.strip_prefix(b"<... ")?;
    let blank = memchr::memchr(b' ', rest)?;
    let (name, rest) = rest.split_at_checked(blank)?;
    Some((name, rest.strip_prefix(b" resumed>")?))
}

/// Finds out how the arguments end.
#[inline]
pub fn tail(text: &[u8]) -> Tail<'_> {
    let text = text.trim_ascii_end();
    if text.last() == Some(&b'>') {
        if let Some(args) = text.strip_suffix(b"<unfinished ...>") {
            return Tail::Unfinished(one_blank_less(args));
        }
        if let Some(args) = text.strip_suffix(b"<detached ...>") {
            return Tail::Detached(one_blank_less(args));
        }
    }
    if let Some((args, returned)) = returned(text) {
        return Tail::Returned(args, returned);
    }
    if let Some(at) = memchr::memmem::find(text, b"<unfinished ... exit status ") {
        return Tail::Exited(one_blank_less(text.get(..at).unwrap_or(text)));
    }
    match glued_banner(text) {
        Some(at) => Tail::Glued(text.get(..at).unwrap_or(text)),
        None => Tail::Cut(text),
    }
}

/// The first argument, if it is a descriptor.
#[inline]
pub fn descriptor(name: &[u8], args: &[u8]) -> Option<i32> {
    let digits = args.iter().take(11).take_while(|b| b.is_ascii_digit()).count();
    if digits == 0 || !matches!(args.get(digits), None | Some(b',' | b')' | b' ' | b'<')) || starts_with_no_descriptor(name) {
        return None;
    }
    i32::try_from(scan::number(args.get(..digits)?)?).ok()
}

/// What strace says of itself, where a line holds nothing else.
pub fn banner(line: &[u8]) -> Option<Banner> {
    let line = line.trim_ascii();
    if line.starts_with(b"usage: strace") || line.starts_with(b"Usage: strace") {
        return Some(Banner::Usage);
    }
    let (spoken, text) = match program_colon(line) {
        Some(text) => (true, text),
        None => (false, line),
    };
    if let Some((pid, what)) = text.strip_prefix(b"Process ").and_then(scan::leading_number) {
        let pid = u32::try_from(pid).ok()?;
        return match what {
            _ if what.starts_with(b" attached") => Some(Banner::Attached(pid)),
            b" detached" | b" suspended" => Some(Banner::Other),
            _ if what.starts_with(b" resumed") => Some(Banner::Other),
            _ if spoken => Some(Banner::Other),
            _ => None,
        };
    }
    if text.starts_with(b"attach: ptrace(")
        || text.starts_with(b"Could not attach to process")
        || spoken && scan::contains(text, b"ptrace_scope")
    {
        let pid = memchr::memchr(b',', text).and_then(|i| text.get(i + 1..)).and_then(|t| scan::leading_number(t.trim_ascii_start()));
        let pid = pid.and_then(|(n, _)| u32::try_from(n).ok());
        return Some(if scan::contains(text, b"No such process") { Banner::NotAttached(pid) } else { Banner::NotPermitted(pid) });
    }
    if let Some((pid, what)) = text.strip_prefix(b"process ").and_then(scan::leading_number)
        && what.starts_with(b" may be owned")
    {
        return Some(Banner::NotPermitted(u32::try_from(pid).ok()));
    }
    let mode = text.starts_with(b"[ Process PID=") && text.ends_with(b" mode. ]");
    (spoken || mode || text.starts_with(b"upeek: ptrace(") || text.starts_with(b"ptrace: ")).then_some(Banner::Other)
}

/// Whether a line can come from strace only.
pub fn is_unmistakable(text: &[u8]) -> bool {
    let line = prefix(text);
    if resumed(line.body).is_some() {
        return true;
    }
    if let Some((_, rest)) = call(line.body) {
        return match tail(rest) {
            Tail::Returned(..) | Tail::Unfinished(_) | Tail::Detached(_) | Tail::Exited(_) | Tail::Glued(_) => true,
            Tail::Cut(_) => line.tid.is_some() && !line.at.is_empty(),
        };
    }
    let marked = line.body.ends_with(b" +++") || line.body.ends_with(b" ---");
    if marked
        && (line.body.starts_with(b"+++ exited with ") || line.body.starts_with(b"+++ killed by ") || line.body.starts_with(b"--- SIG"))
    {
        return true;
    }
    matches!(banner(text), Some(Banner::Attached(_) | Banner::NotPermitted(_) | Banner::NotAttached(_) | Banner::Usage))
}

/// Whether a line begins a call that may be cut.
pub fn begins_like_a_call(text: &[u8]) -> bool {
    call(prefix(text).body).is_some()
}

/// `6006` or `6006<java>` and what follows.
fn number_and_comm(text: &[u8]) -> Option<(u32, &[u8])> {
    let (number, rest) = scan::leading_number(text)?;
    let number = u32::try_from(number).ok()?;
    if rest.first() != Some(&b'<') {
        return Some((number, rest));
    }
    // A name may hold blanks and angle brackets: it ends where the prefix goes on.
    let close = memchr::memmem::find(rest, b">]").or_else(|| memchr::memmem::find(rest, b"> "))?;
    Some((number, rest.get(close + 1..)?))
}

/// A clock time, seconds since the epoch, or a relative time, each followed by a blank; the newer `-r` adds `(+ 0.000123)`.
fn time(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let text = if text.first() == Some(&b' ') { text.trim_ascii_start() } else { text };
    if !text.first()?.is_ascii_digit() {
        return None;
    }
    let length = text.iter().position(|b| !(b.is_ascii_digit() || *b == b':' || *b == b'.'))?;
    let (at, rest) = text.split_at_checked(length)?;
    if !at.contains(&b':') && !at.contains(&b'.') {
        return None;
    }
    let rest = rest.strip_prefix(b" ")?;
    match rest.strip_prefix(b"(+ ") {
        Some(delta) => memchr::memchr(b')', delta).and_then(|i| delta.get(i + 1..)).map(|rest| (at, rest.trim_ascii_start())),
        None => Some((at, rest)),
    }
}

/// `[ 202] ` of `-n` and `[00007f1e4823c990] ` of `-i`.
fn skip_brackets(mut text: &[u8]) -> &[u8] {
    while let Some(inner) = text.strip_prefix(b"[") {
        let Some(close) = memchr::memchr(b']', inner.get(..24).unwrap_or(inner)) else { break };
        let known = inner.iter().take(close).all(|b| b.is_ascii_hexdigit() || matches!(b, b' ' | b'?' | b'x'));
        match inner.get(close + 1..).and_then(|rest| rest.strip_prefix(b" ")) {
            Some(rest) if known && close > 0 => text = rest,
            _ => break,
        }
    }
    text
}

/// ` <unfinished ...>` is written with a blank in front, which is not of the arguments.
fn one_blank_less(args: &[u8]) -> &[u8] {
    args.strip_suffix(b" ").unwrap_or(args)
}

/// `ARGS) = RESULT`, searched from the end because arguments may quote anything.
#[inline]
fn returned(text: &[u8]) -> Option<(&[u8], Return<'_>)> {
    let (text, duration) = split_duration(text);
    let mut end = text.len();
    while let Some(equals) = memchr::memrchr(b'=', text.get(..end)?) {
        end = equals;
        let (before, after) = (text.get(..equals)?, text.get(equals + 1..)?);
        if let (Some(b' '), Some(value)) = (before.last(), after.strip_prefix(b" "))
            && let Some(args) = before.trim_ascii_end().strip_suffix(b")")
            && let Some(returned) = value_of(value, duration)
        {
            return Some((args, returned));
        }
    }
    None
}

/// The result, its error and comment; `None` if this is no result.
#[inline]
fn value_of(value: &[u8], duration: Option<f64>) -> Option<Return<'_>> {
    let mut returned = Return { duration, ..Return::default() };
    let mut rest;
    if let Some(after) = value.strip_prefix(b"?") {
        rest = after;
    } else if let Some(after) = value.strip_prefix(b"<unavailable>") {
        rest = after;
    } else {
        let (result, after) = integer(value)?;
        returned.result = Some(result);
        rest = after;
    }
    if rest.is_empty() {
        return Some(returned);
    }
    if rest.first() == Some(&b'<') {
        rest = skip_decoration(rest);
    }
    if !rest.is_empty() && rest.first() != Some(&b' ') && rest.first() != Some(&b'(') {
        return None;
    }
    rest = rest.trim_ascii_start();
    if rest.first() == Some(&b'E') {
        let length = rest.iter().take_while(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || **b == b'_').count();
        (returned.errno, rest) = rest.split_at_checked(length)?;
        rest = rest.trim_ascii_start();
    }
    if let Some(inner) = rest.strip_prefix(b"(") {
        returned.comment = inner.strip_suffix(b")").unwrap_or(inner);
    }
    Some(returned)
}

/// A leading number: decimal with sign, or hexadecimal behind `0x`, which may be an address above the signed range.
fn integer(text: &[u8]) -> Option<(i64, &[u8])> {
    if let Some(digits) = text.strip_prefix(b"0x") {
        let length = digits.iter().take_while(|b| b.is_ascii_hexdigit()).count();
        let (digits, rest) = digits.split_at_checked(length)?;
        return Some((scan::hex(digits)? as i64, rest));
    }
    let (negative, digits) = match text.strip_prefix(b"-") {
        Some(digits) => (true, digits),
        None => (false, text),
    };
    let (number, rest) = scan::leading_number(digits)?;
    let number = number as i64;
    Some((if negative { number.wrapping_neg() } else { number }, rest))
}

/// Skips `<TCP:[a->b]>`, which may nest and hold `->`.
fn skip_decoration(text: &[u8]) -> &[u8] {
    let mut depth = 0u32;
    let mut before = 0u8;
    for (i, &b) in text.iter().enumerate() {
        match b {
            b'<' => depth = depth.saturating_add(1),
            b'>' if before != b'-' => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    let rest = text.get(i + 1..).unwrap_or(b"");
                    return rest.strip_prefix(b"(deleted)").unwrap_or(rest);
                }
            }
            _ => {}
        }
        before = b;
    }
    text
}

/// `-T`: ` <0.000063>` at the end.
#[inline]
fn split_duration(text: &[u8]) -> (&[u8], Option<f64>) {
    let Some(inner) = text.strip_suffix(b">") else { return (text, None) };
    let window = inner.len().saturating_sub(24);
    let Some(open) = inner.get(window..).and_then(|w| memchr::memrchr(b'<', w)).map(|i| i + window) else { return (text, None) };
    match (inner.get(open + 1..).and_then(seconds), text.get(..open).and_then(|t| t.strip_suffix(b" "))) {
        (Some(seconds), Some(rest)) => (rest, Some(seconds)),
        _ => (text, None),
    }
}

/// `0.000063` in seconds.
fn seconds(text: &[u8]) -> Option<f64> {
    let (whole, fraction) = scan::leading_number(text)?;
    let fraction = fraction.strip_prefix(b".")?;
    if fraction.len() > 9 {
        return None;
    }
    const SCALES: [f64; 10] = [1.0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9];
    Some(whole as f64 + scan::number(fraction)? as f64 / SCALES.get(fraction.len())?)
}

/// Where a banner begins that went out while the line was open.
fn glued_banner(text: &[u8]) -> Option<usize> {
    let mut from = text.len();
    while let Some(at) = memchr::memmem::rfind(text.get(..from)?, b"Process ") {
        let after = scan::leading_number(text.get(at + 8..)?).map(|(_, rest)| rest);
        if after.is_some_and(|a| [&b" attached"[..], b" detached", b" suspended", b" resumed"].iter().any(|w| a.starts_with(w))) {
            return Some(program_start(text, at));
        }
        from = at;
    }
    None
}

/// The beginning of the `strace: ` or `/usr/bin/strace: ` that stands before `at`, else `at`. What a relative path begins with cannot
/// be told from the arguments it is glued to.
fn program_start(text: &[u8], at: usize) -> usize {
    let before = text.get(..at).unwrap_or(b"");
    let Some(spoken) = before.strip_suffix(b": ") else { return at };
    let Some(name) = memchr::memmem::rfind(spoken, b"strace") else { return at };
    if spoken.get(name..).is_none_or(|n| n.contains(&b' ')) {
        return at;
    }
    let directories = spoken.get(..name).unwrap_or(b"");
    if !directories.ends_with(b"/") {
        return name;
    }
    let run = directories.iter().rev().take_while(|b| b.is_ascii_alphanumeric() || matches!(b, b'/' | b'.' | b'_' | b'-')).count();
    let start = name.saturating_sub(run);
    directories.get(start..).and_then(|d| memchr::memchr(b'/', d)).map_or(name, |slash| start + slash)
}

/// What follows `strace: ` or `/usr/bin/strace-6.1: ` at the beginning of a line.
fn program_colon(line: &[u8]) -> Option<&[u8]> {
    let colon = memchr::memchr(b':', line.get(..128).unwrap_or(line))?;
    let (program, rest) = line.split_at_checked(colon)?;
    let text = rest.strip_prefix(b": ")?;
    let name = program.rsplit(|b| *b == b'/').next()?;
    (name.starts_with(b"strace") && !program.contains(&b' ')).then_some(text)
}

/// Calls whose first argument is a number that is no descriptor.
fn starts_with_no_descriptor(name: &[u8]) -> bool {
    matches!(
        name,
        b"select"
            | b"pselect6"
            | b"_newselect"
            | b"exit"
            | b"_exit"
            | b"exit_group"
            | b"kill"
            | b"tkill"
            | b"tgkill"
            | b"rt_sigqueueinfo"
            | b"rt_tgsigqueueinfo"
            | b"wait4"
            | b"waitpid"
            | b"waitid"
            | b"brk"
            | b"alarm"
            | b"umask"
            | b"personality"
            | b"mmap"
            | b"munmap"
            | b"mmap2"
            | b"mremap"
            | b"madvise"
            | b"eventfd"
            | b"eventfd2"
            | b"epoll_create"
            | b"epoll_create1"
            | b"pidfd_open"
            | b"socket"
            | b"socketpair"
            | b"prlimit64"
            | b"capget"
            | b"membarrier"
            | b"nice"
            | b"timerfd_create"
            | b"inotify_init1"
            | b"memfd_secret"
            | b"io_uring_setup"
            | b"arch_prctl"
            | b"seccomp"
            | b"bpf"
            | b"shmat"
            | b"shmctl"
            | b"semop"
            | b"msgsnd"
            | b"msgrcv"
            | b"ptrace"
            | b"process_vm_readv"
            | b"process_vm_writev"
            | b"move_pages"
            | b"migrate_pages"
            | b"get_robust_list"
            | b"futex"
            | b"clone"
    ) || [&b"set"[..], b"get", b"sched_", b"ioprio_", b"syscall_", b"timer_", b"clock_", b"rt_sig"].iter().any(|p| name.starts_with(p))
        && !matches!(name, b"setsockopt" | b"getsockopt" | b"getsockname" | b"getpeername" | b"getdents" | b"getdents64" | b"setns")
}
