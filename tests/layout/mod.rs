//! One incident as other people's collectors would have taken it: the texts of a sample under the names, in the order and in the form that
//! each layout gives them. Only commands that the collector runs are in a bundle.

use crate::sample::Member;

/// A bundle before it is packed.
#[derive(Default)]
pub struct Bundle {
    /// Paths and texts.
    pub members: Vec<(String, String)>,
    /// Symbolic links and their targets.
    pub links: Vec<(String, String)>,
}

/// What one host showed, by the name of the sample's member; samples with members such as `ss-tcp` and `6103/limits`.
pub struct Host {
    texts: Vec<(String, String)>,
    /// The process that has files of its own.
    pub pid: String,
    /// The member that is a program's log, if there is one.
    log: Option<String>,
}

const DATA: &[&str] =
    &["date", "file-nr", "hostname", "lsof", "netstat-s", "ps", "sockstat", "sockstat6", "ss-s", "ss-tcp", "ss-udp", "ss-unix", "uname"];

impl Host {
    /// The host of a sample's members.
    pub fn of(members: &[Member]) -> Host {
        let text = |m: &Member| String::from_utf8_lossy(&m.text).into_owned();
        let texts: Vec<(String, String)> = members.iter().map(|m| (m.path.clone(), text(m))).collect();
        let pid = texts.iter().find_map(|(path, _)| path.strip_suffix("/limits")).unwrap_or("").to_string();
        let log = texts.iter().map(|(path, _)| path).find(|p| !p.contains('/') && !DATA.contains(&p.as_str())).cloned();
        Host { texts, pid, log }
    }

    /// The text of a member.
    pub fn text(&self, name: &str) -> &str {
        self.texts.iter().find(|(path, _)| path == name).map_or("", |(_, text)| text)
    }

    /// A file of the process.
    pub fn of_process(&self, name: &str) -> &str {
        self.text(&format!("{}/{name}", self.pid))
    }

    fn log(&self) -> &str {
        self.log.as_deref().map_or("", |log| self.text(log))
    }

    /// All sockets in one table with a column for the protocol, as `ss -anp` prints them.
    pub fn ss_all(&self) -> String {
        let mut out = String::from("Netid State Recv-Q Send-Q Local Address:Port Peer Address:Port Process\n");
        for (netid, name) in [("tcp", "ss-tcp"), ("udp", "ss-udp"), ("", "ss-unix")] {
            for row in self.text(name).lines().skip(1) {
                out.push_str(&format!("{netid:<5} {row}\n"));
            }
        }
        out
    }

    /// TCP and UDP as `netstat -anp` prints them (with `-e` also user and inode), or `-an` without programs.
    pub fn netstat(&self, programs: bool, extended: bool) -> String {
        let mut out = String::from("Active Internet connections (servers and established)\n");
        out.push_str("Proto Recv-Q Send-Q Local Address           Foreign Address         State      ");
        out.push_str(if extended { " User       Inode     " } else { " " });
        out.push_str(if programs { "PID/Program name\n" } else { "\n" });
        for (proto, name) in [("tcp", "ss-tcp"), ("udp", "ss-udp")] {
            for row in self.text(name).lines().skip(1) {
                out.push_str(&netstat_row(proto, row, programs, extended));
            }
        }
        out
    }
}

fn netstat_row(proto: &str, row: &str, programs: bool, extended: bool) -> String {
    let fields: Vec<&str> = row.split_whitespace().collect();
    let [state, recv, send, local, peer, ..] = fields[..] else { return String::new() };
    let state = match state {
        "ESTAB" => "ESTABLISHED".to_string(),
        "UNCONN" => String::new(),
        other => other.replace("SYN-RECV", "SYN_RECV").replace('-', "_"),
    };
    let part = |from: &str, to: &[char]| row.split_once(from).and_then(|(_, rest)| rest.split(to).next()).unwrap_or("");
    let mut out = format!("{proto:<5} {recv:>6} {send:>6} {local:<23} {peer:<23} {state:<11}");
    if extended {
        let (uid, inode) = (part("uid:", &[' ']), part("ino:", &[' ']));
        out.push_str(&format!(" {:<10} {:<10}", if uid.is_empty() { "0" } else { uid }, if inode.is_empty() { "0" } else { inode }));
    }
    if programs {
        let (name, pid) = (part("((\"", &['"']), part("pid=", &[',', ')']));
        out.push_str(&if pid.is_empty() { " -".to_string() } else { format!(" {pid}/{name}") });
    }
    out + "\n"
}

