"""Makes short connections and closes them first: TIME_WAIT here. argv: host port per_second [threads]"""
import socket, sys, time

host, port, rate = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
failures = 0
while True:
    try:
        sock = socket.create_connection((host, port), timeout=3)
        sock.send(b"set a 0 0 1\r\n")
        sock.recv(64)
        sock.close()
    except OSError as error:
        failures += 1
        if failures % 20 == 1:
            print(time.strftime("%F %T"), "ERROR store %s:%d: %s" % (host, port, error), flush=True)
        time.sleep(0.05)
    time.sleep(1 / rate)
