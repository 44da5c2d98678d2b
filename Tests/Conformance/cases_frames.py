"""Frames and streams that break the rules of RFC 9113 §3 to §7 (numbers are RFC 7540's, as in h2spec's group `http2`)."""
from cases import case
from wire import (ACK, CANCEL, COMPRESSION_ERROR, CONTINUATION, DATA, ENABLE_PUSH, END_HEADERS, END_STREAM, FLOW_CONTROL_ERROR, FRAME_SIZE_ERROR,
                  GOAWAY, HAS_PRIORITY, HEADERS, INITIAL_WINDOW_SIZE, LARGEST, MAX_CONCURRENT_STREAMS, MAX_FRAME_SIZE, PADDED, PING, PREFACE, PRIORITY,
                  PROTOCOL_ERROR, REFUSED_STREAM, RST_STREAM, SETTINGS, STREAM_CLOSED, UNKNOWN, WINDOW_UPDATE, frame, goaway, ping, priority,
                  priority_fields, reset, settings, window_update)

LONG = "x" * 4000  # of a field; five of them exceed a frame


def more_fields(c, count=1):
    return c.block([(f"x-dummy{number}", LONG) for number in range(count)])


# 3.5 The preface

@case("http2/3.5", "a client's preface is answered with SETTINGS", greets=False)
def preface(c):
    c.send(PREFACE, settings((INITIAL_WINDOW_SIZE, 65535)))
    first = c.next()
    assert first.type == SETTINGS and not first.flags & ACK, f"SETTINGS wanted; came: {first}"


@case("http2/3.5", "no preface", greets=False)
def no_preface(c):
    # Where HTTP/1.1 is spoken too, this is a bad request, which is answered in its own way and closed.
    c.send(b"INVALID CONNECTION PREFACE\r\n\r\n")
    try:
        return c.connection_error(PROTOCOL_ERROR)
    except Exception:
        if c.received.startswith(b"HTTP/1.1 400 "):
            return "HTTP/1.1 400"
        raise


# 4.1 The form of frames

@case("http2/4.1", "a frame of unknown type is ignored")
def unknown_type(c):
    c.send(frame(UNKNOWN, payload=bytes(8)))
    return c.pongs()


@case("http2/4.1", "undefined flags are ignored")
def undefined_flags(c):
    c.send(frame(PING, 0x16, 0, bytes(8)))
    return str(c.until(lambda got: got.type == PING, "PING ACK"))


@case("http2/4.1", "the reserved bit is ignored")
def reserved_bit(c):
    c.send(frame(PING, 0x16, 1 << 31, bytes(8)))
    return str(c.until(lambda got: got.type == PING, "PING ACK"))


# 4.2 Their size

def post(c, stream=1, fields=()):
    c.request(stream, c.fields("POST") + list(fields), ends=False)


@case("http2/4.2", "DATA of 2^14 bytes is taken")
def data_large(c):
    post(c)
    c.send(frame(DATA, END_STREAM, 1, b"x" * c.peer.get(MAX_FRAME_SIZE, 16384)))
    return c.answers()


@case("http2/4.2", "DATA beyond SETTINGS_MAX_FRAME_SIZE")
def data_too_large(c):
    post(c)
    c.send(frame(DATA, END_STREAM, 1, b"x" * (c.peer.get(MAX_FRAME_SIZE, 16384) + 1)))
    return c.stream_error(FRAME_SIZE_ERROR)


@case("http2/4.2", "HEADERS beyond SETTINGS_MAX_FRAME_SIZE")
def headers_too_large(c):
    count = c.peer.get(MAX_FRAME_SIZE, 16384) // 3400 + 1  # Huffman's code takes 7 bits for each x
    c.request(fields=c.block(c.fields()) + more_fields(c, count))
    return c.connection_error(FRAME_SIZE_ERROR)


# 4.3 Header blocks

@case("http2/4.3", "a block that cannot be decoded")
def undecodable(c):
    c.request(fields=b"\x40")
    return c.connection_error(COMPRESSION_ERROR)


def interrupted(c, *between):
    c.request(ends=False, flags=0)
    c.send(*between, frame(CONTINUATION, END_HEADERS, 1, more_fields(c)))
    return c.connection_error(PROTOCOL_ERROR)


