"""How long a flip takes, with four loops: from the publish until the last loop has acknowledged (the receipt tells), the whole call of the admin
API, and the whole command `sluice flip`. Under 4000 requests a second, under all that one client thread can ask, and with 64 services of 20
targets in each of two pools. Load, upstream and proxy share the machine. Prints a table; exit 1 when a flip failed.
"""
import argparse
import os
import random
import subprocess
import sys
import time

from stage import BINARY, Failure, Stage

RATE, CLIENTS = 4000, 64


def services(at, count, targets):
    """`count` services at /s0, /s1 …; each pool of `targets` addresses of 127/8, behind which one nginx stands."""
    ports = {pool: at[pool].rpartition(":")[2] for pool in ("blue", "green")}
    listed = {pool: ", ".join(f'"127.0.0.{n + 1}:{port}"' for n in range(targets)) for pool, port in ports.items()}
    one = "  s{}: {{ pools: {{ blue: {{ targets: [{blue}] }}, green: {{ targets: [{green}] }} }}, split: {{ blue: 100 }} }}"
    routes = "\n".join(f"  - {{ match: {{ path: /s{n} }}, service: s{n} }}" for n in range(count))
    return "\n".join(one.format(n, **listed) for n in range(count)), f"routes:\n{routes}"


def quantiles(values):
    values = sorted(values)
    return tuple(values[min(len(values) - 1, int(len(values) * q))] for q in (0.5, 0.99)) + (values[-1],)


def load_command(port, rate, count):
    urls = [f"http://127.0.0.1:{port}/s{n}" for n in range(count)]
    if rate:
        return ["h2load", "--h1", "-t1", f"-c{CLIENTS}", f"--rps={rate / CLIENTS}", "-D3600", *urls]
    return ["wrk", "-t1", f"-c{CLIENTS}", "-d3600s", urls[0]]


def measure(name, rate, count, targets):
    with Stage(workers=4) as stage:
        at = stage.upstreams(["blue", "green"], host="*")
        text, routes = services(at, count, targets)
        stage.configure(text, log="off", top=routes)
        stage.run()
        if rate is not None:
            load = stage.start(load_command(stage.port, rate, count), "load")
        time.sleep(1)
        before, began = served(stage), time.monotonic()
        acknowledged, called, commanded = [], [], []
        for number in range(options.flips + options.commands):
            pool = ("green", "blue")[number // count % 2]
            service = f"s{number % count}"
            start = time.monotonic()
            if number < options.flips:
                receipt = stage.order(f"/v1/services/{service}/flip", {"pool": pool})
                called.append(1000 * (time.monotonic() - start))
                acknowledged.append(max(a["microseconds"] for a in receipt["acknowledgements"]) / 1000)
            else:
                done = subprocess.run([BINARY, "flip", service, pool, "--socket", stage.socket], capture_output=True, text=True)
                commanded.append(1000 * (time.monotonic() - start))
                if done.returncode != 0:
                    raise Failure(f"flip {service} {pool}: exit {done.returncode}: {done.stderr}")
            time.sleep(random.uniform(0, 0.02))
        rps = (served(stage) - before) / (time.monotonic() - began)
        if rate is not None and load.poll() is not None:
            raise Failure("the load generator ended too early")
        cells = "".join("".join(f"{value:>9.2f}" for value in quantiles(values)) for values in (acknowledged, called, commanded))
        print(f"{name:<28}{rps:>10.0f}{cells}", flush=True)


def served(stage):
    return sum(worker["requests"] for worker in stage.ask("GET", "/v1/status")[1]["workers"])


def main():
    print(f"{options.flips} flips each, 4 loops, {os.cpu_count()} cores, {CLIENTS} kept-alive clients; milliseconds\n")
    print(f"{'':<28}{'':>10}{'publish to last loop':>27}{'admin API':>27}{'sluice flip':>27}")
    print(f"{'load':<28}{'requests/s':>10}" + f"{'p50':>9}{'p99':>9}{'worst':>9}" * 3)
    measure("none", None, 1, 1)
    measure(f"{RATE} requests/s", RATE, 1, 1)
    measure("all that it can", 0, 1, 1)
    measure("64 services × 20 targets", RATE, 64, 20)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--flips", type=int, default=500)
    parser.add_argument("--commands", type=int, default=50, help="of the flips by `sluice flip`")
    options = parser.parse_args()
    try:
        main()
    except Failure as failure:
        sys.exit(f"flips: {failure}")
