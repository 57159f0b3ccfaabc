"""Holds connections and uses them. argv: host port count idle|chat|burst|many; many spreads over peers, burst connects and closes in time."""
import random, socket, sys, time

host, port, count, how = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
pool = []
if how == "burst":  # a crawler: hundreds of connects at once, each given up after two seconds
    while True:
        pool = [socket.socket() for _ in range(count)]
        for index, sock in enumerate(pool):
            sock.setblocking(False)
            sock.connect_ex(("%s.%d" % (host, 1 + index % 250), port))
        time.sleep(2)
        for sock in pool:
            sock.close()
        print(time.strftime("%T"), "round done, 0 of %d answered" % count, flush=True)
for index in range(count):
    peer = "%s.%d" % (host, 1 + index % 200) if how == "many" else host
    sock = socket.create_connection((peer, port), timeout=5)
    sock.settimeout(2)
    pool.append(sock)
print(time.strftime("%F %T"), "pool of %d ready, max %d" % (count, count), flush=True)
while True:
    for sock in pool if how != "idle" else random.sample(pool, min(20, count)):
        sock.send(b"PING\r\n")
        sock.recv(256)
    time.sleep(0.2 if how != "idle" else 1)
