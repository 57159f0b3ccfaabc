"""A lab host: a set of namespaces with a small init, quiet daemons, the programs under test and far ends on a tun device.

Everything runs inside new network, mount, pid, ipc and uts namespaces; nothing it sends can leave them.
"""
import json, os, pathlib, re, shlex, shutil, subprocess, sys, time

HERE = pathlib.Path(__file__).resolve().parent
BUILD = pathlib.Path("/tmp/lab-build")
DAEMONS = ["dbus-daemon", "rsyslogd", "cron", "chronyd", "sshd", "node_exporter"]
USERS = ["app", "svc", "www-data", "ops", "ingest", "_feed", "datawarehouse"]
SETUP = r"""
mount --make-rprivate /
umount -R /run/netns 2>/dev/null
for d in /opt /srv /var/log /run /usr/local/sbin /usr/local/bin; do mount -t tmpfs tmpfs $d; done
mount -t proc proc /proc
mkdir -p /run/dbus /run/systemd /run/lab /run/lock; chmod 1777 /run /run/lab /run/lock /var/log
{ cat /etc/passwd; i=2001; for u in @USERS@; do grep -q ^$u: /etc/passwd || echo "$u:x:$i:$i::/:/bin/sh"; i=$((i+1)); done; } >/run/lab/passwd
{ cat /etc/group; sed -n 's/^\([^:]*\):x:\(20[0-9][0-9]\):.*/\1:x:\2:/p' /run/lab/passwd; } >/run/lab/group
mount --bind /run/lab/passwd /etc/passwd; mount --bind /run/lab/group /etc/group
echo "nameserver 127.0.0.1" >/run/lab/resolv.conf; mount --bind /run/lab/resolv.conf /etc/resolv.conf
hostname @HOST@; ip link set lo up; ulimit -n 1024; cp @DAEMONS@ /usr/local/sbin/init; echo ok >/run/lab/up
exec -a /sbin/init /usr/local/sbin/init
"""


