"""Builds a client per call, with an epoll, a wake-up pipe and a connection of its own. argv: host port burst pause"""
import os, select, socket, sys, time

host, port, burst, pause = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4])
clients = []
while True:
    poll, wake = select.epoll(), os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
    sock = socket.create_connection((host, port), timeout=5)
    poll.register(sock, select.EPOLLIN)
    poll.register(wake[0], select.EPOLLIN)
    sock.sendall(b"METADATA\n")
    poll.poll(2)
    clients.append((poll, wake, sock))
    if len(clients) > burst or len(clients) % 100 == 0:
        print(time.strftime("%F %T"), "INFO producer-%d started for %s:%d" % (len(clients), host, port), flush=True)
    time.sleep(0 if len(clients) < burst else pause)
