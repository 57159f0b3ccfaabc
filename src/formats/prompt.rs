//! Command lines inside pastes: `$ ss -s`, `[root@host ~]# lsof -p 1`, `#==[ Command ]===` sections, and bare `ss -s` lines.

use super::scan::{Fields, contains};
use super::selection::split;

/// Programs whose command line is recognised without a prompt in front, because their output is what we read.
const TOOLS: &[&str] =
    &["ss", "lsof", "netstat", "strace", "ulimit", "cat", "ps", "ls", "sysctl", "lsfd", "nstat", "dmesg", "hostname", "uname", "date"];

/// The command of a line that is a prompt and a command; `None` if it is neither.
///
/// A bare command without a prompt counts only if it cannot be a row: a known tool with an option, a path under `/proc`,
/// or a pipe behind it.
pub fn command(line: &[u8]) -> Option<&[u8]> {
    let line = line.trim_ascii();
    if line.len() < 4 || line.len() > 4096 {
        return None;
    }
    if let Some(title) = banner(line) {
        return Some(strip_sudo(title));
    }
    if let Some(rest) = after_prompt(line) {
        let rest = strip_sudo(rest.trim_ascii());
        return (!rest.is_empty()).then_some(rest);
    }
    if let Some(told) = watched(line).or_else(|| titled(line)).or_else(|| after_mark(line)).or_else(|| after_home(line)) {
        return Some(strip_sudo(told));
    }
    let bare = strip_sudo(line);
    is_bare_command(bare).then_some(bare)
}

/// Whether a line is a prompt at which nothing was typed, as the end of a paste often is: `[root@host ~]#`.
pub fn is_idle(line: &[u8]) -> bool {
    let line = line.trim_ascii();
    let Some(head) = line.strip_suffix(b"#").or_else(|| line.strip_suffix(b"$")) else { return false };
    let bracketed = head.starts_with(b"[") && head.ends_with(b"]");
    head.len() <= 80 && memchr::memchr(b'@', head).is_some() && (bracketed || !head.contains(&b' '))
}

/// Whether a line is the mark of a pager, or of `script` at its beginning and end.
pub fn is_mark(line: &[u8]) -> bool {
    let line = line.trim_ascii();
    line.starts_with(b"--More--") || line == b"(END)" || line.starts_with(b"Script started on ") || line.starts_with(b"Script done on ")
}

/// Whether a line stands above each output of a supportconfig, before the line with its command or file: `#==[ Command ]====#`. The output
/// before it is over, and `ERROR: Command not found or not executable` is one without rows.
pub fn is_section(line: &[u8]) -> bool {
    let line = line.trim_ascii();
    (line.starts_with(b"#==[ ") && line.ends_with(b"=#")) || line == b"ERROR: Command not found or not executable"
}

/// The title of a line such as `### ss -s ###`, which hand-made capture scripts print above each output.
pub fn banner(line: &[u8]) -> Option<&[u8]> {
    let title = line.trim_ascii().strip_prefix(b"###")?.strip_suffix(b"###")?.trim_ascii();
    (!title.is_empty() && !title.starts_with(b"#")).then_some(title)
}

/// The command of the line that `watch` prints above its output: `Every 2.0s: ss -s    web-1: Tue Nov 24 16:54:25 2026`.
fn watched(line: &[u8]) -> Option<&[u8]> {
    let rest = line.strip_prefix(b"Every ")?;
    // What comes first was found in the rest.
    let rest = &rest[memchr::memmem::find(rest, b"s: ").filter(|&at| at < 8)? + 3..];
    let end = memchr::memmem::find(rest, b"  ").unwrap_or(rest.len());
    rest.get(..end).filter(|command| starts_like_command(command))
}

/// The command of a heading: `===== ss -s =====`, `--- ss -s ---`, `## ss -s`, `**ss -s**`, `ss -s:`, and `+ ss -s` of `set -x`.
fn titled(line: &[u8]) -> Option<&[u8]> {
    let is_frame = |b: &u8| matches!(b, b'=' | b'-' | b'#' | b'*' | b'`' | b'+' | b'>' | b' ');
    let start = line.iter().position(|b| !is_frame(b)).filter(|&at| at > 0 || line.ends_with(b":"))?;
    let end = line.iter().rposition(|b| !is_frame(b) && *b != b':')?;
    line.get(start..=end).filter(|title| is_bare_command(strip_sudo(title)))
}

