"""A service that hangs. argv: host port threads recv|lock; its connections are few and its threads wait for ever."""
import socket, sys, threading, time

host, port, count, how = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
threading.stack_size(128 * 1024)
gate = threading.Lock()
gate.acquire()


def work():
    sock = socket.create_connection((host, port))
    sock.send(b"SELECT 1;\n")
    if how == "recv":
        sock.recv(100)
    gate.acquire()


threads = [threading.Thread(target=work, daemon=True) for _ in range(count)]
for thread in threads:
    thread.start()
print(time.strftime("%F %T"), "%d workers started" % count, flush=True)
for thread in threads:
    thread.join()