@case("http2/4.3", "PRIORITY within a block")
def block_priority(c):
    return interrupted(c, priority(1))


@case("http2/4.3", "HEADERS of another stream within a block")
def block_headers(c):
    c.request(ends=False, flags=0)
    c.request(3)
    c.send(frame(CONTINUATION, END_HEADERS, 1, more_fields(c)))
    return c.connection_error(PROTOCOL_ERROR)


# 5.1 The states of a stream

@case("http2/5.1", "idle: DATA")
def idle_data(c):
    c.send(frame(DATA, END_STREAM, 1, b"test"))
    return c.stream_error(PROTOCOL_ERROR, STREAM_CLOSED)


@case("http2/5.1", "idle: RST_STREAM")
def idle_reset(c):
    c.send(reset(1))
    return c.connection_error(PROTOCOL_ERROR)


@case("http2/5.1", "idle: WINDOW_UPDATE")
def idle_window(c):
    c.send(window_update(1, 100))
    return c.connection_error(PROTOCOL_ERROR)


@case("http2/5.1", "idle: CONTINUATION")
def idle_continuation(c):
    c.send(frame(CONTINUATION, END_HEADERS, 1, c.block(c.fields())))
    return c.connection_error(PROTOCOL_ERROR)


@case("http2/5.1", "half-closed (remote): DATA")
def half_data(c):
    c.request()
    c.send(frame(DATA, END_STREAM, 1, b"test"))
    return c.stream_error(STREAM_CLOSED)


@case("http2/5.1", "half-closed (remote): HEADERS")
def half_headers(c):
    c.request()
    c.request()
    return c.stream_error(STREAM_CLOSED)


@case("http2/5.1", "half-closed (remote): CONTINUATION")
def half_continuation(c):
    c.request()
    c.send(frame(CONTINUATION, END_HEADERS, 1, c.block(c.fields())))
    return c.stream_error(STREAM_CLOSED, PROTOCOL_ERROR)


def reset_first(c):
    c.request(ends=False)
    c.send(reset(1, CANCEL))


@case("http2/5.1", "closed by RST_STREAM: DATA")
def reset_data(c):
    reset_first(c)
    c.send(frame(DATA, END_STREAM, 1, b"test"))
    return c.stream_error(STREAM_CLOSED)


@case("http2/5.1", "closed by RST_STREAM: HEADERS")
def reset_headers(c):
    reset_first(c)
    c.request()
    return c.stream_error(STREAM_CLOSED)


@case("http2/5.1", "closed by RST_STREAM: CONTINUATION")
def reset_continuation(c):
    reset_first(c)
    c.send(frame(CONTINUATION, END_HEADERS, 1, more_fields(c)))
    return c.stream_error(STREAM_CLOSED, PROTOCOL_ERROR)


def ended_first(c):
    c.request()
    c.answers_whole()


@case("http2/5.1", "closed: DATA")
def closed_data(c):
    ended_first(c)
    c.send(frame(DATA, END_STREAM, 1, b"test"))
    return c.stream_error(STREAM_CLOSED)


@case("http2/5.1", "closed: HEADERS")
def closed_headers(c):
    ended_first(c)
    c.request()
    return c.connection_error(STREAM_CLOSED)


@case("http2/5.1", "closed: CONTINUATION")
def closed_continuation(c):
    ended_first(c)
    c.send(frame(CONTINUATION, END_HEADERS, 1, more_fields(c)))
    return c.connection_error(STREAM_CLOSED, PROTOCOL_ERROR)


@case("http2/5.1.1", "a stream of even number")
def even(c):
    c.request(2)
    return c.connection_error(PROTOCOL_ERROR)


@case("http2/5.1.1", "a stream of a number below one that was opened")
def below(c):
    c.request(5)
    c.request(3)
    # Opening 5 has closed 3 (§5.1.1), so that either code says the truth.
    return f"{c.connection_error(PROTOCOL_ERROR, STREAM_CLOSED)}, {c.closes()}"


