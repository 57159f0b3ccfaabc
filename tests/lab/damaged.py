"""Captures that are cut, incomplete, translated or of poorer tools. The first half reworks captures made before."""
import re

from lab import read_tree, scenario
from leaks import OPEN_NOISE, TCP_NOISE, accept, refuse


def rework(name, base, title, change, expect, rename=lambda path: path):
    def run(lab):
        source = lab.dir.parent / base
        tree = read_tree(source / "capture.tgz")
        text = (source / "expect.yaml").read_text()
        lab.pid = int(re.search(r"pid: (\d+)", text)[1])
        lab.count = int(re.search(r"about: (\d+)", text)[1])
        lab.command = re.search(r"command: (\S+),", text)[1]
        changed = ((path, change(path, data)) for path, data in tree.items())
        lab.tree = {rename(path): data for path, data in changed if data is not None}
        lab.truth["made_of"] = base
        expect(lab)
    run.__doc__ = title
    scenario(name)(run)


def leaking(codes, kinds, remote=None, process=True, verdicts=("leak",), within=3, never=TCP_NOISE):
    def expect(lab):
        lab.verdict(*verdicts)
        who = {"command": lab.command, "pid": lab.pid} if process else None
        lab.finding(codes, who, kinds, lab.count, within, remote, cls="leak")
        lab.never(*never, process=["sshd", "chronyd"])
    return expect


def survives(*never):
    def expect(lab):
        lab.verdict("leak", "inconclusive", "exhaustion")
        lab.expect["survives"] = True
        if never:
            lab.never(*never, process=["sshd", "chronyd"])
    return expect


def only(*names):
    return lambda path, data: data if any(re.search(n, path) for n in names) else None


FAILED = leaking("connect-failed-not-closed", "closed", "10.40.1.9:6514")
FEED = leaking("peer-closed-not-closed", "close-wait", "10.49.4.7:8000", never=OPEN_NOISE)

