"""The list of attacks, and what they have in common: sending much while hearing what comes back."""
import select
import ssl
import time
import typing

from wire import ACK, ENHANCE_YOUR_CALM, GOAWAY, PING, RST_STREAM, SETTINGS, Closed, Connection, Silence, Wrong, code_name, frame, ping


class Served(Exception):
    """All of it was taken."""


class Attack(typing.NamedTuple):
    name: str
    run: typing.Callable
    over: tuple  # without TLS, with
    kilobytes: int  # that the server may grow by
    seconds: float  # of processor time that it may take


ATTACKS = []


def attack(name, over=(False, True), kilobytes=8192, seconds=2.0):
    """`run(address)` says how it ended, and raises when that was wrong."""
    def add(run):
        ATTACKS.append(Attack(name, run, over, kilobytes, seconds))
        return run
    return add


class Flood:
    """A connection that sends what an iterator gives, as fast as it is taken, and notes what comes back."""

    def __init__(self, address, *pairs, reads=True):
        self.c = Connection(address).open(*pairs)
        self.reads, self.pending, self.is_writable = reads, bytearray(), True
        self.goaways, self.resets, self.frames, self.ended = [], [], 0, None
        self.answer = lambda got: b""  # to each frame that comes

    def run(self, parts=(), seconds=10, until=lambda flood: False):
        """Until the connection has ended, `until` holds, or (Served) everything is sent and nothing has come of it for a second."""
        self.c.socket.settimeout(0)
        parts, is_exhausted = iter(parts), False
        deadline = time.monotonic() + seconds
        quiet = time.monotonic()
        while not self.ended and not until(self):
            now = time.monotonic()
            if is_exhausted and not self.pending and not self.reads and now - quiet > 0.2:
                self.pending, quiet = self.pending + ping(), now  # whether it is closed, only writing tells
            if now > deadline or is_exhausted and not self.pending and now - quiet > 1:
                raise Served(f"still open after {self.frames} frames heard, {len(self.resets)} resets, GOAWAY {self.goaways or 'none'}")
            while not is_exhausted and len(self.pending) < 32768:
                part = next(parts, None)
                is_exhausted = part is None
                self.pending += part or b""
            if self.step() or self.pending and not is_exhausted:
                quiet = time.monotonic()
        self.c.socket.close()
        return self

    def step(self):
        sends = [self.c.socket] if self.pending and self.is_writable else []
        hasMore = self.reads and self.c.address.tls and self.c.socket.pending()
        readable, writable, _ = select.select([self.c.socket] if self.reads else [], sends, [], 0 if hasMore else 0.05)
        if writable:
            self.write()
        return self.read() if readable or hasMore else bool(writable)

    def write(self):
        try:
            del self.pending[:self.c.socket.send(self.pending[:16384])]
        except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
            pass
        except (OSError, ssl.SSLError) as error:
            self.is_writable, self.pending = False, bytearray()
            if not self.reads:
                self.ended = f"closed ({type(error).__name__})"

    def read(self):
        try:
            part = self.c.socket.recv(65536)
        except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return False
        except (OSError, ssl.SSLError):
            part, self.ended = b"", "reset"
        if not part:
            self.ended = self.ended or "closed"
        self.c.received += part
        while len(self.c.received) >= 9 and len(self.c.received) >= 9 + int.from_bytes(self.c.received[:3], "big"):
            self.hear(self.c.next())
        return True

    def hear(self, got):
        self.frames += 1
        if got.type == GOAWAY:
            self.goaways.append(code_name(got.code))
        elif got.type == RST_STREAM:
            self.resets.append(code_name(got.code))
        elif got.type in (SETTINGS, PING) and not got.flags & ACK and self.is_writable:
            self.pending += frame(SETTINGS, ACK) if got.type == SETTINGS else ping(got.payload, ACK)
        if self.is_writable:
            self.pending += self.answer(got)

    def calmed(self, parts, seconds=10, also=()):
        """Ends with ENHANCE_YOUR_CALM; a reset may have overtaken it."""
        self.run(parts, seconds)
        if self.goaways and self.goaways[-1] not in map(code_name, [ENHANCE_YOUR_CALM, *also]):
            raise Wrong(f"ENHANCE_YOUR_CALM wanted; came: {self.goaways}")
        return f"{self.goaways[-1] if self.goaways else 'no GOAWAY read'}, {self.ended}"


def closes_within(c, seconds, drip=b"", pause=0.25):
    """The server closes; meanwhile a byte of `drip` goes out every `pause`. What came first is returned with the time it took."""
    began, came, rest = time.monotonic(), b"", drip
    while time.monotonic() - began < seconds:
        try:
            if rest:
                c.socket.settimeout(pause)
                c.socket.sendall(rest[:1])
                rest = rest[1:]
            c.receive(time.monotonic() + pause)
        except Silence:
            continue
        except (Closed, OSError):
            came = bytes(c.received[:40])
            return f"closed after {time.monotonic() - began:.1f} s" + (f", having said {came[:12]!r}" if came.startswith(b"HTTP/") else "")
    raise Wrong(f"still open after {seconds} s")
