"""connect-failed-not-closed: connects to a port where nobody listens, and drops each refused socket unclosed."""
import socket

from common import held, leak, name


def one():
    s = socket.socket()
    try:
        s.connect(("127.0.0.1", 9092))
    except OSError:
        held.append(s)


name("refused-client")
leak(one)
