"""HTTP/2 towards targets that do not do as one would like: scripted in single frames, behind the real binary.

    behind.py [WORD ...]
"""
import interpreter  # noqa: F401, I001

import contextlib
import http.client
import os
import socket
import struct
import sys
import threading
import time

import hpack

from scene import Checks, Scene, expect, wait_until

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../Conformance"))
from wire import (  # noqa: E402
    ACK, CANCEL, DATA, END_HEADERS, END_STREAM, ENHANCE_YOUR_CALM, GOAWAY, HEADERS, HTTP_1_1_REQUIRED, INITIAL_WINDOW_SIZE, INTERNAL_ERROR,
    MAX_CONCURRENT_STREAMS, NO_ERROR, PING, PREFACE, REFUSED_STREAM, RST_STREAM, SETTINGS, WINDOW_UPDATE, Closed, Frame, frame, goaway, ping, reset,
    settings, window_update)

check = Checks()
SCRIPTS, OPTIONS = {}, {}
MEBI = 1 << 20
ENABLE_CONNECT_PROTOCOL = 8


def script(name, options=""):
    """What the target of the service of this name does with each connection."""
    def register(body):
        SCRIPTS[name], OPTIONS[name] = body, options
        return body
    return register


class Request:
    def __init__(self, stream, fields, ended):
        self.stream, self.list, self.fields, self.ended, self.body = stream, fields, dict(fields), ended, bytearray()

    @property
    def path(self):
        return self.fields[":path"]


class Peer:
    """The target's end of one connection."""

    def __init__(self, raw, target, number):
        self.socket, self.target, self.number = raw, target, number
        self.received, self.encoder, self.decoder = bytearray(), hpack.Encoder(), hpack.Decoder()
        self.open, self.greatest, self.resets, self.goaways, self.pings = {}, 0, {}, [], 0
        self.answers_pings, self.gives_windows, self.window, self.windows, self.initial = True, True, 65535, {}, 65535

    def start(self, *pairs):
        while len(self.received) < len(PREFACE):
            self.receive()
        expect(bytes(self.received[:len(PREFACE)]) == PREFACE)
        del self.received[:len(PREFACE)]
        self.send(settings(*pairs))
        return self

    def send(self, *parts):
        self.socket.sendall(b"".join(parts))

    def receive(self):
        part = self.socket.recv(65536)
        if not part:
            raise Closed("closed")
        self.received += part

    def next(self):
        while len(self.received) < 9 or len(self.received) < 9 + int.from_bytes(self.received[:3], "big"):
            self.receive()
        length = int.from_bytes(self.received[:3], "big")
        kind, flags, stream = struct.unpack_from(">BBI", self.received, 3)
        got = Frame(kind, flags, stream & 0x7FFFFFFF, bytes(self.received[9:9 + length]))
        del self.received[:9 + length]
        self.note(got)
        return got

    def note(self, got):
        if got.type == SETTINGS and not got.flags & ACK:
            for at in range(0, len(got.payload), 6):
                key, value = struct.unpack_from(">HI", got.payload, at)
                if key == INITIAL_WINDOW_SIZE:
                    self.initial = value
            self.send(frame(SETTINGS, ACK))
        elif got.type == PING and not got.flags & ACK:
            self.pings += 1
            if self.answers_pings:
                self.send(ping(got.payload, ACK))
        elif got.type == RST_STREAM:
            self.resets[got.stream] = got.code
            self.target.resets.append(got.code)
            self.open.pop(got.stream, None)
        elif got.type == GOAWAY:
            self.goaways.append(got)
            self.target.goaways += 1
        elif got.type == WINDOW_UPDATE:
            size = struct.unpack(">I", got.payload)[0]
            if got.stream:
                self.windows[got.stream] = self.windows.get(got.stream, self.initial) + size
            else:
                self.window += size
        elif got.type == HEADERS:
            request = Request(got.stream, self.decoder.decode(got.payload), got.ends)
            if got.stream in self.open:
                self.open[got.stream].trailers, self.open[got.stream].ended = request.list, True
            else:
                self.open[got.stream] = request
                self.greatest = max(self.greatest, len(self.open))
                self.target.seen.append((self.number, request))
        elif got.type == DATA and (request := self.open.get(got.stream)):
            request.body += got.payload
            request.ended = request.ended or got.ends
            if self.gives_windows and got.payload:
                self.send(window_update(0, len(got.payload)), b"" if got.ends else window_update(got.stream, len(got.payload)))

    def requests(self, whole=True):
        """Each request when it has begun, or has come whole."""
        told = set()
        while True:
            got = self.next()
            request = self.open.get(got.stream)
            if request and got.stream not in told and (request.ended or not whole):
                told.add(got.stream)
                yield request

    def head(self, stream, status=200, *fields, ends=False):
        block = self.encoder.encode([(":status", str(status)), *fields])
        if ends:
            # Before the end leaves: the next request may be here, for another thread to count, before `send` returns.
            self.open.pop(stream, None)
        self.send(frame(HEADERS, END_HEADERS | (END_STREAM if ends else 0), stream, block))

    def data(self, stream, body, ends=False):
        """In frames of 16 KiB, as far as windows go."""
        at = 0
        while at < len(body) or (not body and ends):
            room = min(16384, len(body) - at, self.window, self.windows.get(stream, self.initial))
            if room <= 0 and body:
                self.next()
                if stream not in self.open:
                    return
                continue
            part, at = body[at:at + room], at + room
            self.window -= len(part)
            self.windows[stream] = self.windows.get(stream, self.initial) - len(part)
            is_last = ends and at >= len(body)
            if is_last:
                self.open.pop(stream, None)
            self.send(frame(DATA, END_STREAM if is_last else 0, stream, part))
            if not body:
                break

    def answer(self, request, status=200, body=b"ok", *fields):
        self.head(request.stream, status, ("content-length", str(len(body))), *fields, ends=not body)
        if body:
            self.data(request.stream, body, ends=True)

    def trailers(self, stream, *fields):
        self.open.pop(stream, None)
        self.send(frame(HEADERS, END_HEADERS | END_STREAM, stream, self.encoder.encode(fields)))

    def until_left(self):
        with contextlib.suppress(Closed, OSError):
            while True:
                self.next()


