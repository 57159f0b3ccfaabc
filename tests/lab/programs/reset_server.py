"""A line server; ConnectionResetError leaves the handler before its close, the session object stays in a dict."""
import selectors, socket, sys, time

poll, sessions, resets = selectors.DefaultSelector(), {}, 0
server = socket.create_server(("", int(sys.argv[1])), backlog=512)
poll.register(server, selectors.EVENT_READ)
while True:
    for key, _ in poll.select():
        if key.fileobj is server:
            peer, address = server.accept()
            sessions[address] = peer
            poll.register(peer, selectors.EVENT_READ, address)
            continue
        try:
            data = key.fileobj.recv(4096)
            key.fileobj.send(b"ok\n") if data else None
        except ConnectionResetError as error:
            resets += 1
            poll.unregister(key.fileobj)
            if resets % 100 == 0:
                print(time.strftime("%F %T"), "session %s: %s, %d so far" % (key.data, error, resets), flush=True)
            continue
        if not data:
            poll.unregister(key.fileobj)
            sessions.pop(key.data).close()
