"""Sends one datagram per lookup or metric from a socket of its own. argv: host port burst pause connected|loose [keep]"""
import socket, sys, time

host, port, burst, pause, how = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4]), sys.argv[5]
keep = int(sys.argv[6]) if len(sys.argv) > 6 else 0
kept = []
while True:
    if keep and len(kept) >= keep:
        sock = kept[int(time.time() * 1000) % keep]
    else:
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        kept.append(sock)
        if how == "connected":
            sock.connect((host, port))
    if how == "connected":
        sock.send(b"\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x03www\x04corp\x00\x00\x01\x00\x01")
    else:
        sock.sendto(b"jobs.done:1|c", (host, port))
    if len(kept) >= burst and not keep:
        print(time.strftime("%F %T"), "sent to %s:%d, no answer waited for" % (host, port), flush=True)
    time.sleep(0 if len(kept) < burst else pause)
