"""Programs that leak."""
from lab import scenario

TCP_NOISE = ["close-wait", "time-wait-buildup", "port-exhaustion", "kernel-leak"]
OPEN_NOISE = ["closed", "time-wait-buildup", "port-exhaustion", "kernel-leak"]


def one(name, title, program, args, count, code, kind, path=None, remote=None, peers=None, layout="plain", host=None, pid=None,
        user="app", never=TCP_NOISE, base=0, share=1.0, word="socket:", sysctl=None, settle_word="socket:", nofile="20000:20000", wait=0, sources=None,
        only=None, extra=None, command=None, prefix="", optional=None, more=None, run_as=None, seconds=3, verdicts=("leak",)):
    """A scenario of one leaking program among the quiet daemons."""
    def run(lab):
        h = lab.host(host or name[:12], peers=peers, sysctl=sysctl)
        h.last_pid(pid or 900 + sum(map(ord, name)) * 17)
        h.program(name, program, path, args, user=user, nofile=nofile)
        h.settle(name, count, settle_word)
        __import__("time").sleep(wait)
        lab.prefix = prefix
        lab.capture(h, [name], layout, word=word, only=only, extra=extra, user=run_as, seconds=seconds)
        lab.leak(code, name, kind, base=base, remote=remote, share=share, command=command, **(more or {}))
        lab.verdict(*verdicts)
        lab.never(*never)
    run.__doc__ = title
    scenario(name)(run)


def refuse(to):
    return {"serve": [{"to": to, "do": "refuse"}]}


def accept(to, **how):
    return {"serve": [{"to": to, "do": "accept", **how}]}


one("refused-py", "A log forwarder keeps the socket of each refused connection to its collector.",
    "refused.py", ["10.40.1.9", 6514, 640, 0.4], 640, "connect-failed-not-closed", "closed", "/opt/ship/forward.py",
    "10.40.1.9:6514", refuse("10.40.1.9"), "plain", "ship-4", 21870)
one("refused-einprogress", "A checker in C: EINPROGRESS, then SO_ERROR says refused, and the check returns without close.",
    "einprogress.c", ["10.41.7.3", 8443, 5200, 300], 5200, "connect-failed-not-closed", "closed", "/usr/local/bin/checkd",
    "10.41.7.3:8443", refuse("10.41.0.0/16"), "cmds", "mon-02", 3300, "svc")
one("refused-java", "A Java client drops non-blocking channels whose connect was refused without finishConnect or close (TCPv6).",
    "NioRefused.java", ["10.42.0.21", 9093, 1500, 400], 1500, "connect-failed-not-closed", "closed", "/opt/bridge/lib/NioRefused.class",
    "10.42.0.21:9093", refuse("10.42.0.0/16"), "deep", "bridge-1", 11020, base=1)
one("timed-out", "Meter polling in threads: connects time out (ETIMEDOUT) at a black hole, the sockets are forgotten.",
    "timedout.c", ["10.43.2.2", 502, 900, 230, 300], 900, "connect-failed-not-closed", "closed", "/opt/scada/bin/meterpoll",
    "10.43.2.2:502", {}, "dated", "scada-gw", 7150, never=["close-wait", "time-wait-buildup", "port-exhaustion", "kernel-leak"], wait=9)
one("no-route", "An alert sender in Perl keeps the handles of connects that end in EHOSTUNREACH.",
    "unreachable.pl", ["10.44.9.1", 25, 330, 0.5], 330, "connect-failed-not-closed", "closed", "/srv/alertd/alertd.pl", "10.44.9.1:25",
    {"serve": [{"to": "10.44.0.0/16", "do": "unreach"}]}, "upper", "noc7", 1930, "ops")
one("never-connected-name", "The socket is opened before the name is resolved; the name is gone and the exception skips the close.",
    "resolve_fail.py", ["replica-3.db.corp.example", 2400, 0.5], 2400, "never-connected", "closed", "/opt/replica/sync.py",
    None, None, "nested", "rep-a1", 15500)
