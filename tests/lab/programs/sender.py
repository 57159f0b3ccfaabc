"""Sends more than its peers read. argv: host port count close|keep [kilobytes]; close leaves orphans, keep leaves full queues."""
import socket, sys, time

host, port, count, how = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
size = int(sys.argv[5]) if len(sys.argv) > 5 else 64
kept = []
while True:
    for index in range(count):
        sock = socket.create_connection((host, port), timeout=5)
        sock.setblocking(False)
        try:
            for _ in range(size):
                sock.send(b"x" * 1024)
        except BlockingIOError:
            pass
        sock.close() if how == "close" else kept.append(sock)
    print(time.strftime("%F %T"), "pushed to %d subscribers" % count, flush=True)
    time.sleep(1e6)
