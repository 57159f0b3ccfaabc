"""Hosts that look like a leak and have none (or where something else is at its limit)."""
import time

from lab import scenario
from leaks import accept

LEAKS = ["closed", "close-wait", "syn-sent", "established", "udp", "unix", "eventpoll", "kernel-leak", "unknown"]


def healthy(lab, *more, notes=None, allow=()):
    """A report may say nothing, or name the look-alike as a note; it may blame nobody."""
    lab.verdict("healthy", *more)
    lab.never(*[code for code in LEAKS if code not in allow], process=[p for h in lab.hosts for p in h.pids.values()])


def limit(lab, code, verdict="exhaustion", process=None, **more):
    lab.verdict(*([verdict] if isinstance(verdict, str) else verdict))
    lab.finding(code, process, **more)
    lab.never(*LEAKS, process=[p for h in lab.hosts for p in h.pids.values()])


@scenario("time-wait")
def _(lab):
    """A client makes short connections and closes first: thousands of TIME_WAIT, nothing held."""
    h = lab.host("cart-1", peers=accept("10.60.0.3", reply="STORED\r\n"))
    h.last_pid(6200)
    h.program("cart", "churn.py", "/srv/cart/cart.py", ["10.60.0.3", 11211, 700], user="www-data")
    h._wait(lambda: int(h.run("ss -tan state time-wait | wc -l")) > 3500, 60, "time-wait")
    lab.capture(h, ["cart"], "plain")
    limit(lab, "time-wait-buildup", ["healthy", "exhaustion"], optional=True)


@scenario("ports-gone")
def _(lab):
    """A narrow local port range is used up by TIME_WAIT to one peer: EADDRNOTAVAIL."""
    h = lab.host("cart-2", peers=accept("10.60.0.3", reply="STORED\r\n"),
                 sysctl={"net.ipv4.ip_local_port_range": "40000 40999", "net.ipv4.tcp_tw_reuse": 0})
    h.last_pid(6300)
    h.program("cart", "churn.py", "/srv/cart/cart.py", ["10.60.0.3", 11211, 700], user="www-data")
    h._wait(lambda: b"Errno 99" in h.run("cat /var/log/cart.log"), 60, "errno 99")
    lab.capture(h, ["cart"], "cmds", extra={"range": "cat /proc/sys/net/ipv4/ip_local_port_range"})
    limit(lab, "port-exhaustion")


@scenario("backlog-slow-accept")
def _(lab):
    """A server accepts one connection a second behind a backlog of 32: overflows, owner-less rows."""
    clients = {"clients": [{"from": "10.61.0.0/16", "port": 8070, "n": 300, "greet": "GET / HTTP/1.0\r\n\r\n", "rate": 40}]}
    h = lab.host("thumb-3", peers=clients)
    h.last_pid(7300)
    h.program("thumb", "server.c", "/opt/thumb/thumbd", [8070, "slow", 32], user="www-data")
    time.sleep(12)
    lab.capture(h, ["thumb"], "plain")
    limit(lab, ["backlog-overflow", "accept-stalled"])


@scenario("accept-stopped")
def _(lab):
    """The server is stopped (SIGSTOP); its clients gave up: CLOSE_WAIT rows without an owner."""
    clients = {"clients": [{"from": "10.61.0.0/16", "port": 8075, "n": 400, "greet": "GET / HTTP/1.0\r\n\r\n", "rate": 60, "fin": 3, "start": 3}]}
    h = lab.host("thumb-4", peers=clients)
    h.last_pid(7400)
    h.program("thumb", "server.c", "/opt/thumb/thumbd", [8075, "close", 200], user="www-data")
    time.sleep(1)
    h.run("kill -STOP %d" % h.pids["thumb"])
    time.sleep(14)
    lab.capture(h, ["thumb"], "nested")
    limit(lab, ["accept-stalled", "backlog-overflow"])


@scenario("syn-flood")
def _(lab):
    """Spoofed SYNs from many addresses to one port: SYN-RECV rows, cookies."""
    clients = {"clients": [{"from": "10.128.0.0/10", "port": 443, "n": 60000, "rate": 2500, "syn_only": True}]}
    h = lab.host("edge-9", peers=clients)
    h.last_pid(7500)
    h.program("edge", "server.c", "/opt/edge/edged", [443, "close", 256], user="root")
    time.sleep(6)
    lab.capture(h, ["edge"], "plain")
    limit(lab, ["syn-flood", "backlog-overflow"], ["exhaustion"])