one("never-connected-bound", "Each call binds a local address and gives up before it connects.",
    "bound_only.c", ["10.20.0.10", 420, 350], 420, "never-connected", "closed", "/opt/voip/bin/callgate", None, None, "ticket", "voip-3", 2870, "svc")
one("connect-stuck", "An orchestrator starts non-blocking connects to agents behind a dropping firewall and never gives one up.",
    "stuck.c", ["10.45.3", 7077, 850, 250], 850, "connect-stuck", "syn-sent", "/opt/orch/bin/orchd",
    ["10.45.3.10:7077", "10.45.3.11:7077", "10.45.3.12:7077", "10.45.3.13:7077"], {}, "plain", "orch-1", 4400,
    never=["close-wait", "time-wait-buildup", "kernel-leak"], wait=25)
one("reset-client", "A query client whose backend resets each connection: ECONNRESET returns without close.",
    "reset_client.c", ["10.46.0.8", 3050, 1250, 300], 1250, "reset-not-closed", "closed", "/opt/quote/bin/quoted",
    "10.46.0.8:3050", accept("10.46.0.8", rst_on="data"), "letters", "quote-11", 9200)
one("reset-server", "A line server whose clients reset: the exception leaves before the close.",
    "reset_server.py", [7001], 700, "reset-not-closed", "closed", "/opt/telem/lines.py", None,
    {"clients": [{"from": "10.47.0.0/20", "port": 7001, "n": 120, "rate": 19, "rst": 0.4, "again": True, "pause": 6}]},
    "cmds", "telem-2", 5600, "ingest", base=20, more={"within": 8})
one("shutdown-both", "A client ends each exchange with shutdown() after the peer's FIN and never calls close().",
    "shutdown.py", ["10.48.1.1", 8086, 1100, 0.5, "both"], 1100, "shutdown-not-closed", "closed", "/opt/tsdb/export.py", "10.48.1.1:8086",
    accept("10.48.1.1", reply="HTTP/1.0 200 OK\r\n\r\nok", fin_on="data"), "plain", "tsdb-5", 13000)
one("shutdown-half", "A client only shuts its writing side down; the peer never ends, so FIN-WAIT-2 is owned for ever.",
    "shutdown.py", ["10.48.2.1", 2003, 560, 0.5, "wr"], 560, "shutdown-not-closed", "fin-wait", "/opt/carbon/relay.py", "10.48.2.1:2003",
    accept("10.48.2.1", reply="ok\n", half=True), "deep", "carbon-b", 13400, never=["closed", "close-wait", "time-wait-buildup", "kernel-leak"])
one("peer-closed-node", "A Node feed client with allowHalfOpen never ends its half after the peer's FIN.",
    "half_open.js", ["10.49.0.5", 8080, 2100, 400], 2100, "peer-closed-not-closed", "close-wait", "/srv/feeds/poll.js", "10.49.0.5:8080",
    accept("10.49.0.5", reply="HTTP/1.0 200 OK\r\n\r\nitems", fin_on="data"), "paste", "feeds-03", 26100, "_feed", OPEN_NOISE)
