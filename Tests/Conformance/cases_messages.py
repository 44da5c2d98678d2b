"""Messages that are malformed (RFC 9113 §8; numbers are RFC 7540's)."""
from cases import case
from wire import DATA, END_HEADERS, END_STREAM, HEADERS, PROTOCOL_ERROR, PUSH_PROMISE, frame


def malformed(c, fields):
    c.request(fields=fields)
    return c.stream_error(PROTOCOL_ERROR)


def post_then(c, trailers):
    """A second HEADERS that does not end the stream."""
    c.request(fields=c.fields("POST"), ends=False)
    c.send(frame(DATA, 0, 1, b"test"), frame(HEADERS, END_HEADERS, 1, c.block(trailers)))
    return c.stream_error(PROTOCOL_ERROR)


@case("http2/8.1", "trailers without END_STREAM")
def trailers_open(c):
    return post_then(c, [("x-test", "ok")])


@case("http2/8.1.2", "a field's name in upper case")
def upper_case(c):
    return malformed(c, c.fields() + [("X-TEST", "ok")])


@case("http2/8.1.2.1", "an unknown pseudo-header field")
def pseudo_unknown(c):
    return malformed(c, c.fields() + [(":test", "ok")])


@case("http2/8.1.2.1", "a response's pseudo-header field")
def pseudo_response(c):
    return malformed(c, c.fields() + [(":status", "200")])


@case("http2/8.1.2.1", "a pseudo-header field among trailers")
def pseudo_trailer(c):
    return post_then(c, [(":method", "POST")])


@case("http2/8.1.2.1", "a pseudo-header field behind a regular one")
def pseudo_late(c):
    return malformed(c, [("x-test", "ok")] + c.fields())


@case("http2/8.1.2.2", "a connection-specific field")
def connection_field(c):
    return malformed(c, c.fields() + [("connection", "keep-alive")])


@case("http2/8.1.2.2", "TE other than trailers")
def transfer_codings(c):
    return malformed(c, c.fields() + [("trailers", "test"), ("te", "trailers, deflate")])


@case("http2/8.1.2.3", "an empty :path")
def path_empty(c):
    return malformed(c, c.fields(path=""))


for left_out in ("method", "scheme", "path"):
    case("http2/8.1.2.3", f"no :{left_out}")(lambda c, name=left_out: malformed(c, c.fields(**{name: None})))
for index, twice in enumerate(("method", "scheme", "path")):
    case("http2/8.1.2.3", f":{twice} twice")(lambda c, index=index: malformed(c, c.fields() + [c.fields()[index]]))


def content_length(c, *parts):
    c.request(fields=c.fields("POST") + [("content-length", "1")], ends=False)
    c.send(*(frame(DATA, END_STREAM if number == len(parts) else 0, 1, part) for number, part in enumerate(parts, 1)))
    return c.stream_error(PROTOCOL_ERROR)


@case("http2/8.1.2.6", "content-length other than DATA's")
def length_wrong(c):
    return content_length(c, b"test")


@case("http2/8.1.2.6", "content-length other than the sum of several DATA")
def length_wrong_sum(c):
    return content_length(c, b"test", b"test")


@case("http2/8.2", "PUSH_PROMISE of a client")
def pushed(c):
    c.send(frame(PUSH_PROMISE, END_HEADERS, 1, b"\0\0\0\3" + c.block(c.fields())))
    return c.connection_error(PROTOCOL_ERROR)
