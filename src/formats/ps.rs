//! `ps` in all its layouts: procps `auxww`, `-ef`, `-eLf`, `-eo ...`, `-L -o`, `axwwwm`, BusyBox, and rows kept by grep without a header.
//!
//! ```text
//! USER       PID %CPU %MEM    VSZ   RSS TTY      STAT START   TIME COMMAND
//! root     29956  0.0  0.0 239928 15276 ?        Ssl  14:19   0:00 /usr/bin/java -jar x.jar
//! UID        PID  PPID   LWP  C NLWP STIME TTY          TIME CMD
//! root     29956     1 30080  0    4 14:19 ?        00:00:00 /usr/bin/java -jar x.jar
//! PID   USER     COMMAND
//! 29956 root     {java} /usr/bin/python3 x.py
//! ```
//!
//! The header names the columns; the command is the rest of the line. Quirks: a long user is cut (`verylon+`) or printed as a uid; start
//! is `14:19`, `Nov22` or `2015`, `STARTED` has up to five words; kernel threads and processes without arguments are `[kworker/0:1]`,
//! zombies end with ` <defunct>`; BusyBox writes `{comm}` before arguments that do not begin with it; threads have a row each (`LWP`,
//! `TID`, `SPID`), or one with `-` for a pid; pt-stalk puts `TS <epoch>` lines between samples. `COMMAND` and `CMD` may be arguments or
//! the kernel's name, which only the layout or the options tell.

use super::{Fit, Format, Hint, Parser, Probe, Taken, prompt, scan};
use crate::facts::{At, Note, NoteKind, Process, Sink};

mod columns;

use columns::{Layout, Row};

/// The process list.
pub struct Ps;

struct Reading {
    layout: Option<Layout>,
    options: Vec<u8>,
    /// The layout that the command asks for, once a row has no header.
    asked: Option<Option<Layout>>,
}

impl Format for Ps {
    fn id(&self) -> &'static str {
        "ps"
    }

    fn title(&self) -> &'static str {
        "ps of procps and BusyBox"
    }

    fn fit(&self, probe: &Probe<'_>) -> Fit {
        let mut rows = probe.rows().filter(|l| sample_time(l).is_none());
        match rows.next() {
            Some(line) if Layout::of_header(line, b"").is_some() => Fit::Sure,
            Some(line) if Layout::of_row(line).is_some() => Fit::Likely,
            _ => Fit::No,
        }
    }

    fn opens(&self, line: &[u8]) -> bool {
        Layout::of_header(line, b"").is_some() || Layout::of_row(line).is_some()
    }

    fn printed_by(&self, command: &[u8]) -> bool {
        prompt::program(command) == b"ps" && !prompt::counts(command)
    }

    fn parser(&self, hint: &Hint<'_>) -> Box<dyn Parser> {
        // The options may be in the name of the member: `ps_-eo_pid_ppid_comm_nlwp`.
        let options = if prompt::program(hint.command) == b"ps" { hint.command } else { hint.path.as_bytes() };
        Box::new(Reading { layout: None, asked: None, options: options.to_vec() })
    }
}

impl Parser for Reading {
    fn line(&mut self, at: At<'_>, sink: &mut dyn Sink) -> Taken {
        let line = at.text.trim_ascii_end();
        if line.is_empty() {
            return Taken::Noise;
        }
        if let Some(time) = sample_time(line) {
            sink.note(at, &Note { kind: NoteKind::SampleStart, pid: None, text: time });
            return Taken::Noise;
        }
        let row = self.layout.as_ref().map_or(Row::Other, |layout| layout.row(line));
        match row {
            Row::Process(process) => {
                sink.process(at, &process);
                return Taken::Row;
            }
            Row::ThreadOnly => return Taken::Noise,
            Row::Other => {}
        }
        if let Some(layout) = Layout::of_header(line, &self.options) {
            self.layout = Some(layout);
            sink.note(at, &Note { kind: NoteKind::TableStart, pid: None, text: b"" });
            return Taken::Noise;
        }
        self.headless(line, at, sink)
    }
}

impl Reading {
    /// A row that grep kept without its header.
    fn headless(&mut self, line: &[u8], at: At<'_>, sink: &mut dyn Sink) -> Taken {
        if self.layout.is_some() {
            return Taken::Unknown;
        }
        if self.asked.is_none() {
            self.asked = Some(Layout::of_options(&self.options));
        }
        let asked = self.asked.as_ref().and_then(Option::as_ref).and_then(|layout| layout.process(line));
        match Layout::of_row(line).map(|layout| layout.process(line)).or(asked.map(Some)) {
            Some(Some(process)) => {
                sink.process(at, &process);
                Taken::Row
            }
            _ => Taken::Unknown,
        }
    }
}

