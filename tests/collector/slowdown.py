"""Measures how much strace, with the collector's options, slows the program it looks at: `slowdown.py [SECONDS]`.

Four programs: one that does nothing but system calls that are traced (dup and close); one that does only calls that are not (getppid),
which stop at the tracer all the same; a server and its client that open, answer and close a connection on loopback; and one that works for
a millisecond between two calls. Each is counted for SECONDS alone, then for SECONDS under strace. At normal priority on a machine that does
nothing else, or with `nice -n -19` before it.
"""
import os
import re
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
SECONDS = float(sys.argv[1]) if len(sys.argv) > 1 else 3.0
LOOP = {
    "traced calls (dup, close)": "os.close(os.dup(0))",
    "other calls (getppid)": "os.getppid()",
    "a connection opened, answered and closed": "answer()",
    "a millisecond of work between two calls": "spin(); os.getppid()",
}
PROGRAM = """
import mmap, os, socket, time
server = socket.create_server(("127.0.0.1", 0))
def answer():
    with socket.create_connection(server.getsockname()) as client, server.accept()[0] as accepted:
        client.sendall(b"GET")
        accepted.sendall(accepted.recv(100))
        client.recv(100)
def spin():
    end = time.perf_counter() + 0.001
    while time.perf_counter() < end: pass
n = 0
with open({path!r}, "r+b") as f:
    m = mmap.mmap(f.fileno(), 8)
    while True:
        {body}
        n += 1
        m[:8] = n.to_bytes(8, "little")
"""


def options():
    text = open(os.path.join(HERE, "..", "..", "collect.sh")).read()
    calls = re.search(r"tc_calls='(\S+)'", text).group(1)
    return ["-f", "-tt", "-T", "-y", "-s", "0", "-e", "trace=" + calls]


def count(path):
    with open(path, "rb") as f:
        return int.from_bytes(f.read(8), "little")


def rate(path):
    before, start = count(path), time.monotonic()
    time.sleep(SECONDS)
    return (count(path) - before) / (time.monotonic() - start)


def main():
    path = "/tmp/slowdown-count"
    for what, body in LOOP.items():
        with open(path, "wb") as f:
            f.write(bytes(8))
        child = subprocess.Popen([sys.executable, "-c", PROGRAM.format(path=path, body=body)])
        time.sleep(0.5)
        alone = rate(path)
        tracer = subprocess.Popen(["strace"] + options() + ["-o", "/dev/null", "-p", str(child.pid)], stderr=subprocess.DEVNULL)
        time.sleep(0.5)
        traced = rate(path)
        tracer.send_signal(2)
        tracer.wait(timeout=5)
        time.sleep(0.2)
        after = rate(path)
        child.kill()
        child.wait()
        each = (1 / max(traced, 1e-9) - 1 / max(alone, 1e-9)) * 1e6
        print(f"{what}: {alone:.0f}/s alone, {traced:.0f}/s under strace ({alone / max(traced, 1e-9):.1f} times slower, {each:.0f} us each), "
              f"{after:.0f}/s afterwards")
    os.unlink(path)


if __name__ == "__main__":
    main()
