"""WebSockets through the proxy: `websockets` behind, and in front `websockets` over ws and wss and the `h2` library over HTTP/2 (RFC 8441).

    websocket.py [--front sluice|haproxy|direct] [WORD ...]
"""
import interpreter  # noqa: F401, I001

import argparse
import asyncio
import contextlib
import logging
import os
import ssl
import sys
import threading
import time

import websockets

import frames
from fronts import bundle, haproxy
from scene import Checks, Failure, Material, Scene, Skipped, expect, free_port, wait_for, wait_until

check = Checks()
logging.getLogger("websockets").setLevel(logging.CRITICAL)
MEBI = 1 << 20


class Upstream:
    """An echo that knows some words, on a thread of its own."""

    def __init__(self, name):
        self.name, self.closed, self.heads = name, {}, {}
        self.loop, self.port, ready = asyncio.new_event_loop(), None, threading.Event()

        async def start():
            server = await websockets.serve(self.serve, "127.0.0.1", 0, max_size=None, ping_interval=None)
            self.port = server.sockets[0].getsockname()[1]
            ready.set()

        def run():
            asyncio.set_event_loop(self.loop)
            self.loop.create_task(start())
            self.loop.run_forever()
        threading.Thread(target=run, daemon=True).start()
        expect(ready.wait(10), "the upstream does not serve")

    async def serve(self, socket, *_):
        self.heads[socket.path] = {key.lower(): value for key, value in socket.request_headers.raw_items()}
        with contextlib.suppress(websockets.ConnectionClosed):
            async for message in socket:
                if message == "name":
                    await socket.send(self.name)
                elif message == "close":
                    await socket.close(4001, "as told")
                elif message == "die":
                    socket.transport.abort()
                elif message == "ping":
                    waiter = await socket.ping(b"from behind")
                    await asyncio.wait_for(waiter, 5)
                    await socket.send("ponged")
                elif message == "flood":
                    for number in range(64):
                        await socket.send(bytes([number]) * 65536)
                else:
                    await socket.send(message)
        await socket.wait_closed()
        self.closed[socket.path] = (socket.close_code, socket.close_reason)


    def end_of(self, path):
        """Code and reason, as the upstream saw them."""
        wait_until(lambda: path in self.closed, "the upstream was not told")
        return self.closed[path]


class Plain:
    """A client of the `websockets` package, one thread; the same words as `Stream`."""

    def __init__(self, stage, listener, path="/"):
        self.loop = asyncio.new_event_loop()
        scheme = "wss" if listener == "tls" else "ws"
        port = stage.ports[listener]
        self.socket = self.do(lambda: websockets.connect(
            f"{scheme}://shop.test:{port}{path}", host="127.0.0.1", port=port, max_size=None, ping_interval=None, close_timeout=5,
            compression=None, **({"ssl": stage.context(), "server_hostname": "shop.test"} if scheme == "wss" else {})))

    def do(self, work, seconds=10):
        async def within():
            return await asyncio.wait_for(work(), seconds)
        return self.loop.run_until_complete(within())

    def send(self, message):
        self.do(lambda: self.socket.send(message))

    def receive(self, seconds=10):
        return self.do(self.socket.recv, seconds)

    def ping(self, payload):
        async def both():
            await (await self.socket.ping(payload))
        self.do(both)

    def send_close(self, code, reason):
        self.do(lambda: self.socket.close(code, reason))

    def until_closed(self, seconds=10):
        """Code and reason; 1006 = cut without a word."""
        with contextlib.suppress(websockets.ConnectionClosed):
            while True:
                self.receive(seconds)
        return self.socket.close_code, self.socket.close_reason

    def drop(self):
        self.socket.transport.abort()
        with contextlib.suppress(Exception):
            self.do(self.socket.wait_closed)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.drop()
        self.loop.close()


