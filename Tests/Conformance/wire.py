"""HTTP/2 in single frames, right or wrong, over a socket of our own. No read without a deadline. HPACK is Debian's python3-hpack."""
import os
import socket
import ssl
import struct
import sys
import time
import typing

try:
    import hpack
except ImportError:
    SYSTEM = "/usr/bin/python3"  # where Debian's packages are, whichever Python is first in PATH
    if os.path.realpath(sys.executable) == os.path.realpath(SYSTEM):
        sys.exit("python3-hpack is missing: scripts/setup test")
    os.execv(SYSTEM, [SYSTEM, "-B", *sys.argv])

DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = range(10)
UNKNOWN = 0x16
END_STREAM, END_HEADERS, PADDED, HAS_PRIORITY, ACK = 0x1, 0x4, 0x8, 0x20, 0x1
(NO_ERROR, PROTOCOL_ERROR, INTERNAL_ERROR, FLOW_CONTROL_ERROR, SETTINGS_TIMEOUT, STREAM_CLOSED, FRAME_SIZE_ERROR, REFUSED_STREAM, CANCEL,
 COMPRESSION_ERROR, CONNECT_ERROR, ENHANCE_YOUR_CALM, INADEQUATE_SECURITY, HTTP_1_1_REQUIRED) = range(14)
HEADER_TABLE_SIZE, ENABLE_PUSH, MAX_CONCURRENT_STREAMS, INITIAL_WINDOW_SIZE, MAX_FRAME_SIZE, MAX_HEADER_LIST_SIZE = range(1, 7)
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
LARGEST = 2**31 - 1

TYPES = "DATA HEADERS PRIORITY RST_STREAM SETTINGS PUSH_PROMISE PING GOAWAY WINDOW_UPDATE CONTINUATION".split()
CODES = ("NO_ERROR PROTOCOL_ERROR INTERNAL_ERROR FLOW_CONTROL_ERROR SETTINGS_TIMEOUT STREAM_CLOSED FRAME_SIZE_ERROR REFUSED_STREAM CANCEL"
         " COMPRESSION_ERROR CONNECT_ERROR ENHANCE_YOUR_CALM INADEQUATE_SECURITY HTTP_1_1_REQUIRED").split()


class Silence(Exception):
    """Nothing more came before the deadline."""


class Closed(Exception):
    """The other end has closed the connection."""


class Wrong(Exception):
    """Something else came than must come."""


def code_name(code):
    return CODES[code] if code < len(CODES) else f"code {code}"


class Frame(typing.NamedTuple):
    type: int
    flags: int
    stream: int
    payload: bytes

    @property
    def code(self):
        """Of RST_STREAM and GOAWAY."""
        at = 4 if self.type == GOAWAY else 0
        return struct.unpack_from(">I", self.payload, at)[0]

    @property
    def last_stream(self):
        return struct.unpack_from(">I", self.payload)[0] & LARGEST

    @property
    def ends(self):
        return self.type in (DATA, HEADERS) and bool(self.flags & END_STREAM)

    def __str__(self):
        name = TYPES[self.type] if self.type < len(TYPES) else f"type {self.type}"
        if self.type in (RST_STREAM, GOAWAY):
            return f"{name} {code_name(self.code)}" + (f" on {self.stream}" if self.stream else "")
        marks = " ACK" if self.type in (SETTINGS, PING) and self.flags & ACK else " END" if self.ends else ""
        return f"{name}{marks} of {len(self.payload)}" + (f" on {self.stream}" if self.stream else "")


def frame(kind, flags=0, stream=0, payload=b""):
    return struct.pack(">I", len(payload))[1:] + struct.pack(">BBI", kind, flags, stream) + payload


def settings(*pairs):
    return frame(SETTINGS, payload=b"".join(struct.pack(">HI", key, value) for key, value in pairs))


def priority(stream, depends_on=0, weight=255, exclusive=False):
    return frame(PRIORITY, 0, stream, priority_fields(depends_on, weight, exclusive))


def priority_fields(depends_on=0, weight=255, exclusive=False):
    return struct.pack(">IB", depends_on | (1 << 31 if exclusive else 0), weight)


def reset(stream, code=CANCEL):
    return frame(RST_STREAM, 0, stream, struct.pack(">I", code))


def window_update(stream, increment):
    return frame(WINDOW_UPDATE, 0, stream, struct.pack(">I", increment))


def ping(data=bytes(8), flags=0):
    return frame(PING, flags, 0, data)


def goaway(last=0, code=NO_ERROR, text=b""):
    return frame(GOAWAY, 0, 0, struct.pack(">II", last, code) + text)


def literal(name, value):
    """A field as plain text, without index and without Huffman."""
    return b"\x00" + string(name) + string(value)


def string(text):
    return integer(len(text), 7) + text


def integer(value, bits, pattern=0):
    """RFC 7541 §5.1."""
    top = (1 << bits) - 1
    if value < top:
        return bytes([pattern | value])
    out, value = bytearray([pattern | top]), value - top
    while value >= 128:
        out.append(value & 127 | 128)
        value >>= 7
    out.append(value)
    return bytes(out)


class Address(typing.NamedTuple):
    """Where to connect. `tls`: with ALPN h2, whatever the certificate."""
    port: int
    tls: bool = False
    host: str = "127.0.0.1"

    def connect(self, seconds=5):
        raw = socket.create_connection((self.host, self.port), seconds)
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if not self.tls:
            return raw
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        context.set_alpn_protocols(["h2"])
        wrapped = context.wrap_socket(raw, server_hostname="a.test")
        if wrapped.selected_alpn_protocol() != "h2":
            raise Wrong(f"ALPN chose {wrapped.selected_alpn_protocol()}")
        return wrapped


