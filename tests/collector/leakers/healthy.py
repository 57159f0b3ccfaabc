"""healthy: a busy server with steady clients. Connections come and go, all are closed; their number does not grow."""
import os
import socket
import threading
import time

from common import LIMIT, name

STEADY = min(LIMIT, 50)

if os.fork() == 0:
    name("busy-clients")
    time.sleep(0.5)
    steady = [socket.create_connection(("127.0.0.1", 9400)) for _ in range(STEADY)]
    print("ready", flush=True)
    while True:
        for s in steady:
            s.sendall(b"ping")
            s.recv(4)
        with socket.create_connection(("127.0.0.1", 9400)) as once:
            once.sendall(b"ping")
            once.recv(4)
        time.sleep(0.05)


def serve(peer):
    with peer:
        while data := peer.recv(4):
            peer.sendall(data)


name("busy-server")
server = socket.socket()
server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
server.bind(("127.0.0.1", 9400))
server.listen(128)
while True:
    threading.Thread(target=serve, args=(server.accept()[0],), daemon=True).start()
