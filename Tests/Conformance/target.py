"""A target that speaks HTTP/2 by single frames, right or wrong: `script(peer, stream, fields)` answers each request, in a thread for each
connection.
"""
import socket
import struct
import threading

import hpack
from wire import ACK, DATA, END_HEADERS, END_STREAM, HEADERS, PING, PREFACE, RST_STREAM, SETTINGS, LARGEST, Frame, frame, ping, settings, window_update


class Peer:
    """One connection of the proxy."""

    def __init__(self, connection, target, number):
        self.socket, self.target, self.number = connection, target, number
        self.encoder, self.decoder = hpack.Encoder(), hpack.Decoder()
        self.open, self.bodies = set(), {}
        # Streams at once, of those that were opened after our SETTINGS had been acknowledged.
        self.is_settled, self.most = False, 0

    def send(self, *parts):
        self.socket.sendall(b"".join(parts))

    def head(self, stream, *more, status="200", ends=False):
        self.send(frame(HEADERS, END_HEADERS | (END_STREAM if ends else 0), stream, self.encoder.encode([(":status", status), *more])))
        if ends:
            self.open.discard(stream)

    def data(self, stream, body=b"good", ends=True):
        self.send(frame(DATA, END_STREAM if ends else 0, stream, body))
        if ends:
            self.open.discard(stream)

    def answer(self, stream, body=b"good"):
        self.open.discard(stream)
        self.send(frame(HEADERS, END_HEADERS, stream, self.encoder.encode([(":status", "200")])), frame(DATA, END_STREAM, stream, body))

    def exactly(self, count):
        data = bytearray()
        while len(data) < count:
            part = self.socket.recv(count - len(data))
            if not part:
                raise EOFError
            data += part
        return bytes(data)

    def next(self):
        head = self.exactly(9)
        kind, flags, stream = struct.unpack_from(">BBI", head, 3)
        return Frame(kind, flags, stream & LARGEST, self.exactly(int.from_bytes(head[:3], "big")))

    def serve(self):
        try:
            self.target.greet(self)
            if self.exactly(len(PREFACE)) != PREFACE:
                raise EOFError
            while True:
                self.hear(self.next())
        except (EOFError, OSError):
            self.socket.close()

    def hear(self, got):
        if got.type == SETTINGS and not got.flags & ACK:
            self.send(frame(SETTINGS, ACK))
        elif got.type == SETTINGS:
            self.is_settled = True
        elif got.type == PING and not got.flags & ACK:
            self.send(ping(got.payload, ACK))
        elif got.type == RST_STREAM:
            self.open.discard(got.stream)
        elif got.type == HEADERS and got.stream not in self.bodies:
            self.open.add(got.stream)
            self.most = max(self.most, len(self.open) if self.is_settled else 0)
            self.bodies[got.stream] = [dict(self.decoder.decode(got.payload)), 0]
            if self.target.is_early or got.ends:
                self.target.script(self, got.stream, self.bodies[got.stream][0])
        elif got.type == DATA:
            self.bodies[got.stream][1] += len(got.payload)
            if self.target.gives_window and got.payload:
                self.send(window_update(0, len(got.payload)), b"" if got.ends else window_update(got.stream, len(got.payload)))
            if got.ends and not self.target.is_early:
                self.target.script(self, got.stream, self.bodies[got.stream][0])


class Target:
    """`is_early`: the script is called when the request's head is there, not its end."""

    def __init__(self, script, greet=lambda peer: peer.send(settings()), is_early=False, gives_window=True):
        self.script, self.greet, self.is_early, self.gives_window = script, greet, is_early, gives_window
        self.peers = []
        self.socket = socket.create_server(("127.0.0.1", 0), backlog=256)
        self.address = f"127.0.0.1:{self.socket.getsockname()[1]}"
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.peers.append(Peer(connection, self, len(self.peers)))
            threading.Thread(target=self.peers[-1].serve, daemon=True).start()