class Connection:
    """A client's end. `patience`: seconds that any one expectation may take."""

    def __init__(self, address, patience=5):
        self.address, self.patience = address, patience
        self.socket = address.connect(patience)
        self.received, self.encoder, self.decoder = bytearray(), hpack.Encoder(), hpack.Decoder()
        self.peer = {}  # its settings
        self.heads = {}  # the last block of fields of each stream

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    # Saying

    def send(self, *parts):
        """What cannot be sent because the other end has gone is no error here: what it had to say can still be read."""
        self.socket.settimeout(self.patience)
        try:
            self.socket.sendall(b"".join(parts))
        except (BrokenPipeError, ConnectionResetError, ssl.SSLEOFError, ssl.SSLZeroReturnError):
            pass
        except TimeoutError:
            raise Silence("nothing more is taken") from None

    def open(self, *pairs):
        """The preface, and until both ends have acknowledged the other's SETTINGS."""
        self.send(PREFACE, settings(*(pairs or [(INITIAL_WINDOW_SIZE, 65535)])))
        has_settings = has_ack = False
        while not (has_settings and has_ack):
            got = self.next()
            if got.type == SETTINGS and got.flags & ACK:
                has_ack = True
            elif got.type == SETTINGS:
                has_settings = True
                for at in range(0, len(got.payload), 6):
                    key, value = struct.unpack_from(">HI", got.payload, at)
                    self.peer[key] = value
                self.send(frame(SETTINGS, ACK))
            elif got.type not in (WINDOW_UPDATE, PING):
                raise Wrong(f"{got} before the settings")
        return self

    def fields(self, method="GET", path="/", **more):
        """Pseudo-header fields of a request; those that are None are left out."""
        scheme = "https" if self.address.tls else "http"
        pseudo = {":method": method, ":scheme": scheme, ":path": path, ":authority": f"{self.address.host}:{self.address.port}"}
        pseudo.update({f":{key}": value for key, value in more.items()})
        return [(key, value) for key, value in pseudo.items() if value is not None]

    def block(self, fields):
        return self.encoder.encode(fields)

    def request(self, stream=1, fields=None, ends=True, flags=END_HEADERS):
        """HEADERS; `fields` is a list, or a block that is ready."""
        fields = self.fields() if fields is None else fields
        block = fields if isinstance(fields, bytes) else self.block(fields)
        self.send(frame(HEADERS, flags | (END_STREAM if ends else 0), stream, block))

    # Hearing

    def receive(self, deadline):
        self.socket.settimeout(max(0.001, deadline - time.monotonic()))
        try:
            part = self.socket.recv(65536)
        except TimeoutError:
            raise Silence("nothing came") from None
        except (ConnectionResetError, BrokenPipeError, ssl.SSLEOFError, ssl.SSLZeroReturnError):
            raise Closed("reset") from None
        if not part:
            raise Closed("closed")
        self.received += part

    def next(self, deadline=None):
        """The next frame."""
        deadline = deadline or time.monotonic() + self.patience
        while len(self.received) < 9 or len(self.received) < 9 + int.from_bytes(self.received[:3], "big"):
            self.receive(deadline)
        length = int.from_bytes(self.received[:3], "big")
        kind, flags, stream = struct.unpack_from(">BBI", self.received, 3)
        got = Frame(kind, flags, stream & LARGEST, bytes(self.received[9:9 + length]))
        del self.received[:9 + length]
        if got.type == HEADERS:  # our peers neither pad nor continue
            try:
                self.heads[got.stream] = self.decoder.decode(got.payload)
            except hpack.HPACKError as error:
                raise Wrong(f"{got} cannot be decoded: {error}") from None
        return got

    def until(self, holds, what):
        """The first frame for which `holds`; Wrong when it does not come."""
        deadline, last = time.monotonic() + self.patience, "nothing"
        try:
            while True:
                got = self.next(deadline)
                if holds(got):
                    return got
                last = got
        except (Silence, Closed) as end:
            raise Wrong(f"{what} wanted; last came: {last}; then: {end}") from None

    def until_closed(self):
        """Every frame that still comes."""
        deadline, frames = time.monotonic() + self.patience, []
        try:
            while True:
                frames.append(self.next(deadline))
        except Closed:
            return frames

    def response(self, stream=1):
        """Status, fields, body and trailers of one answer; window is given back. Other streams' frames are dropped, their heads decoded."""
        deadline = time.monotonic() + self.patience
        head, trailers, body = None, [], bytearray()
        while True:
            got = self.next(deadline)
            if got.type == HEADERS:
                fields = self.heads[got.stream]
                if got.stream == stream and head is None and not dict(fields)[":status"].startswith("1"):
                    head = dict(fields)
                elif got.stream == stream and head is not None:
                    trailers = fields
            elif got.type == DATA:
                if got.stream == stream:
                    body += got.payload
                if got.payload:
                    self.send(window_update(0, len(got.payload)), b"" if got.ends else window_update(got.stream, len(got.payload)))
            elif got.type == PING and not got.flags & ACK:
                self.send(ping(got.payload, ACK))
            elif got.type == GOAWAY and got.last_stream < stream or got.type == RST_STREAM and got.stream == stream:
                raise Wrong(str(got))
            if got.stream == stream and got.ends:
                return int(head[":status"]), head, bytes(body), trailers
