"""kill -9 at random instants while a client gives journaled commands: after each restart the live state is that after the last command that
was acknowledged, or after the one that was under way, never another; and a paused service still holds its requests.

Exit 1 when it was not so. The seed is printed; --seed repeats the commands (the instants are the machine's).
"""
import argparse
import random as randomness
import socket
import sys
import threading
import time

from model import Model
from stage import Failure, Stage

SERVICE = """
  shop:
    pools: {{ blue: {{ targets: ["{b1}", "{b2}"] }}, green: {{ targets: ["{g1}"] }} }}
    split: {{ blue: 100 }}
"""


def expect_held(stage):
    """A request waits while the service is paused, and is answered when it is resumed."""
    with socket.create_connection(("127.0.0.1", stage.port)) as client:
        client.sendall(b"GET / HTTP/1.1\r\nHost: a.test\r\n\r\n")
        client.settimeout(0.1)
        try:
            raise Failure(f"answered although it was paused before the kill: {client.recv(100)}")
        except TimeoutError:
            pass
        stage.order("/v1/services/shop/resume")
        client.settimeout(20)
        if not client.recv(100).startswith(b"HTTP/1.1 "):
            raise Failure("not answered after the resume")


def prove(commands, between, seed):
    random = randomness.Random(seed)
    print(f"seed {seed}", flush=True)
    acknowledged = kills = done_unheard = held = 0
    with Stage(workers=2) as stage:
        at = stage.upstreams(["b1", "b2", "b3", "g1", "g2"])
        stage.configure(SERVICE.format(**at), log="off")
        spare = {"blue": [at["b1"], at["b2"], at["b3"]], "green": [at["g1"], at["g2"]]}
        model = Model({"blue": [at["b1"], at["b2"]], "green": [at["g1"]]})
        stage.run()
        while acknowledged < commands:
            killer = threading.Timer(random.uniform(0, between), stage.sluice.kill)
            killer.start()
            under_way = model
            try:
                while True:
                    verb, body = model.command(random, spare)
                    under_way = model.after(verb, body)
                    # Forced: what could serve is not the question here.
                    status, receipt = stage.ask("POST", f"/v1/services/shop/{verb}", {**body, "force": True})
                    if status != 200 or receipt["exit_code"] != 0 or receipt["changed"] != (under_way != model):
                        raise Failure(f"{verb} {body}: {status} {receipt}")
                    model, acknowledged = under_way, acknowledged + 1
            except (OSError, ValueError):
                killer.join()
            finally:
                killer.cancel()
            stage.kill()
            kills += 1
            stage.run()
            _, answer = stage.ask("GET", "/v1/services/shop")
            if after := under_way.difference(answer["service"]):
                if before := model.difference(answer["service"]):
                    raise Failure(f"after kill {kills}, {acknowledged} acknowledged, {verb} {body} under way:\n  {before}\n  {after}")
            else:
                done_unheard += under_way != model
                model = under_way
            if model.pause and held < 1 + kills // 10:
                expect_held(stage)
                held += 1
                model = model.after("resume", {})
        stage.stop()
    print(f"{acknowledged} commands acknowledged, {kills} kills; {done_unheard} times the command under way had been taken;"
          f" {held} times a request was held again after the kill")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--commands", type=int, default=1000)
    parser.add_argument("--between", type=float, default=0.06, help="at most so many seconds from a start to its kill")
    parser.add_argument("--seed", type=int, default=time.time_ns() % 1_000_000)
    options = parser.parse_args()
    try:
        prove(**vars(options))
    except Failure as failure:
        sys.exit(f"kills: {failure}")
