"""A client of HTTP/2 by the `h2` library, one thread, and WebSocket frames by hand: for what ordinary clients do not do (RFC 8441)."""
import contextlib
import os
import socket
import ssl
import struct
import time

import h2.config
import h2.connection
import h2.events
import h2.exceptions
import h2.settings

from scene import Failure


class Answer:
    """What came on one stream."""

    def __init__(self):
        self.interims, self.fields, self.trailers, self.body = [], None, None, bytearray()
        self.is_whole, self.reset = False, None

    @property
    def status(self):
        return int(dict(self.fields)[":status"]) if self.fields else 0

    def __repr__(self):
        return f"{self.interims} {self.fields} {bytes(self.body[:200])} {self.trailers} whole={self.is_whole} reset={self.reset}"


class Client:
    """One connection; `context` makes it TLS, with ALPN h2."""

    def __init__(self, port, context=None, name="a.test", seconds=10, opens=True):
        raw = socket.create_connection(("127.0.0.1", port), seconds)
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket = raw
        if context:
            context.set_alpn_protocols(["h2"])
            self.socket = context.wrap_socket(raw, server_hostname=name)
            if self.socket.selected_alpn_protocol() != "h2":
                raise Failure(f"ALPN chose {self.socket.selected_alpn_protocol()}")
        self.seconds, self.answers = seconds, {}
        self.is_ended, self.goaways, self.has_settings = False, [], False
        # What we send is the test's business, right or wrong; what we are sent is judged.
        self.h2 = h2.connection.H2Connection(h2.config.H2Configuration(
            client_side=True, header_encoding="utf-8", validate_outbound_headers=False, normalize_outbound_headers=False))
        if opens:
            self.h2.initiate_connection()
            self.flush()
            self.until(lambda: self.has_settings)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def flush(self):
        if data := self.h2.data_to_send():
            self.socket.sendall(data)

    def turn(self, seconds):
        """Takes what has come; false when nothing came in time."""
        self.socket.settimeout(max(0.001, seconds))
        try:
            data = self.socket.recv(65536)
        except (TimeoutError, ssl.SSLWantReadError):
            return False
        except ConnectionError:
            data = b""
        if not data:
            self.is_ended = True
            return True
        for event in self.h2.receive_data(data):
            self.take(event)
        self.flush()
        return True

    def take(self, event):
        kind = type(event).__name__
        answer = self.answers.setdefault(getattr(event, "stream_id", 0) or 0, Answer())
        if kind == "InformationalResponseReceived":
            answer.interims.append(event.headers)
        elif kind == "ResponseReceived":
            answer.fields = event.headers
        elif kind == "TrailersReceived":
            answer.trailers = event.headers
        elif kind == "DataReceived":
            answer.body += event.data
            if event.flow_controlled_length:
                self.h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
        elif kind == "StreamEnded":
            answer.is_whole = True
        elif kind == "StreamReset":
            answer.reset = event.error_code
        elif kind == "ConnectionTerminated":
            self.goaways.append((event.error_code, event.last_stream_id))
        elif kind == "RemoteSettingsChanged":
            self.has_settings = True

    def until(self, holds, seconds=None):
        deadline = time.monotonic() + (seconds or self.seconds)
        while not holds():
            if self.is_ended:
                raise Failure(f"the connection ended: goaways {self.goaways} {self.answers}")
            left = deadline - time.monotonic()
            if left <= 0:
                raise Failure(f"deadline passed: {self.answers} goaways {self.goaways}")
            self.turn(left)

    def setting(self, code):
        return self.h2.remote_settings.get(code, 0)

    def request(self, fields, body=None, ends=True):
        stream = self.h2.get_next_available_stream_id()
        self.answers[stream] = Answer()
        self.h2.send_headers(stream, fields, end_stream=body is None and ends)
        self.flush()
        if body is not None:
            self.send(stream, body, ends)
        return stream

    def send(self, stream, data, ends=False):
        """As the windows let it through."""
        data = memoryview(data)
        while True:
            self.until(lambda: self.h2.local_flow_control_window(stream) > 0 or not data)
            room = min(self.h2.local_flow_control_window(stream), self.h2.max_outbound_frame_size, len(data))
            part, data = data[:room], data[room:]
            self.h2.send_data(stream, bytes(part), end_stream=ends and not data)
            self.flush()
            if not data:
                return

    def end(self, stream):
        with contextlib.suppress(h2.exceptions.StreamClosedError):  # the other side was first
            self.h2.end_stream(stream)
        self.flush()

    def reset(self, stream, code=8):
        self.h2.reset_stream(stream, code)
        self.flush()

    def answer(self, stream, seconds=None):
        answer = self.answers[stream]
        self.until(lambda: answer.is_whole or answer.reset is not None, seconds)
        return answer


# MARK: - WebSocket

TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10


def frame(kind, payload=b""):
    """One final, masked frame."""
    length, mask = len(payload), os.urandom(4)
    size = struct.pack("!B", 0x80 | length) if length < 126 else \
        struct.pack("!BH", 0x80 | 126, length) if length < 65536 else struct.pack("!BQ", 0x80 | 127, length)
    key = int.from_bytes(mask * (length // 4 + 1), "big") >> (8 * ((4 - length % 4)))
    masked = (int.from_bytes(payload, "big") ^ key).to_bytes(length, "big") if length else b""
    return bytes([0x80 | kind]) + size + mask + masked


class Tunnel:
    """A WebSocket on a stream of an HTTP/2 connection (RFC 8441)."""

    def __init__(self, client, path="/", host="a.test", scheme="https", more=()):
        self.client = client
        if not client.setting(h2.settings.SettingCodes.ENABLE_CONNECT_PROTOCOL):
            raise Failure("SETTINGS_ENABLE_CONNECT_PROTOCOL is not announced")
        self.stream = client.request([
            (":method", "CONNECT"), (":protocol", "websocket"), (":scheme", scheme), (":path", path), (":authority", host),
            ("sec-websocket-version", "13"), ("origin", f"{scheme}://{host}"), *more], ends=False)
        self.answer = client.answers[self.stream]
        client.until(lambda: self.answer.fields is not None or self.answer.reset is not None)

    def send(self, kind, payload=b""):
        self.client.send(self.stream, frame(kind, payload))

    def receive(self, seconds=10):
        """The next message or control frame, joined of its fragments: (kind, payload)."""
        first, whole = None, b""
        while True:
            final, kind, payload = self.receive_frame(seconds)
            if kind >= 8:
                return kind, payload
            first, whole = first or kind, whole + payload
            if final:
                return first, whole

    def receive_frame(self, seconds):
        body = self.answer.body

        def need(count):
            def has():
                if len(body) < count and (self.answer.is_whole or self.answer.reset is not None):
                    raise Failure(f"the stream ended inside a frame: {self.answer}")
                return len(body) >= count
            self.client.until(has, seconds)
        need(2)
        length, start = body[1] & 0x7F, 2
        if length == 126:
            need(4)
            length, start = struct.unpack("!H", body[2:4])[0], 4
        elif length == 127:
            need(10)
            length, start = struct.unpack("!Q", body[2:10])[0], 10
        need(start + length)
        head, payload = body[0], bytes(body[start:start + length])
        del body[:start + length]
        return bool(head & 0x80), head & 0x0F, payload