@scenario("orphans")
def _(lab):
    """A pusher closes connections with data unsent to subscribers that went deaf: FIN-WAIT-1 orphans, nobody holds them."""
    h = lab.host("push-2", peers=accept("10.62.0.9", deaf_after=0, window=8000))
    h.last_pid(8300)
    h.program("push", "sender.py", "/opt/push/push.py", ["10.62.0.9", 5223, 1900, "close", 16])
    h._wait(lambda: b"pushed" in h.run("cat /var/log/push.log"), 60, "pushes")
    lab.capture(h, ["push"], "dated")
    limit(lab, "orphan-buildup", ["exhaustion", "healthy"])


@scenario("tcp-memory")
def _(lab):
    """500 subscribers with closed windows and full send queues: TCP memory, by design of the sender."""
    h = lab.host("push-3", peers=accept("10.62.1.9", window=3000))
    h.last_pid(8400)
    h.program("push", "sender.py", "/opt/push/push.py", ["10.62.1.9", 5223, 500, "keep", 4000])
    h._wait(lambda: b"pushed" in h.run("cat /var/log/push.log"), 60, "pushes")
    time.sleep(1)
    lab.capture(h, ["push"], "plain", extra={"tcp_mem": "cat /proc/sys/net/ipv4/tcp_mem"})
    lab.verdict("exhaustion", "healthy", "inconclusive")
    lab.finding("tcp-memory", optional=True)
    lab.never("closed", "close-wait", "kernel-leak", "orphan-buildup", "time-wait-buildup")


@scenario("busy-proxy")
def _(lab):
    """A proxy with 1200 live clients and as many upstream connections, all talking."""
    rules = {"serve": [{"to": "10.63.0.2", "do": "accept", "reply": "pong\n"}],
             "clients": [{"from": "10.64.0.0/16", "port": 3128, "n": 1200, "rate": 250, "every": 1.5}]}
    h = lab.host("px-5", peers=rules)
    h.last_pid(9100)
    h.program("proxy", "proxy.c", "/opt/px/bin/pxd", [3128, "10.63.0.2", 8080], user="svc")
    h.settle("proxy", 2390)
    lab.capture(h, ["proxy"], "plain", extra={"ss-info": "ss -tinpo"})
    healthy(lab)


@scenario("busy-websocket")
def _(lab):
    """A server with 2000 clients that all talk every two seconds."""
    h = lab.host("ws-1", peers={"clients": [{"from": "10.65.0.0/16", "port": 9443, "n": 2000, "rate": 300, "every": 2.0}]})
    h.last_pid(9200)
    h.program("ws", "server.c", "/opt/ws/bin/wsd", [9443, "close", 1024], user="svc")
    h.settle("ws", 1990)
    time.sleep(2)
    lab.capture(h, ["ws"], "cmds")
    healthy(lab)


@scenario("limit-too-low")
def _(lab):
    """A limit of 256 descriptors under a steady load of 300 talking clients: EMFILE, no leak."""
    h = lab.host("ws-2", peers={"clients": [{"from": "10.65.0.0/16", "port": 9443, "n": 300, "rate": 200, "every": 1.0}]})
    h.last_pid(9300)
    h.program("ws", "server.c", "/opt/ws/bin/wsd", [9443, "close", 128], user="svc", nofile="256:4096")
    h.settle("ws", 252)
    time.sleep(3)
    lab.capture(h, ["ws"], "plain")
    limit(lab, "fd-limit-too-low", process={"command": "wsd", "pid": h.pids["ws"]})


@scenario("limit-by-files")
def _(lab):
    """A spooler opens files until EMFILE at 1024."""
    h = lab.host("spool-1")
    h.last_pid(9400)
    h.program("spool", "files.py", "/opt/spool/spool.py", ["/run/lock/spool", 5000], user="svc", nofile="1024:4096")
    h._wait(lambda: b"Errno 24" in h.run("cat /var/log/spool.log"), 30, "EMFILE")
    lab.capture(h, ["spool"], "upper")
    lab.verdict("exhaustion", "leak")
    lab.finding("fd-limit-by-files", {"command": "python3", "pid": h.pids["spool"]})
    lab.never("closed", "close-wait", "udp", "unix", "established", "kernel-leak", "fd-limit-too-low")


@scenario("threads-lsof")
def _(lab):
    """lsof -K lists every descriptor once per thread: 150 threads, 150 sockets, 22 thousand rows."""
    h = lab.host("thr-1", peers=accept("10.66.0.2", reply="1\n"))
    h.last_pid(9500)
    h.program("workers", "hung.py", "/opt/thr/workers.py", ["10.66.0.2", 5432, 150, "lock"])
    h.settle("workers", 150)
    time.sleep(1)
    lab.capture(h, ["workers"], "plain", replace={"lsof": "lsof -nP -K"})
    lab.verdict("healthy", "inconclusive", "exhaustion")
    lab.finding(["threads-counted-as-files", "process-hung"], optional=True)
    lab.never(*LEAKS, "fd-limit-by-files", "fd-inherited", "dup-not-closed", process=[h.pids["workers"]])


