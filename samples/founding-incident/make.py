#!/usr/bin/env python3
"""Writes capture.tgz: the founding incident as a whole bundle, its missing rows filled in so that they fit its figures.

Every figure of the article stands in it as printed; expect.yaml's notes say what is filled in. The same bytes come out each time:
    cd samples/founding-incident && python3 make.py
"""
import gzip
import io
import random
import tarfile

RANDOM = random.Random(2015)
PID = 4684
# Between closed - timewait of `ss -s` (157,624 - 173 = 157,451) and alloc of sockstat less what is in a table (157,760 - 89 - 36).
HELD = 157_500
# The six descriptors that the article shows, as lsof prints them: a star and the last three digits.
SHOWN = {110_280 + n: inode for n, inode in enumerate((675441359, 675441393, 675441405, 675441523, 675441532, 675441566))}
FIRST_FD = 61
BROKERS = ["10.31.5.41", "10.31.5.42", "10.31.5.43", "10.31.5.44"]
GONE = "10.31.5.45"
HOST = "10.12.8.27"
DAEMONS = [(1, "init", "root"), (641, "udevd", "root"), (1502, "auditd", "root"), (1524, "rsyslogd", "root"), (1561, "dbus-daemon", "dbus"),
           (1622, "sshd", "root"), (1633, "ntpd", "ntp"), (1711, "master", "root"), (1720, "pickup", "postfix"), (1733, "crond", "root"),
           (1790, "zabbix_agentd", "zabbix"), (2210, "nscd", "nscd")]
REDIS = [(3301, 6379), (3308, 6380), (3315, 6381)]
LOG = ("{at} WARN  [SinkRunner-PollingRunner-DefaultSinkProcessor] (kafka.utils.Logging$class.warn:89)  - Failed to send producer "
       "request with correlation id {id} to broker 5 with data for partitions [titan,4]\n")


def connections():
    """103 connections, of them 72 IPv4 and 31 IPv6, as (pid, command, fd, local, remote, v6)."""
    rows = []
    for pid, port in REDIS:
        for n in range(22):
            rows.append((pid, "redis-server", 8 + n, f"{HOST}:{port}", f"10.12.9.{20 + n}:{RANDOM.randrange(32768, 61000)}", False))
    rows += [(1622, "sshd", 3 + n, f"{HOST}:22", f"10.12.1.9:{51000 + 7 * n}", False) for n in range(6)]
    for n in range(31):
        remote = BROKERS[n % 4]
        rows.append((PID, "java", 30 + n, f"{HOST}:{33000 + 11 * n}", f"{remote}:9092", True))
    return rows


def listeners():
    """13 listeners: 8 IPv4, 5 IPv6."""
    v4 = [(pid, "redis-server", 4, f"0.0.0.0:{port}") for pid, port in REDIS]
    v4 += [(1622, "sshd", 3, "0.0.0.0:22"), (1711, "master", 12, "127.0.0.1:25"), (1790, "zabbix_agentd", 4, "0.0.0.0:10050"),
           (1524, "rsyslogd", 6, "0.0.0.0:514"), (1733, "crond", 5, "127.0.0.1:7001")]
    v6 = [(1622, "sshd", 4, ":::22"), (1711, "master", 13, "::1:25"), (PID, "java", 20, ":::41414"), (PID, "java", 21, ":::34545"),
          (1524, "rsyslogd", 7, ":::514")]
    return [(*row, False) for row in v4] + [(*row, True) for row in v6]


def waiting(count):
    return [(f"{HOST}:{RANDOM.randrange(32768, 61000)}", f"10.12.9.{RANDOM.randrange(20, 42)}:6379") for _ in range(count)]


def leaked():
    """Descriptors and inodes, both rising; the shown six among them."""
    before, inode = [], min(SHOWN.values())
    first = min(SHOWN)
    for fd in range(first - 1, FIRST_FD - 1, -1):
        inode -= RANDOM.choice((7, 9, 11, 13, 16))
        before.append((fd, inode))
    rows, inode = before[::-1], 0
    for fd in range(first, FIRST_FD + HELD):
        inode = SHOWN.get(fd) or inode + RANDOM.choice((7, 9, 11, 13, 16))
        rows.append((fd, inode))
    return rows


