#!/usr/bin/env python3
"""The far ends of a lab host's connections, in user space over a tun device.

The kernel counts sockets for the whole machine, so the peers must use none: this answers the host's
SYNs and plays its clients by itself. Rules come as JSON (argv[1]): {"serve": [...], "clients": [...]}.
serve:   {"to": prefix, "port": n or null, "do": refuse|drop|unreach|accept, + what accept may do}
clients: {"from": prefix, "port": n, "n": count, "rate": per second, "again": bool, "syn_only": bool, + the same}
clients may have "churn" (s after its FIN until a new client comes, the old connection left to the host).
accept:  greet, reply (text), every (s, talk), fin / rst (s after the handshake), fin_on / rst_on "data",
         half (true: never answers the host's FIN), window (advertised), deaf_after (s: no more ACKs).
"""
import fcntl, heapq, ipaddress, json, os, random, select, struct, sys, time

FIN, SYN, RST, PSH, ACK = 1, 2, 4, 8, 16
PARTIAL = struct.pack("<BBHHHH", 1, 0, 0, 0, 20, 16)  # a vnet header that leaves the TCP checksum to be filled in: none checks it
conns, timers, ticket = {}, [], 0


def open_tun(name):
    fd = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(fd, 0x400454CA, struct.pack("16sH", name.encode(), 0x0001 | 0x1000 | 0x4000))  # TUN|NO_PI|VNET_HDR
    return fd


def after(seconds, call, *args):
    global ticket
    ticket += 1
    heapq.heappush(timers, (time.monotonic() + seconds, ticket, call, args))


def ip_packet(proto, src, dst, payload):
    head = bytearray(struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(payload), 0, 0x4000, 64, proto, 0, src, dst))
    total = sum(struct.unpack("!10H", head))
    total = (total & 0xFFFF) + (total >> 16)
    struct.pack_into("!H", head, 10, ~(total + (total >> 16)) & 0xFFFF)
    return (PARTIAL if proto == 6 else bytes(10)) + bytes(head) + payload


def emit(packet):
    try:
        os.write(tun, packet)
    except OSError:
        pass  # a full queue loses packets, as networks do


class Conn:
    def __init__(self, key, rule):
        self.key, self.rule, self.up, self.deaf, self.closed = key, rule, False, False, False
        self.nxt = self.isn = random.getrandbits(32)
        self.want = 0
        conns[key] = self

    def send(self, flags, data=b""):
        (theirs, their_port, ours, our_port) = self.key
        tcp = struct.pack("!HHIIBBHHH", our_port, their_port, self.nxt, self.want if flags & ACK else 0, 0x50, flags,
                          self.rule.get("window", 65535), 0, 0)
        emit(ip_packet(6, ours, theirs, tcp + data))
        self.nxt = (self.nxt + len(data) + bool(flags & SYN) + bool(flags & FIN)) & 0xFFFFFFFF

    def opened(self):
        rule, self.up = self.rule, True
        if rule.get("greet"):
            self.send(ACK | PSH, rule["greet"].encode())
        for name, act in (("fin", self.fin), ("rst", self.rst), ("deaf_after", self.mute)):
            if rule.get(name) is not None:
                after(rule[name] * random.uniform(0.9, 1.1), act)
        if rule.get("every"):
            after(rule["every"] * random.random(), self.talk)

    def talk(self):
        if self.key in conns and not self.closed:
            self.send(ACK | PSH, self.rule.get("say", "ping\n").encode())
            after(self.rule["every"], self.talk)

    def fin(self):
        if self.key in conns and not self.closed:
            self.closed = True
            self.send(ACK | FIN)
            if self.rule.get("churn"):  # the next client comes, whatever the host does with this one
                after(self.rule["churn"], dial, self.rule)

    def rst(self):
        if conns.pop(self.key, None):
            self.send(RST | ACK)
            self.again()

    def mute(self):
        self.deaf = True

    def again(self):
        if self.rule.get("again"):
            after(self.rule.get("pause", 0.5), dial, self.rule)

    def got(self, seq, flags, data):
        if flags & RST:
            if conns.pop(self.key, None):
                self.again()
            return
        if flags & SYN:
            if flags & ACK and not self.up:  # the answer to our own SYN
                self.want = (seq + 1) & 0xFFFFFFFF
                self.send(ACK)
                return self.opened()
            if flags & ACK:
                return self.send(ACK)
            self.nxt, self.want, self.up = self.isn, (seq + 1) & 0xFFFFFFFF, None  # a repeated SYN too
            return self.send(SYN | ACK)
        if self.deaf:
            return
        if self.up is None:
            self.opened()
        if seq != self.want:
            return self.send(ACK) if data or flags & FIN else None
        self.want = (self.want + len(data) + bool(flags & FIN)) & 0xFFFFFFFF
        if data and not self.closed and self.rule.get("reply"):
            self.send(ACK | PSH, self.rule["reply"].encode())
        elif data or flags & FIN:
            self.send(ACK)
        if data and self.rule.get("fin_on") == "data":
            self.fin()
        if data and self.rule.get("rst_on") == "data":
            self.rst()
        if flags & FIN:
            if self.rule.get("half"):
                return
            if self.closed:
                conns.pop(self.key, None)
                self.again()
            else:
                self.fin()