impl Layout {
    fn process<'a>(&self, line: &'a [u8]) -> Option<Process<'a>> {
        match self.row(line) {
            Row::Process(process) => Some(process),
            _ => None,
        }
    }
}

/// The time of pt-stalk's line between two samples: `TS 1425988800.004 2015-03-10 12:00:00`.
pub(super) fn sample_time(line: &[u8]) -> Option<&[u8]> {
    let time = scan::Fields::new(line.strip_prefix(b"TS ")?).next()?;
    let whole = time.split(|&b| b == b'.').next()?;
    (scan::number(whole)? > 1_000_000).then_some(time)
}

#[cfg(test)]
mod tests {
    use crate::facts::{At, MemberId, Process, Sink};
    use crate::formats::{
        reader::read_text,
        testing::{facts, told_as},
    };

    #[derive(Default)]
    struct Kept(Vec<(u32, Option<u8>, String)>);

    impl Sink for Kept {
        fn process(&mut self, _at: At<'_>, p: &Process<'_>) {
            self.0.push((p.pid, p.state, String::from_utf8_lossy(p.started).into_owned()));
        }
    }

    #[test]
    fn rows_of_columns_that_were_asked_for() {
        let rows = "53297 Thu Mar  3 09:31:20 2016 /usr/sbin/relayd -R -d /etc/relayd.ini\n";
        let read = processes(&format!("$ ps -eo pid,lstart,cmd | grep [r]elayd\n{rows}"));
        assert!(read[0].contains("53297") && read[0].contains("cmdline=/usr/sbin/relayd -R"), "{read:?}");
        assert!(processes(&format!("$ ps aux | grep [r]elayd\n{rows}")).is_empty());
        assert!(processes("$ ps -o args= -p 7\n12 monkeys\n").is_empty());
    }

    fn processes(text: &str) -> Vec<String> {
        facts(text).into_iter().filter(|l| l.starts_with("process ")).collect()
    }

    fn started(text: &str) -> Vec<(u32, Option<u8>, String)> {
        let mut kept = Kept::default();
        read_text(MemberId(0), "x", text.as_bytes(), &mut kept);
        kept.0
    }

    const AUX: &str = "USER       PID %CPU %MEM    VSZ   RSS TTY      STAT START   TIME COMMAND\n";

    #[test]
    fn aux() {
        let text = format!("{AUX}verylon+ 29956  0.0  0.0 239928 15276 ?        Ssl  Nov22   0:00 /usr/bin/java -jar x.jar\n");
        assert_eq!(processes(&text), ["process pid=29956 ppid=- user=verylon+ command=- cmdline=/usr/bin/java -jar x.jar threads=- tid=-"]);
        assert_eq!(started(&text), [(29956, Some(b'S'), "Nov22".into())]);
    }

    #[test]
    fn kernel_threads_and_zombies_show_the_kernels_name() {
        let text = format!(
            "{AUX}root 9 0.0 0.0 0 0 ? I< 2015 0:00 [kworker/0:1]\nroot 7 0.0 0.0 0 0 ? Z 09:41 0:00 [java] <defunct>\n\
             root 8 0.0 0.0 0 0 ? Z 09:41 0:00 java <defunct>\nroot 6 0.0 0.0 0 0 ? S 09:41 0:00 [x] not a kernel thread\n"
        );
        let read = processes(&text);
        assert!(read[0].contains("command=kworker/0:1 cmdline=[kworker/0:1]"), "{read:?}");
        assert!(read[1].contains("command=java "), "{read:?}");
        assert!(read[2].contains("command=java "), "{read:?}");
        assert!(read[3].contains("command=- "), "{read:?}");
    }

    #[test]
    fn threads_have_a_row_each() {
        let text = "UID        PID  PPID   LWP  C NLWP STIME TTY          TIME CMD\nroot     29956     1 30080  0    4 14:19 ?        00:00:00 java x\n";
        assert_eq!(processes(text), ["process pid=29956 ppid=1 user=root command=- cmdline=java x threads=4 tid=30080"]);
        let (told, reading) =
            told_as("ps_auxwwwm", &format!("{AUX}root 9 0.0 0.0 0 0 ? - 14:19 0:00 /bin/x\nroot - 0.0 - - - - Ssl 14:19 0:00 -\n"));
        assert_eq!(told.lines.iter().filter(|l| l.starts_with("process")).count(), 1);
        assert_eq!(reading.unparsed(), 0);
    }

    #[test]
    fn thread_names_under_o() {
        let text = "  PID   TID STAT WCHAN                    COMMAND\n29956 30080 Ssl  hrtimer_nanosleep        GC Thread#0\n";
        assert_eq!(processes(text), ["process pid=29956 ppid=- user=- command=GC Thread#0 cmdline=- threads=- tid=30080"]);
    }