/// What stands in front of the directory in a prompt of oh-my-zsh.
const ARROW: &[u8] = "\u{279c} ".as_bytes();

/// What follows the mark of any other prompt (`(venv) root@web:/srv# `, `[16:54:25] joe@web:~$ `, `web% `, an arrow), if it is surely a command.
fn after_mark(line: &[u8]) -> Option<&[u8]> {
    const MARKS: &[&[u8]] = &[b"$ ", b"# ", b"% ", "\u{276f} ".as_bytes()];
    let head = line.get(..line.len().min(64))?;
    // One look spares the rest where no mark, by its last byte, stands in front of a blank: of nearly every line.
    let marked = |blank: usize| blank.checked_sub(1).and_then(|last| head.get(last)).is_some_and(|last| b"$#%\xaf".contains(last));
    if !memchr::memchr_iter(b' ', head).any(marked) && !line.starts_with(ARROW) {
        return None;
    }
    let ends = MARKS.iter().filter_map(|mark| memchr::memmem::find(head, mark).map(|at| at + mark.len()));
    // An arrow stands in front of the directory.
    let arrow = line.strip_prefix(ARROW).and_then(|rest| {
        let rest = rest.trim_ascii_start();
        memchr::memchr(b' ', rest).map(|blank| line.len() - rest.len() + blank + 1)
    });
    let is_head = |end: &usize| line.get(..*end).is_some_and(|head| head.iter().filter(|&&b| b == b' ').count() <= 4);
    let rests = ends.chain(arrow).filter(is_head).filter_map(|end| line.get(end..));
    rests.map(<[u8]>::trim_ascii_start).find(|rest| is_bare_command(strip_sudo(rest)))
}

/// What follows the home directory, where a prompt is nothing else: `~ lsof -p 7`.
fn after_home(line: &[u8]) -> Option<&[u8]> {
    line.strip_prefix(b"~ ").filter(|rest| is_bare_command(strip_sudo(rest)))
}

/// The name of the program a command line runs, without its directory.
pub fn program(command: &[u8]) -> &[u8] {
    let first = Fields::new(strip_sudo(command)).next().unwrap_or(b"");
    match memchr::memrchr(b'/', first) {
        // The slash was found in the word.
        Some(i) => &first[i + 1..],
        None => first,
    }
}

/// Whether a command line counts instead of listing: `| wc -l`, `grep -c`, `uniq -c`, an awk that sums.
pub fn counts(command: &[u8]) -> bool {
    [&b"wc -l"[..], b"grep -c", b"uniq -c", b"++", b"+="].iter().any(|needle| contains(command, needle))
        || contains(command, b"{print $")
        || last_count(command).is_some()
}

/// Where the last part of a pipeline begins that prints a number of lines without `wc -l`: a grep with `-c` among its options, wherever it
/// stands, or a `wc` that was asked for nothing.
pub fn last_count(command: &[u8]) -> Option<usize> {
    let mut start = 0;
    let mut found = None;
    for part in split(command, b"|;") {
        let words = part.trim_ascii();
        let counting = match program(words) {
            b"grep" | b"egrep" | b"fgrep" | b"zgrep" => counts_matches(words),
            b"wc" => Fields::new(words).count() == 1 && start > 0,
            _ => false,
        };
        found = if counting { Some(start) } else { found };
        start += part.len() + 1;
    }
    found
}

/// Whether a grep is asked for the number of lines.
fn counts_matches(grep: &[u8]) -> bool {
    let options = Fields::new(grep).skip(1).filter_map(|word| word.strip_prefix(b"-"));
    options.into_iter().any(|o| o == b"-count" || (o.contains(&b'c') && o.iter().all(|b| b"EFPcivwx".contains(b))))
}

/// Whether a command line keeps only part of what its program prints.
pub fn filters(command: &[u8]) -> bool {
    let command = &without_substitutions(command);
    [
        &b"| grep"[..],
        b"|grep",
        b"| (head",
        b"| (tail",
        b"|(head",
        b"| egrep",
        b"|egrep",
        b"| head",
        b"|head",
        b"| tail",
        b"|tail",
        b"| awk",
        b"|awk",
        b"| sed",
        b"|sed",
    ]
    .iter()
    .any(|needle| contains(command, needle))
}