class Stream:
    """A stream of an HTTP/2 connection."""

    def __init__(self, stage, listener, path="/", client=None):
        secure = listener == "h2"
        self.owns = client is None
        self.client = client or frames.Client(stage.ports["tls" if secure else "h2c"], stage.context() if secure else None, "shop.test")
        self.tunnel = frames.Tunnel(self.client, path, "shop.test", "https" if secure else "http")
        expect(self.tunnel.answer.status == 200, self.tunnel.answer)
        names = [name for name, _ in self.tunnel.answer.fields]
        expect(not set(names) & {"connection", "upgrade", "transfer-encoding", "content-length"}, names)

    def send(self, message):
        binary = isinstance(message, bytes)
        self.tunnel.send(frames.BINARY if binary else frames.TEXT, message if binary else message.encode())

    def receive(self, seconds=10):
        while True:
            kind, payload = self.tunnel.receive(seconds)
            if kind == frames.PING:
                self.tunnel.send(frames.PONG, payload)
            elif kind == frames.TEXT:
                return payload.decode()
            elif kind == frames.BINARY:
                return payload
            else:
                raise Failure(f"frame {kind} {payload}")

    def ping(self, payload):
        self.tunnel.send(frames.PING, payload)
        expect(self.tunnel.receive() == (frames.PONG, payload))

    def send_close(self, code, reason):
        self.tunnel.send(frames.CLOSE, code.to_bytes(2, "big") + reason.encode())
        kind, payload = self.tunnel.receive()
        expect(kind == frames.CLOSE and payload[:2] == code.to_bytes(2, "big"), kind, payload)
        self.client.end(self.tunnel.stream)
        self.client.answer(self.tunnel.stream)

    def until_closed(self, seconds=10):
        """Code and reason of the close frame, 1006 without one; the stream must end either way."""
        answer = self.tunnel.answer
        code, reason = 1006, ""
        with contextlib.suppress(Failure):
            while True:
                kind, payload = self.tunnel.receive(seconds)
                if kind == frames.CLOSE:
                    code, reason = int.from_bytes(payload[:2], "big"), payload[2:].decode()
                    self.tunnel.send(frames.CLOSE, payload[:2])
                    self.client.end(self.tunnel.stream)
        if not self.client.is_ended:
            self.client.until(lambda: answer.is_whole or answer.reset is not None or self.client.is_ended, seconds)
        return code, reason

    def drop(self):
        if not self.client.is_ended and self.tunnel.answer.reset is None:
            self.client.reset(self.tunnel.stream)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.owns:
            self.client.socket.close()


class Way:
    def __init__(self, stage, listener):
        self.stage, self.listener, self.upstream = stage, listener, stage.blue

    def open(self, path="/"):
        return (Plain if self.listener in ("plain", "tls") else Stream)(self.stage, self.listener, path)


# MARK: - Messages


@check("echo: text, binary, empty, a thousand small ones, 1 MiB")
def _(way):
    with way.open("/path?query=1") as socket:
        for message in ("hello", "äöü ☃", "", b"", b"\x00\xff" * 100, "x" * 125, "x" * 126, "x" * 65535, "x" * 65536, os.urandom(MEBI), os.urandom(3 * MEBI)):
            socket.send(message)
            expect((saw := socket.receive()) == message, len(message), "came back as", len(saw))
        for number in range(1000):
            socket.send(f"{number}")
        for number in range(1000):
            expect(socket.receive() == f"{number}")
        socket.send_close(1000, "")
    expect((head := way.upstream.heads["/path?query=1"])["host"].startswith("shop.test"), head)
    if way.stage.kind == "sluice":
        scheme = "https" if way.listener in ("tls", "h2") else "http"
        expect(head.get("x-forwarded-proto") == scheme, head)


@check("ping from either side is answered by the other")
def _(way):
    with way.open() as socket:
        socket.ping(b"from the front")
        socket.send("ping")
        expect(socket.receive() == "ponged")


@check("4 MiB to who reads late arrive whole")
def _(way):
    with way.open() as socket:
        socket.send("flood")
        time.sleep(0.3)
        for number in range(64):
            expect(socket.receive() == bytes([number]) * 65536, number)
        socket.send("still there")
        expect(socket.receive() == "still there")


