"""A prefork service: each worker calls a dead backend per request and keeps the failed socket. argv: host port workers burst pause"""
import os, socket, sys, time

host, port, workers, burst, pause = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]), float(sys.argv[5])
for index in range(workers):
    if os.fork() == 0:
        failed = []
        while True:
            sock = socket.socket()
            failed.append(sock)
            try:
                sock.connect((host, port))
            except OSError as error:
                if len(failed) > burst + index * 40:
                    print(time.strftime("%F %T"), "[%d] backend %s:%d: %s" % (os.getpid(), host, port, error), flush=True)
            time.sleep(0 if len(failed) < burst + index * 40 else pause)
while True:
    os.wait()
