//! Thread dumps of a JVM: `jstack`, `jcmd PID Thread.print`, `kill -3`.
//!
//! ```text
//! "sender-0" #182 prio=5 os_prio=0 tid=0x00007f4def815000 nid=0x2a1 waiting on condition [0x00007f4de81b9000]
//!    java.lang.Thread.State: TIMED_WAITING (sleeping)
//!         at java.lang.Thread.sleep(Native Method)
//!         at org.example.Client.join(Client.java:575)
//! ```
//!
//! `nid` is the kernel's thread id, the `[pid N]` of strace: in hexadecimal up to JDK 18, in decimal from 19 on. One message a thread:
//! its nid both ways, its state and its topmost frames. Source: `JavaThread::print_on` in HotSpot.

use super::thread::Thread;
use super::{Fit, Format, Hint, Parser, Probe, Taken, prompt, scan};
use crate::facts::{At, Sink};

/// Packages of the JDK: a frame there says what is waited for, not who waits.
const LIBRARY: &[&[u8]] = &[b"java.", b"javax.", b"jdk.", b"sun.", b"com.sun.", b"java.base"];

/// A JVM's thread dump.
pub struct Jstack;

#[derive(Default)]
struct Dump(Thread);

impl Format for Jstack {
    fn id(&self) -> &'static str {
        "jstack"
    }

    fn title(&self) -> &'static str {
        "thread dumps of a JVM"
    }

    fn fit(&self, probe: &Probe<'_>) -> Fit {
        match probe.rows().take(3).position(|row| self.opens(row)) {
            Some(0) => Fit::Sure,
            Some(_) => Fit::Likely,
            None => Fit::No,
        }
    }

    fn opens(&self, line: &[u8]) -> bool {
        line.starts_with(b"Full thread dump ") || thread(line).is_some()
    }

    fn printed_by(&self, command: &[u8]) -> bool {
        prompt::program(command) == b"jstack" || scan::contains(command, b"Thread.print")
    }

    fn parser(&self, _hint: &Hint<'_>) -> Box<dyn Parser> {
        Box::new(Dump::default())
    }
}

impl Parser for Dump {
    fn line(&mut self, at: At<'_>, sink: &mut dyn Sink) -> Taken {
        if let Some((_, nid, tid)) = thread(at.text) {
            self.end(at, sink);
            let text = [b"nid=", nid, format!(" ({tid})").as_bytes()].concat();
            self.0.begin(at, &text);
            self.0.tid = Some(tid);
            return Taken::Row;
        }
        let line = at.text.trim_ascii();
        if let Some(state) = line.strip_prefix(b"java.lang.Thread.State: ") {
            self.0.state(state);
            self.0.say(state);
        } else if let Some(frame) = line.strip_prefix(b"at ") {
            // `java.base@17/java.lang.Thread.sleep(...)`: the module is no part of the name.
            let name = frame.iter().position(|&b| b == b'/').filter(|&n| !frame[..n].contains(&b'(')).map_or(frame, |n| &frame[n + 1..]);
            self.0.frame(line, name, !LIBRARY.iter().any(|l| name.starts_with(l)));
        } else if !is_known(line) {
            return Taken::Unknown;
        }
        Taken::Noise
    }

    fn end(&mut self, at: At<'_>, sink: &mut dyn Sink) {
        self.0.tell(at.format, |header| thread(header).map(|(name, _, _)| name), sink);
    }
}

/// A thread's first line: its name, its nid as printed, and as a number.
fn thread(line: &[u8]) -> Option<(&[u8], &[u8], u32)> {
    let inner = line.strip_prefix(b"\"")?;
    let at = memchr::memmem::find(inner, b" nid=")?;
    let name = inner.get(..memchr::memrchr(b'"', inner.get(..at)?)?)?;
    let nid = scan::Fields::new(inner.get(at + 5..)?).next()?;
    let tid = match nid.strip_prefix(b"0x") {
        Some(digits) => u32::try_from(scan::hex(digits)?).ok()?,
        None => scan::number32(nid)?,
    };
    Some((name, nid, tid))
}

/// The other lines of a dump.
fn is_known(line: &[u8]) -> bool {
    line.is_empty()
        || line.starts_with(b"- ")
        || line.starts_with(b"Full thread dump ")
        || line.starts_with(b"Locked ownable synchronizers")
        || line.starts_with(b"JNI global ref")
        || line.starts_with(b"Threads class SMR info")
        || line.starts_with(b"_java_thread_list")
        || line.starts_with(b"0x")
        || line.starts_with(b"}")
        || line.starts_with(b"\"")
        || line.starts_with(b"No compile task")
        || line.starts_with(b"Compiling: ")
        || line.first().is_some_and(u8::is_ascii_digit) && line.len() <= 20
}

#[cfg(test)]
mod tests {
    use crate::formats::testing::{facts, told_as};

    const DUMP: &str = concat!(
        "\"a \\\"b\\\" c\" #182 prio=5 os_prio=0 tid=0x00007f4def815000 nid=0x2a1 waiting on condition [0x00007f4de81b9000]\n",
        "   java.lang.Thread.State: TIMED_WAITING (sleeping)\n\tat java.lang.Thread.sleep(Native Method)\n\t- locked <0x0> (a X)\n\n",
        "\"main\" #1 [7161] prio=5 os_prio=0 cpu=1.0ms elapsed=2s tid=0x1 nid=7161 runnable  [0x2]\n   java.lang.Thread.State: RUNNABLE\n",
    );

    #[test]
    fn threads_carry_the_number_strace_prints() {
        assert_eq!(
            facts(DUMP),
            [
                "message at=- level=- program=- pid=- nid=0x2a1 (673) TIMED_WAITING (sleeping) at java.lang.Thread.sleep(Native Method)",
                "message at=- level=- program=- pid=- nid=7161 (7161) RUNNABLE",
            ]
        );
    }

    #[test]
    fn every_line_is_understood() {
        let (_, reading) = told_as("x", DUMP);
        assert_eq!((reading.format(), reading.unparsed()), ("jstack", 0));
    }
}