    #[test]
    fn busybox() {
        let text = "PID   USER     COMMAND\n29957 root     {My App (1) x} /usr/bin/python3 x.py\n1 root     /sbin/init\n";
        assert_eq!(
            processes(text),
            [
                "process pid=29957 ppid=- user=root command=My App (1) x cmdline=/usr/bin/python3 x.py threads=- tid=-",
                "process pid=1 ppid=- user=root command=- cmdline=/sbin/init threads=- tid=-",
            ]
        );
        let vsz = "PID   USER     VSZ STAT COMMAND\n   12 root     1234 S <  /bin/x y\n";
        assert!(processes(vsz)[0].contains("cmdline=/bin/x y"), "{:?}", processes(vsz));
    }

    #[test]
    fn rows_without_a_header() {
        let aux = "statsd   21466 36.1  0.0 1251008 35011 ?       Ssl  09:41   9:12 statsd /opt/statsd/config.js\n";
        assert_eq!(processes(aux), ["process pid=21466 ppid=- user=statsd command=- cmdline=statsd /opt/statsd/config.js threads=- tid=-"]);
        let ef = "$ ps -ef | grep java\nroot     29956     1  0 2015 ?        1-02:03:04 java x\n";
        assert_eq!(processes(ef), ["process pid=29956 ppid=1 user=root command=- cmdline=java x threads=- tid=-"]);
        let threads = "root     29956     1 30080  0    4 14:19 pts/0        00:00:00 java x\n";
        assert_eq!(processes(threads), ["process pid=29956 ppid=1 user=root command=- cmdline=java x threads=4 tid=30080"]);
    }

    #[test]
    fn words_of_the_start_time() {
        let text =
            "  PID                  STARTED CMD\n 12 Sun Nov 22 14:19:01 2026 /bin/a b\n 13   Nov 22 /bin/c d\n 14 14:19:01 /bin/e f\n";
        assert_eq!(
            started(text),
            [(12, None, "Sun Nov 22 14:19:01 2026".into()), (13, None, "Nov 22".into()), (14, None, "14:19:01".into())]
        );
        assert!(processes(text)[1].contains("cmdline=/bin/c d"));
    }

    #[test]
    fn a_name_may_stand_before_other_columns() {
        let text = "  PID  PPID COMMAND         NLWP\n 4684     1 tmux: server       3\n";
        assert_eq!(processes(text), ["process pid=4684 ppid=1 user=- command=tmux: server cmdline=- threads=3 tid=-"]);
        let both = "  PID COMMAND         COMMAND\n 4684 tmux: server    tmux new -s a\n";
        assert_eq!(processes(both), ["process pid=4684 ppid=- user=- command=tmux: server cmdline=tmux new -s a threads=- tid=-"]);
    }

    #[test]
    fn plain_ps_prints_names() {
        let text = "    PID TTY          TIME CMD\n   4684 pts/0    00:00:00 bash\n";
        assert!(processes(text)[0].contains("command=bash cmdline=-"));
        assert!(processes("$ ps -eo pid,args\n  PID COMMAND\n 4684 bash\n")[0].contains("command=- cmdline=bash"));
    }

    #[test]
    fn a_cut_row_gives_what_is_whole() {
        let (told, reading) = told_as("x", &format!("{AUX}root     29956  0.0  0.0 2399"));
        assert_eq!(told.lines.last().unwrap(), "process pid=29956 ppid=- user=root command=- cmdline=- threads=- tid=-");
        assert_eq!(reading.unparsed(), 0);
    }

    #[test]
    fn trees_are_no_part_of_the_command() {
        let text = format!("{AUX}root 9 0.0 0.0 0 0 ? S 14:19 0:00  |   \\_ /bin/x y\n");
        assert!(processes(&text)[0].contains("cmdline=/bin/x y "), "{:?}", processes(&text));
    }

    #[test]
    fn samples_of_pt_stalk() {
        let text = "TS 1425988800.004002 2015-03-10 12:00:00\nUID        PID  PPID  C    SZ   RSS PSR STIME TTY          TIME CMD\nroot 1 0 0 99 98 1 Mar01 ? 00:00:01 /sbin/init\n";
        let lines = facts(text);
        assert_eq!(lines[0], "note sample pid=- 1425988800.004002");
        assert_eq!(lines.last().unwrap(), "process pid=1 ppid=0 user=root command=- cmdline=/sbin/init threads=- tid=-");
    }

    #[test]
    fn tables_of_other_tools_are_not_ours() {
        for text in [
            "COMMAND     PID     USER   FD      TYPE             DEVICE SIZE/OFF     NODE NAME\njava 4684 apps 3u IPv4 1 0t0 TCP *:1\n",
            "java        4684      apps *280u     sock                0,6       0t0 675441359 can't identify protocol\n",
            "PID of the process\n",
        ] {
            assert!(processes(text).is_empty(), "{text}");
        }
    }
}