def lsof(conns, listens):
    out = ["COMMAND      PID      USER   FD      TYPE             DEVICE SIZE/OFF      NODE NAME\n"]
    inode, unix = 600_000_000, 0

    def row(command, pid, user, fd, typ, device, node, name):
        out.append(f"{command[:9]:<9} {pid:>6} {user[:8]:>9} {fd:>5} {typ:>8} {device:>18} {'0t0':>9} {node:>9} {name}\n")

    everybody = DAEMONS + [(pid, "redis-server", "redis") for pid, _ in REDIS] + [(PID, "java", "apps")]
    for pid, command, user in everybody:
        out.append(f"{command[:9]:<9} {pid:>6} {user[:8]:>9} {'cwd':>4}       DIR                8,2     4096         2 /\n")
        out.append(f"{command[:9]:<9} {pid:>6} {user[:8]:>9} {'0u':>5}      CHR                1,3      0t0      3814 /dev/null\n")
        # The other sockets of `sockets used`: unix, some forty of each daemon.
        for n in range(40):
            unix += 1
            row(command, pid, user, f"{100 + n}u" if pid != PID else f"{5 + n % 8}u", "unix", f"0xffff8810{unix:08x}", 11_000 + unix, "socket")
            if pid == PID and n == 7:
                break
        for p, _, fd, local, remote, v6 in conns:
            if p == pid:
                inode += 17
                row(command, pid, user, f"{fd + 40}u" if command == "sshd" else f"{fd}u", "IPv6" if v6 else "IPv4", inode, "TCP",
                    f"{local}->{remote} (ESTABLISHED)")
        for p, _, fd, local, v6 in listens:
            if p == pid:
                inode += 17
                host, port = local.rsplit(":", 1)
                host = "*" if host in ("0.0.0.0", "::") else f"[{host}]" if v6 else host
                row(command, pid, user, f"{fd}u", "IPv6" if v6 else "IPv4", inode, "TCP", f"{host}:{port} (LISTEN)")
        if command == "ntpd":
            for n in range(9):
                row(command, pid, user, f"{16 + n}u", "IPv4" if n < 6 else "IPv6", 12_000 + n, "UDP", "*:ntp")
    for fd, node in leaked():
        number = f"{fd}u" if fd < 10_000 else f"*{fd % 1000:03}u"
        out.append(f"java        {PID}      apps {number:>5}     sock                0,6       0t0 {node} can't identify protocol\n")
    return "".join(out)


def netstat(conns, listens):
    out = ["Active Internet connections (servers and established)\n",
           "Proto Recv-Q Send-Q Local Address               Foreign Address             State       PID/Program name   \n"]

    def row(v6, local, remote, state, owner):
        if v6 and not local.startswith(":"):
            local, remote = f"::ffff:{local}", f"::ffff:{remote}"
        out.append(f"{'tcp':<5} {0:>6} {0:>6} {local:<27} {remote:<27} {state:<11} {owner}\n")

    for pid, command, _, local, v6 in listens:
        row(v6, local, ":::*" if v6 else "0.0.0.0:*", "LISTEN", f"{pid}/{command}")
    for pid, command, _, local, remote, v6 in conns:
        row(v6, local, remote, "ESTABLISHED", f"{pid}/{command}")
    for local, remote in waiting(221):
        row(False, local, remote, "TIME_WAIT", "-")
    return "".join(out)


def ss(conns, listens):
    out = ["State      Recv-Q Send-Q        Local Address:Port          Peer Address:Port \n"]

    def row(state, send, local, remote, pid=None, command="", fd=0):
        users = f'users:(("{command}",{pid},{fd}))' if pid else ""
        out.append(f"{state:<10} 0      {send:<6} {local:>25} {remote:>25} {users}\n")

    for pid, command, fd, local, v6 in listens:
        row("LISTEN", 128, local.replace("0.0.0.0", "*"), ":::*" if v6 else "*:*", pid, command, fd)
    for pid, command, fd, local, remote, v6 in conns:
        local, remote = (f"::ffff:{local}", f"::ffff:{remote}") if v6 else (local, remote)
        row("ESTAB", 0, local, remote, pid, command, fd + 40 if command == "sshd" else fd)
    for local, remote in waiting(173):
        row("TIME-WAIT", 0, local, remote)
    return "".join(out)


def ps():
    out = ["USER       PID %CPU %MEM    VSZ   RSS TTY      STAT START   TIME COMMAND\n"]
    paths = {"init": "/sbin/init", "master": "/usr/libexec/postfix/master", "pickup": "pickup -l -t fifo -u"}
    for pid, command, user in DAEMONS:
        out.append(f"{user:<8} {pid:>5}  0.0  0.0  66216  1204 ?        Ss    2014   1:02 {paths.get(command, '/usr/sbin/' + command)}\n")
    for pid, port in REDIS:
        out.append(f"redis    {pid:>5}  2.1  6.3 8421376 8311212 ?     Ssl   2014 412:10 /usr/local/bin/redis-server *:{port}\n")
    out.append(f"apps     {PID:>5}  1.4  1.1 4821360 402176 ?      Sl   Mar05  96:40 /usr/java/jdk1.6.0_45/bin/java -Xmx512m "
               "-cp /opt/flume/conf:/opt/flume/lib/* org.apache.flume.node.Application --conf-file /opt/flume/conf/titan.conf --name agent\n")
    return "".join(out)


