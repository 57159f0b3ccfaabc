"""What the leakers share: each leaks RATE sockets a second until it holds LIMIT, prints "ready" at LIMIT / 2, and then goes on slowly.

Every one is a bug seen in the field, reduced to a page. They talk to 127.0.0.1 only, inside a network namespace made by tests/collector/real.
"""
import resource
import sys
import time

LIMIT = int(sys.argv[1]) if len(sys.argv) > 1 else 400
RATE = float(sys.argv[2]) if len(sys.argv) > 2 else 100.0
held = []


def name(comm):
    """Sets the process's name as the kernel shows it."""
    with open("/proc/self/comm", "w") as f:
        f.write(comm)


def leak(one):
    """Calls `one` for ever: fast up to LIMIT, then three a second up to twice LIMIT, so that growth is seen in samples and in a trace."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    want = LIMIT * 6 + 200
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(want, hard), hard))
    n = 0
    while True:
        if n < 2 * LIMIT:
            one()
        n += 1
        if n == LIMIT // 2:
            print("ready", flush=True)
        time.sleep(1 / RATE if n < LIMIT else 0.3)
