"""gRPC through the proxy: all four kinds of calls, and how they end, with grpcio on both sides.

    calls.py [--front sluice|haproxy|nghttpx|direct] [WORD ...]

The ways are played one after the other: h2c to h2c, TLS to h2c, TLS to TLS.
"""
import interpreter  # noqa: F401, I001

import argparse
import signal
import subprocess
import sys
import threading
import time

import grpc

import frames
from echo import NOT_SERVING, OPTIONS, SERVICE, SERVING, serve
from fronts import bundle, haproxy
from scene import Checks, Failure, Material, Scene, expect, free_port, one_line, wait_for, wait_until

T = 10
MEBI = 1 << 20
HOSTS = ("h2c", "tls", "none", "slow", "dying", "pair", "shop")
check, own = Checks(), Checks()


class Way:
    """A channel to one upstream over one shore."""

    def __init__(self, stage, shore, back):
        self.stage, self.shore, self.back = stage, shore, back
        self.echo = stage.echoes[back]
        self.channel = stage.channel(shore, f"{back}.test")

    def one(self, method, message=b"", **more):
        return self.channel.unary_unary(SERVICE + method)(message, **{"timeout": T, **more})

    def down(self, method, message=b"", **more):
        return self.channel.unary_stream(SERVICE + method)(message, **{"timeout": T, **more})

    def up(self, method, messages, **more):
        return self.channel.stream_unary(SERVICE + method)(messages, **{"timeout": T, **more})

    def both(self, method, messages, **more):
        return self.channel.stream_stream(SERVICE + method)(messages, **{"timeout": T, **more})


def failure(call):
    """How a call that must fail did."""
    try:
        saw = call()
    except grpc.RpcError as error:
        return error
    raise Failure(f"it did not fail: {saw!r}")


def numbered(count, size=0):
    return (b"%d:" % number + b"x" * size for number in range(count))


# MARK: - Messages