@case("http2/5.1.2", "more streams than SETTINGS_MAX_CONCURRENT_STREAMS")
def too_many(c):
    c.send(settings((INITIAL_WINDOW_SIZE, 0)))  # no answer can end
    for number in range(c.peer.get(MAX_CONCURRENT_STREAMS, 1000) + 1):
        c.request(1 + 2 * number)
    return c.stream_error(PROTOCOL_ERROR, REFUSED_STREAM)


@case("http2/5.3.1", "HEADERS that depend on themselves")
def headers_depend(c):
    c.request(fields=priority_fields(depends_on=1) + c.block(c.fields()), flags=END_HEADERS | HAS_PRIORITY)
    return c.stream_error(PROTOCOL_ERROR)


@case("http2/5.3.1", "PRIORITY that depends on itself")
def priority_depends(c):
    c.send(priority(2, depends_on=2))
    return c.stream_error(PROTOCOL_ERROR)


@case("http2/5.4.1", "the connection is closed after an error of its own")
def error_closes(c):
    c.send(frame(PING, 0, 3, bytes(8)))
    return c.closes()


@case("http2/5.4.1", "GOAWAY is sent before that")
def error_says(c):
    c.send(frame(PING, 0, 3, bytes(8)))
    got = c.until(lambda got: got.type == GOAWAY, "GOAWAY")
    assert got.code == PROTOCOL_ERROR, f"PROTOCOL_ERROR wanted; came: {got}"
    return str(got)


@case("http2/5.5", "an extension's frame is ignored")
def extension(c):
    c.send(frame(UNKNOWN, payload=bytes(8)))
    return c.pongs()


@case("http2/5.5", "an extension's frame within a block")
def extension_in_block(c):
    c.request(flags=0)
    c.send(frame(UNKNOWN, payload=bytes(8)))
    return c.connection_error(PROTOCOL_ERROR)


# 6.1 DATA

@case("http2/6.1", "DATA on stream 0")
def data_zero(c):
    c.send(frame(DATA, END_STREAM, 0, b"test"))
    return c.connection_error(PROTOCOL_ERROR)


@case("http2/6.1", "DATA on a stream that is neither open nor half-closed (local)")
def data_not_open(c):
    c.request(fields=c.fields("POST"))
    c.send(frame(DATA, END_STREAM, 1, b"test"))
    return c.stream_error(STREAM_CLOSED)


@case("http2/6.1", "DATA whose padding is longer than itself")
def data_padding(c):
    post(c, fields=[("content-length", "4")])
    c.send(frame(DATA, END_STREAM | PADDED, 1, b"\x06test"))
    return c.connection_error(PROTOCOL_ERROR)


# 6.2 HEADERS

@case("http2/6.2", "PRIORITY before the block's end")
def headers_then_priority(c):
    return interrupted(c, priority(1))


@case("http2/6.2", "another stream's HEADERS before the block's end")
def headers_then_headers(c):
    return block_headers(c)


@case("http2/6.2", "HEADERS on stream 0")
def headers_zero(c):
    c.request(0)
    return c.connection_error(PROTOCOL_ERROR)


@case("http2/6.2", "HEADERS whose padding is longer than themselves")
def headers_padding(c):
    block = c.block(c.fields())
    c.request(fields=bytes([len(block) + 2]) + block, flags=END_HEADERS | PADDED)
    return c.stream_error(PROTOCOL_ERROR)


# 6.3 PRIORITY, 6.4 RST_STREAM

@case("http2/6.3", "PRIORITY on stream 0")
def priority_zero(c):
    c.send(priority(0))
    return c.connection_error(PROTOCOL_ERROR)


@case("http2/6.3", "PRIORITY of a length other than 5")
def priority_length(c):
    c.request()
    c.send(frame(PRIORITY, 0, 1, b"\x80\x00\x00\x01"))
    return c.stream_error(FRAME_SIZE_ERROR)


@case("http2/6.4", "RST_STREAM on stream 0")
def reset_zero(c):
    c.send(reset(0))
    return c.connection_error(PROTOCOL_ERROR)


@case("http2/6.4", "RST_STREAM on an idle stream")
def reset_idle(c):
    c.send(reset(1))
    return c.connection_error(PROTOCOL_ERROR)


