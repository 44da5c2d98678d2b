"""Ordinary clients of HTTP/2, curl, nghttp and h2load, and single frames where they say too little: what is asked for is what comes.

Over h2c and TLS, before upstream.py over HTTP/1.1 and nghttpd over h2c. One line a check; exit 1 when one failed.
"""
import argparse
import hashlib
import os
import re
import signal
import subprocess
import sys
import time

from place import Failure, Place, can_connect, free_port, wait_until
from wire import (ACK, CANCEL, DATA, GOAWAY, LARGEST, PING, RST_STREAM, Closed, Connection, Silence, Wrong,
                  ping, reset, window_update)

CHECKS = []
MEBIBYTE = 1 << 20
ROUTES = """
routes:
  - { match: { path: /files }, service: files }
  - { match: {}, service: app }
"""


def check(words):
    def add(run):
        CHECKS.append((words, run))
        return run
    return add


def expect(holds, saw):
    if not holds:
        raise Wrong(str(saw)[-600:])


class Scene:
    """A started server, and one of its listeners."""

    def __init__(self, place, address):
        self.place, self.address = place, address
        self.base = f"{'https' if address.tls else 'http'}://127.0.0.1:{address.port}"

    def run(self, *words, codes=(0,)):
        done = subprocess.run(words, capture_output=True, timeout=60, cwd=self.place.folder)
        expect(done.returncode in codes, f"{words[0]} ended with {done.returncode}: {done.stderr.decode('latin-1')}")
        return done

    def curl(self, path, *words, codes=(0,)):
        """Status line and fields of every answer (trailers behind them), and the content."""
        protocol = ["-k", "--http2"] if self.address.tls else ["--http2-prior-knowledge"]
        self.place.write("body", "")
        done = self.run("curl", "-sS", *protocol, "--max-time", "30", "-D", "head", "-o", "body", *words, self.base + path, codes=codes)
        with open(f"{self.place.folder}/head", "rb") as head, open(f"{self.place.folder}/body", "rb") as body:
            return head.read().decode("latin-1"), body.read(), done

    def open(self):
        return Connection(self.address, patience=10).open()

    def file(self, name, size):
        path = f"{self.place.folder}/{name}"
        if not os.path.exists(path):
            with open(path, "wb") as f:
                f.write(os.urandom(MEBIBYTE) * (size // MEBIBYTE) if size >= MEBIBYTE else os.urandom(size))
        return path


@check("GET, HEAD, POST")
def simple(scene):
    for words in (), ("-I",), ("-d", "a=b"):
        head, body, _ = scene.curl("/", *words)
        expect(head.startswith("HTTP/2 200") and (body == b"conformance") == ("-I" not in words), head)
        expect("content-length: 11" in head.lower() and "connection:" not in head.lower(), head)


@check("204 and 304 have no content")
def without_content(scene):
    for status in 204, 304:
        head, body, _ = scene.curl(f"/status/{status}")
        expect(head.startswith(f"HTTP/2 {status}") and not body, f"{head}{body}")


@check("10 MiB up and 10 MiB down are the same bytes")
def upload(scene):
    path = scene.file("ten", 10 * MEBIBYTE)
    with open(path, "rb") as f:
        digest = hashlib.sha256(f.read()).digest()
    for words in (), ("-H", "content-length:"):  # without a length too
        head, body, _ = scene.curl("/echo", "-X", "POST", "-H", "expect:", "-T", path, *words)
        expect(head.startswith("HTTP/2 200") and hashlib.sha256(body).digest() == digest, f"{len(body)} bytes, {head}")


@check("trailers of the upstream come behind the content")
def trailers(scene):
    head, body, _ = scene.curl("/trailers")
    expect(body == b"hello" and "x-sum: 5" in head.lower() and "x-end: yes" in head.lower(), head)


@check("100-continue goes through")
def continued(scene):
    path = scene.file("one", MEBIBYTE)
    head, body, _ = scene.curl("/sum", "-H", "expect: 100-continue", "--expect100-timeout", "20", "-T", path, "-X", "POST")
    expect(head.startswith("HTTP/2 100") and "HTTP/2 200" in head and body.startswith(b"1048576 "), head)


@check("an early 413 comes, whatever is still being uploaded")
def early(scene):
    path = scene.file("ten", 10 * MEBIBYTE)
    head, body, _ = scene.curl("/early/413", "-X", "POST", "-H", "expect:", "-T", path)
    expect("HTTP/2 413" in head and body == b"early", head)


@check("a large head, and cookies in crumbs")
def large_head(scene):
    with scene.open() as c:
        c.request(fields=c.fields(path="/head", authority="a.test") + [(f"x-{number}", "y" * 500) for number in range(30)]
                  + [("cookie", "a=1"), ("cookie", "b=2"), ("te", "trailers")])
        status, _, body, _ = c.response()
        text = body.decode().lower()
        expect(status == 200 and text.startswith("get /head http/1.1\r\n") and text.count("y" * 500) == 30, text)
        expect("\r\nhost: a.test\r\n" in text and "\r\ncookie: a=1; b=2\r\n" in text, text)


@check("a hundred streams at once, each with its own answer")
def at_once(scene):
    with scene.open() as c:
        streams = range(1, 201, 2)
        for stream in streams:
            c.request(stream, c.fields(path=f"/bytes/{stream * 100}"))
        got = {}
        while len(got) < len(streams):
            part = c.next()
            expect(part.type not in (RST_STREAM, GOAWAY), part)
            if part.type == DATA:
                lengths = got.setdefault(("part", part.stream), [])
                lengths.append(len(part.payload))
                if part.payload:
                    c.send(window_update(0, len(part.payload)), b"" if part.ends else window_update(part.stream, len(part.payload)))
                if part.ends:
                    expect(sum(got.pop(("part", part.stream))) == part.stream * 100, part)
                    got[part.stream] = True


@check("a client's RST_STREAM ends the upstream's exchange")
def reset_down(scene):
    def held():
        with scene.open() as c:
            c.request(fields=c.fields(path="/held"))
            return int(c.response()[2])
    with scene.open() as c:
        c.request(fields=c.fields(path="/hold"))
        c.request(3, c.fields(path="/hold"))
        wait_until(lambda: held() == 2, "two requests are not held", 5)
        c.send(reset(1, CANCEL))
        wait_until(lambda: held() == 1, "the upstream goes on after RST_STREAM", 5)
        c.request(5)
        expect(c.response(5)[0] == 200, "the connection is spoilt")
    wait_until(lambda: held() == 0, "the upstream goes on after the connection has gone", 5)


@check("an answer that is cut upstream is reset, never ended")
def reset_up(scene):
    with scene.open() as c:
        c.request(fields=c.fields(path="/cut/5000"))
        got = c.until(lambda got: got.stream == 1 and (got.ends or got.type == RST_STREAM), "RST_STREAM")
        expect(got.type == RST_STREAM and got.code, got)
        c.request(3)
        expect(c.response(3)[0] == 200, "the connection is spoilt")


@check("nghttp takes what it asks for")
def nghttp(scene):
    said = scene.run("nghttp", "-nv", "--no-dep", *(f"{scene.base}/bytes/{size}" for size in (0, 1, 1000, 100_000))).stdout.decode("latin-1")
    expect(said.count(":status: 200") == 4, said)


def loaded(scene, path):
    done = scene.run("h2load", "-n1000", "-c10", "-m10", scene.base + path).stdout.decode()
    counts = re.search(r"status codes: (\d+) 2xx", done)
    expect(counts and counts[1] == "1000" and " 0 failed, 0 errored, 0 timeout" in done, done)


@check("h2load: a thousand requests on ten connections with ten streams each")
def h2load(scene):
    loaded(scene, "/bytes/1000")


@check("the same to an upstream over h2c")
def h2load_upstream(scene):
    loaded(scene, "/files/one.txt")


@check("10 MiB from an upstream over h2c")
def download_upstream(scene):
    head, body, _ = scene.curl("/files/ten.bin")
    with open(f"{scene.place.folder}/files/files/ten.bin", "rb") as f:
        expect(head.startswith("HTTP/2 200") and body == f.read(), f"{len(body)} bytes, {head}")


@check("HTTP/1.1 to an upstream over h2c")
def from_http1(scene):
    done = scene.run("curl", "-sS", "-k", "--http1.1", "--max-time", "20", "-i", scene.base + "/files/one.txt").stdout
    expect(done.startswith(b"HTTP/1.1 200") and done.endswith(b"one\n"), done)


def drain(scene, process):
    """Ends the server while a request is under way: two GOAWAYs, and the answer."""
    with scene.open() as c, scene.open() as idle:
        c.request(fields=c.fields(path="/slow/600"))
        time.sleep(0.2)
        process.send_signal(signal.SIGTERM)
        first = c.until(lambda got: got.type == GOAWAY, "the first GOAWAY")
        expect(first.last_stream == LARGEST and first.code == 0, f"{first}, last stream {first.last_stream}")
        # A request that the client sent before it read that.
        c.request(3, c.fields(path="/slow/300"))
        second, ended = None, set()
        while second is None or len(ended) < 2:
            got = c.next()
            if got.type == PING and not got.flags & ACK:
                c.send(ping(got.payload, ACK))
            elif got.type == GOAWAY:
                second = got
            elif got.type == RST_STREAM:
                raise Wrong(str(got))
            if got.ends:
                ended.add(got.stream)
        expect(second.last_stream == 3 and second.code == 0, f"{second}, last stream {second.last_stream}")
        c.until_closed()
        expect(any(got.type == GOAWAY for got in idle.until_closed()), "the idle connection got no GOAWAY")
    expect(process.wait(10) == 0, f"ended with {process.returncode}")


def upstream_h2c(place):
    """nghttpd with two files."""
    os.makedirs(f"{place.folder}/files/files")
    place.write("files/files/one.txt", "one\n")
    with open(f"{place.folder}/files/files/ten.bin", "wb") as f:
        f.write(os.urandom(MEBIBYTE) * 10)
    port = free_port()
    place.start(["nghttpd", "--no-tls", "-a", "127.0.0.1", "-d", f"{place.folder}/files", "-m", "128", str(port)], "nghttpd")
    wait_until(lambda: can_connect(port), "nghttpd does not serve")
    return f'  files: {{ pools: {{ main: {{ protocol: h2c, targets: ["127.0.0.1:{port}"] }} }} }}\n{ROUTES}'


def play(words, run):
    try:
        run()
        print(f"ok      {words}", flush=True)
        return 0
    except (Wrong, Failure, Closed, Silence, OSError, subprocess.SubprocessError) as error:
        print(f"FAILED  {words}: {type(error).__name__}: {error}", flush=True)
        return 1


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("match", nargs="*", help="only checks whose words contain one of these")
    parser.add_argument("--server", choices=["sluice", "haproxy", "nghttpx"], default="sluice")
    parser.add_argument("--only", choices=["h2c", "tls"])
    options = parser.parse_args()
    failed = 0
    for kind in [options.only] if options.only else ["h2c", "tls"]:
        with Place(workers=2) as place:
            process = place.serve(options.server, **({"more": upstream_h2c(place)} if options.server == "sluice" else {}))
            scene = Scene(place, place.secure if kind == "tls" else place.plain)
            for words, run in CHECKS + [("GOAWAY twice when it is told to stop, and what is under way ends", lambda scene: drain(scene, process))]:
                if not options.match or any(word in words for word in options.match):
                    failed += play(f"{kind}  {words}", lambda: run(scene))
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