def rule_for(dst, port):
    address = ipaddress.ip_address(dst)
    for rule in rules.get("serve", []):
        if address in rule["net"] and rule.get("port") in (None, port):
            return rule
    return {"do": "drop"}


def dial(rule):
    net = rule["net"]
    ours = (net.network_address + random.randrange(1, max(2, net.num_addresses - 1))).packed
    key = (HOST, rule["port"], ours, random.randrange(1025, 65000))
    if key in conns:
        return dial(rule)
    conn = Conn(key, rule)
    conn.send(SYN)
    if rule.get("syn_only"):
        conns.pop(key)
    else:
        after(1, redial, conn, 1)


def redial(conn, wait):
    if conn.key in conns and conn.up is False:
        conn.nxt = (conn.nxt - 1) & 0xFFFFFFFF
        conn.send(SYN)
        after(wait * 2, redial, conn, wait * 2)


def received(packet):
    packet = packet[10:]
    if len(packet) < 40 or packet[0] >> 4 != 4:
        return
    size, src, dst = (packet[0] & 15) * 4, packet[12:16], packet[16:20]
    if packet[9] != 6:
        return
    sport, dport, seq, _, offset, flags = struct.unpack("!HHIIBB", packet[size : size + 14])
    data = packet[size + (offset >> 4) * 4 : struct.unpack("!H", packet[2:4])[0]]
    key = (src, sport, dst, dport)
    conn = conns.get(key)
    if conn:
        return conn.got(seq, flags, data)
    rule = rule_for(dst, dport)
    if flags & RST or rule["do"] == "drop":
        return
    if rule["do"] == "unreach":
        body = struct.pack("!BBHI", 3, 1, 0, 0) + packet[: size + 8]
        total = sum(struct.unpack("!%dH" % (len(body) // 2), body))
        total = (total & 0xFFFF) + (total >> 16)
        body = body[:2] + struct.pack("!H", ~(total + (total >> 16)) & 0xFFFF) + body[4:]
        return emit(ip_packet(1, rule.get("router", dst), src, body))
    if rule["do"] == "refuse" or not flags & SYN:
        stray = Conn(key, {})
        conns.pop(key)
        stray.nxt, stray.want = 0, (seq + len(data) + bool(flags & SYN) + bool(flags & FIN)) & 0xFFFFFFFF
        return stray.send(RST | ACK)
    Conn(key, rule).got(seq, flags, data)


rules, HOST = json.loads(sys.argv[1]), ipaddress.ip_address(sys.argv[2]).packed
for each in rules.get("serve", []) + rules.get("clients", []):
    each["net"] = ipaddress.ip_network(each.get("to") or each.get("from") or "0.0.0.0/0")
tun = open_tun("eth0")
print("ready", flush=True)
sys.stdin.readline()  # the host is configured, its servers listen
for each in rules.get("clients", []):
    for index in range(each["n"]):
        after(each.get("start", 1.5) + index / each.get("rate", 500), dial, each)
while True:
    pause = max(0, timers[0][0] - time.monotonic()) if timers else 5
    if select.select([tun], [], [], min(pause, 5))[0]:
        for _ in range(200):
            try:
                received(os.read(tun, 65600))
            except BlockingIOError:
                break
    now = time.monotonic()
    while timers and timers[0][0] <= now:
        _, _, call, args = heapq.heappop(timers)
        call(*args)