@check("one message each way, empty to 1 MiB")
def _(way):
    for size in (0, 1, 16383, 16384, 16385, 65535, MEBI, 3 * MEBI):
        message = b"\x00\xff" * (size // 2) + b"x" * (size % 2)
        expect(way.one("Unary", message) == message, size, "bytes came back changed")


@check("a stream down: 1000 small messages in order, 20 of 1 MiB")
def _(way):
    expect([int(m.partition(b":")[0]) for m in way.down("Down", b"1000,100")] == list(range(1000)))
    sizes = [len(m) for m in way.down("Down", b"20,%d" % MEBI)]
    expect(len(sizes) == 20 and min(sizes) > MEBI, sizes)


@check("a stream up: 1000 small messages in order, 20 of 1 MiB")
def _(way):
    expect(way.up("Up", numbered(1000, 100)) == b"in order 1000")
    expect(way.up("Up", numbered(20, MEBI)) == b"in order 20")
    expect(way.up("Up", iter(())) == b"in order 0")


@check("both ways: 300 in ping-pong, 1 MiB each, and 1000 without waiting")
def _(way):
    got, turn = 0, threading.Semaphore(1)

    def asking():
        for number in range(300):
            if not turn.acquire(timeout=T):
                return
            yield b"%d:" % number

    for message in way.both("Both", asking()):
        expect(message == b"%d:" % got, message, got)
        got += 1
        turn.release()
    expect(got == 300, got)
    expect([len(m) for m in way.both("Both", numbered(8, MEBI))] == [MEBI + 2] * 8)
    expect(list(way.both("Both", numbered(1000))) == list(numbered(1000)))


@check("who has ended his half still hears the other")
def _(way):
    expect(list(way.both("Both_after", numbered(5))) == [b"%d of 5" % n for n in range(3)])


@check("200 calls at once on one connection")
def _(way):
    calls = [way.channel.unary_unary(SERVICE + "Unary").future(b"%d" % n, timeout=T) for n in range(200)]
    expect([call.result() for call in calls] == [b"%d" % n for n in range(200)])


@check("compressed messages")
def _(way):
    expect(way.one("Unary", b"z" * 100_000, compression=grpc.Compression.Gzip) == b"z" * 100_000)


# MARK: - Metadata


@check("metadata there, back and at the end; binary, empty, repeated")
def _(way):
    sent = [("m-a", "text"), ("m-b-bin", bytes(range(256))), ("m-c", "first"), ("m-c", "second"), ("m-e", ""), ("m-l", "l" * 4000)]
    answer, call = way.channel.unary_unary(SERVICE + "Unary_metadata").with_call(b"", timeout=T, metadata=sent)
    for prefix, seen in (("back-", call.initial_metadata()), ("late-", call.trailing_metadata())):
        seen = [(key, value) for key, value in seen if key.startswith(prefix)]
        wanted = [(prefix + key, value) for key, value in sent]
        expect(sorted(seen) == sorted(wanted), prefix, "lost", [w for w in wanted if w not in seen], "strange", [s for s in seen if s not in wanted])
    expect(b"user-agent: grpc-python" in answer, answer)
    if way.stage.kind == "sluice":
        fields = dict(line.split(b": ", 1) for line in answer.split(b"\n"))
        scheme = b"https" if way.shore == "tls" else b"http"
        expect(fields.get(b"x-forwarded-proto") == scheme and b"proto=" + scheme in fields.get(b"forwarded", b""), answer)
        expect(fields.get(b"x-forwarded-for") == b"127.0.0.1" and b"via" in fields, answer)


@check("the deadline is told to the server, and kept")
def _(way):
    left = float(way.one("Unary_time", timeout=5))
    expect(3 < left < 5.1, left)  # some versions of grpcio round up
    way.echo.begun.clear()
    began = time.monotonic()
    error = failure(lambda: way.one("Unary_slow", timeout=0.4))
    expect(error.code() == grpc.StatusCode.DEADLINE_EXCEEDED and time.monotonic() - began < 2, error.code())
    expect(way.echo.cancelled.wait(5), "the server was not told")


# MARK: - Failures


@check("an error alone: status, message and metadata (trailers only)")
def _(way):
    error = failure(lambda: way.one("Unary_fail"))
    expect(error.code() == grpc.StatusCode.FAILED_PRECONDITION, error.code())
    expect(error.details() == "no: 100 % wrong, äöü\nnext line", error.details())
    trailing = dict(error.trailing_metadata())
    expect(trailing.get("x-why") == "because" and trailing.get("x-why-bin") == b"\x00\xfe", trailing)
    expect(failure(lambda: way.one("Unary_nobody")).code() == grpc.StatusCode.UNIMPLEMENTED)


@check("an error behind two messages")
def _(way):
    got = []
    error = failure(lambda: [got.append(m) for m in way.down("Down_late")])
    expect(got == [b"one", b"two"] and error.code() == grpc.StatusCode.DATA_LOSS, got, error.code())
    expect(dict(error.trailing_metadata()).get("x-why") == "late")


@check("a server that has heard enough answers while the client still sends")
def _(way):
    def endless():
        for number in range(100_000):
            yield b"%d:" % number + b"x" * 1000
            time.sleep(0.001)
    expect(way.up("Up_early", endless()) == b"enough")
    expect(failure(lambda: way.up("Up_refuse", endless())).code() == grpc.StatusCode.RESOURCE_EXHAUSTED)
    expect(way.one("Unary", b"still there") == b"still there")


@check("a cancel of the client reaches the server, in a call and in a stream")
def _(way):
    way.echo.begun.clear()
    call = way.channel.unary_unary(SERVICE + "Unary_slow").future(b"", timeout=T)
    expect(way.echo.begun.wait(5))
    call.cancel()
    expect(way.echo.cancelled.wait(5), "not told of the call")
    stream = way.down("Down_endless")
    for number in range(5):
        expect(next(stream) == b"%d" % number)
    stream.cancel()
    expect(way.echo.cancelled.wait(5), "not told of the stream")
    expect(way.one("Unary", b"x") == b"x")


@check("a cancel of the server reaches the client")
def _(way):
    stream = way.both("Both_cancel", iter([b"a"]))
    expect(next(stream) == b"a")
    code = failure(lambda: next(stream)).code()
    expect(code in (grpc.StatusCode.CANCELLED, grpc.StatusCode.UNKNOWN), code)


@check("100 calls cancelled at once leave the connection as it was")
def _(way):
    calls = [way.channel.unary_unary(SERVICE + "Unary_slow").future(b"", timeout=T) for _ in range(100)]
    time.sleep(0.1)
    for call in calls:
        call.cancel()
    expect(way.one("Unary", b"x") == b"x")


@check("who does not read is not sent without bounds, and hinders nobody")
def _(way):
    stream = way.down("Down_flood", timeout=None)
    next(stream)
    before = -1
    while way.echo.sent != before:
        before = way.echo.sent
        time.sleep(0.3)
    expect(before < 400, f"{before} × 64 KiB went to who did not read")
    began = time.monotonic()
    expect(way.one("Unary", b"x" * MEBI) == b"x" * MEBI)
    expect(time.monotonic() - began < 5)
    for _ in range(200):
        next(stream)
    stream.cancel()


# MARK: - What the proxy says itself


def status_of(channel, method="Unary", message=b"", **more):
    error = failure(lambda: channel.unary_unary(SERVICE + method)(message, **{"timeout": T, **more}))
    return error.code(), error.details()


@own("who cannot be reached is UNAVAILABLE, on each shore")
def _(stage):
    for shore in stage.ports:
        code, text = status_of(stage.channel(shore, "none.test"))
        expect(code == grpc.StatusCode.UNAVAILABLE and text, shore, code, text)


@own("where no route leads is UNIMPLEMENTED")
def _(stage):
    code, text = status_of(stage.channel("h2c", "nowhere.example"))
    expect(code == grpc.StatusCode.UNIMPLEMENTED and text, code, text)


@own("a target that is too slow is UNAVAILABLE or DEADLINE_EXCEEDED, and is told")
def _(stage):
    echo = stage.echoes["h2c"]
    echo.begun.clear()
    code, text = status_of(stage.channel("h2c", "slow.test"), "Unary_slow")
    expect(code in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED), code, text)
    expect(echo.cancelled.wait(5), "the target was not told")