one("peer-closed-py", "A price client keeps every response object unread: CLOSE_WAIT with the body still queued.",
    "unread_body.py", ["10.49.4.7", 8000, 190, 0.5], 190, "peer-closed-not-closed", "close-wait", "/opt/shop/price.py", "10.49.4.7:8000",
    accept("10.49.4.7", reply="HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + "x" * 300, fin_on="data"), "sections", "shop-web2", 30100,
    never=OPEN_NOISE)
one("accept-close-wait", "An epoll server drops ended sessions from its table without close: CLOSE_WAIT on the service port.",
    "server.c", [8081, "forget"], 1700, "accept-not-closed", "close-wait", "/opt/gate/bin/gated", None,
    {"clients": [{"from": "10.50.0.0/16", "port": 8081, "n": 60, "greet": "GET / HTTP/1.1\r\n\r\n", "fin": 1.0, "churn": 1.0, "rate": 100}]},
    "plain", "gate-6", 6100, "www-data", OPEN_NOISE, more={"state": "08"})
one("accept-emfile", "The same at its descriptor limit: accept4 fails with EMFILE, the backlog fills.",
    "server.c", [8081, "forget", 64], 1010, "accept-not-closed", "close-wait", "/opt/gate/bin/gated", None,
    {"clients": [{"from": "10.50.0.0/16", "port": 8081, "n": 120, "greet": "GET / HTTP/1.1\r\n\r\n", "fin": 1.0, "churn": 0.6, "rate": 200}]},
    "nested", "gate-7", 6700, "www-data", ["closed", "time-wait-buildup", "kernel-leak", "fd-limit-too-low"], base=1, nofile="1024:4096", wait=6)
one("accept-stuck", "A threaded server whose handlers all wait for one lock: connections stay ESTABLISHED, threads too.",
    "stuck_handler.py", [9400], 480, ["accept-not-closed", "process-hung", "idle-not-reaped"], "established", "/opt/ledger/post.py", None,
    {"clients": [{"from": "10.51.0.0/16", "port": 9400, "n": 480, "greet": "POST 1\n", "rate": 100}]}, "cmds", "ledger-2", 18200,
    never=["closed", "time-wait-buildup", "kernel-leak", "pool-unbounded"], base=1)
CHAT = {"from": "10.52.0.0/16", "port": 5222, "greet": "hello\n"}
one("idle-not-reaped", "A server keeps every connection of peers that are alive and silent for two minutes; one sample with lastrcv.",
    "server.c", [5222, "keep"], 3600, "idle-not-reaped", "established", "/opt/chat/bin/chatd", None,
    {"clients": [{**CHAT, "n": 3600, "rate": 400}]}, "plain", "chat-9", 2210, "svc",
    ["closed", "close-wait", "time-wait-buildup", "kernel-leak", "pool-unbounded", "accept-not-closed"], base=1,
    extra={"ss-info": "ss -tinpo"}, wait=120, more={"optional": True}, verdicts=("leak", "inconclusive"))
one("pool-one-sample", "A client borrows a new connection for each job and never returns one; strace shows it.",
    "pool.py", ["10.53.0.6", 6379, 1300, 0.3], 1300, "pool-unbounded", "established", "/opt/jobs/worker.py", "10.53.0.6:6379",
    accept("10.53.0.6", reply="+PONG\r\n"), "upper", "jobs-4", 14100, never=["closed", "close-wait", "time-wait-buildup", "kernel-leak", "idle-not-reaped"])
one("listeners-reload", "One more SO_REUSEPORT listener after each reload.",
    "listeners.c", [8443, 210, 500, "reload"], 210, "listener-not-closed", "listen", "/opt/edge/bin/edged", None, None, "dated", "edge-4", 3720, "svc",
    never=["closed", "close-wait", "kernel-leak"])
one("listeners-passive", "An FTP-like server opens a data listener per transfer and never closes it.",
    "listeners.c", [0, 1450, 400, "fresh"], 1450, "listener-not-closed", "listen", "/opt/drop/bin/dropd", None, None, "letters", "drop-2", 8050, "svc",
    never=["closed", "close-wait", "kernel-leak"])
one("udp-dns", "A resolver client opens a connected UDP socket per lookup.",
    "udp.py", ["10.54.0.53", 53, 1900, 0.3, "connected"], 1900, "udp-not-closed", "udp", "/opt/mail/rbl.py", "10.54.0.53:53", {}, "plain", "mx-3", 16100,
    never=["closed", "close-wait", "kernel-leak"])
one("udp-loose", "A metrics client opens an unconnected UDP socket per metric.",
    "udp.py", ["10.54.1.9", 8125, 75, 0.4, "loose"], 75, "udp-not-closed", "udp", "/opt/jobs/metrics.py", None, {}, "nested", "batch-12", 16900,
    never=["closed", "close-wait", "kernel-leak"])
one("unix-pairs", "Socket pairs per task, both ends kept.",
    "unix_hub.py", ["-", "pairs", 600, 0.5], 1200, "unix-not-closed", "unix", "/opt/flow/runner.py", None, None, "deep", "flow-1", 19100,
    never=["closed", "close-wait", "kernel-leak"])
one("netlink-route", "A link watcher opens a netlink socket per poll.",
    "families.c", ["netlink", 380, 500], 380, "netlink-not-closed", "netlink", "/opt/netmon/bin/linkwatch", None, None, "plain", "rt-5", 2300, "root",
    never=["closed", "close-wait", "kernel-leak"])
one("netlink-diag", "A connection counter opens a sock_diag netlink socket per scrape.",
    "families.c", ["diag", 1600, 400], 1600, "netlink-not-closed", "netlink", "/opt/conncount/conncount", None, None, "ticket", "rt-6", 2500, "svc",
    never=["closed", "close-wait", "kernel-leak"])
one("packet", "An ARP prober opens a packet socket per probe.",
    "families.c", ["packet", 260, 500], 260, "packet-not-closed", "packet", "/opt/arpd/arpprobe", None, None, "cmds", "rt-7", 2700, "root",
    never=["closed", "close-wait", "kernel-leak"], extra={"packet": "cat /proc/net/packet"})
one("raw", "A pinger opens a raw ICMP socket per target and round.",
    "families.c", ["raw", 510, 400], 510, "raw-not-closed", "raw", "/opt/pingmesh/pingmesh", None, None, "upper", "rt-8", 2900, "root",
    never=["closed", "close-wait", "kernel-leak"], extra={"ss-raw": "ss -wanp"})
one("selector-java", "A Java transport opens a selector (epoll and eventfd) per call and no connection.",
    "SelectorPerCall.java", ["-", 0, 900, 400], 900, "selector-not-closed", "eventpoll", "/opt/rpc/lib/SelectorPerCall.class", None, None, "plain",
    "rpc-2", 12000, word="anon_inode:[eventpoll]", settle_word="anon_inode:[eventpoll]", never=["closed", "close-wait", "kernel-leak"],
    more={"count": 900, "within": 110})
one("selector-java-tcp", "A Java client per call: a selector of its own and a connection to the same peer.",
    "SelectorPerCall.java", ["10.55.0.4", 2181, 420, 400], 420, ["selector-not-closed", "pool-unbounded"], ["eventpoll", "established"],
    "/opt/coord/lib/SelectorPerCall.class", "10.55.0.4:2181", accept("10.55.0.4"), "dated", "coord-3", 12500, more={"count": 430, "within": 110},
    never=["closed", "close-wait", "kernel-leak"])
one("dup", "Three upstream connections duplicated per request: thousands of descriptors, three sockets.",
    "dup.c", ["10.56.0.2", 11211, 4200, 250], 4200, "dup-not-closed", None, "/opt/cachegw/cachegw", "10.56.0.2:11211", accept("10.56.0.2"), "plain",
    "cache-1", 5100, more={"count": 3, "within": 1}, never=["pool-unbounded", "idle-not-reaped", "closed", "close-wait", "kernel-leak"])
one("selector-py", "A client per call in Python: an epoll, a pipe and a connection to the same peer each time.",
    "selector_client.py", ["10.55.1.4", 9092, 350, 0.4], 350, ["selector-not-closed", "pool-unbounded"], ["eventpoll", "established"],
    "/opt/events/producer.py", "10.55.1.4:9092", accept("10.55.1.4", reply="ok\n"), "plain", "events-6", 12700, more={"count": 357, "within": 210},
    never=["closed", "close-wait", "kernel-leak", "idle-not-reaped"])
one("unix-dgram", "A logger object per request, each with an unconnected unix datagram socket.",
    "unix_hub.py", ["-", "dgram", 930, 0.5], 930, "unix-not-closed", "unix", "/opt/flow/audit.py", None, None, "upper", "flow-2", 19300,
    never=["closed", "close-wait", "kernel-leak"])
one("refused-emfile", "Refused sockets up to the limit of 1024: the log then speaks of open files only.",
    "einprogress.c", ["10.41.12.3", 7000, 1021, 200], 1021, "connect-failed-not-closed", "closed", "/opt/hb/bin/heartbeat", "10.41.12.3:7000",
    refuse("10.41.0.0/16"), "cmds", "hb-3", 3500, never=TCP_NOISE + ["fd-limit-too-low"], nofile="1024:1024", wait=20)
one("proxy-half-close", "A proxy forgets connections whose client has closed: CLOSE_WAIT toward clients, live upstreams beside them.",
    "proxy.c", [3128, "10.63.1.2", 8080, "forget"], 1600, "accept-not-closed", ["close-wait", "established"], "/opt/px/bin/pxd", None,
    {"serve": [{"to": "10.63.1.2", "do": "accept", "reply": "pong\n"}],
     "clients": [{"from": "10.64.0.0/16", "port": 3128, "n": 100, "rate": 200, "greet": "CONNECT\n", "fin": 1.0, "churn": 2.0}]}, "nested",
    "px-7", 9150, "svc", ["closed", "time-wait-buildup", "kernel-leak"], base=1, share=0.5, more={"within": 110})


@scenario("pool-two-samples")
def _(lab):
    """The same client sampled twice, 8 s apart: connections to one peer grow."""
    import time
    h = lab.host("jobs-5", peers=accept("10.53.0.7", reply="+PONG\r\n"))
    h.last_pid(14400)
    h.program("worker", "pool.py", "/opt/jobs/worker.py", ["10.53.0.7", 5671, 400, 0.1])
    h.settle("worker", 400)
    lab.capture(h, ["worker"], "plain", prefix="sample-1")
    time.sleep(5)
    lab.capture(h, ["worker"], "plain", prefix="sample-2")
    lab.leak("pool-unbounded", "worker", "established", remote="10.53.0.7:5671", within=5)
    lab.never("closed", "close-wait", "time-wait-buildup", "kernel-leak")


@scenario("idle-two-samples")
def _(lab):
    """The chat server twice, 20 s apart: its idle connections grow by forty a second and none is ever ended."""
    import time
    h = lab.host("chat-10", peers={"clients": [{**CHAT, "n": 4000, "rate": 40}]})
    h.last_pid(2210)
    h.program("chat", "server.c", "/opt/chat/bin/chatd", [5222, "keep"], user="svc")
    h.settle("chat", 1200)
    lab.capture(h, ["chat"], "cmds", prefix="10-00", extra={"ss-info": "ss -tinpo"}, seconds=2)
    time.sleep(20)
    lab.capture(h, ["chat"], "cmds", prefix="10-01", extra={"ss-info": "ss -tinpo"}, seconds=2)
    lab.leak(["idle-not-reaped", "accept-not-closed"], "chat", "established", base=1, within=8)
    lab.never("closed", "close-wait", "time-wait-buildup", "kernel-leak", "pool-unbounded")


@scenario("unix-client")
def _(lab):
    """A client of a local hub connects per request and keeps every socket; the hub behaves."""
    h = lab.host("auth-2")
    h.program("hub", "unix_hub.py", "/opt/authd/authd.py", ["/run/authd.sock", "serve"], user="svc", argv0="authd")
    h._wait(lambda: (h.root / "run/authd.sock").exists(), 10, "the hub")
    h.last_pid(7700)
    h.program("web", "unix_hub.py", "/srv/web/login.py", ["/run/authd.sock", "client", 750, 0.5], user="www-data")
    h.settle("web", 750)
    lab.capture(h, ["web", "hub"], "plain")
    lab.leak("unix-not-closed", "web", "unix")
    lab.never("closed", "close-wait", "kernel-leak", process=[h.pids["hub"]])


@scenario("unix-accepted")
def _(lab):
    """A hub keeps accepted unix sockets whose peers are gone."""
    h = lab.host("auth-3")
    h.last_pid(7100)
    h.program("hub", "unix_hub.py", "/opt/authd/authd.py", ["/run/authd.sock", "forget"], user="svc")
    h._wait(lambda: (h.root / "run/authd.sock").exists(), 10, "the hub")
    h.program("web", "unix_hub.py", "/srv/web/login.py", ["/run/authd.sock", "visit", 1350, 0.5], user="www-data")
    h.settle("hub", 1350)
    lab.capture(h, ["hub"], "nested")
    lab.leak("unix-not-closed", "hub", "unix", base=1)
    lab.never("closed", "close-wait", "kernel-leak", process=[h.pids["web"]])


@scenario("inherited-helper-alone")
def _(lab):
    """A service started a helper without CLOEXEC and exited; the helper keeps the connections it never uses."""
    h = lab.host("rot-1", peers=accept("10.57.0.3"))
    h.last_pid(5050)
    h.program("helper-src", "server.c", "/usr/local/bin/rotated", [7999, "close"], user="root")
    h.last_pid(5300)
    h.program("svc", "inherit.py", "/opt/pay/payd.py", ["10.57.0.3", 5432, 240, "exit", "/bin/sleep", "86400"])
    h._wait(lambda: h.pids_of("sleep"), 20, "helper")
    h.pids["sleep"] = h.pids_of("sleep")[0]
    h.settle("sleep", 240)
    lab.capture(h, ["sleep"], "cmds", log="/var/log/svc.log")
    lab.leak("fd-inherited", "sleep", ["established", "close-wait"], remote="10.57.0.3:5432")
    lab.never("closed", "time-wait-buildup", "kernel-leak", process=["rotated"])


@scenario("inherited-close-wait")
def _(lab):
    """The parent closed its side and lives; the peer closed too; the helper's copies stay in CLOSE_WAIT."""
    h = lab.host("rot-2", peers=accept("10.57.1.3", fin=4))
    h.last_pid(5300)
    h.program("svc", "inherit.py", "/opt/pay/payd.py", ["10.57.1.3", 1521, 130, "close", "/usr/bin/tail", "-f", "/dev/null"])
    h._wait(lambda: h.pids_of("tail"), 20, "helper")
    h.pids["tail"] = h.pids_of("tail")[0]
    h.settle("tail", 130)
    __import__("time").sleep(6)
    lab.capture(h, ["tail", "svc"], "plain", log="/var/log/svc.log")
    lab.leak("fd-inherited", "tail", "close-wait", remote="10.57.1.3:1521")
    lab.never("closed", "time-wait-buildup", "kernel-leak")


@scenario("inherited-both")
def _(lab):
    """Parent and helper hold the same 320 connections: the same inodes in two programs."""
    h = lab.host("rot-3", peers=accept("10.57.2.3"))
    h.last_pid(5300)
    h.program("svc", "inherit.py", "/opt/pay/payd.py", ["10.57.2.3", 3306, 320, "stay", "/usr/bin/tail", "-f", "/dev/null"])
    h._wait(lambda: h.pids_of("tail"), 20, "helper")
    h.pids["tail"] = h.pids_of("tail")[0]
    h.settle("tail", 320)
    lab.capture(h, ["tail", "svc"], "dated", log="/var/log/svc.log")
    lab.leak("fd-inherited", "tail", "established", remote="10.57.2.3:3306")
    lab.never("closed", "close-wait", "time-wait-buildup", "kernel-leak")


@scenario("in-flight")
def _(lab):
    """Sockets handed over unix sockets to workers that never receive: no descriptor anywhere holds them."""
    h = lab.host("handoff-1")
    h.last_pid(4600)
    h.program("dispatch", "inflight.c", "/opt/front/bin/dispatchd", [22])
    h._wait(lambda: b"worker 2" in h.run("tail -1 /var/log/dispatch.log"), 20, "hand over")
    __import__("time").sleep(0.5)
    lab.capture(h, ["dispatch"], "plain")
    lab.verdict("leak", "inconclusive")
    lab.finding(["in-flight", "owner-not-visible"], kind=["closed", "unidentified"], count=2200, within=2, cls="leak")
    lab.never("close-wait", "time-wait-buildup", "kernel-leak")


@scenario("owner-other-pidns")
def _(lab):
    """The leaker shares the network namespace but lives in another pid namespace: its CLOSE_WAIT rows have no owner."""
    import subprocess, sys
    from host import HERE
    h = lab.host("kube-n3", peers=accept("10.58.0.4", reply="HTTP/1.0 200 OK\r\n\r\n", fin_on="data"))
    outside = subprocess.Popen(["nsenter", "-t", str(h.init), "-n", "/usr/bin/python3", str(HERE / "programs/unread_body.py"),
                                "10.58.0.4", "9200", "870", "0.5"], stdout=subprocess.DEVNULL)
    try:
        h._wait(lambda: int(h.run("ss -tan state close-wait | wc -l")) > 870, 60, "close-wait")
        lab.capture(h, [], "plain")
    finally:
        outside.kill()
        outside.wait()
    lab.verdict("leak", "inconclusive")
    lab.finding(["owner-not-visible", "peer-closed-not-closed"], kind="close-wait", count=876, within=3, remote="10.58.0.4:9200", cls="leak")
    lab.never("closed", "accept-not-closed", "accept-stalled", "backlog-overflow", "time-wait-buildup", "kernel-leak")


@scenario("owner-no-root")
def _(lab):
    """A leak of refused sockets captured by an ordinary user: no process columns, the log is readable."""
    h = lab.host("ship-9", peers=refuse("10.40.1.9"))
    h.last_pid(21500)
    h.program("fwd", "refused.py", "/opt/ship/forward.py", ["10.40.1.9", 6514, 1180, 0.4])
    h.settle("fwd", 1180)
    lab.capture(h, ["fwd"], "cmds", user="ops")
    low, high = lab.counts["fwd"]
    lab.verdict("leak", "inconclusive")
    lab.finding(["connect-failed-not-closed", "owner-not-visible", "unknown"], kind=["closed", "unidentified"], count=(low + high) // 2, within=3, cls="leak")
    lab.never(*TCP_NOISE)


@scenario("prefork")
def _(lab):
    """Five workers of one program each keep their refused sockets; each is to be named."""
    h = lab.host("api-31", peers=refuse("10.59.0.2"))
    h.last_pid(23000)
    h.program("master", "prefork.py", "/srv/api/app.py", ["10.59.0.2", 8983, 5, 260, 1.0], user="www-data")
    workers = [23004, 23005, 23006, 23007, 23008]
    h._wait(lambda: len(h.run("pgrep -P %d" % h.pids["master"]).split()) == 5, 20, "workers")
    workers = [int(x) for x in h.run("pgrep -P %d" % h.pids["master"]).split()]
    h.pids.update({"w%d" % i: pid for i, pid in enumerate(workers)})
    h.settle("w4", 260 + 160)
    lab.capture(h, ["w0", "w4"], "plain", log="/var/log/master.log")
    total = sum(sum(lab.counts["w%d" % i]) for i in range(5)) // 2
    lab.finding("connect-failed-not-closed", {"command": "python3", "pid": workers}, "closed", total, 4, "10.59.0.2:8983", cls="leak")
    lab.verdict("leak")
    lab.never(*TCP_NOISE, process=[h.pids["master"]])


one("star-descriptors", "Eleven thousand UDP sockets: lsof prints descriptors over 9999 as a star and three digits.",
    "udp.py", ["10.54.2.9", 8125, 11200, 0.3, "loose"], 11200, "udp-not-closed", "udp", "/opt/tele/push.py", None, {}, "plain", "tele-3", 17900,
    never=["closed", "close-wait", "kernel-leak", "dup-not-closed"])
one("spaced-name", "A program whose name holds a space, run by a user with a long name.",
    "einprogress.c", ["10.41.9.9", 9000, 880, 300], 880, "connect-failed-not-closed", "closed", "/opt/data pump/data pump",
    "10.41.9.9:9000", refuse("10.41.0.0/16"), "plain", "dwh-1", 33000, "datawarehouse", command="data pump")
one("thread-heavy", "220 live threads and 800 refused sockets in one process.",
    "timedout.c", ["10.41.11.1", 4321, 620, 220, 2000], 820, "connect-failed-not-closed", "closed", "/opt/poll/pollerd",
    "10.41.11.1:4321", refuse("10.41.0.0/16"), "cmds", "poll-2", 33400)


@scenario("loopback-pool")
def _(lab):
    """A client's pool grows toward a server on the same host: both hold the same number, the client is the one."""
    h = lab.host("one-box")
    h.last_pid(2100)
    h.program("store", "server.c", "/opt/store/bin/stored", [6380, "close", 4096], user="svc")
    h.last_pid(2600)
    h.program("web", "pool.py", "/srv/web/session.py", ["127.0.0.1", 6380, 980, 0.3], user="www-data")
    h.settle("web", 980)
    lab.capture(h, ["web", "store"], "plain")
    lab.leak("pool-unbounded", "web", "established", remote="127.0.0.1:6380")
    lab.never("closed", "close-wait", "kernel-leak", process=["stored", h.pids["store"]])


@scenario("loopback-v6-close-wait")
def _(lab):
    """A client keeps unread answers of a local HTTP server on ::1: CLOSE_WAIT over IPv6 on the client's side only."""
    h = lab.host("one-box6")
    h.last_pid(2100)
    h.start("files", ["/usr/bin/python3", "-m", "http.server", "--bind", "::1", "-d", "/srv", "8000"], user="svc")
    __import__("time").sleep(1)
    h.last_pid(2600)
    h.program("price", "unread_body.py", "/opt/shop/price.py", ["::1", 8000, 230, 0.5])
    h.settle("price", 230)
    lab.capture(h, ["price"], "nested")
    lab.leak("peer-closed-not-closed", "price", "close-wait", remote="[::1]:8000")
    lab.never("closed", "kernel-leak", "accept-not-closed", process=[h.pids["files"]])


@scenario("owner-other-netns")
def _(lab):
    """The leaker is visible but in a network namespace of its own: lsof cannot place its sockets, only the machine-wide count tells."""
    h = lab.host("kube-n8")
    h.last_pid(3900)
    source = h.root / "opt/pod"
    source.mkdir()
    __import__("shutil").copy(__import__("host").HERE / "programs/refused.py", source / "agent.py")
    h.start("pod", ["unshare", "-n", "sh", "-c", "ip link set lo up; exec /usr/bin/python3 /opt/pod/agent.py 127.0.0.1 9092 1450 0.4"], user="root")
    h.settle("pod", 1450)
    lab.capture(h, ["pod"], "plain")
    lab.leak(["connect-failed-not-closed", "unknown", "owner-not-visible"], "pod", ["closed", "unidentified"])
    lab.never("close-wait", "kernel-leak", "time-wait-buildup")