impl Bundle {
    fn add(&mut self, path: impl Into<String>, text: impl Into<String>) {
        let text = text.into();
        if !text.is_empty() {
            self.members.push((path.into(), text));
        }
    }

    fn link(&mut self, path: &str, target: &str) {
        self.links.push((path.to_string(), target.to_string()));
    }
}

/// sosreport: `/proc/net` is a link, each command a file named by its command line, and a root link to the popular ones. With `tailed` the
/// listing of lsof was too large: only its end is kept, under another name.
pub fn sos(host: &Host, tailed: bool) -> Bundle {
    let top = format!("sosreport-{}-2026-11-24-abcdefg", host.text("hostname").trim());
    let mut b = Bundle::default();
    b.add(format!("{top}/version.txt"), "sosreport: 4.5.6\n");
    b.link(&format!("{top}/proc/net"), "self/net");
    b.link(&format!("{top}/proc/self"), "96008");
    for name in ["sockstat", "sockstat6"] {
        b.add(format!("{top}/proc/96008/net/{name}"), host.text(name));
    }
    b.add(format!("{top}/proc/sys/fs/file-nr"), host.text("file-nr"));
    for name in ["limits", "status"] {
        b.add(format!("{top}/proc/{}/{name}", host.pid), host.of_process(name));
    }
    let network = format!("{top}/sos_commands/networking");
    b.add(format!("{network}/ss_-peaonmi"), host.ss_all());
    b.add(format!("{network}/ss_-s"), host.text("ss-s"));
    b.add(format!("{network}/netstat_-W_-neopa"), host.netstat(true, true));
    b.add(format!("{network}/netstat_-s"), host.text("netstat-s"));
    b.link(&format!("{top}/netstat"), "sos_commands/networking/netstat_-W_-neopa");
    let lsof = "lsof_M_-n_-l_-c";
    if tailed {
        let rest: Vec<&str> = host.text("lsof").lines().skip(7).collect();
        b.add(format!("{top}/sos_strings/process/{lsof}.tailed"), rest.join("\n") + "\n");
        b.link(&format!("{top}/sos_commands/process/{lsof}"), &format!("../../sos_strings/process/{lsof}.tailed"));
    } else {
        b.add(format!("{top}/sos_commands/process/{lsof}"), host.text("lsof"));
    }
    b.link(&format!("{top}/lsof"), &format!("sos_commands/process/{lsof}"));
    b.add(format!("{top}/sos_commands/process/ps_auxwwwm"), host.text("ps"));
    b.link(&format!("{top}/ps"), "sos_commands/process/ps_auxwwwm");
    b.add(format!("{top}/sos_commands/host/hostname"), host.text("hostname"));
    b.add(format!("{top}/sos_commands/date/date"), host.text("date"));
    b.add(format!("{top}/sos_commands/kernel/uname_-a"), host.text("uname"));
    b.add(format!("{top}/var/log/app/app.log"), host.log());
    b.add(format!("{top}/sos_logs/ui.log"), "Running plugins. Please wait ...\n");
    b
}