# MARK: - Ends


@check("a close of the client reaches the upstream, with code and reason")
def _(way):
    with way.open(f"/enough-{way.listener}") as socket:
        socket.send("x")
        socket.receive()
        socket.send_close(4000, "enough")
    expect((saw := way.upstream.end_of(f"/enough-{way.listener}")) == (4000, "enough"), saw)


@check("a close of the upstream reaches the client, with code and reason")
def _(way):
    with way.open() as socket:
        socket.send("close")
        expect((saw := socket.until_closed()) == (4001, "as told"), saw)


@check("a client that is gone, and an upstream that is gone, end the other side")
def _(way):
    with way.open(f"/gone-{way.listener}") as socket:
        socket.send("x")
        socket.receive()
        socket.drop()
        expect((saw := way.upstream.end_of(f"/gone-{way.listener}"))[0] == 1006, saw)
    with way.open() as socket:
        socket.send("die")
        expect((saw := socket.until_closed())[0] == 1006, saw)


@check("streams, tunnels and requests share a connection (HTTP/2)")
def _(way):
    if way.listener not in ("h2", "h2c"):
        raise Skipped("one tunnel a connection")
    with way.open() as first:
        others = [Stream(way.stage, way.listener, client=first.client) for _ in range(5)]
        for number, socket in enumerate([first, *others]):
            socket.send(f"{number}")
        for number, socket in reversed(list(enumerate([first, *others]))):
            expect(socket.receive() == f"{number}")
        others[0].drop()
        others[1].send("die")
        expect(others[1].until_closed()[0] == 1006)
        scheme = "https" if way.listener == "h2" else "http"
        stream = first.client.request([(":method", "GET"), (":scheme", scheme), (":authority", "shop.test"), (":path", "/")])
        expect((answer := first.client.answer(stream)).status == 426, answer)  # as the upstream answers what is no WebSocket
        first.send("still there")
        expect(first.receive() == "still there")


@check("a refusal of the upstream reaches the client as it is; a plain CONNECT is refused (HTTP/2)")
def _(way):
    if way.listener not in ("h2", "h2c") or way.stage.kind != "sluice":
        raise Skipped("of Sluice by HTTP/2")
    secure = way.listener == "h2"
    with frames.Client(way.stage.ports["tls" if secure else "h2c"], way.stage.context() if secure else None, "shop.test") as client:
        scheme = "https" if secure else "http"
        for host, statuses in (("web.test", (200,)), ("none.test", (502, 503))):
            tunnel = frames.Tunnel(client, "/", host, scheme)
            # Where the upstream takes it for a plain request, its answer is none of an open tunnel.
            expect(tunnel.answer.reset is not None or tunnel.answer.status in (*statuses, 501, 502), host, tunnel.answer)
            expect(host != "web.test" or tunnel.answer.status != 200, "a tunnel to who does not speak WebSocket")
        stream = client.request([(":method", "CONNECT"), (":authority", "shop.test:443")], ends=False)
        answer = client.answers[stream]
        client.until(lambda: answer.fields or answer.reset is not None)
        expect(answer.reset is not None or answer.status in (400, 405, 501), answer)
        stream = client.request([(":method", "CONNECT"), (":protocol", "connect-udp"), (":scheme", scheme), (":authority", "shop.test"), (":path", "/")], ends=False)
        answer = client.answers[stream]
        client.until(lambda: answer.fields or answer.reset is not None)
        expect(answer.reset is not None or answer.status in (400, 405, 501), answer)


# MARK: - Switching