def strace():
    at = "20:02:{:02}.{:06}"
    out = [f"Process {PID} attached with 61 threads - interrupt to quit\n",
           f"[pid  {PID}] {at.format(10, 41)} futex(0x2b80e2c2e9d0, FUTEX_WAIT, 4685, NULL <unfinished ...>\n"]
    for n in range(6):
        fd = FIRST_FD + HELD + n
        head = f"[pid  4741] 20:02:{11 + n:02}"
        out += [f"{head}.100210 socket(PF_INET6, SOCK_STREAM, IPPROTO_IP) = {fd} <0.000031>\n",
                f"{head}.100377 fcntl({fd}, F_SETFL, O_RDWR|O_NONBLOCK) = 0 <0.000012>\n",
                f"{head}.100512 connect({fd}, {{sa_family=AF_INET6, sin6_port=htons(9092), inet_pton(AF_INET6, \"::ffff:{GONE}\", &sin6_addr), "
                "sin6_flowinfo=0, sin6_scope_id=0}, 28) = -1 EINPROGRESS (Operation now in progress) <0.000054>\n",
                f"{head}.100702 poll([{{fd={fd}, events=POLLOUT}}], 1, 30000) = 1 ([{{fd={fd}, revents=POLLOUT|POLLERR|POLLHUP}}]) <0.001310>\n",
                f"{head}.102145 getsockopt({fd}, SOL_SOCKET, SO_ERROR, [113], [4]) = 0 <0.000011>\n",
                f"{head}.102419 write(12, \"WARN  [SinkRunner-PollingRunner-\"..., 214) = 214 <0.000022>\n"]
    return "".join(out)


def log():
    out = []
    for n in range(24):
        at = f"2015-03-11 20:0{n // 12}:{(n % 12) * 5:02},114"
        out.append(f"{at} ERROR [SinkRunner-PollingRunner-DefaultSinkProcessor] (kafka.utils.Logging$class.error:103)  - Producer connection "
                   f"to {GONE}:9092 unsuccessful\njava.net.NoRouteToHostException: No route to host\n"
                   "\tat sun.nio.ch.Net.connect(Native Method)\n\tat kafka.network.BlockingChannel.connect(BlockingChannel.scala:57)\n")
        out.append(LOG.format(at=at, id=63687516 + n))
    return "".join(out)


def members():
    conns, listens = connections(), listeners()
    assert len(conns) == 103 and sum(1 for c in conns if c[5]) == 31 and len(listens) == 13
    return {
        "date.txt": "Wed Mar 11 20:02:31 CST 2015\n",
        "hostname.txt": "redis-titan-07\n",
        "uname.txt": "Linux redis-titan-07 2.6.32-431.el6.x86_64 #1 SMP Fri Nov 22 03:15:09 UTC 2013 x86_64 x86_64 x86_64 GNU/Linux\n",
        "ss-s.txt": "Total: 158211 (kernel 158355)\n"
                    "TCP:   157740 (estab 103, closed 157624, orphaned 0, synrecv 0, timewait 173/0), ports 203\n\n"
                    "Transport Total     IP        IPv6\n*         158355    -         -        \nRAW       0         0         0        \n"
                    "UDP       9         6         3        \nTCP       116       80        36       \n"
                    "INET      125       86        39       \nFRAG      0         0         0        \n",
        "sockstat.txt": "sockets: used 158400\nTCP: inuse 89 orphan 2 tw 197 alloc 157760 mem 16\nUDP: inuse 6 mem 0\n"
                        "UDPLITE: inuse 0\nRAW: inuse 0\nFRAG: inuse 0 memory 0\n",
        "sockstat6.txt": "TCP6: inuse 36\nUDP6: inuse 3\nUDPLITE6: inuse 0\nRAW6: inuse 0\nFRAG6: inuse 0 memory 0\n",
        "netstat.txt": netstat(conns, listens),
        "ss-tan.txt": ss(conns, listens),
        "lsof.txt": lsof(conns, listens),
        "ps.txt": ps(),
        "limits-4684.txt": "Limit                     Soft Limit           Hard Limit           Units     \n"
                           "Max processes             131072               131072               processes \n"
                           "Max open files            262144               262144               files     \n",
        "ulimit.txt": "$ ulimit -n\n131072\n",
        "file-nr.txt": "160512\t0\t6553600\n",
        "strace-4684.txt": strace(),
        "flume.log": log(),
    }


def main():
    with open("capture.tgz", "wb") as out, gzip.GzipFile("", "wb", 9, out, mtime=0) as packed:
        with tarfile.open(fileobj=packed, mode="w", format=tarfile.USTAR_FORMAT) as tar:
            for name, text in members().items():
                data = text.encode()
                info = tarfile.TarInfo(f"redis-titan-07/{name}")
                info.size, info.mode, info.mtime = len(data), 0o644, 1_426_075_351
                tar.addfile(info, io.BytesIO(data))


if __name__ == "__main__":
    main()
