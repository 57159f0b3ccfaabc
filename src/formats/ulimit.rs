//! `ulimit -a` and `ulimit -n` of bash, dash, ksh, zsh and BusyBox: limits of the shell that captured, not of the leaking process.
//!
//! ```text
//! open files                          (-n) 20000       bash, ksh
//! nofiles             20000                            dash, BusyBox
//! nofile(descriptors)  20000                           mksh
//! -n: file descriptors                20000            zsh
//! ```
//!
//! `ulimit -n` prints the bare number. Soft limits, unless `-H` was given. Values in kbytes are turned into bytes, as
//! `/proc/PID/limits` has them; blocks are of no certain size and only `unlimited` and 0 are handed on.

use super::{Fit, Format, Hint, Parser, Probe, Taken, named, prompt, scan};
use crate::facts::{At, Limit, LimitValue, Sink};

/// The shell's limits.
pub struct Ulimit;

struct Reading {
    hard: bool,
    /// The limit whose bare value may come next.
    bare: Option<&'static str>,
}

impl Format for Ulimit {
    fn id(&self) -> &'static str {
        "ulimit"
    }

    fn title(&self) -> &'static str {
        "ulimit -a, ulimit -n"
    }

    fn fit(&self, probe: &Probe<'_>) -> Fit {
        let Some(first) = probe.rows().next() else { return Fit::No };
        let Some(read) = row(first.trim_ascii()) else {
            let bare = probe.whole && named::has_word(probe.path, "ulimit") && value(first.trim_ascii()).is_some();
            return if bare { Fit::Likely } else { Fit::No };
        };
        // dash begins with rows that other texts may have; its `nofiles` comes later.
        let certain = read.letter.is_some() || probe.rows().take(20).any(|l| self.opens(l));
        if certain { Fit::Likely } else { Fit::No }
    }

    fn opens(&self, line: &[u8]) -> bool {
        row(line.trim_ascii()).is_some_and(|r| r.certain)
    }

    fn printed_by(&self, command: &[u8]) -> bool {
        prompt::program(command) == b"ulimit" && !prompt::counts(command)
    }

    fn parser(&self, hint: &Hint<'_>) -> Box<dyn Parser> {
        let from_command = prompt::program(hint.command) == b"ulimit";
        let options: &[u8] = if from_command { hint.command } else { hint.path.as_bytes() };
        let hard = scan::contains(options, b"-H") || scan::contains(options, b"-aH") || scan::contains(options, b"-nH");
        let bare = if from_command { bare_limit(hint.command) } else { Some("Max open files") };
        Box::new(Reading { hard, bare })
    }
}

impl Parser for Reading {
    fn line(&mut self, at: At<'_>, sink: &mut dyn Sink) -> Taken {
        let line = at.text.trim_ascii();
        if line.is_empty() {
            return Taken::Noise;
        }
        // A bare number counts only as the first thing printed: later ones belong to prose.
        let bare = self.bare.take();
        if let Some(read) = row(line) {
            if let (Some(name), Some(value)) = (read.name, read.value) {
                sink.limit(at, &self.limit(name, value));
            }
            return Taken::Row;
        }
        match (bare, value(line)) {
            (Some(name), Some(value)) => {
                sink.limit(at, &self.limit(name, value));
                Taken::Row
            }
            _ => Taken::Unknown,
        }
    }
}

impl Reading {
    fn limit(&self, name: &'static str, value: LimitValue) -> Limit<'static> {
        let (soft, hard) = if self.hard { (None, Some(value)) } else { (Some(value), None) };
        Limit { pid: None, name, soft, hard, program: b"" }
    }
}

struct Row {
    letter: Option<u8>,
    name: Option<&'static str>,
    value: Option<LimitValue>,
    /// Whether nothing else looks like this row.
    certain: bool,
}

fn row(line: &[u8]) -> Option<Row> {
    let last = line.iter().rposition(|&b| scan::is_blank(b))?;
    let (label, number) = line.split_at(last);
    let (label, shown) = (label.trim_ascii(), value(number.trim_ascii())?);
    let letter = letter_of(label);
    let name = letter.map_or_else(|| dash_name(label), |l| Some(name_of(l)))?;
    let scaled = if scan::contains(label, b"kbytes") {
        scale(shown)
    } else if scan::contains(label, b"blocks") {
        (shown == LimitValue::Unlimited || shown == LimitValue::At(0)).then_some(shown)
    } else {
        Some(shown)
    };
    Some(Row {
        letter,
        name: (!name.is_empty()).then_some(name),
        value: scaled,
        certain: matches!(letter, Some(b'n')) || label == b"nofiles",
    })
}

fn scale(shown: LimitValue) -> Option<LimitValue> {
    match shown {
        LimitValue::At(kbytes) => kbytes.checked_mul(1024).map(LimitValue::At),
        LimitValue::Unlimited => Some(shown),
    }
}

/// The option letter of `open files (-n)`, `(kbytes, -d)` or `-n: file descriptors`.
fn letter_of(label: &[u8]) -> Option<u8> {
    match label {
        [b'-', letter, b':', ..] => Some(*letter),
        [.., b'-', letter, b')'] if letter.is_ascii_alphabetic() => Some(*letter),
        _ => None,
    }
}

/// The name in `/proc/PID/limits` of an option letter; empty for what has none there.
fn name_of(letter: u8) -> &'static str {
    match letter {
        b'c' => "Max core file size",
        b'd' => "Max data size",
        b'e' => "Max nice priority",
        b'f' => "Max file size",
        b'i' => "Max pending signals",
        b'l' => "Max locked memory",
        b'm' => "Max resident set",
        b'n' => "Max open files",
        b'q' => "Max msgqueue size",
        b'r' => "Max realtime priority",
        b'R' => "Max realtime timeout",
        b's' => "Max stack size",
        b't' => "Max cpu time",
        b'u' => "Max processes",
        b'v' => "Max address space",
        b'x' => "Max file locks",
        _ => "",
    }
}

