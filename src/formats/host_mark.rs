//! Lines that say of which host the following is, so that hosts in one text are never taken for one.
//!
//! ```text
//! [root@web1 ~]# ss -s                      a prompt
//! [2] 10:22:31 [SUCCESS] app2               pssh
//! app2 | CHANGED | rc=0 >>                  ansible
//! == app2                                   what a loop over hosts prints: for h in app1 app2; do echo "== $h"; ssh $h ss -s; done
//! $ kubectl exec cart-7f9c8 -- ss -tan      a pod
//! ```

use super::prompt;
use super::scan::{Fields, contains};
use bstr::ByteSlice as _;

/// The longest name of a host that is believed.
const LONGEST: usize = 128;

/// The host whose output follows a line that is no prompt; `command` is what was last typed.
pub fn banner<'l>(line: &'l [u8], command: &[u8]) -> Option<&'l [u8]> {
    let line = line.trim_ascii_end();
    if line.len() > LONGEST + 64 {
        return None;
    }
    if let Some(host) = pssh(line).or_else(|| ansible(line)) {
        return Some(host);
    }
    let name = unframed(line);
    let framed = name.len() < line.len();
    if let Some(host) = name.strip_prefix(b"host ").filter(|_| framed).map(<[u8]>::trim_ascii) {
        return is_host(host).then_some(host);
    }
    let of_salt = command.starts_with(b"salt ") && line.ends_with(b":");
    let looped = goes_over_hosts(command) && (framed || line.starts_with(b"pod/"));
    ((of_salt || looped) && is_host(name)).then_some(name)
}

/// Whether a command line runs another on each of several hosts or pods.
pub fn goes_over_hosts(command: &[u8]) -> bool {
    let looped = command.starts_with(b"for ") || command.starts_with(b"while ");
    looped && [&b"ssh "[..], b"kubectl ", b"docker exec "].iter().any(|word| contains(command, word))
}

/// The host that a prompt names: `user@host` in front of the command.
pub fn of_prompt(line: &[u8]) -> Option<&[u8]> {
    let head = line.get(..line.len().min(80))?;
    let command = prompt::command(line)?;
    let typed = command.as_ptr().addr().checked_sub(line.as_ptr().addr())?;
    let prompt = head.get(..typed.min(head.len()))?;
    let (user, rest) = prompt.split_at_checked(memchr::memchr(b'@', prompt)?)?;
    let host = rest.get(1..)?;
    let end = host.iter().position(|b| !is_of_name(*b)).unwrap_or(host.len());
    let host = host.get(..end)?;
    (user.last().is_some_and(|b| is_of_name(*b)) && is_host(host)).then_some(host)
}

/// The pod or container that a command runs in: `kubectl exec -n shop cart-7f9c8 -- ss -s`, `docker exec web ss -s`.
pub fn of_exec(line: &[u8]) -> Option<&[u8]> {
    let at = [&b"kubectl "[..], b"oc ", b"docker ", b"podman "].iter().find_map(|word| memchr::memmem::find(line, word))?;
    let rest = line.get(at..)?;
    let mut words = Fields::new(rest.get(memchr::memmem::find(rest, b" exec ")? + 6..)?);
    while let Some(word) = words.next() {
        match word {
            b"-n" | b"-c" | b"-u" | b"--namespace" | b"--container" | b"--user" => drop(words.next()),
            _ if word.starts_with(b"-") => {}
            name => return is_host(name).then_some(name),
        }
    }
    None
}

/// `[2] 10:22:31 [SUCCESS] app2`.
fn pssh(line: &[u8]) -> Option<&[u8]> {
    let mut words = Fields::new(line);
    let (number, clock, how, host) = (words.next()?, words.next()?, words.next()?, words.next()?);
    let numbered = number.starts_with(b"[") && number.ends_with(b"]") && clock.get(2) == Some(&b':');
    (numbered && matches!(how, b"[SUCCESS]" | b"[FAILURE]") && is_host(host)).then_some(host)
}

/// `app2 | CHANGED | rc=0 >>`.
fn ansible(line: &[u8]) -> Option<&[u8]> {
    let (host, rest) = line.split_at_checked(memchr::memmem::find(line, b" | ")?)?;
    let told = [&b" | CHANGED"[..], b" | SUCCESS", b" | FAILED", b" | UNREACHABLE!"].iter().any(|word| rest.starts_with(word));
    (told && is_host(host)).then_some(host)
}

fn is_of_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_')
}

fn is_host(name: &[u8]) -> bool {
    let name = name.strip_prefix(b"pod/").unwrap_or(name);
    let named = name.len() <= LONGEST && name.iter().all(|&b| is_of_name(b));
    named && name.first().is_some_and(u8::is_ascii_alphanumeric) && name.iter().any(u8::is_ascii_alphabetic)
}

/// A heading without what frames it: `=== app2 ===`, `-- app2`, `app2:`.
fn unframed(line: &[u8]) -> &[u8] {
    line.trim_with(|c| matches!(c, '=' | '-' | '#' | '*' | '>' | '<' | ':' | ' '))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_that_name_a_host() {
        let over = b"for h in app1 app2; do echo \"== $h\"; ssh $h ss -s; done";
        for (line, command, host) in [
            ("[2] 10:22:31 [SUCCESS] app2", &b""[..], Some("app2")),
            ("[3] 10:22:34 [FAILURE] app3 Exited with error code 255", b"", Some("app3")),
            ("app2 | CHANGED | rc=0 >>", b"", Some("app2")),
            ("== app2", over, Some("app2")),
            ("=== app2.corp.local ===", over, Some("app2.corp.local")),
            ("pod/cart-7f9c8-abcde", over, Some("pod/cart-7f9c8-abcde")),
            ("-- host app1", b"", Some("app1")),
            ("mq1.corp.local:", b"salt 'mq*' cmd.run 'netstat -antp'", Some("mq1.corp.local")),
            ("== app2", b"ss -s", None),
            ("app2", over, None),
            ("Tcp:", b"netstat -s", None),
            ("TCP:   143 (estab 88, closed 23, orphaned 0, timewait 20)", over, None),
            ("--", over, None),
        ] {
            assert_eq!(banner(line.as_bytes(), command), host.map(str::as_bytes), "{line}");
        }
    }

    #[test]
    fn hosts_of_prompts_and_pods() {
        for (line, host) in [
            ("[root@web1 ~]# ss -s", Some("web1")),
            ("root@web-1.corp:/srv# ss -s", Some("web-1.corp")),
            ("apps@app2:~> sudo lsof -nP -p 4471", Some("app2")),
            ("[16:54:25] root@web-1:~# cat /proc/7/limits", Some("web-1")),
            ("$ ssh root@web2 ss -s", None),
            ("web1:~ # ss -tan", None),
            ("sockets: used 9", None),
        ] {
            assert_eq!(of_prompt(line.as_bytes()), host.map(str::as_bytes), "{line}");
        }
        for (line, pod) in [
            ("$ kubectl exec -it -n shop cart-7f9c8 -c app -- ss -s", Some("cart-7f9c8")),
            ("# docker exec web ss -s", Some("web")),
            ("$ for p in a b; do kubectl exec $p -- ss -s; done", None),
            ("$ ss -s", None),
        ] {
            assert_eq!(of_exec(line.as_bytes()), pod.map(str::as_bytes), "{line}");
        }
    }
}
