"""Several things at once: two leaks, a leak beside something bigger, several hosts or samples in one archive."""
import io, tarfile, time

import capture
from lab import scenario
from leaks import OPEN_NOISE, TCP_NOISE, accept, refuse


@scenario("two-leaks")
def _(lab):
    """One program keeps refused sockets, another keeps CLOSE_WAIT: two findings."""
    rules = {"serve": [{"to": "10.80.0.9", "do": "refuse"},
                       {"to": "10.80.1.9", "do": "accept", "reply": "HTTP/1.0 200 OK\r\n\r\nx", "fin_on": "data"}]}
    h = lab.host("mix-1", peers=rules)
    h.last_pid(4000)
    h.program("sync", "refused.py", "/opt/sync/sync.py", ["10.80.0.9", 389, 1600, 0.5])
    h.last_pid(5200)
    h.program("rates", "unread_body.py", "/opt/rates/rates.py", ["10.80.1.9", 8000, 540, 0.5], user="svc")
    h.settle("sync", 1600)
    h.settle("rates", 540)
    lab.capture(h, ["sync", "rates"], "plain")
    lab.leak("connect-failed-not-closed", "sync", "closed", remote="10.80.0.9:389")
    lab.leak("peer-closed-not-closed", "rates", "close-wait", remote="10.80.1.9:8000")
    lab.never("time-wait-buildup", "kernel-leak", "port-exhaustion")


@scenario("leak-beside-proxy")
def _(lab):
    """A small UDP leak beside a healthy proxy with 1800 busy sockets."""
    rules = {"serve": [{"to": "10.81.0.2", "do": "accept", "reply": "pong\n"}],
             "clients": [{"from": "10.82.0.0/16", "port": 3128, "n": 900, "rate": 250, "every": 1.5}]}
    h = lab.host("mix-2", peers=rules)
    h.last_pid(9100)
    h.program("proxy", "proxy.c", "/opt/px/bin/pxd", [3128, "10.81.0.2", 8080], user="svc")
    h.program("stats", "udp.py", "/opt/stats/stats.py", ["10.83.0.1", 8125, 310, 0.4, "loose"])
    h.settle("proxy", 1790)
    h.settle("stats", 310)
    lab.capture(h, ["stats"], "cmds")
    lab.leak("udp-not-closed", "stats", "udp")
    lab.never("closed", "close-wait", "established", "kernel-leak", process=["pxd", h.pids["proxy"]])


@scenario("leak-beside-websocket")
def _(lab):
    """120 refused sockets of a small agent beside a websocket server with 2500 live clients."""
    rules = {"serve": [{"to": "10.84.0.0/16", "do": "refuse"}], "clients": [{"from": "10.85.0.0/16", "port": 9443, "n": 2500, "rate": 400, "every": 3}]}
    h = lab.host("mix-3", peers=rules)
    h.last_pid(9300)
    h.program("ws", "server.c", "/opt/ws/bin/wsd", [9443, "close", 1024], user="svc")
    h.program("agent", "einprogress.c", "/usr/local/bin/agentd", ["10.84.3.3", 8126, 120, 400], user="ops")
    h.settle("ws", 2490)
    lab.capture(h, ["ws", "agent"], "nested")
    lab.leak("connect-failed-not-closed", "agent", "closed", remote="10.84.3.3:8126")
    lab.never("close-wait", "established", "kernel-leak", "idle-not-reaped", process=["wsd", h.pids["ws"]])


@scenario("leak-and-time-wait")
def _(lab):
    """A CLOSE_WAIT leak of 260 while another program leaves thousands of TIME_WAIT."""
    rules = {"serve": [{"to": "10.86.0.3", "do": "accept", "reply": "STORED\r\n"},
                       {"to": "10.86.1.9", "do": "accept", "reply": "HTTP/1.0 200 OK\r\n\r\nx", "fin_on": "data"}]}
    h = lab.host("mix-4", peers=rules)
    h.last_pid(6200)
    h.program("cart", "churn.py", "/srv/cart/cart.py", ["10.86.0.3", 11211, 700], user="www-data")
    h.program("rates", "unread_body.py", "/opt/rates/rates.py", ["10.86.1.9", 8000, 260, 0.5], user="svc")
    h._wait(lambda: int(h.run("ss -tan state time-wait | wc -l")) > 2600, 60, "time-wait")
    h.settle("rates", 260)
    lab.capture(h, ["rates", "cart"], "plain")
    lab.leak("peer-closed-not-closed", "rates", "close-wait", remote="10.86.1.9:8000")
    lab.finding("time-wait-buildup", optional=True)
    lab.never("closed", "kernel-leak", process=[h.pids["cart"]])


@scenario("leak-and-backlog")
def _(lab):
    """A server at its descriptor limit through its own CLOSE_WAIT leak, its accept queue full of owner-less rows."""
    clients = [{"from": "10.87.0.0/16", "port": 8081, "n": 200, "greet": "GET / HTTP/1.1\r\n\r\n", "fin": 0.8, "churn": 0.5, "rate": 300}]
    h = lab.host("mix-5", peers={"clients": clients})
    h.last_pid(6800)
    h.program("gate", "server.c", "/opt/gate/bin/gated", [8081, "forget", 128], user="www-data", nofile="512:4096")
    h.settle("gate", 508)
    time.sleep(10)
    lab.capture(h, ["gate"], "plain")
    lab.leak("accept-not-closed", "gate", "close-wait", base=1, within=4)
    lab.finding(["backlog-overflow", "accept-stalled"], optional=True)
    lab.never("closed", "time-wait-buildup", "kernel-leak", "fd-limit-too-low", "peer-closed-not-closed")