/// dash, mksh and BusyBox name their limits in one word each, without the option's letter.
fn dash_name(label: &[u8]) -> Option<&'static str> {
    Some(match label {
        b"time(seconds)" | b"time(cpu-seconds)" => "Max cpu time",
        b"file(blocks)" => "Max file size",
        b"data(kbytes)" | b"data(KiB)" | b"data seg size(kbytes)" => "Max data size",
        b"stack(kbytes)" | b"stack(KiB)" => "Max stack size",
        b"coredump(blocks)" | b"coredump(512-blocks)" => "Max core file size",
        b"memory(kbytes)" | b"memory(KiB)" => "Max resident set",
        b"locked memory(kbytes)" | b"lockedmem(KiB)" => "Max locked memory",
        b"process" | b"processes" => "Max processes",
        b"nofiles" | b"nofile(descriptors)" | b"nofiles(descriptors)" => "Max open files",
        b"vmemory(kbytes)" | b"vmemory(KiB)" => "Max address space",
        b"locks" | b"filelocks" | b"flocks" => "Max file locks",
        b"rtprio" => "Max realtime priority",
        b"sigpending" | b"msgqueue(bytes)" | b"nice" | b"signals" => "",
        _ => return None,
    })
}

fn value(text: &[u8]) -> Option<LimitValue> {
    match text {
        b"unlimited" => Some(LimitValue::Unlimited),
        _ => scan::number(text).map(LimitValue::At),
    }
}

/// The limit that a command such as `ulimit -Hn` asks for; none for `ulimit -a`, which labels its values.
fn bare_limit(command: &[u8]) -> Option<&'static str> {
    let letters = scan::Fields::new(command).filter_map(|f| f.strip_prefix(b"-")).flatten();
    let mut wanted = None;
    for &letter in letters {
        match letter {
            b'H' | b'S' => {}
            b'a' => return None,
            _ => wanted = Some(name_of(letter)),
        }
    }
    // Without a letter it is `-f`, in blocks.
    wanted.filter(|name| !name.is_empty() && !matches!(*name, "Max file size" | "Max core file size"))
}

#[cfg(test)]
mod tests {
    use crate::formats::testing::{facts, told_as};

    const OPEN_FILES: &str = "limit pid=- Max open files soft=Some(At(20000)) hard=None";

    #[test]
    fn each_shell_names_open_files_its_own_way() {
        for line in
            ["open files                          (-n) 20000", "nofiles             20000", "-n: file descriptors                20000"]
        {
            assert_eq!(facts(line), [OPEN_FILES], "{line}");
        }
        assert_eq!(facts("$ ulimit -a\nnofile(descriptors)  20000\n"), [OPEN_FILES]);
        assert_eq!(facts("time(seconds)        unlimited\nnofiles             20000\n").last().unwrap(), OPEN_FILES);
    }

    #[test]
    fn kbytes_become_bytes_and_blocks_are_left_out() {
        let text =
            "stack size                  (kbytes, -s) 8192\nfile size                   (blocks, -f) 77\npipe size  (512 bytes, -p) 8\n";
        let (told, reading) = told_as("ulimit.txt", text);
        assert_eq!(told.lines, ["limit pid=- Max stack size soft=Some(At(8388608)) hard=None"]);
        assert_eq!(reading.unparsed(), 0);
    }

    #[test]
    fn a_bare_number_follows_ulimit_n() {
        assert_eq!(facts("  # ulimit -n \n  20000\n"), [OPEN_FILES]);
        assert_eq!(facts("ulimit -a \nulimit  -n\n20000\n\nprose\n7\n"), [OPEN_FILES]);
        assert_eq!(facts("$ ulimit -Hn\n20000\n"), ["limit pid=- Max open files soft=None hard=Some(At(20000))"]);
        assert_eq!(told_as("ulimit.txt", "20000\n").0.lines, [OPEN_FILES]);
    }

    #[test]
    fn a_number_alone_is_no_limit() {
        assert!(facts("20000\n").is_empty());
        assert!(facts("$ ulimit -a\n20000\n").is_empty());
    }
}