@own("a body beyond the limit is RESOURCE_EXHAUSTED")
def _(stage):
    code, text = status_of(stage.channel("h2c", "h2c.test"), message=b"x" * 42 * MEBI)
    expect(code == grpc.StatusCode.RESOURCE_EXHAUSTED, code, text)


@own("its errors are 200, application/grpc, trailers only, with a message in percent coding")
def _(stage):
    with frames.Client(stage.ports["h2c"]) as client:
        stream = client.request([(":method", "POST"), (":scheme", "http"), (":authority", "none.test"), (":path", SERVICE + "Unary"),
                                 ("content-type", "application/grpc+proto"), ("te", "trailers")], b"\0\0\0\0\0")
        answer = client.answer(stream)
        fields = dict(answer.fields)
        expect(answer.status == 200 and fields.get("content-type", "").startswith("application/grpc"), answer)
        expect(fields.get("grpc-status") == "14" and answer.trailers is None and not answer.body and answer.is_whole, answer)
        expect(all(0x20 <= ord(c) < 0x7F for c in fields.get("grpc-message", "")), answer)
        # What is no gRPC gets the page as before.
        stream = client.request([(":method", "GET"), (":scheme", "http"), (":authority", "none.test"), (":path", "/")])
        answer = client.answer(stream)
        expect(answer.status in (502, 503) and "grpc-status" not in dict(answer.fields), answer)


@own("an upstream that is gone in the middle is UNAVAILABLE")
def _(stage):
    child, port = stage.echo_process("dying")
    stage.order("/v1/services/dying/target-add", {"pool": "only", "address": f"127.0.0.1:{port}"})
    channel = stage.channel("h2c", "dying.test")
    stream = channel.unary_stream(SERVICE + "Down_endless")(b"", timeout=T)
    call = channel.unary_unary(SERVICE + "Unary_slow").future(b"", timeout=T)
    for _ in range(5):
        next(stream)
    child.kill()
    error = failure(lambda: [m for m in stream])
    expect(error.code() == grpc.StatusCode.UNAVAILABLE, "stream", error.code(), error.details())
    error = failure(lambda: call.result())
    expect(error.code() == grpc.StatusCode.UNAVAILABLE, "call", error.code(), error.details())