@case("http2/6.4", "RST_STREAM of a length other than 4")
def reset_length(c):
    c.request()
    c.send(frame(RST_STREAM, 0, 1, bytes(3)))
    return c.stream_error(FRAME_SIZE_ERROR)


# 6.5 SETTINGS

@case("http2/6.5", "SETTINGS ACK with a payload")
def settings_ack_payload(c):
    c.send(frame(SETTINGS, ACK, 0, b"\0"))
    return c.connection_error(FRAME_SIZE_ERROR)


@case("http2/6.5", "SETTINGS on a stream")
def settings_stream(c):
    c.send(frame(SETTINGS, 0, 1, b"\x00\x03\x00\x00\x00\x64"))
    return c.connection_error(PROTOCOL_ERROR)


@case("http2/6.5", "SETTINGS of a length that is no multiple of 6")
def settings_length(c):
    c.send(frame(SETTINGS, 0, 0, b"\x00\x03\x00"))
    return c.stream_error(PROTOCOL_ERROR, FRAME_SIZE_ERROR)


for words, setting, code in [
        ("SETTINGS_ENABLE_PUSH of 2", (ENABLE_PUSH, 2), PROTOCOL_ERROR),
        ("SETTINGS_INITIAL_WINDOW_SIZE of 2^31", (INITIAL_WINDOW_SIZE, 2**31), FLOW_CONTROL_ERROR),
        ("SETTINGS_MAX_FRAME_SIZE of 2^14 - 1", (MAX_FRAME_SIZE, 2**14 - 1), PROTOCOL_ERROR),
        ("SETTINGS_MAX_FRAME_SIZE of 2^24", (MAX_FRAME_SIZE, 2**24), PROTOCOL_ERROR)]:
    @case("http2/6.5.2", words)
    def bad_setting(c, setting=setting, code=code):
        c.send(settings(setting))
        return c.connection_error(code)


@case("http2/6.5.2", "an unknown parameter is ignored")
def unknown_setting(c):
    c.send(settings((0xff, 1)))
    return c.pongs()


@case("http2/6.5.3", "of one parameter twice, the last counts")
def setting_twice(c):
    c.send(settings((INITIAL_WINDOW_SIZE, 100), (INITIAL_WINDOW_SIZE, 1)))
    c.acknowledges()
    c.request()
    return c.content(1)


@case("http2/6.5.3", "SETTINGS are acknowledged")
def settings_acknowledged(c):
    c.send(settings((ENABLE_PUSH, 0)))
    return c.acknowledges()


# 6.7 PING, 6.8 GOAWAY

@case("http2/6.7", "PING is answered")
def pinged(c):
    return c.pongs(b"conform\0")


@case("http2/6.7", "PING ACK is not answered")
def ping_ack(c):
    c.send(ping(b"nothing\0", ACK))
    c.send(ping(b"conform\0"))
    got = c.until(lambda got: got.type == PING, "PING ACK")
    assert got.flags & ACK and got.payload == b"conform\0", f"the answer to the second PING wanted; came: {got} {got.payload}"
    return str(got)


@case("http2/6.7", "PING on a stream")
def ping_stream(c):
    c.send(frame(PING, 0, 1, bytes(8)))
    return c.connection_error(PROTOCOL_ERROR)


@case("http2/6.7", "PING of a length other than 8")
def ping_length(c):
    c.send(frame(PING, 0, 0, bytes(6)))
    return c.connection_error(FRAME_SIZE_ERROR)


@case("http2/6.8", "GOAWAY on a stream")
def goaway_stream(c):
    c.send(frame(GOAWAY, 0, 1, bytes(8)))
    return c.connection_error(PROTOCOL_ERROR)


# 6.9 WINDOW_UPDATE

@case("http2/6.9", "an increment of 0 for the connection")
def window_nothing(c):
    c.send(window_update(0, 0))
    return c.connection_error(PROTOCOL_ERROR)


@case("http2/6.9", "an increment of 0 for a stream")
def window_nothing_stream(c):
    c.request(ends=False)
    c.send(window_update(1, 0))
    return c.stream_error(PROTOCOL_ERROR)


@case("http2/6.9", "WINDOW_UPDATE of a length other than 4")
def window_length(c):
    c.send(frame(WINDOW_UPDATE, 0, 0, b"\0\0\1"))
    return c.connection_error(FRAME_SIZE_ERROR)


