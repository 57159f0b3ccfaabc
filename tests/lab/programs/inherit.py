"""Starts a helper without closing descriptors: it keeps every connection. argv: host port count exit|stay|close helper..."""
import os, socket, subprocess, sys, time

host, port, count, mode, helper = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4], sys.argv[5:]
held = []
for _ in range(count):
    sock = socket.create_connection((host, port))
    sock.set_inheritable(True)
    held.append(sock)
print(time.strftime("%F %T"), "rotating: starting helper", helper[0], flush=True)
child = subprocess.Popen(helper, close_fds=False)
if mode == "exit":
    sys.exit(0)
for sock in held if mode == "close" else []:
    sock.close()
while True:
    time.sleep(1)