@own("an upstream that goes in peace (GOAWAY) costs no call")
def _(stage):
    servers = [stage.nghttpx(stage.upstreams_of["h2c"]) for _ in range(3)]
    for _, port in servers[:2]:
        stage.order("/v1/services/pair/target-add", {"pool": "only", "address": f"127.0.0.1:{port}"})
    counts, bad, is_ending = [0] * 8, [], threading.Event()

    def client(number):
        call = stage.channel("h2c", "pair.test").unary_unary(SERVICE + "Unary")
        while not is_ending.is_set():
            try:
                expect(call(b"x" * 1000, timeout=T) == b"x" * 1000)
                counts[number] += 1
            except (grpc.RpcError, Failure) as error:
                bad.append(one_line(error))
    threads = [threading.Thread(target=client, args=(number,), daemon=True) for number in range(8)]
    for thread in threads:
        thread.start()
    wait_until(lambda: min(counts) > 20 or bad, "the load does not begin")
    servers[0][0].send_signal(signal.SIGQUIT)
    time.sleep(0.5)
    stage.order("/v1/services/pair/target-add", {"pool": "only", "address": f"127.0.0.1:{servers[2][1]}"})
    # One further attempt is all that a call has: it must not meet two that are gone.
    stage.order("/v1/services/pair/target-remove", {"pool": "only", "address": f"127.0.0.1:{servers[0][1]}"})
    servers[1][0].send_signal(signal.SIGQUIT)
    time.sleep(0.5)
    is_ending.set()
    for thread in threads:
        thread.join(T)
    expect(not bad, f"{len(bad)} of {sum(counts)} failed:", bad[:3])


@own("checks of grpc.health.v1 judge a target, by TLS too")
def _(stage):
    for service, back in (("checked", "h2c"), ("checked-tls", "tls")):
        def state():
            return stage.ask("GET", f"/v1/services/{service}")[1]["service"]["pools"][0]["targets"][0]["health"]
        for health, wanted in ((SERVING, "healthy"), (NOT_SERVING, "unhealthy"), (SERVING, "healthy")):
            stage.echoes[back].health = health
            wait_until(lambda: state()["state"] == wanted, f"{service} is not {wanted}: {state()}", 5)


@own("a paused service holds calls, and lets them go")
def _(stage):
    channel = stage.channel("h2c", "h2c.test")
    stage.order("/v1/services/h2c/pause", {"max_wait": "10s"})
    calls = [channel.unary_unary(SERVICE + "Unary").future(b"%d" % n, timeout=T) for n in range(20)]
    time.sleep(0.3)
    expect(not any(call.done() for call in calls))
    stage.order("/v1/services/h2c/resume", {"ramp": "0s"})
    expect([call.result() for call in calls] == [b"%d" % n for n in range(20)])
    stage.order("/v1/services/h2c/pause", {"max_wait": "100ms"})
    code, text = status_of(channel)
    stage.order("/v1/services/h2c/resume", {"ramp": "0s"})
    expect(code == grpc.StatusCode.UNAVAILABLE, code, text)


@own("streams stay where they began over a flip; at the deadline of a removed target they end as UNAVAILABLE")
def _(stage):
    (blue, blue_port), (green, green_port) = stage.echo_process("blue"), stage.echo_process("green")
    for pool, port in (("blue", blue_port), ("green", green_port)):
        stage.order("/v1/services/shop/target-add", {"pool": pool, "address": f"127.0.0.1:{port}"})
    stage.order("/v1/services/shop/flip", {"pool": "blue"})
    channel, told = stage.channel("tls", "shop.test"), threading.Semaphore(0)

    def asking():
        while told.acquire(timeout=T):
            yield b"."

    def turn():
        told.release()
        return next(stream).partition(b" ")[0]

    stream = channel.stream_stream(SERVICE + "Both_name")(asking(), timeout=60)
    expect(turn() == b"blue")
    stage.order("/v1/services/shop/flip", {"pool": "green"})
    for _ in range(20):
        expect(channel.unary_unary(SERVICE + "Unary_name")(b"", timeout=T) == b"green")
        expect(turn() == b"blue")
    began = time.monotonic()
    stage.order("/v1/services/shop/target-remove", {"pool": "blue", "address": f"127.0.0.1:{blue_port}"})
    try:
        while time.monotonic() < began + 10:
            expect(turn() == b"blue")
            time.sleep(0.02)
        raise Failure("the stream was not ended")
    except grpc.RpcError as error:
        took = time.monotonic() - began
        expect(error.code() == grpc.StatusCode.UNAVAILABLE and 1 < took < 3, error.code(), error.details(), f"after {took:.1f} s")
    expect(channel.unary_unary(SERVICE + "Unary_name")(b"", timeout=T) == b"green")


