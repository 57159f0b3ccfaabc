"""accept-not-closed: a server that reads its clients' request and end, and forgets to close; the clients close properly."""
import os
import socket
import threading

from common import held, leak, name

if os.fork() == 0:
    name("polite-client")
    threading.Event().wait(0.5)

    def one():
        s = socket.create_connection(("127.0.0.1", 9300))
        s.sendall(b"request")
        s.close()

    leak(one)

name("leaky-server")
server = socket.socket()
server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
server.bind(("127.0.0.1", 9300))
server.listen(64)
while True:
    peer, _ = server.accept()
    peer.recv(100)
    held.append(peer)
