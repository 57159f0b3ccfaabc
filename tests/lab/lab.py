"""A scenario in the making: hosts, captures, and the truth written beside them."""
import json, pathlib, re, tarfile

import capture
from host import DAEMONS, Host

SCENARIOS = {}


def scenario(name):
    def keep(function):
        SCENARIOS[name] = function
        return function
    return keep


class Lab:
    def __init__(self, name, title, out):
        self.name, self.title, self.dir = name, " ".join(title.split()), pathlib.Path(out) / name
        self.hosts, self.tree, self.findings, self.truth = [], {}, [], {"scenario": name, "truth": self.title}
        self.expect, self.counts, self.prefix, self.noise, self.states = {"verdict": None}, {}, "", 0, {}

    def host(self, name, **how):
        host = Host(name, **how)
        self.hosts.append(host)
        self.truth.setdefault("kernel_wide_before", []).append({name: host.alloc_before.split("\n")[1]})
        self.noise = max(self.noise, host.alloc if len(self.hosts) == 1 else 0)
        return host

    def done(self, host):
        """Ends a host before the next one starts: the kernel counts sockets for the whole machine."""
        host.stop()
        self.hosts.remove(host)

    def capture(self, host, names, layout="plain", prefix="", log=None, word="socket:", **how):
        """Takes a capture; what the processes held right before and after is the truth of it."""
        if log is None and names:
            log = host.logs[names[0]]
        tracked = dict(host.pids)
        before, states = self._held(host, tracked, word), self._states(host)
        got = capture.take(host, [host.pids.get(n, n) for n in names], log=log or None, **how)
        after = self._held(host, tracked, word)
        self.states = {state: [count, self._states(host).get(state, count)] for state, count in states.items()}
        for name in tracked:
            if name in before and name in after:
                self.counts[name] = [before[name], after[name]]
        tree = capture.files(got, layout, host.name)
        counts = re.search(rb"used (\d+)\s+TCP: .* alloc (\d+)", host.run("cat /proc/net/sockstat"))
        if len(self.hosts) == 1:
            self.noise = max(self.noise, int(counts[2]) - int(counts[1]))
        self.tree.update({(prefix + "/" if prefix else "") + path: data for path, data in tree.items()})
        self.truth.setdefault("held_before_and_after", []).append(
            {(prefix or host.name): {"%s (%d)" % (n, host.pids[n]): [before[n], after.get(n)] for n in before if before[n] > 3}})
        return got

    def _states(self, host):
        """TCP sockets of the host by the kernel's number of their state (08 is CLOSE_WAIT)."""
        rows = (host.root / "proc/1/net/tcp").read_text().splitlines()[1:]
        numbers = [row.split()[3] for row in rows]
        return {number: numbers.count(number) for number in set(numbers)}

    def _held(self, host, tracked, word):
        held = {}
        for name in tracked:
            try:
                held[name] = len(set(host.descriptors(name, word)) if word == "distinct" else host.descriptors(name, word))
            except (KeyError, OSError):
                pass
        return held

    def finding(self, code, process=None, kind=None, count=None, within=None, remote=None, cls=None, **more):
        entry = {"code": code}
        if cls:
            entry["class"] = cls
        if kind:
            entry["socket_kind"] = kind
        if process:
            entry["process"] = process
        if count is not None:
            entry["count"] = {"about": count, "within": "%d%%" % (within or 3)}
        if remote:
            entry["remote"] = remote
        entry.update(more)
        self.findings.append(entry)

    def leak(self, code, name, kind, base=0, command=None, host=None, remote=None, share=1.0, count=None, within=None, state=None, **more):
        """A leak of the program started as `name`, counted by what it held during the last capture (all of it, or the host's rows in a state)."""
        host = host or self.hosts[-1]
        if count is None:
            low, high = self.states[state] if state else (int((n - base) * share) for n in self.counts[name])
            count = round((low + high) / 2)
            within = within or max(2, -(-100 * (high - low) // max(1, count)) + 1)
        pid = host.pids[name]
        process = {"command": command or self.comm(host, name), "pid": pid}
        self.finding(code, process, kind, count, within, remote, cls="leak", **more)
        self.verdict("leak")

    def comm(self, host, name):
        return open("/proc/%d/comm" % host.real(name)).read().strip()

    def verdict(self, *values):
        self.expect["verdict"] = values[0] if len(values) == 1 else list(values)

    def never(self, *codes, process=()):
        self.expect.setdefault("never", []).extend(codes)
        self.expect.setdefault("never_process", []).extend(process)

    def ruled_out(self, *codes):
        self.expect.setdefault("ruled_out", []).extend(codes)

    def finish(self):
        self.dir.mkdir(parents=True, exist_ok=True)
        expect = {"verdict": self.expect.pop("verdict")}
        if self.findings:
            expect["findings"] = self.findings
        if self.noise > 150:  # others' sockets are in alloc: an honest report may speak of closed sockets without an owner
            self.truth["noise"] = "%d sockets of others on the machine are in alloc" % self.noise
            self.expect["never"] = [c for c in self.expect.get("never", []) if c not in ("closed", "unknown", "kernel-leak")]
            if expect["verdict"] != "leak" and "leak" not in expect["verdict"]:
                expect["verdict"] = ["healthy", "exhaustion", "inconclusive", "leak"]
        innocent = self.expect.pop("never_process", [])
        expect.update(self.expect)
        if self.hosts or innocent:
            expect["never_process"] = sorted(set(innocent), key=str) + DAEMONS[:3]
        expect["notes"] = self.title
        (self.dir / "expect.yaml").write_text(dump(expect))
        (self.dir / "truth.yaml").write_text(dump(self.truth))
        if self.tree:
            capture.pack(self.tree, self.dir / "capture.tgz", self.prefix)

    def stop(self):
        for host in self.hosts:
            host.stop()


def read_tree(path):
    with tarfile.open(path) as tar:
        return {m.name: tar.extractfile(m).read() for m in tar if m.isfile()}


def scalar(value):
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return str(value)
    if value is None:
        return "null"
    if value[:-1].isdigit() and value.endswith("%"):
        return value
    return value if value.replace("-", "").replace("_", "").replace(".", "").isalnum() and not value[0].isdigit() else json.dumps(value)


def flow(value):
    if isinstance(value, list):
        return "[%s]" % ", ".join(flow(v) for v in value)
    if isinstance(value, dict):
        return "{%s}" % ", ".join("%s: %s" % (scalar(k), flow(v)) for k, v in value.items())
    return scalar(value)


def dump(value):
    """YAML of the plain kind: a block mapping, a list of mappings under it, the rest in flow style."""
    lines = []
    for key, item in value.items():
        if isinstance(item, list) and item and isinstance(item[0], dict):
            lines.append("%s:" % key)
            for entry in item:
                for index, (inner, what) in enumerate(entry.items()):
                    lines.append("%s %s: %s" % ("  -" if index == 0 else "   ", scalar(inner), flow(what)))
        else:
            lines.append("%s: %s" % (key, flow(item)))
    return "\n".join(lines) + "\n"
