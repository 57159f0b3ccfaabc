//! What a capture says of one process, put together from all its members.

use super::holding::FdList;
use super::naming;
use super::quote::Quote;
use crate::facts::LimitValue;
use std::collections::BTreeMap;

/// Stands for the process of a listing that does not say whose it is: the kernel gives this number to none that holds anything.
pub const UNNAMED: u32 = 0;

/// One process.
#[derive(Debug, Default)]
pub struct Proc {
    /// The kernel's name (`comm`), the longest spelling seen.
    pub command: String,
    /// How good the source of that name is: netstat prints the program's argument instead, lsof cuts, the kernel's own files are right.
    pub command_rank: u8,
    /// The user.
    pub user: String,
    /// The command line.
    pub cmdline: String,
    /// Where the command line stands.
    pub cmdline_at: Option<Quote>,
    /// Parent.
    pub ppid: Option<u32>,
    /// Number of threads.
    pub threads: Option<u32>,
    /// When started, as printed.
    pub started: String,
    /// State letter.
    pub state: Option<u8>,
    /// Slots of the descriptor table, which never shrinks.
    pub fd_size: Option<(u32, Quote)>,
    /// Descriptors as a source counts them.
    pub fd_count: Option<(u32, Quote)>,
    /// Soft and hard limit of open files.
    pub nofile: Option<(LimitValue, LimitValue, Quote)>,
    /// Network namespace.
    pub netns: Option<(String, Quote)>,
    /// cgroup path.
    pub cgroup: Option<String>,
    /// Executable.
    pub exe: Option<String>,
    /// What it sleeps in.
    pub wchan: Option<(String, Quote)>,
    /// The row that says that its descriptors could not be read.
    pub denied: Option<Quote>,
    /// Rows that name threads of it and their own name (ps -L, lsof -K).
    pub thread_rows: u64,
    /// Listings of its descriptors.
    pub lists: Vec<FdList>,
}

impl Proc {
    /// Whether a signal or a debugger has stopped it.
    pub fn is_stopped(&self) -> bool {
        matches!(self.state, Some(b'T' | b't'))
    }

    /// The name people use: main class, script or executable, and what else the command line tells.
    pub fn program(&self) -> String {
        program_of(&self.command, &self.cmdline)
    }

    /// All that is told of it but the listings of its descriptors.
    pub(super) fn told(&self) -> Proc {
        Proc {
            command: self.command.clone(),
            command_rank: self.command_rank,
            user: self.user.clone(),
            cmdline: self.cmdline.clone(),
            cmdline_at: self.cmdline_at.clone(),
            started: self.started.clone(),
            fd_size: self.fd_size.clone(),
            fd_count: self.fd_count.clone(),
            nofile: self.nofile.clone(),
            netns: self.netns.clone(),
            cgroup: self.cgroup.clone(),
            exe: self.exe.clone(),
            wchan: self.wchan.clone(),
            denied: self.denied.clone(),
            lists: Vec::new(),
            ..*self
        }
    }

    /// Takes over what another part of the same capture says of it.
    pub(super) fn absorb(&mut self, other: Proc) {
        naming::name_it(self, other.command.as_bytes(), other.command_rank);
        if other.cmdline.len() > self.cmdline.len() {
            self.cmdline = other.cmdline;
            self.cmdline_at = other.cmdline_at;
        }
        if self.user.is_empty() {
            self.user = other.user;
        }
        if self.started.is_empty() {
            self.started = other.started;
        }
        self.ppid = self.ppid.or(other.ppid);
        self.threads = self.threads.or(other.threads);
        self.state = self.state.or(other.state);
        self.fd_size = self.fd_size.take().or(other.fd_size);
        self.fd_count = self.fd_count.take().or(other.fd_count);
        self.nofile = self.nofile.take().or(other.nofile);
        self.netns = self.netns.take().or(other.netns);
        self.cgroup = self.cgroup.take().or(other.cgroup);
        self.exe = self.exe.take().or(other.exe);
        self.wchan = self.wchan.take().or(other.wchan);
        self.denied = self.denied.take().or(other.denied);
        self.thread_rows += other.thread_rows;
        self.lists.extend(other.lists);
    }
}