class Target:
    def __init__(self, script):
        self.script, self.seen, self.resets, self.goaways, self.connections, self.peers, self.faults = script, [], [], 0, 0, [], []
        self.socket = socket.create_server(("127.0.0.1", 0), backlog=512)
        self.port = self.socket.getsockname()[1]
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        with contextlib.suppress(OSError):
            while True:
                raw = self.socket.accept()[0]
                raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                self.connections += 1
                threading.Thread(target=self.one, args=(raw, self.connections), daemon=True).start()

    def one(self, raw, number):
        peer = Peer(raw, self, number)
        self.peers.append(peer)
        try:
            self.script(peer)
        except (Closed, OSError):
            pass
        except Exception as error:
            self.faults.append(repr(error))
        finally:
            with contextlib.suppress(OSError):
                raw.close()

    @property
    def open_connections(self):
        return sum(peer.socket.fileno() >= 0 for peer in self.peers)


class BehindStage(Scene):
    def __init__(self):
        super().__init__(workers=1)
        self.targets = {name: Target(script) for name, script in SCRIPTS.items()}
        text = ("defaults: { timeouts: { connect: 1s, response_header: 3s, idle: 3s, keepalive: 20s },"
                " http2: { ping_interval: 500ms, ping_timeout: 500ms } }\n"
                'listeners: [{ name: web, bind: ["127.0.0.1:0"] }]\nroutes:\n')
        text += "".join(f"  - {{ match: {{ hosts: [{name}.test] }}, service: {name} }}\n" for name in SCRIPTS)
        text += "services:\n" + "".join(
            f'  {name}: {{ pools: {{ only: {{ targets: ["127.0.0.1:{target.port}"], protocol: h2c }} }}, {OPTIONS[name]} }}\n'
            for name, target in self.targets.items())
        self.run_with(text)
        self.web = self.port_of("web")

    def client(self, name):
        return Client(self.web, name)

    def get(self, name, path="/", method="GET", body=None, **fields):
        with self.client(name) as client:
            return client.ask(path, method, body, **fields)

    def at_once(self, name, count, method="GET", body=None):
        """So many requests together: statuses and bodies."""
        found = [None] * count

        def one(index):
            try:
                found[index] = self.get(name, f"/{index}", method, body)
            except Exception as error:
                found[index] = (0, repr(error).encode(), {})
        threads = [threading.Thread(target=one, args=(index,), daemon=True) for index in range(count)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(15)
        return found

    def failures(self, name):
        for entry in self.ask("GET", "/v1/status")[1]["services"]:
            if entry["name"] == name:
                return entry["pools"][0]["targets"][0]["failures"]
        return None


class Client(http.client.HTTPConnection):
    def __init__(self, port, name):
        super().__init__("127.0.0.1", port, timeout=10)
        self.name = name

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def ask(self, path="/", method="GET", body=None, **fields):
        self.request(method, path, body, {"Host": f"{self.name}.test", **fields})
        answer = self.getresponse()
        return answer.status, answer.read(), dict(answer.getheaders())


def raw(port, text, seconds=10):
    s = socket.create_connection(("127.0.0.1", port), seconds)
    s.sendall(text.encode("latin-1"))
    return s


def read_until(s, end):
    data = b""
    while end not in data:
        part = s.recv(65536)
        if not part:
            break
        data += part
    return data


# MARK: - Requests that were not touched


@script("refused")
def _(peer):
    peer.start()
    for count, request in enumerate(peer.requests()):
        if count < 3:
            peer.send(reset(request.stream, REFUSED_STREAM))
            peer.open.pop(request.stream)
        else:
            peer.answer(request, 200, bytes(request.body))


@check("a refused stream is sent again, whatever its method, and is no failure")
def _(stage):
    expect((saw := stage.get("refused", method="POST", body=b"once"))[:2] == (200, b"once"), saw)
    expect(stage.failures("refused") == 0, "counted as a failure")


@script("refusing")
def _(peer):
    peer.start()
    for request in peer.requests():
        peer.send(reset(request.stream, REFUSED_STREAM))
        peer.open.pop(request.stream)


@check("a target that refuses always gets it a few times, then the client 503")
def _(stage):
    expect((saw := stage.get("refusing", method="POST", body=b"x"))[0] == 503, saw)
    expect(2 <= len(stage.targets["refusing"].seen) <= 12, len(stage.targets["refusing"].seen))
    expect(stage.failures("refusing") == 0)


@script("leaving")
def _(peer):
    """The first connection serves its first stream only, and says so when it has five."""
    peer.start()
    first = []
    for request in peer.requests():
        if peer.number > 1:
            peer.answer(request, 200, b"second")
            continue
        first.append(request)
        if len(first) == 5:
            lowest = min(first, key=lambda one: one.stream)
            peer.send(goaway(lowest.stream, NO_ERROR))
            time.sleep(0.1)
            peer.answer(lowest, 200, b"first")
            peer.until_left()
            return


@check("GOAWAY: streams up to the last finish, the others go elsewhere, the connection ends, nothing has failed")
def _(stage):
    found = stage.at_once("leaving", 5, "POST", b"x")
    expect(sorted(answer[1] for answer in found) == [b"first"] + [b"second"] * 4, [answer[:2] for answer in found], [(n, r.stream, r.path, bytes(r.body), r.ended) for n, r in stage.targets["leaving"].seen])
    expect(stage.failures("leaving") == 0)
    wait_until(lambda: stage.targets["leaving"].open_connections == 1, "the first connection does not end")
    expect(stage.targets["leaving"].connections == 2, stage.targets["leaving"].connections)


@script("odd")
def _(peer):
    """Last streams that no client has opened, one after the other."""
    peer.start()
    for request in peer.requests():
        if peer.number == 1:
            peer.send(goaway(2**31 - 1), goaway(2**31 - 3), goaway(request.stream + 4), goaway(request.stream))
        peer.answer(request, 200, b"%d" % peer.number)


@check("GOAWAY with odd numbers: what runs ends well, what comes goes elsewhere")
def _(stage):
    expect((saw := stage.get("odd"))[:2] == (200, b"1"), saw)
    expect((saw := stage.get("odd"))[:2] == (200, b"2"), saw)
    expect(stage.failures("odd") == 0)


@script("early-goaway")
def _(peer):
    """GOAWAY before SETTINGS were even looked at: full."""
    peer.start()
    if peer.number <= 2:
        peer.send(goaway(0, ENHANCE_YOUR_CALM))
        return peer.until_left()
    for request in peer.requests():
        peer.answer(request)


@check("GOAWAY 0 at once, with an error: sent again on another connection")
def _(stage):
    expect((saw := stage.get("early-goaway", method="POST", body=b"x"))[0] == 200, saw)


# MARK: - Resets and broken connections


@script("resetting", "retries: { attempts: 0 }")
def _(peer):
    peer.start()
    for request in peer.requests(whole=False):
        where, _, code = request.path[1:].partition("-")
        if where == "within":
            peer.head(request.stream)
            peer.data(request.stream, b"part")
            time.sleep(0.05)
        if where != "fine":
            peer.send(reset(request.stream, int(code)))
            peer.open.pop(request.stream)
        elif request.ended:
            peer.answer(request)


@check("a reset before the response is 502, one within it cuts the client off; the connection goes on")
def _(stage):
    with stage.client("resetting") as fine:
        expect(fine.ask("/fine")[0] == 200)
        for code in (INTERNAL_ERROR, CANCEL, HTTP_1_1_REQUIRED, NO_ERROR, 99):
            expect((saw := stage.get("resetting", f"/before-{code}"))[0] == 502, code, saw)
            expect((saw := stage.get("resetting", f"/before-{code}", method="POST", body=b"x"))[0] == 502, code, saw)
            try:
                saw = stage.get("resetting", f"/within-{code}")
                expect(False, code, saw)
            except (http.client.IncompleteRead, ConnectionError, http.client.RemoteDisconnected):
                pass
            expect(fine.ask("/fine")[0] == 200)
    expect(stage.targets["resetting"].connections == 1, stage.targets["resetting"].connections)
    expect(stage.failures("resetting") >= 10, stage.failures("resetting"))


@script("early")
def _(peer):
    """A whole answer to an upload that is not wanted."""
    peer.start()
    peer.gives_windows = False
    for request in peer.requests(whole=False):
        peer.answer(request, 413, b"too much")
        peer.send(reset(request.stream, NO_ERROR))


@check("an early answer with RST_STREAM NO_ERROR reaches the client whole")
def _(stage):
    s = raw(stage.web, f"POST / HTTP/1.1\r\nHost: early.test\r\nContent-Length: {8 * MEBI}\r\n\r\n")
    with contextlib.suppress(OSError):
        s.sendall(bytes(256 * 1024))
    saw = read_until(s, b"too much")
    expect(b" 413 " in saw and b"too much" in saw, saw[-300:])
    s.close()


@script("closing")
def _(peer):
    """Closes without a word: idle ones, and at /die with the request unanswered."""
    peer.start()
    for count, request in enumerate(peer.requests()):
        if request.path == "/die" and (count > 0 or peer.number == 1):
            return
        peer.answer(request, 200, b"%d" % peer.number)
        if request.path == "/last":
            return


@check("a connection that ended while idle is not used; one that dies under a request: GET goes again on a fresh one, POST is 502")
def _(stage):
    expect(stage.get("closing", "/last")[:2] == (200, b"1"))
    time.sleep(0.05)
    expect((saw := stage.get("closing", "/"))[:2] == (200, b"2"), saw)
    expect((saw := stage.get("closing", "/die"))[:2] == (200, b"3"), saw)
    expect((saw := stage.get("closing", "/die", method="POST", body=b"x"))[0] == 502, saw)
    expect((saw := stage.get("closing", "/"))[:2] == (200, b"4"), saw)


@script("lying")
def _(peer):
    peer.start()
    for request in peer.requests():
        if request.path == "/length":
            peer.head(request.stream, 200, ("content-length", "10"))
            peer.data(request.stream, b"short", ends=True)
        elif request.path == "/case":
            peer.head(request.stream, 200, ("Upper", "case"), ends=True)
        elif request.path == "/hop":
            peer.head(request.stream, 200, ("connection", "close"), ends=True)
        elif request.path == "/status":
            peer.send(frame(HEADERS, END_HEADERS | END_STREAM, request.stream, peer.encoder.encode([("no", "status")])))
        elif request.path == "/huge":
            peer.head(request.stream, 200, *[(f"x-{n}", "y" * 1000) for n in range(15)], ends=True)
        elif request.path == "/push":
            peer.send(frame(5, END_HEADERS, request.stream, struct.pack(">I", 2) + peer.encoder.encode([(":method", "GET")])))
            peer.until_left()
            return
        elif request.path == "/garbage":
            peer.send(b"HTTP/1.1 400 Bad Request\r\n\r\n" * 3)
            peer.until_left()
            return
        else:
            peer.answer(request)


@check("answers against the rules are 502 (or cut), and never passed on")
def _(stage):
    for path in ("/case", "/hop", "/status", "/push", "/garbage"):
        expect((saw := stage.get("lying", path))[0] == 502, path, saw)
        expect((saw := stage.get("lying", "/"))[0] == 200, path, saw)
    try:
        saw = stage.get("lying", "/length")
        expect(saw[0] == 502, saw)
    except (http.client.IncompleteRead, ConnectionError):
        pass
    expect((saw := stage.get("lying", "/huge"))[0] == 200, saw)
    expect(not stage.targets["lying"].faults, stage.targets["lying"].faults)


@script("http1")
def _(peer):
    peer.socket.recv(65536)
    peer.send(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")


@check("a target that speaks HTTP/1.1 is 502")
def _(stage):
    expect((saw := stage.get("http1"))[0] == 502, saw)


# MARK: - Bodies, windows, trailers


@script("echo")
def _(peer):
    peer.start()
    for request in peer.requests():
        peer.head(request.stream, 200, ("x-te", request.fields.get("te", "")))
        peer.data(request.stream, bytes(request.body), ends=True)


@check("bodies of all sizes come back as they went, with a length and chunked")
def _(stage):
    for size in (0, 1, 100, 16384, 65535, 65536, 300_000, 3 * MEBI):
        body = os.urandom(size)
        expect((saw := stage.get("echo", method="POST", body=body))[:2] == (200, body), size, saw[0], len(saw[1]))
        parts = (body[at:at + 10_000] for at in range(0, size, 10_000))
        with stage.client("echo") as client:
            client.request("POST", "/", parts, {"Host": "echo.test", "Transfer-Encoding": "chunked"}, encode_chunked=True)
            answer = client.getresponse()
            expect((answer.status, answer.read()) == (200, body), size, answer.status)
    expect(stage.targets["echo"].connections == 1, stage.targets["echo"].connections)


@script("narrow")
def _(peer):
    """A window of a few bytes, opened a little at a time."""
    peer.start((INITIAL_WINDOW_SIZE, 0))
    peer.gives_windows = False
    for request in peer.requests(whole=False):
        if request.path == "/shut":
            continue
        while not request.ended:
            before = len(request.body)
            peer.send(window_update(request.stream, 700), window_update(0, 700))
            while len(request.body) == before and not request.ended:
                peer.next()
        peer.answer(request, 200, b"%d" % len(request.body))


@check("an upload trickles through a narrow window; where it stays shut the client hears of it in time")
def _(stage):
    expect((saw := stage.get("narrow", method="POST", body=bytes(40_000)))[:2] == (200, b"40000"), saw)
    began = time.monotonic()
    expect((saw := stage.get("narrow", "/shut", method="POST", body=bytes(1000)))[0] in (504, 408), saw)
    s = raw(stage.web, f"POST /shut HTTP/1.1\r\nHost: narrow.test\r\nContent-Length: {MEBI}\r\n\r\n" + "x" * 300_000)
    saw = read_until(s, b"\r\n\r\n")
    expect(b" 504 " in saw, saw[:200])
    s.close()
    expect(time.monotonic() - began < 12, "too late")
    expect((saw := stage.get("narrow", method="POST", body=b"again"))[:2] == (200, b"5"), saw)


@check("clients that do not read hold up nobody else on the connection")
def _(stage):
    slow = [raw(stage.web, "GET / HTTP/1.1\r\nHost: many.test\r\n\r\n") for _ in range(12)]
    wait_until(lambda: len(stage.targets["many"].seen) == 12, "they do not come")
    time.sleep(0.3)
    began = time.monotonic()
    expect((saw := stage.get("many"))[0] == 200 and len(saw[1]) == 8 * MEBI, saw[0])
    expect(time.monotonic() - began < 5)
    expect(stage.targets["many"].connections == 1, stage.targets["many"].connections)
    for s in slow:
        s.close()
    wait_until(lambda: stage.targets["many"].resets.count(CANCEL) == 12, "they are not reset")


@script("many")
def _(peer):
    """Eight MiB for each, all at the same time."""
    peer.start()
    left, chunk = {}, bytes(16384)
    peer.socket.settimeout(0.002)
    while True:
        with contextlib.suppress(TimeoutError):
            got = peer.next()
            if got.type == HEADERS:
                peer.head(got.stream, 200, ("content-length", str(8 * MEBI)))
                left[got.stream] = 8 * MEBI
        for stream in [s for s in left if s in peer.open]:
            while (room := min(left[stream], 16384, peer.window, peer.windows.get(stream, peer.initial))) > 0:
                left[stream] -= room
                peer.window -= room
                peer.windows[stream] = peer.windows.get(stream, peer.initial) - room
                peer.socket.settimeout(10)
                peer.send(frame(DATA, 0 if left[stream] else END_STREAM, stream, chunk[:room]))
                peer.socket.settimeout(0.002)
            if not left[stream]:
                peer.open.pop(stream)


@script("trailing")
def _(peer):
    peer.start()
    for request in peer.requests():
        if request.path == "/only":
            peer.head(request.stream, 200, ("content-type", "application/grpc"), ("grpc-status", "5"), ends=True)
        elif request.path == "/hints":
            peer.head(request.stream, 100)
            peer.head(request.stream, 103, ("link", "</a.css>; rel=preload"))
            peer.answer(request)
        else:
            peer.head(request.stream, 200, ("trailer", "x-sum"), ("x-had", dict(getattr(request, "trailers", [])).get("x-up", "")))
            peer.data(request.stream, b"body")
            peer.trailers(request.stream, ("x-sum", "42"))


@check("trailers both ways, trailers only, interim answers")
def _(stage):
    s = raw(stage.web, "POST / HTTP/1.1\r\nHost: trailing.test\r\nTE: trailers\r\nConnection: TE\r\nTransfer-Encoding: chunked\r\nTrailer: x-up\r\n\r\n"
            "2\r\nab\r\n0\r\nX-Up: 7\r\n\r\n")
    saw = read_until(s, b"\r\n0\r\nx-sum: 42\r\n\r\n").lower()
    expect(saw.endswith(b"4\r\nbody\r\n0\r\nx-sum: 42\r\n\r\n") and b"x-had: 7" in saw, saw)
    s.sendall(b"GET /only HTTP/1.1\r\nHost: trailing.test\r\n\r\n")
    saw = read_until(s, b"\r\n\r\n").lower()
    expect(b"grpc-status: 5" in saw and b"content-length: 0" in saw, saw)
    s.sendall(b"GET /hints HTTP/1.1\r\nHost: trailing.test\r\n\r\n")
    saw = read_until(s, b"ok").lower()
    expect(saw.startswith(b"http/1.1 100") and b"http/1.1 103" in saw and b"rel=preload" in saw and saw.endswith(b"ok"), saw)
    s.close()


@script("plain")
def _(peer):
    peer.start()
    for request in peer.requests():
        bad = [name for name, _ in request.list if name in ("connection", "transfer-encoding", "keep-alive", "upgrade", "host", "te")]
        lines = "\n".join(f"{name}: {value}" for name, value in request.list)
        peer.answer(request, 200, lines.encode(), ("x-bad", ",".join(bad)))


@check("a request goes out as RFC 9113 wants it")
def _(stage):
    status, body, fields = stage.get("plain", "/a%20b?c=d", Connection="keep-alive, X-Hop", Keep_Alive="5", **{"X-Hop": "1", "Keep-Alive": "5", "Cookie": "a=1; b=2"})
    saw = dict(line.split(": ", 1) for line in body.decode().splitlines())
    expect(status == 200 and not fields["x-bad"], fields)
    expect(saw[":method"] == "GET" and saw[":scheme"] == "http" and saw[":path"] == "/a%20b?c=d" and saw[":authority"] == "plain.test", saw)
    expect("x-hop" not in saw and saw["x-forwarded-proto"] == "http" and saw["cookie"] == "a=1; b=2", saw)
    s = raw(stage.web, "OPTIONS * HTTP/1.1\r\nHost: plain.test\r\n\r\n")
    saw = read_until(s, b"x-request-id").lower()
    expect(b":path: *" in saw, saw)
    s.close()


@check("a client that has used its header limits up still gets through with our own fields")
def _(stage):
    many = {f"x-{n}": "y" for n in range(80)}
    expect((saw := stage.get("plain", **many))[0] == 200, saw)


# MARK: - Connections


@script("small")
def _(peer):
    peer.start((MAX_CONCURRENT_STREAMS, 2))
    for request in peer.requests():
        threading.Timer(0.02, later, (peer, request)).start()


LOCK = threading.Lock()


def later(peer, request):
    with LOCK, contextlib.suppress(OSError, Closed):
        peer.answer(request, 200, b"%d" % peer.number)


@check("the limit of streams is kept, and more connections are made where it does not do")
def _(stage):
    for _ in range(3):
        found = stage.at_once("small", 40, "POST", b"x")
        expect(all(answer[0] == 200 for answer in found), [answer[:2] for answer in found if answer[0] != 200])
    first, rest = stage.targets["small"].peers[0], stage.targets["small"].peers[1:]
    expect(all(peer.greatest <= 2 for peer in rest) and rest, [peer.greatest for peer in rest])
    expect(stage.failures("small") == 0)


@script("roomy")
def _(peer):
    peer.start((MAX_CONCURRENT_STREAMS, 20))
    held = []
    for request in peer.requests():
        if request.path == "/go":
            for one in held:
                peer.answer(one)
            peer.answer(request)
            held = []
        else:
            held.append(request)


@check("the next connection is there before the first is full")
def _(stage):
    target = stage.targets["roomy"]
    expect(stage.get("roomy", "/go")[0] == 200)
    held = [raw(stage.web, f"GET /{n} HTTP/1.1\r\nHost: roomy.test\r\n\r\n") for n in range(19)]
    wait_until(lambda: len(target.seen) == 20, "they do not come")
    wait_until(lambda: target.connections == 2, f"{target.connections} connections")
    expect(all(number == 1 for number, _ in target.seen), "the fullest takes the next")
    expect(stage.get("roomy", "/go")[0] == 200)
    for s in held:
        expect(b" 200 " in read_until(s, b"ok"))
        s.close()


@script("dead")
def _(peer):
    peer.start()
    peer.answers_pings = peer.number > 1
    for request in peer.requests():
        if peer.number > 1:
            peer.answer(request)


@script("quiet")
def _(peer):
    peer.start()
    for request in peer.requests():
        if request.path == "/quiet":
            def end(request=request):
                later(peer, request)
            threading.Timer(2.2, end).start()
        else:
            peer.answer(request)


@check("who does not answer PING is given up; who does may be silent, and is not asked all the time")
def _(stage):
    began = time.monotonic()
    expect((saw := stage.get("dead"))[0] == 502, saw)
    expect(0.8 < time.monotonic() - began < 2.5, time.monotonic() - began)
    expect((saw := stage.get("dead"))[0] == 200, saw)
    expect((saw := stage.get("quiet", "/quiet"))[0] == 200, saw)
    expect(stage.targets["quiet"].peers[0].pings == 1, stage.targets["quiet"].peers[0].pings)


@script("drained")
def _(peer):
    peer.start()
    for request in peer.requests():
        if request.path != "/slow":
            peer.answer(request, 200, b"%d" % peer.number)


@check("a drained target: the idle connection ends at once, a busy one with its last stream", seconds=10)
def _(stage):
    target = stage.targets["drained"]
    place = {"places": [f"only/127.0.0.1:{target.port}"], "force": True}
    expect(stage.get("drained")[:2] == (200, b"1"))
    stage.ask("POST", "/v1/services/drained/drain", place)
    wait_until(lambda: target.open_connections == 0, "the idle connection stays")
    expect(target.goaways == 1, "no GOAWAY")
    stage.ask("POST", "/v1/services/drained/undrain", place)
    slow = raw(stage.web, "GET /slow HTTP/1.1\r\nHost: drained.test\r\n\r\n")
    wait_until(lambda: len(target.seen) == 2, "it does not come")
    stage.ask("POST", "/v1/services/drained/drain", place)
    stage.ask("POST", "/v1/services/drained/undrain", place)
    expect((saw := stage.get("drained"))[:2] == (200, b"3"), saw)
    expect(target.open_connections == 2, target.open_connections)
    later(target.peers[1], target.seen[1][1])
    expect(b"\r\n\r\n2" in (saw := read_until(slow, b"\r\n\r\n2")), saw)
    wait_until(lambda: target.open_connections == 1, "the busy connection stays")
    slow.close()


@check("a target that leaves: its last streams are reset at the deadline of the drain, and its connection ends", seconds=10)
def _(stage):
    target = stage.targets["removed"]
    slow = raw(stage.web, "GET /slow HTTP/1.1\r\nHost: removed.test\r\n\r\n")
    wait_until(lambda: len(target.seen) == 1, "it does not come")
    with open(stage.configuration) as f:
        text = f.read()
    began = time.monotonic()
    with open(stage.configuration, "w") as f:
        f.write(text.replace(f"127.0.0.1:{target.port}", f"127.0.0.1:{stage.targets['plain'].port}"))
    stage.order("/v1/reload")
    expect(stage.get("removed")[0] == 200)
    expect(b" 503 " in (saw := read_until(slow, b"\r\n\r\n")), saw)
    expect(0.3 < time.monotonic() - began < 2.5, time.monotonic() - began)
    wait_until(lambda: target.resets == [CANCEL], f"resets {target.resets}")
    wait_until(lambda: target.open_connections == 0, "the connection stays")
    slow.close()


@script("removed", "drain: { timeout: 700ms }")
def _(peer):
    peer.start()
    for request in peer.requests():
        if request.path != "/slow":
            peer.answer(request)


@check("a client that goes has its stream reset; the others go on")
def _(stage):
    target = stage.targets["going"]
    with stage.client("going") as other:
        expect(other.ask("/")[0] == 200)
        gone = raw(stage.web, "GET /slow HTTP/1.1\r\nHost: going.test\r\n\r\n")
        wait_until(lambda: len(target.seen) == 2, "it does not come")
        gone.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        gone.close()
        wait_until(lambda: target.resets == [CANCEL], f"resets {target.resets}")
        expect(other.ask("/")[0] == 200 and target.connections == 1)


@script("going")
def _(peer):
    peer.start()
    for request in peer.requests():
        if request.path != "/slow":
            peer.answer(request)


# MARK: - WebSocket


@script("socket")
def _(peer):
    peer.start((ENABLE_CONNECT_PROTOCOL, 1))
    while True:
        got = peer.next()
        request = peer.open.get(got.stream)
        if got.type == HEADERS and request:
            if request.fields[":method"] == "CONNECT" and request.fields[":protocol"] == "websocket":
                peer.head(request.stream, 200, ("sec-websocket-protocol", request.fields.get("sec-websocket-protocol", "")))
            else:
                peer.answer(request, 426, b"plain")
        elif got.type == DATA and request:
            peer.data(got.stream, got.payload, ends=got.ends)


@script("no-socket")
def _(peer):
    peer.start()
    for request in peer.requests():
        peer.answer(request, 426, b"plain " + request.fields[":method"].encode())


@check("a WebSocket goes through as extended CONNECT; where the target does not offer that, as the request without its upgrade")
def _(stage):
    ask = ("GET /chat HTTP/1.1\r\nHost: {}.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
           "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: chat\r\n\r\n")
    s = raw(stage.web, ask.format("socket"))
    saw = read_until(s, b"\r\n\r\n").lower()
    expect(saw.startswith(b"http/1.1 101") and b"upgrade: websocket" in saw and b"sec-websocket-protocol: chat" in saw, saw)
    expect(b"sec-websocket-accept: s3pplmbitxaq9kygzzhzrbk+xoo=" in saw, saw)
    for size in (5, 70_000, 1_000_000):
        data = os.urandom(size)
        threading.Thread(target=s.sendall, args=(data,), daemon=True).start()
        back = b""
        while len(back) < size:
            back += s.recv(65536)
        expect(back == data, size)
    s.shutdown(socket.SHUT_WR)
    expect(s.recv(10) == b"", "the end does not come back")
    s.close()
    request = stage.targets["socket"].seen[0][1].fields
    expect("sec-websocket-key" not in request and request["sec-websocket-version"] == "13", request)
    s = raw(stage.web, ask.format("no-socket"))
    saw = read_until(s, b"plain GET")
    expect(b" 426 " in saw and b"plain GET" in saw, saw)
    s.close()


@check("nobody has fallen over")
def _(stage):
    for name, target in stage.targets.items():
        expect(not target.faults, name, target.faults)
    expect(stage.sluice.poll() is None and "Fatal" not in stage.said(), stage.said())


if __name__ == "__main__":
    with BehindStage() as stage:
        good = check.play(sys.argv[1:], stage)
    sys.exit(0 if good else 1)
