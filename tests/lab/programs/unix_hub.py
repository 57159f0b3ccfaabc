"""A unix stream server. argv: path mode count; mode serve: answers, closes at end of file; forget: keeps ended sessions;
client burst pause: connects and keeps; visit: connects and closes; pairs: keeps both ends of pairs; dgram: keeps datagram sockets."""
import os, selectors, socket, sys, time

path, mode = sys.argv[1], sys.argv[2]
kept = []
if mode in ("serve", "forget"):
    if os.path.exists(path):
        os.unlink(path)
    server, poll = socket.socket(socket.AF_UNIX), selectors.DefaultSelector()
    server.bind(path)
    os.chmod(path, 0o777)
    server.listen(4096)
    poll.register(server, selectors.EVENT_READ)
    while True:
        for key, _ in poll.select():
            if key.fileobj is server:
                peer = server.accept()[0]
                poll.register(peer, selectors.EVENT_READ)
            elif not key.fileobj.recv(512):
                poll.unregister(key.fileobj)
                kept.append(key.fileobj) if mode == "forget" else key.fileobj.close()
burst, pause = int(sys.argv[3]), float(sys.argv[4])
while True:
    if mode == "pairs":
        kept.append(socket.socketpair())
    elif mode == "dgram":
        kept.append(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM))
    else:
        sock = socket.socket(socket.AF_UNIX)
        sock.connect(path)
        sock.send(b"auth user\n")
        sock.close() if mode == "visit" else kept.append(sock)
    burst -= 1
    if burst < 0:
        print(time.strftime("%T"), "%s: request %d" % (mode, -burst), flush=True)
    time.sleep(0 if burst > 0 else pause)
