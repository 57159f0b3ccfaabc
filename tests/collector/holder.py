"""Holds N sockets of a KIND and sleeps: `holder.py KIND N`. Prints a line when it holds them."""
import resource
import socket
import sys
import time

kind, n = sys.argv[1], int(sys.argv[2])
limit = n + 100
hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
resource.setrlimit(resource.RLIMIT_NOFILE, (limit, max(limit, hard)))  # raising the hard limit needs a privilege
if kind == "tcp-closed":
    held = [socket.socket() for _ in range(n)]
elif kind == "udp":
    held = [socket.socket(type=socket.SOCK_DGRAM) for _ in range(n)]
elif kind == "unix":
    held = [s for _ in range(n // 2) for s in socket.socketpair()]
else:
    sys.exit("unknown kind " + kind)
print("holding", len(held), flush=True)
while True:
    time.sleep(0.2)
