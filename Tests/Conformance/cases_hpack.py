"""RFC 7541: representations that must be read, and those that are decoding errors. Strings by hand: `x-test: test` and the like."""
from cases import case
from wire import COMPRESSION_ERROR, HEADER_TABLE_SIZE, integer, string

NAME, VALUE = b"x-test", b"conformance"
# The same in Huffman's code (RFC 7541, appendix B).
HUFFMAN_NAME = b"\x85\xf2\xb2\x4a\x84\xff"
HUFFMAN_VALUE = b"\x83\x49\x50\x9f"
USER_AGENT = 58  # of the static table
INCREMENTAL, WITHOUT, NEVER = (0x40, 6), (0x00, 4), (0x10, 4)


def literal(kind, name, value):
    """`name`: an index, or a string as it goes over the wire."""
    pattern, bits = kind
    return (integer(name, bits, pattern) if isinstance(name, int) else bytes([pattern]) + name) + value


def reads(c, *representations, before=b""):
    c.request(fields=before + c.block(c.fields()) + b"".join(representations))
    return c.answers()


@case("generic/5", "an indexed field")
def indexed(c):
    # The first entry of the dynamic table: the encoder has put the authority or the path there; a regular field comes before it.
    return reads(c, literal(INCREMENTAL, string(NAME), string(VALUE)), integer(62, 7, 0x80))


KINDS = [("literal with incremental indexing", INCREMENTAL), ("literal without indexing", WITHOUT), ("literal never indexed", NEVER)]
for words, kind in KINDS:
    for more, name, value in [
            ("indexed name", USER_AGENT, string(VALUE)), ("indexed name, Huffman's code", USER_AGENT, HUFFMAN_VALUE),
            ("new name", string(NAME), string(VALUE)), ("new name, Huffman's code", HUFFMAN_NAME, HUFFMAN_VALUE)]:
        case("generic/5", f"{words}, {more}")(lambda c, kind=kind, name=name, value=value: reads(c, literal(kind, name, value)))


@case("generic/5", "a change of the dynamic table's size")
def resized(c):
    c.encoder.header_table_size = 128
    return reads(c)


@case("generic/5", "two changes of the dynamic table's size")
def resized_twice(c):
    return reads(c, before=integer(128, 5, 0x20) + integer(4096, 5, 0x20))


def refused(c, representation, before=b""):
    c.request(fields=before + c.block(c.fields()) + representation)
    return c.connection_error(COMPRESSION_ERROR)


@case("hpack/2.3.3", "an indexed field with an index beyond both tables")
def index_beyond(c):
    return refused(c, integer(70, 7, 0x80))


@case("hpack/2.3.3", "a literal with an index beyond both tables")
def name_beyond(c):
    return refused(c, literal(INCREMENTAL, 70, string(b"")))


@case("hpack/4.2", "a change of the table's size at the end of the block")
def resized_late(c):
    return refused(c, integer(1, 5, 0x20))


@case("hpack/5.2", "Huffman's code padded by more than 7 bits")
def padded_long(c):
    return refused(c, literal(WITHOUT, HUFFMAN_NAME, b"\x84\x49\x50\x9f\xff"))


@case("hpack/5.2", "Huffman's code padded by zeros")
def padded_zero(c):
    return refused(c, literal(WITHOUT, HUFFMAN_NAME, b"\x83\x49\x50\x90"))


@case("hpack/5.2", "Huffman's code with EOS in the middle")
def end_of_string(c):
    return refused(c, literal(WITHOUT, HUFFMAN_NAME, b"\x87\x49\x51\xff\xff\xff\xfa\x7f"))


@case("hpack/6.1", "an indexed field with index 0")
def index_zero(c):
    return refused(c, b"\x80")


@case("hpack/6.3", "a table larger than SETTINGS_HEADER_TABLE_SIZE")
def table_too_large(c):
    return refused(c, b"", before=integer(c.peer.get(HEADER_TABLE_SIZE, 4096) + 1, 5, 0x20))
