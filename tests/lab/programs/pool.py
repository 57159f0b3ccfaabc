"""Borrows a new connection for each job and never gives it back; the peer answers and keeps it alive."""
import socket, sys, time

host, port, burst, pause = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4])
borrowed = []
while True:
    sock = socket.create_connection((host, port), timeout=5)
    sock.sendall(b"*1\r\n$4\r\nPING\r\n")
    sock.recv(64)
    borrowed.append(sock)
    if len(borrowed) > burst or len(borrowed) % 250 == 0:
        print(time.strftime("%F %T,000"), "DEBUG pool[%s:%d] active=%d idle=0 max=unlimited" % (host, port, len(borrowed)), flush=True)
    time.sleep(0 if len(borrowed) < burst else pause)