@scenario("connect-burst")
def _(lab):
    """A crawler starts 700 connects at once and closes each after two seconds."""
    h = lab.host("crawl-2")
    h.last_pid(9600)
    h.program("crawl", "idlepool.py", "/opt/crawl/crawl.py", ["10.67.3", 80, 700, "burst"])
    h._wait(lambda: b"done" in h.run("cat /var/log/crawl.log"), 20, "round")
    lab.capture(h, ["crawl"], "plain", seconds=5)
    limit(lab, "connect-burst", ["healthy", "exhaustion", "inconclusive"], optional=True)
    lab.never("connect-stuck", "connect-failed-not-closed")


@scenario("hung-recv")
def _(lab):
    """A worker pool of 12 waits in recv for a database that never answers."""
    h = lab.host("rpt-1", peers=accept("10.68.0.2"))
    h.last_pid(9700)
    h.program("report", "hung.py", "/opt/rpt/report.py", ["10.68.0.2", 1433, 12, "recv"])
    h.settle("report", 12)
    lab.capture(h, ["report"], "cmds")
    limit(lab, "process-hung", ["healthy", "inconclusive", "exhaustion"], optional=True)


@scenario("container-healthy")
def _(lab):
    """lsof on the host reaches a container's healthy proxy: its sockets are in another network namespace."""
    import shutil
    h = lab.host("node-k7")
    h.last_pid(9800)
    source = h.root / "opt/app"
    source.mkdir()
    shutil.copy(__import__("host").HERE / "programs/idlepool.py", source / "sidecar.py")
    shutil.copy(__import__("host").HERE / "programs/stuck_handler.py", source / "echo.py")
    script = ("ip link set lo up; python3 - <<E &\nimport socket,threading\ns=socket.create_server(('127.0.0.1',9000),backlog=600)\n"
              "def f(c):\n  while c.recv(64): c.send(b'ok')\nthreading.stack_size(65536)\n"
              "while True: threading.Thread(target=f,args=(s.accept()[0],),daemon=True).start()\nE\n"
              "sleep 1; exec python3 /opt/app/sidecar.py 127.0.0.1 9000 260 chat")
    h.start("sidecar", ["unshare", "-n", "sh", "-c", script], user="root")
    h.settle("sidecar", 260)
    lab.capture(h, ["sidecar"], "plain")
    lab.verdict("healthy", "inconclusive")
    lab.finding("foreign-namespace", optional=True)
    lab.never("closed", "kernel-leak", "connect-failed-not-closed", "never-connected", process=h.pids_of("python3"))


@scenario("unix-hub-live")
def _(lab):
    """A bus with 500 live clients in ten programs: healthy."""
    h = lab.host("desk-1")
    h.program("hub", "unix_hub.py", "/opt/bus/bus.py", ["/run/bus.sock", "serve"], user="svc")
    h._wait(lambda: (h.root / "run/bus.sock").exists(), 10, "the bus")
    time.sleep(0.5)
    h.last_pid(9900)
    for index in range(10):
        h.program("c%d" % index, "unix_hub.py", "/opt/app%d/agent.py" % index, ["/run/bus.sock", "client", 50, 100000])
    h.settle("hub", 500)
    lab.capture(h, ["hub"], "nested")
    healthy(lab, "inconclusive")


@scenario("udp-pool")
def _(lab):
    """A resolver keeps 128 UDP sockets with random ports by design and uses them all."""
    h = lab.host("ns-4")
    h.last_pid(10100)
    h.program("resolver", "udp.py", "/opt/res/resolver.py", ["10.69.0.53", 53, 128, 0.005, "connected", 128], user="svc")
    h.settle("resolver", 128)
    lab.capture(h, ["resolver"], "plain")
    healthy(lab, "inconclusive")


@scenario("idle-pool-300")
def _(lab):
    """A bounded pool of 300 connections, most of them idle, none lost."""
    h = lab.host("bank-2", peers=accept("10.70.0.5", reply="PONG\r\n"))
    h.last_pid(10200)
    h.program("bank", "idlepool.py", "/opt/bank/core.py", ["10.70.0.5", 5432, 300, "idle"])
    h._wait(lambda: b"ready" in h.run("cat /var/log/bank.log"), 20, "pool")
    time.sleep(2)
    lab.capture(h, ["bank"], "plain", extra={"ss-info": "ss -tinpo"})
    healthy(lab, "inconclusive")


