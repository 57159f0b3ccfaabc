"""A threaded server whose handlers wait for a lock that its holder never gives back."""
import socket, socketserver, sys, threading, time

ledger = threading.Lock()


class Handler(socketserver.BaseRequestHandler):
    def handle(self):
        self.request.recv(1024)
        with ledger:  # held for ever by the first
            print(time.strftime("%T"), "posting for %s:%d" % self.client_address, flush=True)
            time.sleep(1e6)


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address, daemon_threads, request_queue_size = True, True, 256


threading.stack_size(128 * 1024)
Server(("", int(sys.argv[1])), Handler).serve_forever()
