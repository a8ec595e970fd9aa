# SPDX-License-Identifier: MIT
# A program in the manner of the one that sixteend grew from, for Python 2 and 3. Its
# port can be chosen, so that tests run side by side.
import socket
import sys

HOST = sys.argv[2] if len(sys.argv) > 2 else '127.0.0.1'
PORT = int(sys.argv[3]) if len(sys.argv) > 3 else 1060


def say(*words):
    sys.stdout.write(' '.join(str(word) for word in words) + '\n')


def recv_all(sock, length):
    data = b''
    while len(data) < length:
        more = sock.recv(length - len(data))
        if not more:
            raise EOFError('socket closed %d bytes into a %d-byte message'
                           % (len(data), length))
        data += more
    return data


s = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
if sys.argv[1:2] == ['server']:
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.bind((HOST, PORT))
    s.listen(1)
    while True:
        say('Listening at', s.getsockname())
        sc, sockname = s.accept()
        say('We have accepted a connection from', sockname)
        say('Socket connects', sc.getsockname(), 'and', sc.getpeername())
        message = recv_all(sc, 16)
        say('The incoming sixteen-octet message says', repr(message))
        sc.sendall(b'Farewell, client')
        sc.close()
        say('Reply sent, socket closed')
elif sys.argv[1:2] == ['client']:
    s.connect((HOST, PORT))
    say('Client has been assigned socket name', s.getsockname())
    s.sendall(b'Hi there, server')
    reply = recv_all(s, 16)
    say('The server said', repr(reply))
    s.close()
else:
    sys.stderr.write('usage: seed.py server|client [host [port]]\n')
    sys.exit(2)