/// What a command line really runs: the main class or jar of a JVM, the script of an interpreter, else the executable.
pub fn program_of(command: &str, cmdline: &str) -> String {
    let words: Vec<&str> = cmdline.split([' ', '\0']).filter(|w| !w.is_empty()).collect();
    let Some(first) = words.first() else { return command.to_string() };
    let base = base_name(first);
    let arguments = || words.iter().skip(1).copied();
    match interpreter(base) {
        Some(Interpreter::Java) => java_main(&words).unwrap_or_else(|| base.to_string()),
        Some(Interpreter::Script) => {
            let mut rest = arguments();
            while let Some(word) = rest.next() {
                match word {
                    "-m" | "-jar" => return rest.next().map_or(base.to_string(), str::to_string),
                    "-c" | "-e" => return format!("{base} {word}"),
                    "-X" | "-W" | "-r" | "--require" => {
                        rest.next();
                    }
                    w if w.starts_with('-') => {}
                    w => return w.to_string(),
                }
            }
            base.to_string()
        }
        None => first.trim_end_matches(':').to_string(),
    }
}

/// Whether a command is an interpreter's, so that it tells not what runs.
pub fn is_interpreter(command: &str) -> bool {
    interpreter(base_name(command)).is_some()
}

enum Interpreter {
    Java,
    Script,
}

fn interpreter(base: &str) -> Option<Interpreter> {
    let stem = base.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.');
    match stem {
        "java" => Some(Interpreter::Java),
        "python" | "node" | "nodejs" | "ruby" | "perl" | "php" | "php-cgi" | "bash" | "sh" | "dash" | "mono" | "dotnet" | "uwsgi"
        | "pypy" => Some(Interpreter::Script),
        _ => None,
    }
}

/// The main class, jar or source of a `java` command line.
fn java_main(words: &[&str]) -> Option<String> {
    let mut rest = words.iter().skip(1);
    while let Some(word) = rest.next() {
        match *word {
            "-cp" | "-classpath" | "--class-path" | "-p" | "--module-path" | "--add-opens" | "--add-exports" | "--add-modules" => {
                rest.next();
            }
            "-jar" | "-m" | "--module" => return rest.next().map(|w| w.to_string()),
            w if w.starts_with('-') || w.starts_with('@') => {}
            w => return Some(w.to_string()),
        }
    }
    None
}

/// Gives a limit of open files to the only process that is named so, which may have one already; whether there was one.
pub fn give_limit(processes: &mut BTreeMap<u32, Proc>, named: impl Fn(&Proc) -> bool, limit: LimitValue, at: &Quote) -> bool {
    let mut all = processes.values_mut().filter(|p| named(p));
    match (all.next(), all.next()) {
        (Some(only), None) => {
            only.nofile.get_or_insert_with(|| (limit, limit, at.clone()));
            true
        }
        _ => false,
    }
}

/// The last component of a path.
pub fn base_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

#[cfg(test)]
mod tests {
    use super::program_of;

    #[test]
    fn programs_as_people_know_them() {
        for (command, cmdline, want) in [
            ("java", "java -Xmx1g -cp /opt/a.jar:/opt/b.jar com.acme.logship.agent.Main --conf x", "com.acme.logship.agent.Main"),
            ("java", "/usr/bin/java -Dx=y -jar /opt/app.jar", "/opt/app.jar"),
            ("python3", "python3 /home/ops/hooks/hookrelay.py /home/ops/hooks/relay.json", "/home/ops/hooks/hookrelay.py"),
            ("python3", "python3 -u -m http.server 80", "http.server"),
            ("node", "node --max-old-space-size=100 /srv/feed.js", "/srv/feed.js"),
            ("nginx", "nginx: worker process", "nginx"),
            ("apiserver", "/usr/sbin/apiserver\0-c\0/etc/x", "/usr/sbin/apiserver"),
            ("kworker", "", "kworker"),
        ] {
            assert_eq!(program_of(command, cmdline), want, "{cmdline}");
        }
    }
}
