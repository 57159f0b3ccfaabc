"""Forwards batches to a collector; when the connection fails the socket stays in the list of attempts, unclosed."""
import logging, os, socket, sys, time

host, port, burst, pause = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4])
logging.basicConfig(format="%(asctime)s [%(process)d] %(levelname)s forward: %(message)s", level=logging.INFO)
attempts = []
while True:
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    attempts.append(sock)
    try:
        sock.settimeout(5)
        sock.connect((host, port))
        sock.sendall(b"batch\n")
    except OSError as error:
        if len(attempts) % max(1, burst // 20) == 0 or len(attempts) > burst:
            logging.error("cannot deliver batch %d to %s:%d: %s", len(attempts), host, port, error)
    time.sleep(0 if len(attempts) < burst else pause)
