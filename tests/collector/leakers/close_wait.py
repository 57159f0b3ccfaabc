"""peer-closed-not-closed: a client whose server closes each connection after the answer; the client never closes its end."""
import os
import socket
import threading

from common import held, leak, name

if os.fork() == 0:
    name("answer-server")
    server = socket.socket()
    server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    server.bind(("127.0.0.1", 9200))
    server.listen(64)
    while True:
        peer, _ = server.accept()
        peer.sendall(b"answer")
        peer.close()


def one():
    s = socket.socket()
    try:
        s.connect(("127.0.0.1", 9200))
        s.recv(6)
        held.append(s)
    except OSError:
        s.close()


name("pool-client")
threading.Event().wait(0.5)
leak(one)
