"""A unix stream server. argv: path mode count; mode serve: answers, closes at end of file; forget: keeps ended sessions;
client PATH burst pause: connects and keeps; pairs - burst pause: makes socket pairs and keeps both ends."""
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
    else:
        sock = socket.socket(socket.AF_UNIX)
        sock.connect(path)
        sock.send(b"auth user\n")
        sock.close() if mode == "visit" else kept.append(sock)
    burst -= 1
    if burst < 0:
        print(time.strftime("%T"), "%s: request %d" % (mode, -burst), flush=True)
    time.sleep(0 if burst > 0 else pause)
