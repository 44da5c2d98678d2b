"""What RFC 9113 lets a server do about a fault. A stream error may be made one of the connection (§5.4.2), and a connection may be closed
without a word (§5.4.1); `exact` allows neither another code nor silence, and wants the connection closed after its error.
"""
from wire import ACK, DATA, GOAWAY, HEADERS, NO_ERROR, PING, RST_STREAM, SETTINGS, Closed, Connection, Silence, Wrong, code_name, ping


class Conversation(Connection):
    exact = False

    def connection_error(self, *codes):
        """GOAWAY with one of the codes."""
        return self.error(codes, ())

    def stream_error(self, *codes):
        """RST_STREAM, or GOAWAY, with one of the codes."""
        return self.error(codes, codes)

    def error(self, codes, stream_codes):
        wanted = "/".join(code_name(code) for code in codes)
        seen = []
        try:
            while True:
                got = self.next()
                seen.append(str(got))
                if got.type == RST_STREAM and got.code in stream_codes:
                    return str(got)
                if got.type == GOAWAY and got.code in codes:
                    return str(got) + self.ending()
                if got.type == GOAWAY and self.exact:
                    break
        except Closed as end:
            if not self.exact:
                return f"{end} without {wanted}"
        except Silence:
            seen.append("silence")
        raise Wrong(f"{wanted} wanted; came: {', '.join(seen[-4:])}")

    def ending(self):
        if not self.exact:
            return ""
        try:
            self.until_closed()
        except Silence:
            raise Wrong("GOAWAY, but the connection stays open") from None
        return ", closed"

    def closes(self):
        """The connection is closed, whatever is said before."""
        try:
            self.until_closed()
        except Silence:
            raise Wrong("the connection stays open") from None
        return "closed"

    def answers(self, stream=1):
        """HEADERS of the answer."""
        got = self.until(lambda got: got.type in (HEADERS, GOAWAY, RST_STREAM), f"HEADERS on {stream}")
        if got.type != HEADERS or got.stream != stream:
            raise Wrong(f"HEADERS on {stream} wanted; came: {got}")
        status = next(value for key, value in self.heads[stream] if key == ":status")
        if self.exact and status != "200":
            raise Wrong(f"200 wanted; came: {status}")
        return status

    def answers_whole(self, stream=1):
        """Until the end of the answer's stream."""
        self.until(lambda got: got.stream == stream and (got.ends or got.type == RST_STREAM and got.code == NO_ERROR), "the end of the answer")

    def content(self, length):
        """The next DATA has this length."""
        got = self.until(lambda got: got.type == DATA, "DATA")
        if len(got.payload) != length:
            raise Wrong(f"DATA of {length} wanted; came: {got}")
        return str(got)

    def pongs(self, data=bytes(8)):
        """Asks by PING whether all is well."""
        self.send(ping(data))
        return str(self.until(lambda got: got.type == PING and got.flags & ACK and got.payload == data, "PING ACK"))

    def pongs_or_closes(self, data=bytes(8)):
        self.send(ping(data))
        try:
            while True:
                got = self.next()
                if got.type == PING and got.flags & ACK and got.payload == data:
                    return str(got)
        except Closed as end:
            return str(end)
        except Silence:
            raise Wrong("neither PING ACK nor a close") from None

    def acknowledges(self):
        """SETTINGS ACK."""
        return str(self.until(lambda got: got.type == SETTINGS and got.flags & ACK, "SETTINGS ACK"))
