"""udp-not-closed: a resolver that opens a socket for each query and never closes it."""
import socket

from common import held, leak, name


def one():
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.connect(("127.0.0.1", 53))
    try:
        s.send(b"query")
    except OSError:
        pass
    held.append(s)


name("udp-resolver")
leak(one)