/// insights-client: lsof and ps keep only lines that some rule asks for, here the header and two of the leaking program's.
pub fn insights(host: &Host) -> Bundle {
    let top = format!("insights-{}-20261124165425", host.text("hostname").trim());
    let filtered = |text: &str| {
        let own = text.lines().skip(1).filter(|l| l.split_whitespace().any(|w| w == host.pid)).take(2);
        text.lines().take(1).chain(own).map(|l| format!("{l}\n")).collect::<String>()
    };
    let commands = format!("{top}/insights_commands");
    let mut b = Bundle::default();
    let two: String = host.ss_all().lines().filter(|l| !l.starts_with("u_")).map(|l| format!("{l}\n")).collect();
    b.add(format!("{commands}/ss_-tupna"), two);
    b.add(format!("{commands}/netstat_-neopa"), host.netstat(true, true));
    b.add(format!("{commands}/netstat_-s"), host.text("netstat-s"));
    b.add(format!("{commands}/lsof"), filtered(host.text("lsof")));
    b.add(format!("{commands}/ps_auxww"), filtered(host.text("ps")));
    b.add(format!("{commands}/date"), host.text("date"));
    b.add(format!("{commands}/hostname"), host.text("hostname"));
    b.add(format!("{commands}/uname_-a"), host.text("uname"));
    b.add(format!("{top}/proc/net/sockstat"), host.text("sockstat"));
    b.add(format!("{top}/insights_archive.txt"), "");
    b
}

/// pt-stalk: a file for each command, named by the time of the trigger; netstat again and again in one file, each after its time.
pub fn pt_stalk(host: &Host) -> Bundle {
    let prefix = "pt-stalk/2026_11_24_16_54_25";
    let repeated =
        |text: &str| (0..3).map(|n| format!("TS {}.004 2026-11-24 16:54:{}\n{text}", 1_795_539_265 + n, 25 + n)).collect::<String>();
    let own = host.text("lsof").lines().skip(1).filter(|l| l.split_whitespace().nth(1) == Some(&host.pid));
    let lsof: String = host.text("lsof").lines().take(1).chain(own).map(|l| format!("{l}\n")).collect();
    let mut b = Bundle::default();
    b.add(format!("{prefix}-netstat"), repeated(&host.netstat(true, false)));
    b.add(format!("{prefix}-netstat_s"), repeated(host.text("netstat-s")));
    b.add(format!("{prefix}-lsof"), lsof);
    b.add(format!("{prefix}-ps"), host.text("ps"));
    b.add(format!("{prefix}-hostname"), host.text("hostname"));
    b.add(format!("{prefix}-strace"), host.of_process("strace"));
    b.add(format!("{prefix}-trigger"), "2026_11_24_16_54_25 Check results: status(Threads_connected)=1001, matched=yes, cycles_true=1\n");
    b
}

/// supportconfig: several commands in one text, each below a line of its own.
pub fn supportconfig(host: &Host) -> Bundle {
    let top = format!("scc_{}_261124_1654", host.text("hostname").trim());
    let section = |command: &str, text: &str| format!("#==[ Command ]======================================#\n# {command}\n{text}\n");
    let file = |path: &str, text: &str| format!("#==[ Configuration File ]===========================#\n# {path}\n{text}\n");
    let absent =
        "#==[ Command ]======================================#\n# /usr/sbin/ethtool\nERROR: Command not found or not executable\n\n";
    let mut b = Bundle::default();
    b.add(
        format!("{top}/basic-environment.txt"),
        section("/bin/date", host.text("date"))
            + &section("/bin/uname -a", host.text("uname"))
            + &section("/bin/hostname", host.text("hostname")),
    );
    b.add(
        format!("{top}/network.txt"),
        absent.to_string()
            + &section("/usr/sbin/ss -s", host.text("ss-s"))
            + &section("/usr/sbin/ss -nap", &host.ss_all())
            + &section("/bin/netstat -s", host.text("netstat-s")),
    );
    b.add(format!("{top}/open-files.txt"), section("/usr/bin/lsof -b -n -l +fg -P -Ki 2>/dev/null", host.text("lsof")));
    b.add(format!("{top}/basic-health-check.txt"), section("/bin/ps auxww", host.text("ps")));
    b.add(
        format!("{top}/proc.txt"),
        file("/proc/net/sockstat", host.text("sockstat"))
            + &file("/proc/net/sockstat6", host.text("sockstat6"))
            + &file("/proc/sys/fs/file-nr", host.text("file-nr")),
    );
    b.add(
        format!("{top}/messages.txt"),
        format!("#==[ Log File ]=====================================#\n# /var/log/app.log\n{}\n", host.log()),
    );
    b
}

