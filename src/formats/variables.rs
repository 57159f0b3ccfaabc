//! Variables of the shell into which somebody has typed a process: commands behind that name it by them.
//!
//! ```text
//! # AGENT_PID=2871
//! # lsof -p $AGENT_PID | wc -l
//! 1015
//! ```

use super::{prompt, scan};
use std::borrow::Cow;

/// How far into a line a name may stand.
const HEAD: usize = 120;
/// Variables of one member, at most.
const MOST: usize = 64;

/// What is in each.
#[derive(Debug, Default)]
pub struct Variables(Vec<(Vec<u8>, Vec<u8>)>);

impl Variables {
    /// Takes what a prompt's line puts into a variable, if it is a process: by its pid, or by a command that asks for it. What follows on the
    /// line, which may be nothing, is its command.
    pub fn assign<'l>(&mut self, line: &'l [u8]) -> Option<&'l [u8]> {
        let (name, value, rest) = assigned(line)?;
        self.0.retain(|(known, _)| known != name);
        if self.0.len() < MOST {
            self.0.push((name.to_vec(), value.to_vec()));
        }
        Some(rest)
    }

    /// A command line with what is in the variables that it names.
    pub fn spelled_out<'c>(&self, command: &'c [u8]) -> Cow<'c, [u8]> {
        if self.0.is_empty() || !command.contains(&b'$') {
            return Cow::Borrowed(command);
        }
        let mut out = Vec::with_capacity(command.len());
        let mut rest = command;
        while let Some((before, behind)) = memchr::memchr(b'$', rest).and_then(|at| rest.split_at_checked(at)) {
            out.extend_from_slice(before);
            match self.0.iter().find_map(|(name, value)| Some((value, behind_name(behind, name)?))) {
                Some((value, after)) => {
                    out.extend_from_slice(value);
                    rest = after;
                }
                None => {
                    out.push(b'$');
                    rest = behind.get(1..).unwrap_or(b"");
                }
            }
        }
        out.extend_from_slice(rest);
        Cow::Owned(out)
    }
}

/// What stands behind `$NAME` or `${NAME}`, if a text begins with it.
fn behind_name<'t>(text: &'t [u8], name: &[u8]) -> Option<&'t [u8]> {
    if let Some(rest) = text.strip_prefix(b"${") {
        return rest.strip_prefix(name)?.strip_prefix(b"}");
    }
    let rest = text.strip_prefix(b"$")?.strip_prefix(name)?;
    (!rest.first().is_some_and(is_of_name)).then_some(rest)
}

/// Name, value, and what follows: `# PID=2871; lsof -p $PID`.
fn assigned(line: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let line = line.trim_ascii();
    let equals = memchr::memchr(b'=', line.get(..line.len().min(HEAD))?)?;
    let (head, value) = (line.get(..equals)?, line.get(equals + 1..)?);
    let start = head.iter().rposition(|b| !is_of_name(b))? + 1;
    let (prompt, name) = head.split_at_checked(start)?;
    let prompt = prompt.strip_suffix(b"export ").unwrap_or(prompt);
    let marked = [&b"$ "[..], b"# ", b"% ", b"> "].iter().any(|mark| prompt.ends_with(mark));
    if !marked || name.is_empty() || name.first().is_some_and(u8::is_ascii_digit) {
        return None;
    }
    let end = memchr::memchr(b';', value).unwrap_or(value.len());
    let (value, rest) = value.split_at_checked(end)?;
    let value = value.trim_ascii();
    let rest = rest.strip_prefix(b";").unwrap_or(b"").trim_ascii();
    let asks = |call: &[u8]| matches!(prompt::program(call.trim_ascii()), b"pidof" | b"pgrep");
    let call = value.strip_prefix(b"$(").and_then(|v| v.strip_suffix(b")"));
    let call = call.or_else(|| value.strip_prefix(b"`").and_then(|v| v.strip_suffix(b"`")));
    // A comment may set a number, too.
    let sure = prompt.len() > 2 || prompt == b"$ " || name.to_ascii_lowercase().windows(3).any(|word| word == b"pid");
    (scan::number32(value).is_some() && sure || call.is_some_and(asks)).then_some((name, value, rest))
}

fn is_of_name(byte: &u8) -> bool {
    byte.is_ascii_alphanumeric() || *byte == b'_'
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::formats::testing::facts;

    #[test]
    fn a_process_in_a_variable() {
        let tallies = |text: &str| facts(text).into_iter().filter(|l| l.starts_with("tally")).collect::<Vec<_>>();
        let text = "# AGENT_PID=2871\n# lsof -p $AGENT_PID | wc -l\n1015\n# ls /proc/${AGENT_PID}/fd | wc -l\n1020\n";
        assert_eq!(tallies(text), ["tally (lsof -p 2871 | wc -l) -=1015", "tally (ls /proc/2871/fd | wc -l) -=1020"]);
        let one_line = "[root@a ~]# P=$(pidof relayd); ls /proc/$P/fd | wc -l\n12\n";
        assert_eq!(tallies(one_line), ["tally (ls /proc/$(pidof relayd)/fd | wc -l) -=12"]);
        assert_eq!(tallies("$ P=7\n$ ls /proc/$PID/fd | wc -l\n12\n"), ["tally (ls /proc/$PID/fd | wc -l) -=12"], "another name");
    }

    #[test]
    fn what_is_no_process_is_no_variable() {
        for line in ["# vm.max=12", "# net.core.somaxconn = 128", "# entries=128", "$ A=b", "x=7", "a 1 b=7", "# P=$(cat /run/x.pid)"] {
            assert_eq!(assigned(line.as_bytes()), None, "{line}");
        }
        assert!(assigned(b"$ P=77").is_some() && assigned(b"root@a:~# P=`pgrep -x relayd`").is_some());
    }
}