@scenario("three-hosts")
def _(lab):
    """Three hosts in one archive: one leaks, one is busy, one only has TIME_WAIT."""
    h = lab.host("fe-1", address="10.20.1.11", peers=refuse("10.88.0.9"))
    h.last_pid(4100)
    h.program("fwd", "refused.py", "/opt/ship/forward.py", ["10.88.0.9", 6514, 2300, 0.4])
    h.settle("fwd", 2300)
    lab.capture(h, ["fwd"], "plain", prefix="fe-1")
    lab.leak("connect-failed-not-closed", "fwd", "closed", remote="10.88.0.9:6514")
    lab.done(h)
    h = lab.host("fe-2", address="10.20.1.12", peers={"clients": [{"from": "10.65.0.0/16", "port": 9443, "n": 600, "rate": 300, "every": 1}]})
    h.last_pid(4300)
    h.program("ws", "server.c", "/opt/ws/bin/wsd", [9443, "close", 1024], user="svc")
    h.settle("ws", 595)
    lab.capture(h, ["ws"], "plain", prefix="fe-2")
    lab.done(h)
    h = lab.host("fe-3", address="10.20.1.13", peers=accept("10.60.0.3", reply="STORED\r\n"))
    h.last_pid(4500)
    h.program("cart", "churn.py", "/srv/cart/cart.py", ["10.60.0.3", 11211, 500], user="www-data")
    time.sleep(5)
    lab.capture(h, ["cart"], "plain", prefix="fe-3")
    lab.never("close-wait", "kernel-leak", "established", process=["wsd", h.pids["cart"]])


@scenario("three-hosts-nested")
def _(lab):
    """Two hosts leak toward one peer, a third is healthy; each host's capture is an archive inside the archive."""
    for index, count in enumerate((700, 1900, 0)):
        name = "api-%d" % (index + 1)
        h = lab.host(name, address="10.20.2.%d" % (10 + index), peers=accept("10.89.0.7", reply="HTTP/1.0 200 OK\r\n\r\nx", fin_on="data"))
        h.last_pid(3000 + index * 731)
        if count:
            h.program("rates", "unread_body.py", "/opt/rates/rates.py", ["10.89.0.7", 8000, count, 0.5], user="svc")
            h.settle("rates", count)
        outer, lab.tree = lab.tree, {}
        lab.capture(h, ["rates"] if count else [], "cmds")
        packed = io.BytesIO()
        with tarfile.open(fileobj=packed, mode="w:gz") as tar:
            for path, data in lab.tree.items():
                info = tarfile.TarInfo(name + "/" + path)
                info.size, info.mtime = len(data), int(time.time())
                tar.addfile(info, io.BytesIO(data))
        lab.tree = {**outer, name + ".tgz": packed.getvalue()}
        if count:
            lab.leak("peer-closed-not-closed", "rates", "close-wait", remote="10.89.0.7:8000")
        lab.done(h)
    lab.never("closed", "kernel-leak", process=["sshd"])


@scenario("two-samples-level")
def _(lab):
    """A pool of 240 at a constant level over two samples 6 s apart: no growth, no leak."""
    h = lab.host("bank-4", peers=accept("10.70.0.6", reply="PONG\r\n"))
    h.last_pid(10200)
    h.program("bank", "idlepool.py", "/opt/bank/core.py", ["10.70.0.6", 5432, 240, "idle"])
    h._wait(lambda: b"ready" in h.run("cat /var/log/bank.log"), 20, "pool")
    lab.capture(h, ["bank"], "plain", prefix="t0")
    time.sleep(6)
    lab.capture(h, ["bank"], "plain", prefix="t1")
    lab.verdict("healthy")
    lab.never("closed", "established", "pool-unbounded", "idle-not-reaped", "kernel-leak", process=[h.pids["bank"]])


@scenario("two-samples-growing")
def _(lab):
    """A server's CLOSE_WAIT grows between two samples from 300 to far more; the samples are two archives' worth of loose names."""
    clients = [{"from": "10.50.0.0/16", "port": 8081, "n": 80, "greet": "GET / HTTP/1.1\r\n\r\n", "fin": 1.0, "churn": 1.0, "rate": 100}]
    h = lab.host("gate-12", peers={"clients": clients})
    h.last_pid(6100)
    h.program("gate", "server.c", "/opt/gate/bin/gated", [8081, "forget"], user="www-data")
    h.settle("gate", 300)
    lab.capture(h, ["gate"], "ticket", prefix="first", seconds=2)
    time.sleep(4)
    lab.capture(h, ["gate"], "ticket", prefix="second", seconds=2)
    lab.leak("accept-not-closed", "gate", "close-wait", state="08")
    lab.never("closed", "time-wait-buildup", "kernel-leak", "peer-closed-not-closed")