/// UAC: `live_response/` with the commands as file names, and its own log.
pub fn uac(host: &Host) -> Bundle {
    let mut b = Bundle::default();
    let (network, process) = ("live_response/network", "live_response/process");
    b.add(format!("{network}/ss_-tanp.txt"), host.text("ss-tcp"));
    b.add(format!("{network}/ss_-uanp.txt"), host.text("ss-udp"));
    b.add(format!("{network}/ss_-anp.txt"), host.ss_all());
    b.add(format!("{network}/netstat_-anp.txt"), host.netstat(true, false));
    b.add(format!("{process}/lsof_-nPl.txt"), host.text("lsof"));
    b.add(format!("{process}/ps_auxwww.txt"), host.text("ps"));
    b.add(format!("{process}/proc/{}/status.txt", host.pid), host.of_process("status"));
    b.add(format!("{process}/proc/{}/cmdline.txt", host.pid), host.of_process("cmdline"));
    b.add("live_response/system/uname_-a.txt", host.text("uname"));
    b.add("live_response/system/hostname.txt", host.text("hostname"));
    b.add("[root]/var/log/app/app.log", host.log());
    b.add("uac.log", "20261124 16:54:25 +0000 CMD ss -tanp\n20261124 16:54:25 +0000 CMD lsof -nPl 2>/dev/null\n");
    b
}

/// The EKS log collector: members begin with `./`.
pub fn eks(host: &Host) -> Bundle {
    let mut b = Bundle::default();
    b.add("./system/netstat.txt", host.netstat(true, false));
    b.add("./system/ps.txt", host.text("ps"));
    b.add("./sysctls/sysctl_all.txt", "fs.file-max = 2466193\nnet.ipv4.tcp_max_orphans = 131072\n");
    b.add("./networking/conntrack.txt", "*** Output of conntrack -S ***\ncpu=0   found=0 invalid=0 insert=0 insert_failed=0 drop=0\n");
    b.add("./kernel/dmesg.current", "[    0.000000] Linux version 6.18.44\n");
    b
}

/// Elastic's support-diagnostics: tables without owners.
pub fn elastic(host: &Host) -> Bundle {
    let top = "local-diagnostics-20261124-165425/syscalls";
    let unowned: String = host.ss_all().lines().map(|l| l.split(" users:").next().unwrap_or(l).to_string() + "\n").collect();
    let mut b = Bundle::default();
    b.add(format!("{top}/netstat.txt"), host.netstat(false, false));
    b.add(format!("{top}/ss.txt"), unowned);
    b.add(format!("{top}/process-list.txt"), host.text("ps"));
    b.add(format!("{top}/proc-limit.txt"), host.of_process("limits"));
    b.add(format!("{top}/sysctl.txt"), "fs.file-max = 2466193\n");
    b
}

/// Everything pasted into one text, each after its command at a prompt.
pub fn paste(host: &Host) -> String {
    let pid = &host.pid;
    let commands = [
        ("date".to_string(), host.text("date")),
        ("hostname".to_string(), host.text("hostname")),
        ("uname -a".to_string(), host.text("uname")),
        ("ss -s".to_string(), host.text("ss-s")),
        ("cat /proc/net/sockstat".to_string(), host.text("sockstat")),
        ("cat /proc/net/sockstat6".to_string(), host.text("sockstat6")),
        ("ss -tanpoe".to_string(), host.text("ss-tcp")),
        ("lsof -nP".to_string(), host.text("lsof")),
        ("ps auxww".to_string(), host.text("ps")),
        (format!("cat /proc/{pid}/limits"), host.of_process("limits")),
        (format!("strace -f -tt -T -p {pid}"), host.of_process("strace")),
        ("tail /var/log/app.log".to_string(), host.log()),
    ];
    let shown = commands.iter().filter(|(_, text)| !text.is_empty());
    shown.map(|(command, text)| format!("[root@host ~]# {command}\n{}\n", text.trim_end_matches('\n'))).collect()
}
