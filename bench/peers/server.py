# SPDX-License-Identifier: MIT
"""server.py PORT SECONDS: the standard library's server with a thread per connection."""
import socketserver
import sys


class Exchange(socketserver.BaseRequestHandler):
    def handle(self):
        self.request.settimeout(float(sys.argv[2]))
        message = b''
        while len(message) < 16:
            more = self.request.recv(16 - len(message))
            if not more:
                return
            message += more
        self.request.sendall(b'Farewell, client')


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 4096


with Server(('127.0.0.1', int(sys.argv[1])), Exchange) as server:
    server.serve_forever()
