"""Targets that speak HTTP/2 and do what targets may, or must not: what does the client of the proxy get?

One line a check; exit 1 when one failed. Requests come over h2c, so that what happens to them shows in frames.
"""
import argparse
import itertools
import sys
import threading
import time

from attacks import resident
from clients import play
from place import Failure, Place
from target import Target
from wire import (CONTINUATION, DATA, END_HEADERS, END_STREAM, HEADERS, INITIAL_WINDOW_SIZE, INTERNAL_ERROR, MAX_CONCURRENT_STREAMS, NO_ERROR,
                  PUSH_PROMISE, REFUSED_STREAM, RST_STREAM, Connection, Wrong, frame, goaway, integer, literal, ping, reset, settings, string)

DEFAULTS = """defaults:
  timeouts: { connect: 1s, request_header: 2s, response_header: 2s, idle: 2s }
"""
CHECKS = []


def check(words):
    def add(run):
        CHECKS.append((words, run))
        return run
    return add


def expect(holds, saw):
    if not holds:
        raise Wrong(str(saw)[-400:])


class Proxy:
    """Sluice before these targets."""

    def __init__(self, *targets):
        self.place, self.targets = Place(), targets

    def __enter__(self):
        self.process = self.place.serve_sluice(*(target.address for target in self.targets), defaults=DEFAULTS, pool=", protocol: h2c")
        return self

    def __exit__(self, *failure):
        is_running = self.process.poll() is None
        for target in self.targets:
            target.socket.close()
        self.place.__exit__()
        if not is_running:
            raise Failure(f"sluice ended with {self.process.returncode}")

    def open(self):
        return Connection(self.place.plain, patience=8).open()

    def status(self, method="GET", content=b""):
        """Of one request on a connection of its own; or how its stream ended."""
        with self.open() as c:
            c.request(fields=c.fields(method), ends=not content)
            if content:
                c.send(frame(DATA, END_STREAM, 1, content))
            try:
                return c.response()[0]
            except Wrong as end:
                return str(end)


def good(peer, stream, fields):
    peer.answer(stream)


def wrong_head(words, make):
    """502, and the process is well."""
    @check(f"{words}: 502")
    def run():
        with Proxy(Target(lambda peer, stream, fields: peer.send(make(peer, stream)))) as proxy:
            expect((status := proxy.status()) == 502, status)


def block(*fields):
    return b"".join(literal(name, value) for name, value in fields)


def headers(stream, *fields, flags=END_HEADERS | END_STREAM):
    return frame(HEADERS, flags, stream, block(*fields))


OK = (b":status", b"200")
wrong_head("a field's name in upper case", lambda peer, stream: headers(stream, OK, (b"X-Bad", b"1")))
wrong_head("no :status", lambda peer, stream: headers(stream, (b"x", b"1")))
wrong_head(":status twice", lambda peer, stream: headers(stream, OK, OK))
wrong_head(":status that is none", lambda peer, stream: headers(stream, (b":status", b"abc")))
wrong_head("a connection-specific field", lambda peer, stream: headers(stream, OK, (b"connection", b"close")))
wrong_head("a line end in a field", lambda peer, stream: headers(stream, OK, (b"x", b"1\r\nset-cookie: a=1")))
wrong_head("RST_STREAM instead of an answer", lambda peer, stream: reset(stream, INTERNAL_ERROR))
wrong_head("a head beyond every limit", lambda peer, stream: frame(HEADERS, END_STREAM, stream, block(OK, (b"x", b"y" * 16000))) + b"".join(
    frame(CONTINUATION, END_HEADERS if number == 7 else 0, stream, block((b"x-%d" % number, b"y" * 16000))) for number in range(8)))
wrong_head("DATA beyond the largest frame", lambda peer, stream: frame(DATA, 0, stream, bytes(20000)))
wrong_head("DATA before HEADERS", lambda peer, stream: frame(DATA, END_STREAM, stream, b"x"))
wrong_head("PUSH_PROMISE", lambda peer, stream: frame(PUSH_PROMISE, END_HEADERS, stream, b"\0\0\0\2" + block(OK)))
wrong_head("CONTINUATION without end", lambda peer, stream: frame(HEADERS, 0, stream, block(OK)) + frame(CONTINUATION, 0, stream) * 20000)
wrong_head("an HPACK bomb", lambda peer, stream: frame(
    HEADERS, END_HEADERS, stream, block(OK) + b"\x40" + string(b"x") + string(b"y" * 4000) + integer(62, 7, 0x80) * 12000))
