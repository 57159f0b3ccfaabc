"""never-connected: makes a TCP socket, fails before connect (an address that does not resolve), and drops it unclosed."""
import socket

from common import held, leak, name


def one():
    s = socket.socket()
    held.append(s)
    try:
        # As from a name service that does not know the name.
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
    except socket.gaierror:
        pass


name("never-connects")
leak(one)