/// A command line without what it puts in place of `$(...)`: of a loop that is the list it goes over.
fn without_substitutions(command: &[u8]) -> Vec<u8> {
    let (mut out, mut depth) = (Vec::with_capacity(command.len()), 0u32);
    for (at, &byte) in command.iter().enumerate() {
        match byte {
            b'$' if command.get(at + 1) == Some(&b'(') => {}
            b'(' if depth > 0 || at > 0 && command.get(at - 1) == Some(&b'$') => depth += 1,
            b')' if depth > 0 => depth -= 1,
            _ if depth == 0 => out.push(byte),
            _ => {}
        }
    }
    out
}

/// What follows `$ `, `# `, `$> `, `user@host:~$ `, `[root@host dir]# ` or `>>> `, if the line starts so.
fn after_prompt(line: &[u8]) -> Option<&[u8]> {
    if let Some(rest) = [&b"$ "[..], b"# ", b"$> "].iter().find_map(|mark| line.strip_prefix(*mark)) {
        let rest = rest.trim_ascii_start();
        // `# comment` is prose; a command starts with a lower-case letter, a slash or a dot.
        return starts_like_command(rest).then_some(rest);
    }
    if line.first() == Some(&b'[') {
        let close = memchr::memchr(b']', line)?;
        if close > 80 {
            return None;
        }
        // The bracket was found in the line, behind its first byte.
        let rest = line[close + 1..].trim_ascii_start();
        // The bracket was found in the line, behind its first byte.
        let inside = &line[1..close];
        // `[root@host ~]# cmd` and `[host-a ~]# cmd`, not `[12345.678] text`.
        return (inside.iter().any(|&b| b == b'@' || b == b' ' || b == b'~'))
            .then(|| rest.strip_prefix(b"# ").or_else(|| rest.strip_prefix(b"$ ")))
            .flatten();
    }
    if let Some(rest) = after_bare_prompt(line) {
        return Some(rest);
    }
    // `user@host:/dir# cmd`
    let end = memchr::memchr2(b'#', b'$', line.get(..line.len().min(80))?)?;
    // The mark was found in the line.
    let head = &line[..end];
    let is_prompt = memchr::memchr(b'@', head).is_some()
        && !head.contains(&b'(')
        && !head.contains(&b'"')
        && head.iter().filter(|&&b| b == b' ').count() <= 1;
    // The mark was found in the line.
    is_prompt.then(|| line[end + 1..].strip_prefix(b" ")).flatten()
}

/// What follows a prompt without a user: `/ # ` and `~ $ ` (BusyBox), `bash-5.1$ ` and `sh-4.2# `, `host:~ # ` and `user@host:~> ` (SUSE).
fn after_bare_prompt(line: &[u8]) -> Option<&[u8]> {
    let head = line.get(..line.len().min(80))?;
    // An arrow between two ends of a connection is no prompt: no blank follows it.
    let end = memchr::memchr3(b'#', b'$', b'%', head).or_else(|| memchr::memmem::find(head, b"> "))?;
    let rest = line.get(end + 1..)?.strip_prefix(b" ").filter(|r| starts_like_command(r))?;
    let head = line.get(..end)?;
    let path = head.strip_suffix(b" ").unwrap_or(head);
    if path.is_empty() || path.contains(&b' ') {
        return None;
    }
    let is_path = |p: &[u8]| matches!(p.first(), Some(b'/' | b'~'));
    // The colon was found in the path.
    let of_host = memchr::memchr(b':', path).filter(|&n| n > 0).is_some_and(|n| is_path(&path[n + 1..]));
    let is_shell =
        [&b"bash-"[..], b"sh-"].iter().any(|s| path.strip_prefix(*s).is_some_and(|v| v.iter().all(|b| b.is_ascii_digit() || *b == b'.')));
    (is_path(path) || of_host || is_shell).then_some(rest)
}

fn starts_like_command(rest: &[u8]) -> bool {
    matches!(rest.first(), Some(b'a'..=b'z' | b'/' | b'.'))
}