@check("over a flip a tunnel stays where it began, until drain.tunnels; new ones begin on the other pool")
def _(way):
    if way.stage.kind != "sluice":
        raise Skipped("of Sluice")
    try:
        with way.open() as old:
            old.send("name")
            expect(old.receive() == "blue")
            began = time.monotonic()
            way.stage.order("/v1/services/shop/flip", {"pool": "green"})
            for _ in range(3):
                with way.open() as new:
                    new.send("name")
                    expect(new.receive() == "green")
                old.send("name")
                expect(old.receive() == "blue")
            old.until_closed()
            took = time.monotonic() - began
            expect(0.8 < took < 3, f"ended after {took:.2f} s, not within drain.tunnels of 1 s")
    finally:
        way.stage.order("/v1/services/shop/flip", {"pool": "blue"})


@check("over an upgrade a tunnel lives on in the old process; new ones begin in the new one")
def _(way):
    if way.stage.kind != "sluice":
        raise Skipped("of Sluice")
    with way.open() as old:
        old.send("a")
        expect(old.receive() == "a")
        way.stage.upgrade()
        for _ in range(3):
            with way.open() as new:
                new.send("b")
                expect(new.receive() == "b")
            old.send("c")
            expect(old.receive() == "c")


# MARK: - Stage


class SocketStage(Scene):
    def __init__(self, kind):
        super().__init__()
        self.kind, self.blue, self.green = kind, Upstream("blue"), Upstream("green")
        self.material = Material(self.folder)
        self.pair = self.material.make("shop", "DNS:shop.test,DNS:web.test,DNS:none.test")
        self.names = ["plain", "tls", "h2c"]
        getattr(self, f"play_{kind}")()

    def context(self):
        return ssl.create_default_context(cafile=self.material.ca.cert)

    def play_direct(self):
        self.ports, self.ways = {"plain": self.blue.port}, ["plain"]

    def play_haproxy(self):
        self.ports, self.ways = {name: free_port() for name in self.names}, ["plain", "tls", "h2", "h2c"]
        haproxy(self, f"""
frontend f
  bind 127.0.0.1:{self.ports['plain']}
  bind 127.0.0.1:{self.ports['h2c']} proto h2
  bind 127.0.0.1:{self.ports['tls']} ssl crt {bundle(self.pair)} alpn h2,http/1.1
  default_backend b
backend b
  server s 127.0.0.1:{self.blue.port}
""")
        wait_for(*self.ports.values())

    def play_sluice(self):
        web = self.upstreams(["web"])["web"]
        self.run_with(f"""
shutdown: {{ drain_timeout: 20s }}
listeners:
  - {{ name: plain, bind: ["127.0.0.1:0"] }}
  - {{ name: h2c, bind: ["127.0.0.1:0"], protocols: [h2c, http/1.1] }}
  - {{ name: tls, bind: ["127.0.0.1:0"], tls: {{ certificates: [{{ cert: {self.pair.cert}, key: {self.pair.key} }}] }} }}
routes:
  - {{ match: {{ hosts: [web.test] }}, service: web }}
  - {{ match: {{ hosts: [none.test] }}, service: none }}
services:
  shop:
    pools: {{ blue: {{ targets: ["127.0.0.1:{self.blue.port}"] }}, green: {{ targets: ["127.0.0.1:{self.green.port}"] }} }}
    split: {{ blue: 100 }}
    drain: {{ tunnels: 1s }}
  web: {{ pools: {{ only: {{ targets: ["{web}"] }} }} }}
  none: {{ pools: {{ only: {{ targets: ["127.0.0.1:{free_port()}"] }} }} }}
""")
        self.ports = {name: self.port_of(name) for name in self.names}
        self.ways = ["plain", "tls", "h2", "h2c"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--front", default="sluice", choices=["sluice", "haproxy", "direct"])
    parser.add_argument("--way", help="only this one: plain, tls, h2 or h2c")
    parser.add_argument("words", nargs="*")
    options = parser.parse_args()
    good = True
    with SocketStage(options.front) as stage:
        for name in stage.ways:
            if options.way in (None, name):
                print(f"# {name}", flush=True)
                good = check.play(options.words, Way(stage, name)) and good
    return good


if __name__ == "__main__":
    sys.exit(0 if main() else 1)
