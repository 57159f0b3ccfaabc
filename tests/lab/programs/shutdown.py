"""A client that ends each exchange with shutdown() and leaves the close to a collector that never comes."""
import socket, sys, time

host, port, burst, pause, how = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4]), sys.argv[5]
ended = []
while True:
    sock = socket.create_connection((host, port))
    sock.sendall(b"GET /status HTTP/1.0\r\n\r\n")
    if how == "both":
        while sock.recv(4096):
            pass
        sock.shutdown(socket.SHUT_RDWR)
    else:
        sock.recv(4096)
        sock.shutdown(socket.SHUT_WR)
    ended.append(sock)
    if len(ended) > burst or len(ended) % 200 == 0:
        print(time.strftime("%T"), "exchange %d with %s:%d done" % (len(ended), host, port), flush=True)
    time.sleep(0 if len(ended) < burst else pause)