/// A command without what runs it: `sudo -u USER`, `timeout 5`, `time`, `kubectl exec POD --`.
fn strip_sudo(line: &[u8]) -> &[u8] {
    let mut line = line;
    for _ in 0..4 {
        let mut fields = Fields::new(line);
        let Some(wrapper) = fields.next() else { return line };
        let rest = line.get(wrapper.len()..).unwrap_or_default().trim_ascii_start();
        line = match wrapper {
            b"time" => rest,
            b"sudo" => after_options(rest),
            b"timeout" => skip_word(after_options(rest)),
            b"kubectl" | b"oc" => match memchr::memmem::find(rest, b" -- ") {
                // The word was found in the rest.
                Some(at) if rest.starts_with(b"exec ") => rest[at + 4..].trim_ascii_start(),
                _ => return line,
            },
            _ => return line,
        };
    }
    line
}

/// What follows options, of which the short ones for a user, group or host take a word.
fn after_options(line: &[u8]) -> &[u8] {
    let mut line = line;
    while line.first() == Some(&b'-') {
        let takes_word = matches!(line.get(..3), Some(b"-u " | b"-g " | b"-h " | b"-s " | b"-k "));
        line = skip_word(line);
        if takes_word {
            line = skip_word(line);
        }
    }
    line
}

fn skip_word(line: &[u8]) -> &[u8] {
    // The blank was found in the line.
    memchr::memchr(b' ', line).map_or(&[][..], |at| line[at..].trim_ascii_start())
}