wrong_head("SETTINGS without end", lambda peer, stream: settings((INITIAL_WINDOW_SIZE, 65535)) * 20000)
wrong_head("PING without end", lambda peer, stream: ping() * 20000)


@check("an answer in HTTP/1.1 to the preface: 502")
def not_h2():
    with Proxy(Target(good, greet=lambda peer: peer.send(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"))) as proxy:
        expect((status := proxy.status()) == 502, status)


@check("no answer: 504")
def silent():
    with Proxy(Target(lambda *_: None)) as proxy:
        expect((status := proxy.status()) == 504, status)


@check("a connection that ends in the middle of a head: 502")
def cut_head():
    def script(peer, stream, fields):
        peer.send(headers(stream, OK)[:-3])
        peer.socket.close()
    with Proxy(Target(script)) as proxy:
        expect((status := proxy.status()) == 502, status)


def reset_after_half(words, script):
    @check(f"{words}: RST_STREAM, never an end")
    def run():
        with Proxy(Target(script)) as proxy, proxy.open() as c:
            c.request()
            got = c.until(lambda got: got.stream == 1 and (got.ends or got.type == RST_STREAM), "RST_STREAM")
            expect(got.type == RST_STREAM and got.code != NO_ERROR, got)
            expect(("content-length", "100") in c.heads[1], c.heads)


def half(end):
    def script(peer, stream, fields):
        peer.head(stream, ("content-length", "100"))
        peer.data(stream, b"x" * 50, ends=False)
        time.sleep(0.1)
        end(peer, stream)
    return script


reset_after_half("content that is reset", half(lambda peer, stream: peer.send(reset(stream, INTERNAL_ERROR))))
reset_after_half("content that is shorter than promised", half(lambda peer, stream: peer.data(stream, b"")))
reset_after_half("content that is longer than promised", half(lambda peer, stream: peer.data(stream, b"x" * 100)))
reset_after_half("a connection that ends in content", half(lambda peer, stream: peer.socket.shutdown(2)))
reset_after_half("content that does not go on", half(lambda peer, stream: None))


@check("1xx, content and trailers come through")
def whole():
    def script(peer, stream, fields):
        peer.head(stream, ("link", "</a>"), status="103")
        peer.head(stream)
        peer.data(stream, b"good", ends=False)
        peer.send(frame(HEADERS, END_HEADERS | END_STREAM, stream, peer.encoder.encode([("x-sum", "4")])))
    with Proxy(Target(script)) as proxy, proxy.open() as c:
        c.request()
        interim = c.until(lambda got: got.type == HEADERS, "103")
        expect((":status", "103") in c.heads[1] and ("link", "</a>") in c.heads[1], (interim, c.heads))
        status, _, body, trailers = c.response()
        expect((status, body, trailers) == (200, b"good", [("x-sum", "4")]), (status, body, trailers))


def goaway_names(method, content):
    def script(peer, stream, fields):
        if peer.number > 0:
            return peer.answer(stream)
        if stream == 5:  # 1 and 3 have come and wait; 5 is refused
            peer.send(goaway(last=3))
            for earlier in 1, 3:
                peer.answer(earlier, b"old!")
    target = Target(script)
    with Proxy(target) as proxy, proxy.open() as c:
        for stream in 1, 3, 5:
            c.request(stream, c.fields(method), ends=not content)
            if content:
                c.send(frame(DATA, END_STREAM, stream, content))
            time.sleep(0.1)
        bodies = set()
        while len(bodies) < 3:
            got = c.next()
            expect(got.type != RST_STREAM, got)
            if got.type == DATA and got.payload:
                bodies.add((got.stream, got.payload))
        expect(bodies == {(1, b"old!"), (3, b"old!"), (5, b"good")}, bodies)
        expect(len(target.peers) == 2, f"{len(target.peers)} connections")


def refused(method, content):
    count = itertools.count()

    def script(peer, stream, fields):
        if next(count) % 2 == 0:
            peer.send(reset(stream, REFUSED_STREAM))
        else:
            peer.answer(stream)
    with Proxy(Target(script, is_early=True)) as proxy:
        for _ in range(3):
            expect((status := proxy.status(method, content)) == 200, status)


for method, content in ("GET", b""), ("DELETE", b""), ("POST", b"once"):
    words = method + (" with content" if content else "")
    check(f"GOAWAY: what it names is answered, what is above is sent again: {words}")(lambda m=method, c=content: goaway_names(m, c))
    check(f"REFUSED_STREAM: sent again: {words}")(lambda m=method, c=content: refused(m, c))


@check("SETTINGS_MAX_CONCURRENT_STREAMS of 2 is kept by every connection, and all is answered")
def few_streams():
    def script(peer, stream, fields):
        threading.Timer(0.02, peer.answer, [stream]).start()
    target = Target(script, greet=lambda peer: peer.send(settings((MAX_CONCURRENT_STREAMS, 2))))
    with Proxy(target) as proxy, proxy.open() as c:
        for turn in range(2):
            streams = range(1 + 60 * turn, 61 + 60 * turn, 2)
            for stream in streams:
                c.request(stream)
            ended = set()
            while len(ended) < len(streams):
                got = c.next()
                expect(got.type != RST_STREAM, got)
                if got.ends:
                    expect((":status", "200") in c.heads[got.stream], c.heads[got.stream])
                    ended.add(got.stream)
        # Before SETTINGS have come a connection may begin as many as it likes.
        expect(all(peer.most <= 2 for peer in target.peers), [peer.most for peer in target.peers])


@check("an upload through windows of 1,000 bytes")
def small_windows():
    target = Target(lambda peer, stream, fields: peer.answer(stream, str(peer.bodies[stream][1]).encode()),
                    greet=lambda peer: peer.send(settings((INITIAL_WINDOW_SIZE, 1000))))
    with Proxy(target) as proxy, proxy.open() as c:
        c.request(fields=c.fields("POST"), ends=False)
        for number in range(4):
            c.send(frame(DATA, END_STREAM if number == 3 else 0, 1, b"x" * 15000))
        status, _, body, _ = c.response()
        expect((status, body) == (200, b"60000"), (status, body))


@check("an upload into a window that never opens ends in time, memory bounded")
def closed_window():
    target = Target(good, greet=lambda peer: peer.send(settings((INITIAL_WINDOW_SIZE, 0))), gives_window=False)
    with Proxy(target) as proxy, proxy.open() as c:
        before = resident(proxy.process.pid)
        c.request(fields=c.fields("POST"), ends=False)
        c.send(*(frame(DATA, 0, 1, b"x" * 16000) for _ in range(4)))
        got = c.until(lambda got: got.type in (HEADERS, RST_STREAM), "an end")
        expect(got.type == RST_STREAM or dict(c.heads[1])[":status"] in ("408", "502", "504"), c.heads)
        expect(resident(proxy.process.pid) - before < 8192, "memory")


@check("an early answer and RST_STREAM NO_ERROR in the middle of an upload: the answer comes")
def early():
    def script(peer, stream, fields):
        peer.head(stream, status="413")
        peer.data(stream, b"large")
        peer.send(reset(stream, NO_ERROR))
    with Proxy(Target(script, is_early=True)) as proxy, proxy.open() as c:
        c.request(fields=c.fields("POST"), ends=False)
        c.send(frame(DATA, 0, 1, b"x" * 16000))
        status, _, body, _ = c.response()
        expect((status, body) == (413, b"large"), (status, body))


@check("a target that is wrong costs one request; the next ones go to the other")
def other():
    bad = Target(lambda peer, stream, fields: peer.send(frame(DATA, 0, stream, bytes(20000))))
    with Proxy(bad, Target(good)) as proxy:
        statuses = [proxy.status() for _ in range(6)]
        expect(set(statuses) <= {200, 502} and 200 in statuses, statuses)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("match", nargs="*", help="only checks whose words contain one of these")
    options = parser.parse_args()
    chosen = [(words, run) for words, run in CHECKS if not options.match or any(word in words for word in options.match)]
    failed = sum(play(words, run) for words, run in chosen)
    print(f"{len(chosen)} checks, {failed} failed")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
