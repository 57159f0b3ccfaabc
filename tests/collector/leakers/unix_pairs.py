"""unix-not-closed: opens a connection to a local daemon for each job and never closes it."""
import os
import socket
import tempfile
import threading

from common import held, leak, name

path = os.path.join(tempfile.mkdtemp(), "daemon.sock")
if os.fork() == 0:
    name("local-daemon")
    server = socket.socket(socket.AF_UNIX)
    server.bind(path)
    server.listen(64)
    peers = []
    while True:
        # A real daemon sees the end of each peer, which never comes here; it must keep what it accepted.
        peers.append(server.accept()[0])


def one():
    s = socket.socket(socket.AF_UNIX)
    s.connect(path)
    held.append(s)


name("unix-client")
threading.Event().wait(0.5)
leak(one)