class Host:
    def __init__(self, name, address="10.20.0.10", peers=None, sysctl=None, daemons=None):
        self.name, self.address, self.pids, self.logs, self.peer = name, address, {}, {}, None
        self.alloc_before = quiet_machine()
        self.alloc = int(re.search(r"alloc (\d+)", self.alloc_before)[1])
        BUILD.mkdir(exist_ok=True)
        compile_c(HERE / "daemons.c")
        text = SETUP.replace("@HOST@", name).replace("@USERS@", " ".join(USERS)).replace("@DAEMONS@", str(BUILD / "daemons"))
        self.outer = subprocess.Popen(["unshare", "-n", "-m", "-u", "-i", "-p", "--fork", "--kill-child", "bash", "-c", text],
                                      stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd="/")
        self.init = self._init_pid()
        self.root = pathlib.Path("/proc/%d/root" % self.init)
        self._wait(lambda: (self.root / "run/lab/up").exists(), 10, "the namespaces")
        for key, value in {"net.ipv4.ping_group_range": "1 0", **(sysctl or {})}.items():
            self.run("echo %s >/proc/sys/%s" % (shlex.quote(str(value)), key.replace(".", "/")))
        self._peers(peers or {})
        self.last_pid(480 + len(name) * 7)
        for daemon in DAEMONS if daemons is None else daemons:
            path = "/usr/local/sbin/" + daemon
            shutil.copy(BUILD / "daemons", str(self.root) + path)
            self.start(daemon, [path], user="root", log="/dev/null")

    def _init_pid(self):
        for _ in range(200):
            kids = open("/proc/%d/task/%d/children" % (self.outer.pid, self.outer.pid)).read().split()
            if kids:
                return int(kids[0])
            time.sleep(0.02)
        raise SystemExit("no namespaces (root needed)")

    def _wait(self, done, seconds, what):
        end = time.time() + seconds
        while not done():
            if time.time() > end:
                raise TimeoutError("%s: waited %ss for %s" % (self.name, seconds, what))
            time.sleep(0.05)

    def _peers(self, rules):
        inside = ["nsenter", "-t", str(self.init), "-n"]
        self.peer = subprocess.Popen(inside + [sys.executable, str(HERE / "peer.py"), json.dumps(rules), self.address],
                                     stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.peer.stdout.readline()
        subprocess.run(inside + ["sh", "-c", "ip addr add %s/24 dev eth0; ip link set eth0 txqueuelen 20000 up; "
                                 "ip route add default dev eth0" % self.address], check=True)
        self.peer.stdin.write(b"go\n")
        self.peer.stdin.flush()

    def inside(self, command, user=None):
        drop = []
        if user:
            drop = ["setpriv", "--reuid=" + user, "--regid=%d" % self.uid(user), "--clear-groups", "--inh-caps=-all", "--"]
        return ["nsenter", "-t", str(self.init), "-m", "-u", "-i", "-n", "-p", "--"] + drop + command

    def uid(self, user):
        return int(re.search(r"^%s:x:(\d+):" % user, (self.root / "etc/passwd").read_text(), re.M).group(1))

    def run(self, command, user=None, timeout=60, env=None):
        done = subprocess.run(self.inside(["sh", "-c", command], user), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, timeout=timeout, cwd="/", env={**os.environ, **(env or {})})
        return done.stdout

    def last_pid(self, pid):
        self.run("echo %d >/proc/sys/kernel/ns_last_pid" % pid)

    def start(self, name, argv, user="app", nofile="20000:20000", log=None, argv0=None, cwd="/"):
        """Starts argv as a child of init; its pid is known under `name`."""
        log = log or "/var/log/%s.log" % name
        self.logs[name] = log
        drop = "" if user == "root" else "setpriv --reuid=%s --regid=%d --clear-groups -- " % (user, self.uid(user))
        note = "/run/lab/%s.pid" % name
        shell = "echo $$ >%s; ulimit -Sn %s; ulimit -Hn %s; exec %s%s" % (
            note, *nofile.split(":"), "-a %s " % shlex.quote(argv0) if argv0 else "", drop + shlex.join(argv))
        with open(str(self.root) + log if log != "/dev/null" else log, "ab") as sink:
            os.chmod(sink.name, 0o666)
            env = {"PATH": "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin", "LANG": "C.UTF-8", "PYTHONUNBUFFERED": "1",
                   "PYTHONDONTWRITEBYTECODE": "1", "HOST": self.address}
            script = "cd %s; setsid -f bash -c %s >>%s 2>&1 </dev/null" % (cwd, shlex.quote(shell), log)
            subprocess.run(self.inside(["bash", "-c", script]), env=env, check=True, cwd="/")
        path = pathlib.Path(str(self.root) + note)
        self._wait(lambda: path.exists() and path.read_text().strip(), 10, name)
        self.pids[name] = int(path.read_text())
        path.unlink()

    def program(self, name, source, path=None, args=(), runner=None, **how):
        """Installs a program of ours at `path` and starts it: C compiled, scripts under their interpreter."""
        source = HERE / "programs" / source
        path = path or "/opt/%s/%s" % (name, source.name)
        target = pathlib.Path(str(self.root) + path)
        target.parent.mkdir(parents=True, exist_ok=True)
        how.setdefault("user", "app")
        if source.suffix == ".c":
            compile_c(source)
            shutil.copy(BUILD / source.stem, target)
            argv = [path]
        elif source.suffix == ".java":
            subprocess.run(["javac", "-d", str(target.parent), str(source)], check=True)
            argv = ["/usr/bin/java"] + (runner or ["-Xmx256m"]) + ["-cp", os.path.dirname(path), source.stem]
        else:
            shutil.copy(source, target)
            argv = (runner or [{".py": "/usr/bin/python3", ".js": "/usr/bin/node", ".pl": "/usr/bin/perl"}[source.suffix]]) + [path]
        self.start(name, argv + [str(a) for a in args], **how)

    def real(self, name_or_pid):
        """The pid outside of a pid inside."""
        pid = self.pids.get(name_or_pid, name_or_pid)
        for each in os.listdir("/proc"):
            if each.isdigit():
                try:
                    if os.readlink("/proc/%s/ns/pid" % each) == os.readlink("/proc/%d/ns/pid" % self.init):
                        if int(re.search(r"^NSpid:.*\t(\d+)$", open("/proc/%s/status" % each).read(), re.M).group(1)) == pid:
                            return int(each)
                except OSError:
                    pass
        raise KeyError(name_or_pid)

    def descriptors(self, name, word="socket:"):
        base = "/proc/%d/fd/" % self.real(name)
        links = []
        for fd in os.listdir(base):
            try:
                links.append(os.readlink(base + fd))
            except OSError:
                pass
        return [link for link in links if link.startswith(word)]

    def pids_of(self, comm):
        out = self.run("pgrep -x %s" % shlex.quote(comm)).split()
        return [int(x) for x in out]

    def settle(self, name, count, word="socket:", seconds=90):
        self._wait(lambda: len(self.descriptors(name, word)) >= count, seconds, "%d of %s in %s" % (count, word, name))

    def stop(self):
        """Ends the host and waits until none of its sockets is left in the machine's counts: orphans would live on for minutes."""
        try:
            os.kill(self.init, 9)
        except OSError:
            pass
        self.outer.kill()
        self.outer.wait()
        if self.peer:  # still in the network namespace
            for _ in range(3):
                subprocess.run(["nsenter", "-t", str(self.peer.pid), "-n", "ss", "-tK"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
                time.sleep(0.1)
            self.peer.kill()
            self.peer.wait()
        for _ in range(150):
            if int(re.search(r"alloc (\d+)", open("/proc/net/sockstat").read())[1]) <= self.alloc + 3:
                break
            time.sleep(0.1)


def quiet_machine(limit=100, seconds=120):
    """Waits until others on this machine hold few TCP sockets, since alloc counts them too; goes on anyway in the end."""
    for _ in range(seconds * 2):
        text = open("/proc/net/sockstat").read()
        if int(re.search(r"alloc (\d+)", text)[1]) <= limit:
            break
        time.sleep(0.5)
    return text


def compile_c(source):
    target = BUILD / source.stem
    if not target.exists() or target.stat().st_mtime < source.stat().st_mtime:
        subprocess.run(["gcc", "-O1", "-Wall", "-pthread", "-o", str(target), str(source)], check=True)