# MARK: - Stage


class CallStage(Scene):
    """The upstreams, and in front of them what was named."""

    def __init__(self, kind):
        super().__init__()
        self.kind, self.servers, self.echoes, self.channels = kind, [], {}, []
        self.material = Material(self.folder)
        self.front = self.material.make("front", ",".join(f"DNS:{name}.test" for name in HOSTS))
        self.back = self.material.make("back", "DNS:tls.test,IP:127.0.0.1")
        self.upstreams_of = {}
        for name, tls in (("h2c", None), ("tls", (self.back.cert, self.back.key))):
            server, self.echoes[name], self.upstreams_of[name] = serve(name, tls=tls)
            self.servers.append(server)
        getattr(self, f"play_{kind}")()

    def __exit__(self, *_):
        for channel in self.channels:
            channel.close()
        for server in self.servers:
            server.stop(0)
        super().__exit__()

    def channel(self, shore, host, *options):
        options = [*OPTIONS, ("grpc.enable_retries", 0), ("grpc.use_local_subchannel_pool", 1), *options]
        place = f"127.0.0.1:{self.ports[shore]}"
        if shore == "tls":
            host = self.tls_name if self.kind == "direct" else host
            trusted = grpc.ssl_channel_credentials(open(self.material.ca.cert, "rb").read())
            channel = grpc.secure_channel(place, trusted, [*options, ("grpc.ssl_target_name_override", host)])
        else:
            channel = grpc.insecure_channel(place, [*options, ("grpc.default_authority", host)])
        self.channels.append(channel)
        return channel

    def echo_process(self, name):
        """A server that can be killed: its process and its port."""
        child = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", "--", sys.executable, "-B", __file__.replace("calls.py", "echo.py"), name],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        self.running.append(child)
        return child, int(child.stdout.readline())

    def nghttpx(self, port):
        """Before the server at `port`: it knows how to go in peace, which grpcio does not. Its process and its own port."""
        own = free_port()
        child = self.start(["nghttpx", "--conf=/dev/null", "-n1", "--single-process", f"-b127.0.0.1,{port};;proto=h2", f"-f127.0.0.1,{own};no-tls",
                            f"--errorlog-file={self.folder}/n.log", "--accesslog-file=/dev/null", "--log-level=ERROR"], "nghttpx")
        wait_for(own)
        return child, own

    # MARK: Fronts

    tls_name = "tls.test"

    def play_direct(self):
        self.ports = {"h2c": self.upstreams_of["h2c"], "tls": self.upstreams_of["tls"]}
        self.ways = [("h2c", "h2c"), ("tls", "tls")]

    def play_haproxy(self):
        self.ports = {"h2c": free_port(), "tls": free_port()}
        haproxy(self, f"""
frontend f
  bind 127.0.0.1:{self.ports['h2c']} proto h2
  bind 127.0.0.1:{self.ports['tls']} ssl crt {bundle(self.front)} alpn h2,http/1.1
  use_backend tls if {{ req.hdr(host) -m beg tls.test }}
  default_backend h2c
backend h2c
  server s 127.0.0.1:{self.upstreams_of['h2c']} proto h2
backend tls
  server s 127.0.0.1:{self.upstreams_of['tls']} ssl ca-file {self.material.ca.cert} sni str(tls.test) alpn h2
""")
        wait_for(*self.ports.values())
        self.ways = [("h2c", "h2c"), ("tls", "h2c"), ("tls", "tls")]

    def play_nghttpx(self):
        self.ports = {"h2c": free_port(), "tls": free_port()}
        self.start(["nghttpx", "--conf=/dev/null", "-n1", "--single-process", f"-b127.0.0.1,{self.upstreams_of['h2c']};;proto=h2",
                    f"-b127.0.0.1,{self.upstreams_of['tls']};tls.test/;proto=h2;tls;sni=tls.test", f"--cacert={self.material.ca.cert}",
                    f"-f127.0.0.1,{self.ports['h2c']};no-tls", f"-f127.0.0.1,{self.ports['tls']}",
                    f"--errorlog-file={self.folder}/n.log", "--accesslog-file=/dev/null", "--log-level=ERROR",
                    self.front.key, self.front.cert], "nghttpx")
        wait_for(*self.ports.values())
        self.ways = [("h2c", "h2c"), ("tls", "h2c"), ("tls", "tls")]

    def play_sluice(self):
        refusing, health = free_port(), "health: { protocol: grpc, interval: 100ms, timeout: 100ms, rise: 1, fall: 1 }"
        self.run_with(f"""
defaults: {{ limits: {{ body_bytes: 40MiB }} }}
listeners:
  - {{ name: h2c, bind: ["127.0.0.1:0"], protocols: [h2c, http/1.1] }}
  - {{ name: tls, bind: ["127.0.0.1:0"], tls: {{ certificates: [{{ cert: {self.front.cert}, key: {self.front.key} }}] }} }}
routes:
  - {{ match: {{ hosts: [h2c.test] }}, service: h2c }}
  - {{ match: {{ hosts: [tls.test] }}, service: tls }}
  - {{ match: {{ hosts: [none.test] }}, service: none }}
  - {{ match: {{ hosts: [slow.test] }}, service: slow }}
  - {{ match: {{ hosts: [dying.test] }}, service: dying }}
  - {{ match: {{ hosts: [pair.test] }}, service: pair }}
  - {{ match: {{ hosts: [checked.test] }}, service: checked }}
  - {{ match: {{ hosts: [checked-tls.test] }}, service: checked-tls }}
  - {{ match: {{ hosts: [shop.test] }}, service: shop }}
services:
  h2c: {{ pools: {{ only: {{ targets: ["127.0.0.1:{self.upstreams_of['h2c']}"], protocol: h2c }} }} }}
  tls: {{ pools: {{ only: {{ targets: ["127.0.0.1:{self.upstreams_of['tls']}"], protocol: h2, tls: {{ ca: {self.material.ca.cert} }} }} }} }}
  none: {{ pools: {{ only: {{ targets: ["127.0.0.1:{refusing}"], protocol: h2c }} }} }}
  slow: {{ pools: {{ only: {{ targets: ["127.0.0.1:{self.upstreams_of['h2c']}"], protocol: h2c }} }}, timeouts: {{ response_header: 300ms }} }}
  dying: {{ pools: {{ only: {{ targets: [], protocol: h2c }} }} }}
  checked: {{ pools: {{ only: {{ targets: ["127.0.0.1:{self.upstreams_of['h2c']}"], protocol: h2c }} }}, {health} }}
  checked-tls: {{ pools: {{ only: {{ targets: ["127.0.0.1:{self.upstreams_of['tls']}"], protocol: h2, tls: {{ ca: {self.material.ca.cert} }} }} }}, {health} }}
  pair: {{ pools: {{ only: {{ targets: [], protocol: h2c }} }} }}
  shop:
    pools: {{ blue: {{ targets: [], protocol: h2c }}, green: {{ targets: [], protocol: h2c }} }}
    split: {{ blue: 100 }}
    drain: {{ timeout: 1500ms }}
""")
        self.ports = {name: self.port_of(name) for name in ("h2c", "tls")}
        self.ways = [("h2c", "h2c"), ("tls", "h2c"), ("tls", "tls")]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--front", default="sluice", choices=["sluice", "haproxy", "nghttpx", "direct"])
    parser.add_argument("--shore", help="only this one: h2c or tls")
    parser.add_argument("words", nargs="*")
    options = parser.parse_args()
    good = True
    with CallStage(options.front) as stage:
        for shore, back in stage.ways:
            if options.shore in (None, shore):
                print(f"# {shore} to {back}", flush=True)
                good = check.play(options.words, Way(stage, shore, back)) and good
        if options.front == "sluice" and options.shore is None:
            print("# the proxy's own", flush=True)
            good = own.play(options.words, stage) and good
    return good


if __name__ == "__main__":
    sys.exit(0 if main() else 1)
