"""gRPC goes on while everything changes: no call fails because of a flip, a split, a reload, a new certificate or an upgrade (DESIGN §1, promise 2).

Calls of one message in a closed loop and streams that live some seconds run over TLS and over h2c while the changes are made in turn. A stream
stays on the pool on which it began; a call that was begun after `flip` has returned is answered by the new pool. With --age the clients'
connections are asked to end at that age, too. Prints what was counted; exit 1 when one call failed. The seed is printed.
"""
import argparse
import collections
import os
import random
import subprocess
import sys
import threading
import time

FOLDER = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(FOLDER, "../Peers"))
import interpreter  # noqa: E402, F401, I001
import grpc  # noqa: E402

from echo import SERVICE  # noqa: E402
from scene import Failure, Material, Scene, wait_until  # noqa: E402

SHORES = ("h2c", "tls")
TICK = 0.02


class Story:
    """What happened to the calls. One lock: the change that is under way and the call's begin stand in one order."""

    def __init__(self):
        self.lock = threading.Lock()
        self.pool, self.turn, self.is_switching = "blue", 0, False
        self.counts, self.bad, self.connections = collections.Counter(), collections.Counter(), collections.Counter()
        self.is_ending = False

    def begin(self):
        with self.lock:
            return None if self.is_switching else self.pool, self.turn

    def end(self, kind, begun, name):
        with self.lock:
            self.counts[kind] += 1
            wanted, turn = begun
            # A change while it was under way leaves both pools right.
            if wanted is not None and turn == self.turn and name != wanted:
                self.bad[f"{kind}: {name} after the switch to {wanted}"] += 1

    def fail(self, kind, why):
        with self.lock:
            self.bad[f"{kind}: {why}"] += 1


def told(error):
    return f"{error.code().name} {error.details()}" if isinstance(error, grpc.RpcError) else f"{type(error).__name__} {error}"


def unary(story, channel):
    call = channel.unary_unary(SERVICE + "Unary_name")
    while not story.is_ending:
        begun = story.begin()
        try:
            name = call(b"", timeout=20).decode()
        except grpc.RpcError as error:
            story.fail("call", told(error))
            time.sleep(0.2)
        else:
            story.end("call", begun, name)


def stream(story, channel, rng):
    """Some seconds of ping-pong each; each message must come back, in order, from the same server."""
    call = channel.stream_stream(SERVICE + "Both_name")
    while not story.is_ending:
        life, count, mine = rng.uniform(0.3, 4), 0, threading.Semaphore(0)
        until = time.monotonic() + life

        def messages():
            number = 0
            while time.monotonic() < until and not story.is_ending:
                yield b"%d" % number
                number += 1
                if not mine.acquire(timeout=20):
                    return
                time.sleep(TICK)

        begun, home = story.begin(), None
        try:
            for message in call(messages(), timeout=60):
                name, _, number = message.partition(b" ")
                if home is None:
                    home = name
                if name != home or int(number) != count:
                    story.fail("stream", f"message {number} of {name} where {count} of {home} was due")
                    break
                count += 1
                mine.release()
        except grpc.RpcError as error:
            story.fail("stream", f"after {'no' if count == 0 else 'some'} messages: {told(error)}")
            time.sleep(0.2)
        else:
            story.end("stream", begun, (home or b"").decode())
            with story.lock:
                story.counts["message"] += count


class LoadStage(Scene):
    """Two servers that are processes of their own, and the proxy with a shore of each kind."""

    def __init__(self, workers, age):
        super().__init__(workers=workers)
        self.material, self.age, self.certificates = Material(self.folder), age, 0
        self.renew()
        self.places = {name: self.serve(name) for name in ("blue", "green")}
        self.turn = 0
        self.begin()

    def begin(self):
        self.run_with(self.yaml(), log="off")
        self.ports = {shore: self.port_of(shore) for shore in SHORES}

    def serve(self, name):
        child = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", "--", sys.executable, "-B", f"{FOLDER}/../Peers/echo.py", name, "--threads", "200"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        self.running.append(child)
        return f"127.0.0.1:{int(child.stdout.readline())}"

    def renew(self):
        """Another certificate in the place of the last."""
        self.certificates += 1
        pair = self.material.make(f"shop-{self.certificates}", "DNS:shop.test")
        for source, name in ((pair.key, "shop.key"), (pair.cert, "shop.crt")):
            os.rename(source, f"{self.folder}/{name}")

    def yaml(self):
        age = f", max_connection_age: {self.age}" if self.age else ""
        return f"""
shutdown: {{ drain_timeout: 20s }}
listeners:
  - {{ name: h2c, bind: ["127.0.0.1:0"], protocols: [h2c, http/1.1]{age} }}
  - name: tls
    bind: ["127.0.0.1:0"]{age.replace(', ', chr(10) + '    ')}
    tls: {{ certificates: [{{ cert: {self.folder}/shop.crt, key: {self.folder}/shop.key }}] }}
routes:
  - {{ match: {{ path: / }}, service: shop, request_headers: {{ set: {{ x-turn: "{self.turn}" }} }} }}
services:
  shop:
    pools:
      blue: {{ targets: ["{self.places['blue']}"], protocol: h2c }}
      green: {{ targets: ["{self.places['green']}"], protocol: h2c }}
    split: {{ blue: 100 }}
"""

    def channel(self, shore, retries):
        options = [("grpc.enable_retries", int(retries)), ("grpc.use_local_subchannel_pool", 1)]
        place = f"127.0.0.1:{self.ports[shore]}"
        if shore == "tls":
            trusted = grpc.ssl_channel_credentials(open(self.material.ca.cert, "rb").read())
            return grpc.secure_channel(place, trusted, [*options, ("grpc.ssl_target_name_override", "shop.test")])
        return grpc.insecure_channel(place, [*options, ("grpc.default_authority", "shop.test")])


