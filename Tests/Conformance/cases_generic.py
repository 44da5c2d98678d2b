"""What every server must take: the plain use of each kind of frame (names as h2spec's group `generic`)."""
from cases import case
from wire import (ACK, CANCEL, CONTINUATION, DATA, ENABLE_PUSH, END_HEADERS, END_STREAM, HAS_PRIORITY, HEADER_TABLE_SIZE, HEADERS,
                  INITIAL_WINDOW_SIZE, MAX_CONCURRENT_STREAMS, MAX_FRAME_SIZE, MAX_HEADER_LIST_SIZE, PADDED, PREFACE, SETTINGS, frame, goaway, ping,
                  priority, priority_fields, reset, settings, window_update)


@case("generic/1", "a client's preface is answered with SETTINGS", greets=False)
def preface(c):
    c.send(PREFACE, settings((INITIAL_WINDOW_SIZE, 65535)))
    first = c.next()
    assert first.type == SETTINGS and not first.flags & ACK, f"SETTINGS wanted; came: {first}"


@case("generic/2", "PRIORITY on an idle stream is taken")
def priority_idle(c):
    c.send(priority(1))
    return c.pongs()


@case("generic/2", "WINDOW_UPDATE on a half-closed (remote) stream is taken")
def window_half_closed(c):
    c.send(settings((INITIAL_WINDOW_SIZE, 0)))
    c.request()
    c.send(window_update(1, 1))
    return str(c.until(lambda got: got.type == DATA, "DATA"))


@case("generic/2", "PRIORITY on a half-closed (remote) stream is taken")
def priority_half_closed(c):
    c.send(settings((INITIAL_WINDOW_SIZE, 0)))
    c.request()
    c.send(priority(1), window_update(1, 1))
    return str(c.until(lambda got: got.type == DATA, "DATA"))


@case("generic/2", "RST_STREAM on a half-closed (remote) stream is taken")
def reset_half_closed(c):
    c.request()
    c.send(reset(1))
    return c.pongs_or_closes()


@case("generic/2", "PRIORITY on a closed stream is taken")
def priority_closed(c):
    c.request()
    c.answers_whole()
    c.send(priority(1))
    return c.pongs()


def post(c):
    c.request(fields=c.fields("POST"), ends=False)


@case("generic/3.1", "DATA is taken")
def data(c):
    post(c)
    c.send(frame(DATA, END_STREAM, 1, b"test"))
    return c.answers()


@case("generic/3.1", "several DATA are taken")
def data_several(c):
    post(c)
    c.send(frame(DATA, 0, 1, b"test"), frame(DATA, END_STREAM, 1, b"test"))
    return c.answers()


@case("generic/3.1", "DATA with padding is taken")
def data_padded(c):
    post(c)
    c.send(frame(DATA, END_STREAM | PADDED, 1, b"\x05test" + bytes(5)))
    return c.answers()


@case("generic/3.2", "HEADERS are taken")
def headers(c):
    c.request()
    return c.answers()


@case("generic/3.2", "HEADERS with padding are taken")
def headers_padded(c):
    c.request(fields=b"\x08" + c.block(c.fields()) + bytes(8), flags=END_HEADERS | PADDED)
    return c.answers()


@case("generic/3.2", "HEADERS with a priority are taken")
def headers_priority(c):
    c.request(fields=priority_fields() + c.block(c.fields()), flags=END_HEADERS | HAS_PRIORITY)
    return c.answers()


def then_request(c, *before):
    c.send(*before)
    c.request()
    return c.answers()


@case("generic/3.3", "PRIORITY with weight 1")
def weight_1(c):
    return then_request(c, priority(1, weight=0))


@case("generic/3.3", "PRIORITY with weight 256")
def weight_256(c):
    return then_request(c, priority(1, weight=255))


@case("generic/3.3", "PRIORITY with a dependency")
def dependency(c):
    return then_request(c, priority(3, depends_on=1, weight=0))


@case("generic/3.3", "PRIORITY, exclusive")
def exclusive(c):
    return then_request(c, priority(1, weight=0, exclusive=True))


@case("generic/3.3", "PRIORITY for an idle stream, then HEADERS of a lower one")
def priority_above(c):
    return then_request(c, priority(3))


@case("generic/3.4", "RST_STREAM is taken")
def reset_open(c):
    c.request(ends=False)
    c.send(reset(1, CANCEL))
    return c.pongs_or_closes()


@case("generic/3.5", "SETTINGS with every parameter are acknowledged")
def all_settings(c):
    c.send(settings((HEADER_TABLE_SIZE, 4096), (ENABLE_PUSH, 1), (MAX_CONCURRENT_STREAMS, 100), (INITIAL_WINDOW_SIZE, 65535),
                    (MAX_FRAME_SIZE, 16384), (MAX_HEADER_LIST_SIZE, 100)))
    return c.acknowledges()


@case("generic/3.7", "PING is answered")
def pinged(c):
    return c.pongs(b"conform\0")


@case("generic/3.8", "GOAWAY leaves the connection, or closes it")
def left(c):
    c.send(goaway(text=b"conformance"))
    return c.pongs_or_closes(b"conform\0")


@case("generic/3.9", "WINDOW_UPDATE of the connection")
def window_connection(c):
    c.send(window_update(0, 1))
    return c.pongs()


@case("generic/3.9", "WINDOW_UPDATE of a stream")
def window_stream(c):
    c.request()
    c.send(window_update(1, 1))
    return c.answers()


@case("generic/3.10", "one CONTINUATION")
def continuation(c):
    block = c.block(c.fields())
    c.request(fields=block[:5], flags=0)
    c.send(frame(CONTINUATION, END_HEADERS, 1, block[5:]))
    return c.answers()


@case("generic/3.10", "several CONTINUATIONs")
def continuations(c):
    block = c.block(c.fields())
    c.request(fields=block[:5], flags=0)
    c.send(frame(CONTINUATION, 0, 1, block[5:10]), frame(CONTINUATION, END_HEADERS, 1, block[10:]))
    return c.answers()


@case("generic/4", "GET")
def get(c):
    c.request()
    return c.answers()


@case("generic/4", "HEAD")
def head(c):
    c.request(fields=c.fields("HEAD"))
    return c.answers()


@case("generic/4", "POST")
def post_one(c):
    post(c)
    c.send(frame(DATA, END_STREAM, 1, b"test"))
    return c.answers()


@case("generic/4", "POST with trailers")
def post_trailers(c):
    c.request(fields=c.fields("POST") + [("trailer", "x-test")], ends=False)
    c.send(frame(DATA, 0, 1, b"test"), frame(HEADERS, END_HEADERS | END_STREAM, 1, c.block([("x-test", "ok")])))
    return c.answers()
