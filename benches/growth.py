"""Time and peak memory at 1, 2, 4 and 8 times the size: `growth.py SOCKDIAG [DIRECTORY]`.

Two inputs, made into DIRECTORY (a temporary one if none is given): an lsof output of 250,000 sockets and its multiples, and a bundle of lsof, ss
and a listing of descriptors that agree with each other, packed with gzip. Each is analyzed three times; the medians of wall time, processor time
(of all threads) and peak resident memory are printed as a table. It stops if a report does not name the leaking process.
"""
import os
import random
import statistics
import subprocess
import sys
import tarfile
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor

LEAKER = 21435
ROWS = 250_000
RUNS = 3


def sockets(rows):
    """Process, descriptor, inode and remote end (None for a leaked socket) of each socket: half of them leaked by one process."""
    pick, inode = random.Random(1), 418_000_000
    for n in range(rows):
        inode += pick.randrange(1, 4)
        if n % 2:
            yield LEAKER, 100 + n // 2, inode, None
        else:
            number = n // 2
            yield 1000 + number // 200, 10 + number % 200, inode, f"10.{pick.randrange(256)}.{pick.randrange(256)}.{pick.randrange(1, 255)}:443"


def port(fd, pid):
    return 32768 + (pid * 200 + fd) % 28000


def lsof(rows):
    lines = ["COMMAND   PID   USER   FD   TYPE     DEVICE SIZE/OFF      NODE NAME"]
    for pid, fd, inode, remote in sorted(sockets(rows), key=lambda s: s[:2]):
        head = f"{'worker' if remote else 'java':7} {pid:5} tomcat {fd:4}u"
        if remote:
            lines.append(f"{head}  IPv4 {inode:10}      0t0       TCP 10.0.8.17:{port(fd, pid)}->{remote} (ESTABLISHED)")
        else:
            lines.append(f"{head}  sock        0,6      0t0 {inode:9} can't identify protocol")
    return "\n".join(lines) + "\n"


def ss(rows):
    lines = ["State Recv-Q Send-Q Local Address:Port Peer Address:Port Process"]
    for pid, fd, inode, remote in sockets(rows):
        if remote:
            lines.append(f'ESTAB 0      0      10.0.8.17:{port(fd, pid)} {remote} users:(("worker",pid={pid},fd={fd})) ino:{inode} sk:{fd:x}')
    return "\n".join(lines) + "\n"


def listing(rows):
    lines = [f"/proc/{LEAKER}/fd:", "total 0"]
    for pid, fd, inode, remote in sockets(rows):
        if not remote:
            lines.append(f"lrwx------ 1 tomcat tomcat 64 Nov 10 14:04 {fd} -> socket:[{inode}]")
    return "\n".join(lines) + "\n"


def write(path, text):
    with open(path, "w") as out:
        out.write(text)
    return path


def bundle(directory, rows):
    path = os.path.join(directory, f"bundle-{rows}.tgz")
    size = 0
    with tarfile.open(path, "w:gz", compresslevel=6) as out:
        for name, text in (("lsof.txt", lsof), ("ss_-tanpe.txt", ss), ("fd.txt", listing)):
            member = write(os.path.join(directory, "member"), text(rows))
            size += os.path.getsize(member)
            out.add(member, f"bundle/{name}")
    return path, size


def table(directory, rows):
    path = write(os.path.join(directory, f"lsof-{rows}.txt"), lsof(rows))
    return path, os.path.getsize(path)


def run(binary, path):
    """Wall and processor seconds, and peak memory in MB."""
    with tempfile.TemporaryFile() as out:
        began = time.monotonic()
        process = subprocess.Popen([binary, "analyze", path], stdout=out, stderr=subprocess.DEVNULL)
        _, _, usage = os.wait4(process.pid, 0)
        seconds = time.monotonic() - began
        out.seek(0)
        if f"pid {LEAKER}" not in out.read().decode():
            sys.exit(f"{path}: the report does not name process {LEAKER}")
    return seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1000


def main():
    binary = sys.argv[1]
    with tempfile.TemporaryDirectory(dir=sys.argv[2] if len(sys.argv) > 2 else None) as directory:
        print("| input | sockets | MB | wall s | processor s | peak MB |")
        print("| ----- | ------: | -: | -----: | ----------: | ------: |")
        for name, make in (("lsof", table), ("bundle", bundle)):
            for times in (1, 2, 4, 8):
                # A process starts with the peak of the one that starts it, so that this one has to stay small.
                with ProcessPoolExecutor(1) as maker:
                    path, size = maker.submit(make, directory, ROWS * times).result()
                runs = [run(binary, path) for _ in range(RUNS)]
                wall, processor, peak = (statistics.median(values) for values in zip(*runs))
                print(f"| {name} | {ROWS * times:,} | {size / 1e6:.0f} | {wall:.2f} | {processor:.2f} | {peak:.0f} |", flush=True)
                os.remove(path)


main()
