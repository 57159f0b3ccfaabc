"""Checks a bundle against its MANIFEST: `manifest.py DIR` prints what is wrong and exits 1, or exits 0."""
import hashlib
import os
import re
import sys

STATUSES = {"ok", "failed", "timeout", "stuck", "skipped", "unsupported", "denied", "truncated"}
HEADER = ["format", "collector", "complete", "host", "kernel", "distro", "start", "uptime", "boot_id", "timezone", "uid", "caps",
          "netns", "pidns", "hidepid"]
PAIR = re.compile(r'(\w+)=("(?:[^"\\]|\\.)*"|\S*)(?: |$)')


def pairs(text):
    out, at = {}, 0
    while at < len(text):
        m = PAIR.match(text, at)
        if not m:
            raise ValueError("not key=value at: " + text[at:at + 40])
        value = m.group(2)
        if value.startswith('"'):
            value = re.sub(r'\\(.)', lambda e: {"n": "\n", "t": "\t", "r": "\r"}.get(e.group(1), e.group(1)), value[1:-1])
        out[m.group(1)] = value
        at = m.end()
    return out


def read(bundle):
    """The header, and the records by kind."""
    header, records = {}, []
    with open(os.path.join(bundle, "MANIFEST"), encoding="utf-8", errors="surrogateescape") as f:
        for line in f.read().split("\n"):
            first = line.split(" ", 1)[0]
            if first in ("run", "missing", "target", "sum"):
                records.append((first, pairs(line[len(first) + 1:])))
            elif line:
                key, _, value = line.partition("=")
                header.setdefault(key, value)
    return header, records


def problems(bundle):
    path = os.path.join(bundle, "MANIFEST")
    if not os.path.isfile(path):
        return ["no MANIFEST in " + bundle]
    with open(path, "rb") as f:
        text = f.read()
    out = []
    if not text.startswith(b"format=sockdiag.manifest/1\n"):
        out.append("does not begin with its format")
    if not text.endswith(b"\n"):
        out.append("does not end with a newline")
    try:
        header, records = read(bundle)
    except ValueError as e:
        return out + [str(e)]
    out += ["no header " + k for k in HEADER if k not in header]
    told = {"MANIFEST"}
    sums = {r["path"]: r["sha256"] for kind, r in records if kind == "sum"}
    for path, digest in sums.items():
        with open(os.path.join(bundle, path), "rb") as f:
            if hashlib.sha256(f.read()).hexdigest() != digest:
                out.append("another hash than told: " + path)
    for kind, r in records:
        if kind != "run":
            continue
        what = "record " + r.get("id", "?")
        missing = [k for k in ("id", "status", "rc", "start", "end", "bytes", "stderr", "path", "tool", "argv") if k not in r]
        if missing:
            out.append(what + " lacks " + " ".join(missing))
            continue
        if r["status"] not in STATUSES:
            out.append(what + " has status " + r["status"])
        for key in ("path", "stderr"):
            if r[key] == "-":
                continue
            told.add(r[key])
            if not os.path.isfile(os.path.join(bundle, r[key])):
                out.append(f"{what}: {r[key]} is not there")
            elif key == "path" and r["bytes"] != "-" and os.path.getsize(os.path.join(bundle, r[key])) != int(r["bytes"]):
                out.append(f"{what}: {r[key]} has {os.path.getsize(os.path.join(bundle, r[key]))} bytes, not {r['bytes']}")
        if r["status"] == "skipped" and "note" not in r:
            out.append(what + " is skipped without a reason")
    for directory, _, names in os.walk(bundle):
        for name in names:
            member = os.path.relpath(os.path.join(directory, name), bundle)
            if sums and member != "MANIFEST" and member not in sums:
                out.append("no hash of " + member)
            if member not in told and not re.fullmatch(r"netns/\w+/pids", member):
                out.append("nobody tells of " + member)
    return out


if __name__ == "__main__":
    found = problems(sys.argv[1])
    for text in found:
        print(text)
    sys.exit(1 if found else 0)