@case("http2/6.9.1", "a window of 1 lets 1 byte through")
def window_one(c):
    c.send(settings((INITIAL_WINDOW_SIZE, 1)))
    c.acknowledges()
    c.request()
    return c.content(1)


def overflows(c, stream, kind):
    c.send(window_update(stream, LARGEST), window_update(stream, LARGEST))
    got = c.until(lambda got: got.type == kind and got.stream == stream, "FLOW_CONTROL_ERROR")
    assert got.code == FLOW_CONTROL_ERROR, f"FLOW_CONTROL_ERROR wanted; came: {got}"
    return str(got)


@case("http2/6.9.1", "the connection's window beyond 2^31 - 1")
def window_overflow(c):
    return overflows(c, 0, GOAWAY)


@case("http2/6.9.1", "a stream's window beyond 2^31 - 1")
def window_overflow_stream(c):
    c.request(ends=False)
    return overflows(c, 1, RST_STREAM)


@case("http2/6.9.2", "a changed initial window counts for open streams")
def window_changed(c):
    c.send(settings((INITIAL_WINDOW_SIZE, 0)))
    c.acknowledges()
    c.request()
    c.send(settings((INITIAL_WINDOW_SIZE, 1)))
    return c.content(1)


@case("http2/6.9.2", "a window may become negative")
def window_negative(c):
    c.send(settings((INITIAL_WINDOW_SIZE, 3)))
    c.acknowledges()
    c.request()
    c.content(3)
    c.send(settings((INITIAL_WINDOW_SIZE, 2)))
    c.acknowledges()
    c.send(window_update(1, 2))
    return c.content(1)


@case("http2/6.9.2", "an initial window beyond 2^31 - 1")
def window_initial(c):
    c.send(settings((INITIAL_WINDOW_SIZE, 2**31)))
    return c.connection_error(FLOW_CONTROL_ERROR)


# 6.10 CONTINUATION

@case("http2/6.10", "several CONTINUATIONs after HEADERS")
def continuations(c):
    c.request(flags=0)
    c.send(frame(CONTINUATION, 0, 1, more_fields(c)), frame(CONTINUATION, END_HEADERS, 1, more_fields(c)))
    return c.answers()


@case("http2/6.10", "DATA after an unfinished CONTINUATION")
def continuation_data(c):
    c.request(fields=c.fields("POST"), ends=False, flags=0)
    c.send(frame(CONTINUATION, 0, 1, more_fields(c)), frame(DATA, END_STREAM, 1, b"test"))
    return c.connection_error(PROTOCOL_ERROR)


def continues(c, *frames, flags=0):
    c.request(flags=flags)
    c.send(*(frame(CONTINUATION, END_HEADERS, stream, more_fields(c)) for stream in frames))
    return c.connection_error(PROTOCOL_ERROR)


@case("http2/6.10", "CONTINUATION on stream 0")
def continuation_zero(c):
    return continues(c, 0)


@case("http2/6.10", "CONTINUATION after HEADERS with END_HEADERS")
def continuation_after_headers(c):
    return continues(c, 1, flags=END_HEADERS)


@case("http2/6.10", "CONTINUATION after CONTINUATION with END_HEADERS")
def continuation_after_end(c):
    return continues(c, 1, 1)


@case("http2/6.10", "CONTINUATION after DATA")
def continuation_after_data(c):
    c.request(fields=c.fields("POST"), ends=False, flags=0)
    c.send(frame(DATA, END_STREAM, 1, b"test"), frame(CONTINUATION, 0, 1, more_fields(c)), frame(CONTINUATION, END_HEADERS, 0, more_fields(c)))
    return c.connection_error(PROTOCOL_ERROR)


# 7 Error codes

@case("http2/7", "GOAWAY with an unknown code")
def unknown_code(c):
    c.send(goaway(code=0xff))
    return c.pongs_or_closes(b"conform\0")


@case("http2/7", "RST_STREAM with an unknown code")
def unknown_reset(c):
    post(c)
    c.send(reset(1, 0xff))
    return c.pongs_or_closes()
