"""Opens the socket first and resolves after: when the name is gone, the exception skips the close."""
import os, socket, sys, time

name, burst, pause = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
kept = []
while True:
    sock = socket.socket(socket.AF_INET6, socket.SOCK_STREAM)
    kept.append(sock)
    try:
        if len(kept) < burst and len(kept) % 40:
            raise socket.gaierror(-2, "Name or service not known")  # a cached answer
        socket.getaddrinfo(name, 5432)
    except socket.gaierror as error:
        if len(kept) % 40 == 0 or len(kept) > burst:
            print(time.strftime("%F %T"), "ERROR replica %s: %s" % (name, error), flush=True)
    time.sleep(0 if len(kept) < burst else pause)
