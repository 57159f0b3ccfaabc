"""Taking a capture of a lab host with the real tools, and packing it under one of several layouts."""
import io, re, shlex, tarfile, time

HOST_WIDE = {
    "date": "date", "hostname": "hostname", "uname": "uname -a", "sockstat": "cat /proc/net/sockstat",
    "sockstat6": "cat /proc/net/sockstat6", "ss-s": "ss -s", "ss-tcp": "ss -tanpoe", "ss-udp": "ss -uanp",
    "ss-unix": "ss -xanp", "netstat": "netstat -natp", "netstat-s": "netstat -s", "lsof": "lsof -nP",
    "ps": "ps auxww", "file-nr": "cat /proc/sys/fs/file-nr",
}
PER_PROCESS = {
    "fd": "ls -l /proc/%d/fd", "limits": "cat /proc/%d/limits", "status": "cat /proc/%d/status",
    "cmdline": "cat /proc/%d/cmdline", "wchan": "cat /proc/%d/wchan",
    "strace": "timeout %s strace -f -tt -T -p %%d; true",
}
FIVE = ["lsof", "netstat", "ss-s", "sockstat", "strace"]
# Pattern of a member's path per layout: {n} the logical name, {p} the pid, {i} a running number, {d} the date.
LAYOUTS = {
    "plain": ("{n}", "{p}/{n}"),
    "cmds": ("cmds/{c}", "proc/{p}/{n}"),
    "dated": ("{d}_{n}.log", "{d}_{p}_{n}.log"),
    "upper": ("{N}.TXT", "{N}-{p}.TXT"),
    "ticket": ("{c} output.txt", "pid {p} {n}.txt"),
    "letters": ("{l}.txt", "{l}.txt"),
    "deep": ("var/tmp/diag/{h}/{n}.out", "var/tmp/diag/{h}/pids/{p}.{n}.out"),
    "nested": ("net/{n}.txt", "process/{p}-{n}.txt"),
}


def take(host, pids, log=None, only=None, user=None, seconds=3, env=None, extra=None, replace=None):
    """All outputs as [(logical name, pid or None, command, bytes)], in the order they were taken."""
    got = []
    for name, command in {**HOST_WIDE, **(replace or {}), **(extra or {})}.items():
        if only is None or name in only:
            got.append((name, None, command, host.run(command, user=user, env=env)))
    for pid in pids:
        for name, command in PER_PROCESS.items():
            if only is None or name in only:
                command = (command % seconds % pid) if name == "strace" else command % pid
                got.append((name, pid, command.split(";")[0].replace("timeout %s " % seconds, ""),
                            host.run(command, user=user, timeout=seconds + 60)))
    if log and (only is None or "log" in only):
        got.append(("log:" + log.rsplit("/", 1)[-1], None, "tail -n 2000 " + log, host.run("tail -n 2000 " + log)))
    return got


def files(got, layout, host_name):
    """The capture as {path: bytes} under a layout."""
    if layout in ("paste", "sections"):
        return {"%s.txt" % ("session" if layout == "paste" else "report"): pasted(got, layout, host_name)}
    general, single = LAYOUTS[layout]
    out, stamp = {}, time.strftime("%Y%m%d-%H%M")
    for index, (name, pid, command, data) in enumerate(got):
        short = name.split(":")[-1].removesuffix(".log")
        word = re.sub(r"^cat ", "", command)
        word = word.replace("/", "_") if layout == "cmds" else word.replace("/proc/", "").replace("/", " ")
        keys = {"n": short, "N": short.upper(), "p": pid, "d": stamp, "h": host_name, "i": index,
                "c": word.replace(" ", "_") if layout == "cmds" else word, "l": "abcdefghijklmnopqrstuvwxyz"[index % 26] * (1 + index // 26)}
        if name.startswith("log:"):
            path = {"cmds": "var/log/{n}.log", "ticket": "{n}.log"}.get(layout, general).format(**keys)
        else:
            path = (single if pid else general).format(**keys)
        out[path] = data
    return out


def pasted(got, layout, host_name):
    parts = []
    for name, _, command, data in got:
        head = "[root@%s ~]# %s\n" % (host_name, command) if layout == "paste" else "===== %s =====\n" % command
        parts.append(head.encode() + data + (b"" if data.endswith(b"\n") else b"\n"))
    return b"".join(parts)


def pack(tree, path, prefix=""):
    with tarfile.open(path, "w:gz") as tar:
        for name, data in tree.items():
            info = tarfile.TarInfo((prefix.rstrip("/") + "/" if prefix else "") + name)
            info.size, info.mtime, info.mode = len(data), int(time.time()), 0o644
            tar.addfile(info, io.BytesIO(data))