@scenario("reuseport-32")
def _(lab):
    """32 SO_REUSEPORT listeners by design."""
    h = lab.host("lb-8")
    h.last_pid(10300)
    h.program("lb", "listeners.c", "/opt/lb/bin/lbd", [8443, 32, 0, "reload"], user="svc")
    h.settle("lb", 32)
    lab.capture(h, ["lb"], "cmds")
    healthy(lab)
    lab.never("listen")


@scenario("browser-500")
def _(lab):
    """A browser-like client with 500 connections to 200 peers, all in use."""
    h = lab.host("desk-2", peers={"serve": [{"to": "10.71.4.0/24", "do": "accept", "reply": "HTTP/1.1 304 Not Modified\r\n\r\n"}]})
    h.last_pid(10400)
    h.program("browse", "idlepool.py", "/opt/kiosk/kiosk.py", ["10.71.4", 443, 500, "many"])
    h._wait(lambda: b"ready" in h.run("cat /var/log/browse.log"), 20, "pool")
    lab.capture(h, ["browse"], "dated")
    healthy(lab, "inconclusive")


@scenario("epoll-per-thread")
def _(lab):
    """64 threads with an epoll and an eventfd each, 150 live clients."""
    h = lab.host("ev-1", peers={"clients": [{"from": "10.72.0.0/16", "port": 7500, "n": 150, "rate": 100, "every": 1.0}]})
    h.last_pid(10500)
    h.program("ev", "epolls.c", "/opt/ev/bin/evd", [7500, 64], user="svc")
    h.settle("ev", 150)
    time.sleep(1)
    lab.capture(h, ["ev"], "plain")
    healthy(lab)


@scenario("close-wait-bounded")
def _(lab):
    """A pool of 20 idle connections that the peer closed; they are replaced at next use and never grow."""
    h = lab.host("shop-7", peers=accept("10.73.0.5", reply="PONG\r\n", fin=3))
    h.last_pid(10600)
    h.program("shop", "pool.py", "/opt/shop/shop.py", ["10.73.0.5", 8080, 20, 100000], user="www-data")
    h.settle("shop", 20)
    time.sleep(5)
    lab.capture(h, ["shop"], "plain")
    lab.verdict("healthy", "inconclusive")
    lab.never("closed", "kernel-leak", "accept-not-closed", "time-wait-buildup")


@scenario("java-join")
def _(lab):
    """A healthy JVM: main waits in a futex (join), 24 workers talk over 24 connections."""
    h = lab.host("core-3", peers=accept("10.74.0.5", reply="PONG\r\n"))
    h.last_pid(10700)
    h.program("core", "JoinPool.java", "/opt/core/lib/JoinPool.class", ["10.74.0.5", 8300])
    h.settle("core", 24)
    time.sleep(2)
    lab.capture(h, ["core"], "plain")
    healthy(lab)
    lab.never("process-hung")


@scenario("container-counters")
def _(lab):
    """A healthy container reads the machine's alloc: 2700 closed sockets belong to a neighbour it cannot see."""
    from leaks import refuse
    neighbour = lab.host("neighbour", peers=refuse("10.40.1.9"))
    neighbour.program("fwd", "refused.py", "/opt/ship/forward.py", ["10.40.1.9", 6514, 2700, 0.4])
    neighbour.settle("fwd", 2700)
    h = lab.host("tenant-7", peers=accept("10.70.0.5", reply="PONG\r\n"))
    h.last_pid(10200)
    h.program("bank", "idlepool.py", "/opt/bank/core.py", ["10.70.0.5", 5432, 40, "chat"])
    h._wait(lambda: b"ready" in h.run("cat /var/log/bank.log"), 20, "pool")
    lab.capture(h, ["bank"], "plain")
    lab.verdict("healthy", "inconclusive", "leak")
    lab.finding(["foreign-namespace", "owner-not-visible"], optional=True)
    lab.never("kernel-leak", "close-wait", "established", "connect-failed-not-closed", "never-connected", process=[h.pids["bank"]])


@scenario("misleading-log")
def _(lab):
    """The log is full of refused connects, but each socket is closed: healthy but for a dead peer."""
    from leaks import refuse
    h = lab.host("retry-1", peers=refuse("10.75.0.9"))
    h.last_pid(10900)
    h.program("retry", "churn.py", "/opt/retry/retry.py", ["10.75.0.9", 5044, 20])
    time.sleep(8)
    lab.capture(h, ["retry"], "plain")
    healthy(lab, "inconclusive")
    lab.never("connect-failed-not-closed", "connect-stuck", "port-exhaustion")


@scenario("quiet-host")
def _(lab):
    """Nothing but the daemons."""
    h = lab.host("quiet-1")
    lab.capture(h, [], "plain")
    healthy(lab)