rework("cut-every-file", "refused-py", "Every file ends in the middle of a line at 70 % of its size.", lambda p, d: d[: len(d) * 7 // 10],
       survives("close-wait", "time-wait-buildup", "kernel-leak"))
rework("cut-head", "refused-py", "Every file lost its first third: no headers.", lambda p, d: d[len(d) // 3 :], survives("close-wait", "kernel-leak"))
rework("crlf", "refused-py", "Every file with CRLF line ends.", lambda p, d: d.replace(b"\n", b"\r\n"), FAILED)
rework("bom", "refused-py", "Every file with a byte-order mark.", lambda p, d: b"\xef\xbb\xbf" + d, FAILED)
rework("utf16", "refused-py", "Every file as UTF-16, as a Windows console saves it.", lambda p, d: d.decode(errors="replace").encode("utf-16"),
       survives("close-wait", "kernel-leak"))
rework("some-empty", "refused-py", "ss, netstat and sockstat are empty files; lsof, strace and the log remain.",
       lambda p, d: b"" if re.match(r"ss-|netstat|sockstat", p) else d, FAILED)
rework("only-lsof", "refused-py", "lsof alone: who and how many, the cause is open.", only(r"^lsof"),
       leaking(["unknown", "connect-failed-not-closed", "never-connected", "owner-not-visible", "reset-not-closed", "shutdown-not-closed"],
               ["closed", "unidentified"], verdicts=("leak", "inconclusive")))
rework("only-ss-s", "refused-py", "ss -s alone: how many, not who.", only(r"^ss-s"),
       leaking(["unknown", "owner-not-visible"], "closed", process=False, verdicts=("leak", "inconclusive"), within=4))
rework("only-strace", "refused-py", "strace alone: the mechanism, not the number.", only(r"strace"),
       lambda lab: (lab.verdict("leak", "inconclusive"), lab.finding("connect-failed-not-closed", {"pid": lab.pid}, optional=True), lab.never(*TCP_NOISE)))
rework("only-netstat-log", "peer-closed-py", "netstat and the log only, out of a longer paste.", lambda p, d: pasted(d, "netstat -natp", "tail"), FEED)
rework("only-fd", "refused-py", "ls -l of the fd directory and sockstat only.", only(r"/fd$", r"^sockstat"),
       lambda lab: (lab.verdict("leak", "inconclusive"), lab.finding(["unknown", "connect-failed-not-closed", "never-connected", "owner-not-visible"],
                    {"pid": lab.pid}, ["closed", "unidentified"], lab.count, 4, cls="leak"), lab.never(*TCP_NOISE)))
rework("lsof-and-ss-s", "refused-einprogress", "lsof and ss -s only.", only(r"lsof", r"ss_-s"),
       leaking(["unknown", "connect-failed-not-closed", "never-connected", "reset-not-closed", "shutdown-not-closed"], "closed", verdicts=("leak",)))
rework("only-ss-tcp", "accept-close-wait", "ss -tanpoe alone: the CLOSE_WAIT rows name owner and side.", only(r"^ss-tcp"),
       leaking("accept-not-closed", "close-wait", never=OPEN_NOISE, within=4))
rework("only-lsof-inherited", "inherited-both", "lsof alone: the same inodes under two programs.", only(r"lsof"),
       leaking("fd-inherited", "established", "10.57.2.3:3306", never=["closed", "close-wait", "kernel-leak"], verdicts=("leak", "inconclusive")))
rework("only-ps-limits", "refused-py", "ps, limits and status only: nothing about sockets.", only(r"^ps$", r"/limits", r"/status"),
       lambda lab: (lab.verdict("inconclusive"), lab.never("closed", "close-wait", "kernel-leak", process=[lab.pid, "sshd"])))
rework("stale-mix", "refused-py", "lsof and sockstat of the leak, ss of nothing: the ss files were truncated to their header.",
       lambda p, d: d.split(b"\n")[0] + b"\n" if p.startswith("ss-") else d, FAILED)
rework("wrong-names", "refused-py", "Names that lie: lsof is called netstat.txt, ss is called lsof.log, the log sockstat.",
       lambda p, d: d, FAILED, lambda p: {"lsof": "netstat.txt", "ss-tcp": "lsof.log", "netstat": "ps.txt", "ps": "ss-s.txt", "ss-s": "notes.md",
                                          "fwd": "sockstat.out", "sockstat": "fwd.log"}.get(p, p))
rework("paste-crlf", "peer-closed-py", "One pasted file with CRLF line ends and none at its end.", lambda p, d: d.replace(b"\n", b"\r\n").rstrip(), FEED)
rework("html-paste", "peer-closed-py", "A paste with HTML entities and indentation, as tickets have them.",
       lambda p, d: b"".join(b"    " + line.replace(b"<", b"&lt;").replace(b">", b"&gt;") for line in d.splitlines(True)), survives("closed", "kernel-leak"))


def pasted(text, *commands):
    parts = re.split(rb"(?m)^===== (.*) =====\n", text)
    return b"".join(b"$ " + head + b"\n" + body for head, body in zip(parts[1::2], parts[2::2]) if head.decode().startswith(commands))


def live(name, title, layout="plain", owned=True, **how):
    def run(lab):
        h = lab.host("alt-1", peers=accept("10.90.0.7", reply="HTTP/1.1 200 OK\r\n\r\n" + "y" * 90, fin_on="data"))
        h.last_pid(31000)
        h.program("feed", "unread_body.py", "/opt/feed/feed.py", ["10.90.0.7", 8008, 410, 0.5], user="svc")
        h.settle("feed", 410)
        lab.capture(h, ["feed"], layout, **how)
        lab.leak(["peer-closed-not-closed"] + ([] if owned else ["owner-not-visible"]), "feed", "close-wait", remote="10.90.0.7:8008")
        if not owned:
            del lab.findings[-1]["process"]
            lab.verdict("leak", "inconclusive")
        lab.never(*OPEN_NOISE)
    run.__doc__ = title
    scenario(name)(run)


live("netstat-german", "All tools under LANG=de_DE.UTF-8: netstat and ls translate.", env={"LANG": "de_DE.UTF-8", "LC_ALL": "de_DE.UTF-8"},
     replace={"netstat-s": "netstat -s"})
live("netstat-german-latin1", "The same in ISO-8859-1, netstat and lsof only.", env={"LANG": "de_DE", "LC_ALL": "de_DE"}, only=["netstat", "lsof", "date", "log"])
live("busybox", "Busybox tools: ps, netstat without processes; no lsof, no ss: the owner only by the fd directory and the log.",
     only=["date", "uname", "hostname", "sockstat", "sockstat6", "ps", "netstat", "fd", "limits", "status", "log"], owned=False,
     replace={"ps": "busybox ps w", "netstat": "busybox netstat -nat", "uname": "busybox uname -a", "date": "busybox date"})
live("lsof-fields", "lsof in field form (-F) instead of columns.", replace={"lsof": "lsof -nP -FpcRuftDinPTs"})
live("lsof-tcp-only", "lsof -i only, ss without processes.", only=["lsof", "ss-tcp", "ss-s", "ps"],
     replace={"lsof": "lsof -nP -i", "ss-tcp": "ss -tan"})
live("proc-net", "No tools at all: /proc/net/tcp, sockstat and the fd directory.", only=["proc-tcp", "proc-tcp6", "proc-unix", "proc-snmp", "sockstat",
     "sockstat6", "fd", "limits", "status", "cmdline"], extra={"proc-tcp": "cat /proc/net/tcp", "proc-tcp6": "cat /proc/net/tcp6",
     "proc-unix": "cat /proc/net/unix", "proc-snmp": "cat /proc/net/snmp"})