fn is_bare_command(line: &[u8]) -> bool {
    let mut fields = Fields::new(line);
    let Some(first) = fields.next() else { return false };
    let tool = match memchr::memrchr(b'/', first) {
        // The slash was found in the word.
        Some(i) => &first[i + 1..],
        None => first,
    };
    if !TOOLS.iter().any(|t| t.as_bytes() == tool) {
        return false;
    }
    match fields.next() {
        None => false,
        Some(second) => {
            let second = second.split(|&b| b == b'|').next().filter(|word| !word.is_empty()).unwrap_or(second);
            let option = second.len() >= 2
                // It has at least two bytes, as was just asked.
                && second[0] == b'-'
                // It has at least two bytes, as was just asked.
                && second[1..].iter().all(|b| b.is_ascii_alphabetic() || *b == b'-')
                && second != b"--";
            option || second == b"|" || second.starts_with(b"/proc/") || second.starts_with(b"/sys/")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(line: &str) -> Option<String> {
        command(line.as_bytes()).map(|c| String::from_utf8_lossy(c).into_owned())
    }

    #[test]
    fn prompts_of_all_kinds() {
        for (line, want) in [
            ("$ ss -s", "ss -s"),
            ("# cat /proc/net/sockstat", "cat /proc/net/sockstat"),
            ("  # ulimit -n", "ulimit -n"),
            ("[root@lb-node-2 ~]# cat /proc/6120/limits", "cat /proc/6120/limits"),
            ("[host-a ~]# cat /proc/net/sockstat", "cat /proc/net/sockstat"),
            ("root@host-a:/home/svc# netstat -apn | grep 3135225", "netstat -apn | grep 3135225"),
            ("/ # netstat -tan | grep -c CLOSE_WAIT", "netstat -tan | grep -c CLOSE_WAIT"),
            ("/app $ ls -l /proc/1/fd", "ls -l /proc/1/fd"),
            ("~ # ss -s", "ss -s"),
            ("bash-4.2$ lsof -p 1", "lsof -p 1"),
            ("web1:~ # ss -tan", "ss -tan"),
            ("$ kubectl exec -it api-7d9 -c app -- cat /proc/net/sockstat", "cat /proc/net/sockstat"),
            ("$ sudo -u root timeout 5 lsof -n", "lsof -n"),
            ("sudo strace -p 36111", "strace -p 36111"),
            ("lsof | wc -l", "lsof | wc -l"),
            ("netstat -tn|grep 6379|wc -l", "netstat -tn|grep 6379|wc -l"),
            ("ss -s", "ss -s"),
            ("#  netstat -n | wc -l", "netstat -n | wc -l"),
            ("Every 2.0s: ss -s                 web-1: Tue Nov 24 16:54:25 2026", "ss -s"),
            ("(venv) root@web-1:/srv/app# ss -tanp", "ss -tanp"),
            ("[16:54:25] root@web-1:~# cat /proc/7/limits", "cat /proc/7/limits"),
            ("web-1% lsof -nP", "lsof -nP"),
            ("$> netstat -tan | grep -c CLOSE_WAIT", "netstat -tan | grep -c CLOSE_WAIT"),
            ("~ lsof -p 7 | wc -l", "lsof -p 7 | wc -l"),
            ("\u{279c}  ~ ss -s", "ss -s"),
            ("\u{276f} ss -s", "ss -s"),
            ("mds@gbl[Skye]:~> netstat -nap 2>/dev/null | grep 10302 | more", "netstat -nap 2>/dev/null | grep 10302 | more"),
            ("joe@web-1:/srv/app> ss -tanp", "ss -tanp"),
            ("web-1:~> lsof -p 7", "lsof -p 7"),
            ("#netstat -t", "netstat -t"),
            ("#netstat -t |wc -l", "netstat -t |wc -l"),
            ("+ sudo ss -s", "ss -s"),
            ("===== cat /proc/net/sockstat =====", "cat /proc/net/sockstat"),
            ("--- netstat -s ---", "netstat -s"),
            ("## lsof -p 7", "lsof -p 7"),
            ("**ss -s**", "ss -s"),
            ("ls -l /proc/7/fd:", "ls -l /proc/7/fd"),
            ("### ss -s ###", "ss -s"),
            ("### pid 22605 cmdline ###", "pid 22605 cmdline"),
        ] {
            assert_eq!(shown(line).as_deref(), Some(want), "{line}");
        }
    }

    #[test]
    fn rows_are_no_prompts() {
        for line in [
            "java    4684 apps *280u  sock 0,6 0t0 675441359 can't identify protocol",
            "[12345.678901] TCP: too many orphaned sockets",
            "[pid  6006] 14:24:58 close(5) = 0",
            "# netstat statistics of today",
            "ss is a tool",
            "strace -- version 5.10",
            "TIME_WAIT 221",
            "--- 10.0.0.1 ping statistics ---",
            "root 7 0.0 0.1 2400 900 ? S 16:54 0:00 sh -c sleep 5 # ss -s",
            "== netstat of today ==",
            "<joe@web-1> ss -s",
            "~ lsof of today",
        ] {
            let got = shown(line);
            assert!(got.is_none() || line.starts_with("# netstat"), "{line}: {got:?}");
        }
    }

    #[test]
    fn idle_prompts() {
        assert!(is_idle(b"[root@host-a ~]# ") && is_idle(b"root@host-a:/tmp$"));
        assert!(!is_idle(b"root@host-a:/tmp$ ls") && !is_idle(b"costs 5$") && !is_idle(b"#"));
    }

    #[test]
    fn marks() {
        assert!(is_mark(b"--More--") && is_mark(b"--More--(12%)") && is_mark(b"(END)"));
        assert!(!is_mark(b"-- More") && !is_mark(b"Script x"));
    }

    #[test]
    fn sections_of_supportconfig() {
        assert!(is_section(b"#==[ Command ]======================================#\r"));
        assert!(!is_section(b"# /usr/sbin/ss -s") && !is_section(b"#==[ x") && !is_section(b"ERROR: out of sockets"));
    }

    #[test]
    fn what_a_loop_goes_over_is_no_filter_of_its_rows() {
        assert!(filters(b"ss -tanp | grep 80") && filters(b"for n in $(ip netns list); do ss -tan | grep x; done"));
        assert!(!filters(b"for n in $(ip netns list | awk \"{print \\$1}\" | head -$(nproc)); do ip netns exec $n ss -tanp; done"));
        assert!(filters(b"lsof -p 7 | (head -1; tail -9)"));
        assert!(!filters(b"ss -tanp") && filters(b"(ss -tanp) | head"));
    }

    #[test]
    fn counting_pipelines() {
        assert!(counts(b"lsof -p 21466 | wc -l"));
        assert!(counts(b"netstat -n | awk '/^tcp/ {++S[$NF]} END {for(a in S) print a, S[a]}'"));
        assert!(counts(b"lsof -p 7 | grep SYN_SENT -c") && counts(b"netstat -tan | grep -vic close") && counts(b"ls /proc/7/fd | wc"));
        assert!(!counts(b"lsof -p 21466") && !counts(b"netstat -tan | grep -C 3 x") && !counts(b"lsof | grep libc.so -v"));
    }
}
