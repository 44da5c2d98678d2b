"""Clients that send a request only after `flip` has returned never meet the old pool, and no request fails (DESIGN §1, promise 1).

Load goes on all the time, on connections that stay and on new ones. A request sent while no flip is under way must come back from the pool
of the last flip, unless the next one has begun by then. Prints what was counted; exit 1 when one request was stale or failed.
"""
import argparse
import collections
import sys
import time

from stage import Failure, Load, Stage

SERVICE = """
  shop:
    pools: {{ blue: {{ targets: ["{blue}"] }}, green: {{ targets: ["{green}"] }} }}
    split: {{ blue: 100 }}
"""


class Judge:
    def __init__(self):
        self.pool, self.flip, self.is_flipping = "blue", 0, False
        self.judged, self.under_way, self.bad = 0, 0, collections.Counter()

    def note(self, exchange):
        exchange.note = (None if self.is_flipping else self.pool, self.flip)

    def judge(self, exchange, status, body):
        pool, flip = exchange.note
        text = body.decode()
        if status != 200:
            self.bad[f"failed: {status} {text[:80]}"] += 1
        elif pool is None or flip != self.flip:
            self.under_way += 1  # both pools are right while a flip is under way
            if text not in ("blue", "green"):
                self.bad[f"answered {text[:20]}"] += 1
        else:
            self.judged += 1
            if text != pool:
                self.bad[f"stale: {text} after the flip to {pool}"] += 1


def prove(flips, requests, workers, keeping, closing):
    judge = Judge()
    with Stage(workers=workers) as stage:
        stage.configure(SERVICE.format(**stage.upstreams(["blue", "green"])), log="off")
        stage.run()
        load = Load(stage.port, keeping, closing, note=judge.note, judge=judge.judge)
        began, slowest = time.monotonic(), []
        for number in range(flips):
            pool = ("green", "blue")[number % 2]
            judge.is_flipping = True
            judge.flip += 1
            start = time.monotonic()
            status, receipt = load.command(stage, "/v1/services/shop/flip", {"pool": pool})
            took = time.monotonic() - start
            judge.pool, judge.is_flipping = pool, False
            if status != 200 or receipt["exit_code"] != 0 or not receipt["changed"]:
                raise Failure(f"flip {number} to {pool}: {status} {receipt}")
            slowest.append(max(a["microseconds"] for a in receipt["acknowledgements"]) / 1000)
            judged = judge.judged
            while judge.judged < judged + requests:
                load.until_answered(1)
            if judge.bad:
                break
        load.finish()
        took = time.monotonic() - began
        stage.stop()
    slowest.sort()
    print(f"{flips} flips, {workers} loops, {keeping} kept-alive and {closing} closing clients, {took:.0f} s:"
          f" {judge.judged} requests sent after a flip had returned, {judge.under_way} around one;"
          f" {sum(judge.bad.values())} stale or failed; publish to last loop p50 {slowest[len(slowest) // 2]:.2f} ms,"
          f" p99 {slowest[len(slowest) * 99 // 100]:.2f} ms, worst {slowest[-1]:.2f} ms")
    for text, count in judge.bad.most_common(10):
        print(f"  {count} × {text}")
    return not judge.bad


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--flips", type=int, default=1000)
    parser.add_argument("--requests", type=int, default=1000, help="judged requests after each flip")
    parser.add_argument("--workers", type=int, default=4)
    parser.add_argument("--keeping", type=int, default=48)
    parser.add_argument("--closing", type=int, default=16)
    options = parser.parse_args()
    try:
        sys.exit(0 if prove(**vars(options)) else 1)
    except Failure as failure:
        sys.exit(f"cutover: {failure}")