class Changes:
    """What is changed, each by its name."""

    def __init__(self, stage, story, rng):
        self.stage, self.story, self.rng = stage, story, rng
        self.done = collections.Counter()

    def make(self, kind):
        getattr(self, kind)()
        self.done[kind] += 1

    def switch(self, path, body, pool):
        """Calls that begin while it goes on may meet either."""
        with self.story.lock:
            self.story.is_switching, self.story.turn = True, self.story.turn + 1
        self.stage.order(path, body)
        with self.story.lock:
            self.story.pool, self.story.is_switching = pool, pool is None

    def flip(self):
        pool = "green" if self.story.pool == "blue" else "blue"
        self.switch("/v1/services/shop/flip", {"pool": pool}, pool)

    def split(self):
        share = self.rng.randint(1, 99)
        self.switch("/v1/services/shop/split", {"weights": {"blue": share, "green": 100 - share}}, None)

    def reload(self):
        self.stage.turn += 1
        self.stage.write(self.stage.yaml(), log="off")
        self.stage.order("/v1/reload")

    def certificate(self):
        self.stage.renew()

    def upgrade(self):
        self.stage.upgrade()


def watch(story, channel, name):
    """Counts how often a channel had to connect anew."""
    channel.subscribe(lambda state: story.connections.update([name] if state is grpc.ChannelConnectivity.READY else []), try_to_connect=True)


def prove(seed, rounds, calls, streams, kinds, age, pause, retries, workers):
    rng, story = random.Random(seed), Story()
    print(f"seed {seed}", flush=True)
    with LoadStage(workers, age) as stage:
        channels = {(shore, number): stage.channel(shore, retries) for shore in SHORES for number in range(2)}
        for (shore, number), channel in channels.items():
            watch(story, channel, f"{shore}-{number}")
        threads = [threading.Thread(target=unary, args=(story, channels[shore, n % 2]), daemon=True) for shore in SHORES for n in range(calls)]
        threads += [threading.Thread(target=stream, args=(story, channels[shore, n % 2], random.Random(rng.random())), daemon=True)
                    for shore in SHORES for n in range(streams)]
        began = time.monotonic()
        for thread in threads:
            thread.start()
        wait_until(lambda: story.counts["call"] > 20 * calls or story.bad, "the load does not begin")
        changes = Changes(stage, story, rng)
        for _ in range(rounds):
            for kind in rng.sample(kinds, len(kinds)):
                changes.make(kind)
                seen = story.counts["call"]
                time.sleep(rng.uniform(0, 2 * pause))
                wait_until(lambda: story.counts["call"] > seen + calls or story.bad, f"nothing is answered after a {kind}")
            if sum(story.bad.values()) > 1000:
                break
        story.is_ending = True
        for thread in threads:
            thread.join(30)
            if thread.is_alive():
                story.fail("load", "a client hangs")
        took = time.monotonic() - began
        for channel in channels.values():
            channel.close()
    made = ", ".join(f"{count} {kind}s" for kind, count in changes.done.items())
    print(f"{made} in {took:.0f} s: {story.counts['call']} calls, {story.counts['stream']} streams of {story.counts['message']} messages,"
          f" {sum(story.connections.values())} connections of {len(channels)} channels; {sum(story.bad.values())} failed or wrong")
    for text, count in story.bad.most_common(10):
        print(f"  {count} × {text}")
    if age and sum(story.connections.values()) < 2 * len(channels):
        print("  no client had to connect again: max_connection_age did nothing")
        return False
    return not story.bad and story.counts["stream"] > 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--rounds", type=int, default=20, help="each change once in a round, in random order")
    parser.add_argument("--calls", type=int, default=4, help="clients of one message, on each shore")
    parser.add_argument("--streams", type=int, default=8, help="on each shore")
    parser.add_argument("--kinds", default="flip,split,reload,certificate,upgrade")
    parser.add_argument("--age", default="", help="max_connection_age, such as 2s")
    parser.add_argument("--pause", type=float, default=0.3, help="seconds between two changes, on the average")
    parser.add_argument("--no-retries", dest="retries", action="store_false",
                        help="without grpcio's own: it then fails calls that it had for a connection, and not sent, when the GOAWAY came")
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args()
    options.seed = options.seed if options.seed is not None else random.SystemRandom().randrange(1 << 32)
    options.kinds = options.kinds.split(",")
    try:
        sys.exit(0 if prove(**vars(options)) else 1)
    except Failure as failure:
        sys.exit(f"grpc_load: {failure}")
