"""Clients that take their time: a timer and little memory is all they may cost. Times are those of attacks.py's configuration."""
import socket
import time

from attack_floods import headers
from attack_kinds import Flood, Served, attack, closes_within
from wire import (DATA, END_HEADERS, END_STREAM, HEADERS, INITIAL_WINDOW_SIZE, LARGEST, PREFACE, Address, Connection, Wrong, frame,
                  settings, window_update)

PLAIN, SECURE = (False,), (True,)


def together(connections, seconds):
    """How long the slowest of them stays open."""
    began, longest = time.monotonic(), ""
    for c in connections:
        longest = closes_within(c, seconds - (time.monotonic() - began))
        c.socket.close()
    return f"{len(connections)} connections, the last {longest.replace('after', 'within')}, all in {time.monotonic() - began:.1f} s"


def bare(address):
    return Connection(Address(address.port))


@attack("half a preface", over=PLAIN)
def half_preface(address):
    many = [bare(address) for _ in range(100)]
    for c in many:
        c.send(PREFACE[:10])
    return together(many, 8)


@attack("a preface and nothing more")
def only_preface(address):
    many = [Connection(address) for _ in range(20)]
    for c in many:
        c.send(PREFACE)
    return together(many, 12)


@attack("a preface in drops", over=PLAIN)
def dripped_preface(address):
    return closes_within(bare(address), 8, PREFACE[:23], pause=0.2)


@attack("no handshake", over=SECURE)
def no_handshake(address):
    return together([bare(address) for _ in range(100)], 8)


@attack("a handshake in drops", over=SECURE)
def dripped_handshake(address):
    # A record of 512 bytes that is a ClientHello as far as it comes.
    return closes_within(bare(address), 8, b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(200), pause=0.2)


@attack("HEADERS without an end, and nothing more")
def unfinished_headers(address):
    many = [Connection(address).open() for _ in range(20)]
    for c in many:
        c.send(frame(HEADERS, END_STREAM, 1, c.block(c.fields())))
    return together(many, 12)


@attack("HEADERS in drops")
def dripped_headers(address):
    c = Connection(address).open()
    whole = frame(HEADERS, END_HEADERS | END_STREAM, 1, c.block(c.fields() + [("x", "y" * 1000)]))
    return closes_within(c, 12, whole, pause=0.2)


class Patient(Flood):
    """Waits for what comes, however long nothing does."""

    def wait(self, count, seconds):
        began = time.monotonic()
        while not self.ended and len(self.resets) < count:
            if time.monotonic() - began > seconds:
                raise Served(f"after {seconds} s: {len(self.resets)} resets, GOAWAY {self.goaways or 'none'}")
            self.step()
        self.c.socket.close()
        return f"{len(self.resets)} resets {set(self.resets) or ''}, GOAWAY {self.goaways or 'none'}, {self.ended or 'open'} after {time.monotonic() - began:.1f} s"


def sent(flood, *parts):
    flood.c.socket.settimeout(5)
    flood.c.send(*parts)
    flood.c.socket.settimeout(0)
    return flood


@attack("a request whose content never comes")
def no_content(address):
    flood = Patient(address)
    began = time.monotonic()
    statuses = []

    def hear(got):
        if got.type == HEADERS:
            statuses.append(dict(flood.c.heads[got.stream]).get(":status"))
            flood.resets.append(statuses[-1])
        return b""
    flood.answer = hear
    sent(flood, headers(flood.c, 1, False, "/sum", "POST"))
    ending = flood.wait(1, 15)
    if statuses and statuses[0] not in ("408", "504"):
        raise Wrong(f"answered {statuses[0]} after {time.monotonic() - began:.1f} s")
    return ending


@attack("a hundred large answers into windows of 0", kilobytes=24576)
def zero_windows(address):
    flood = Patient(address, (INITIAL_WINDOW_SIZE, 0))
    sent(flood, *(headers(flood.c, stream, path="/bytes/5000000") for stream in range(1, 200, 2)))
    return flood.wait(100, 20)


@attack("a hundred large answers into a window of the connection that never opens", kilobytes=24576)
def zero_connection_window(address):
    flood = Patient(address, (INITIAL_WINDOW_SIZE, LARGEST))
    sent(flood, *(headers(flood.c, stream, path="/bytes/5000000") for stream in range(1, 200, 2)))
    return flood.wait(100, 20)


@attack("large answers that are never read", kilobytes=24576)
def never_read(address):
    flood = Patient(address, (INITIAL_WINDOW_SIZE, LARGEST), reads=False)
    flood.c.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    sent(flood, window_update(0, LARGEST - 65535), *(headers(flood.c, stream, path="/bytes/5000000") for stream in range(1, 40, 2)))
    began = time.monotonic()
    # Writing tells whether it is closed: what has come is never looked at.
    while time.monotonic() - began < 20 and not flood.ended:
        time.sleep(0.25)
        flood.pending += window_update(0, 1) if not flood.pending else b""
        flood.write()
    flood.c.socket.close()
    if not flood.ended:
        raise Served("still open after 20 s")
    return f"{flood.ended} after {time.monotonic() - began:.1f} s"


@attack("an answer in windows of one byte", seconds=4.0)
def one_byte_windows(address):
    flood = Flood(address, (INITIAL_WINDOW_SIZE, 1))
    received = []

    def hear(got):
        if got.type == DATA:
            received.append(len(got.payload))
            return window_update(1, 1)
        return b""
    flood.answer = hear
    flood.run([headers(flood.c, 1, path="/bytes/3000")], seconds=20, until=lambda flood: sum(received) == 3000)
    if set(received) - {0, 1}:
        raise Wrong(f"DATA of {max(received)} through a window of 1")
    return f"{sum(received)} bytes in {len(received)} DATA, {flood.ended or 'served'}"


@attack("a window that shrinks below zero, again and again")
def shrinking(address):
    flood = Flood(address, (INITIAL_WINDOW_SIZE, 60000))
    heard, turns = [0], [0]

    def hear(got):
        if got.type != DATA:
            return b""
        heard[0] += len(got.payload)
        more = window_update(0, len(got.payload)) if got.payload else b""
        if heard[0] % 60000 == 0 and turns[0] < 20:
            # By turns: 50,000 less, and back with as much again as was used.
            turns[0] += 1
            return more + settings((INITIAL_WINDOW_SIZE, 10000)) + window_update(1, 60000) + settings((INITIAL_WINDOW_SIZE, 60000))
        return more
    flood.answer = hear
    flood.run([headers(flood.c, 1, path="/bytes/600000")], seconds=10, until=lambda flood: heard[0] >= 600000)
    if heard[0] != 600000:
        raise Wrong(f"{heard[0]} bytes of 600000, {flood.ended} {flood.goaways}")
    return f"served in {turns[0]} turns"


@attack("two hundred connections that say nothing after SETTINGS", kilobytes=16384)
def silent(address):
    many = [Connection(address).open() for _ in range(200)]
    return together(many, 15)


@attack("two hundred connections that go in the middle of a request", kilobytes=16384)
def vanishing(address):
    for _ in range(200):
        c = Connection(address).open()
        c.send(headers(c, 1, path="/hold"), headers(c, 3, False, "/sum", "POST"), frame(DATA, 0, 3, b"x" * 1000), headers(c, 5, path="/bytes/100000"))
        c.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        c.socket.close()
    return "gone"
