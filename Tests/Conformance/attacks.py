"""Attacks on a server of HTTP/2, by one connection each: does it end them, at what cost, and does it serve others all the while?

Each attack says how it must end: ENHANCE_YOUR_CALM as a rule. While it lasts, an honest client on a connection of its own, to the same
listener, must have every request answered. Memory and processor time of the server are read from /proc before and after. Prints a line for
each attack, and the seed; exit 1 when one came out wrong.
"""
import argparse
import multiprocessing
import os
import random
import sys
import time

from attack_kinds import ATTACKS, Served
import attack_floods  # noqa: F401  each adds its own
import attack_slow  # noqa: F401
from place import Failure, Place
from wire import Closed, Connection, Silence, Wrong

DEFAULTS = """defaults:
  timeouts: { request_header: 2s, idle: 3s, keepalive: 5s }
"""
TICK = os.sysconf("SC_CLK_TCK")


def resident(pid):
    """KiB."""
    with open(f"/proc/{pid}/status") as f:
        return next(int(line.split()[1]) for line in f if line.startswith("VmRSS:"))


def processor_seconds(pid):
    with open(f"/proc/{pid}/stat") as f:
        fields = f.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICK


def behave(address, pipe):
    """The honest client: one request after the other on one connection until told to stop, and three more; says how many, the slowest, and
    what failed."""
    count, slowest, wrong, left = 0, 0.0, None, 3
    try:
        with Connection(address, patience=10) as c:
            c.open()
            pipe.send("ready")
            while left:
                left -= pipe.poll(0.01)
                began = time.monotonic()
                stream = 2 * count + 1
                c.request(stream, c.fields(path="/bytes/1000"))
                status, _, body, _ = c.response(stream)
                if status != 200 or len(body) != 1000:
                    raise Wrong(f"{status}, {len(body)} bytes")
                count, slowest = count + 1, max(slowest, time.monotonic() - began)
    except (Wrong, Closed, Silence, OSError) as error:
        wrong = f"{type(error).__name__}: {error}"
    pipe.send((count, slowest, wrong))


class Honest:
    """That client in a process of its own, so that the attacker's work does not slow it."""

    def __init__(self, address):
        self.pipe, theirs = multiprocessing.Pipe()
        self.process = multiprocessing.Process(target=behave, args=(address, theirs), daemon=True)
        self.process.start()
        if not self.pipe.poll(10) or self.pipe.recv() != "ready":
            raise Failure("the honest client is not served before the attack")

    def end(self):
        self.pipe.send("stop")
        if not self.pipe.poll(40):
            self.process.kill()
            return 0, 0, "it hangs"
        answer = self.pipe.recv()
        self.process.join(5)
        return answer


def attempt(attack, address, pid, seed):
    """What was wrong, and a remark."""
    random.seed(seed)
    wrong, ending = [], ""
    memory, work = resident(pid), processor_seconds(pid)
    honest = Honest(address)
    began = time.monotonic()
    try:
        ending = attack.run(address)
    except (Wrong, Closed, Silence, Served, OSError, AssertionError) as error:
        wrong.append(f"{type(error).__name__}: {error}")
    took = time.monotonic() - began
    count, slowest, dishonour = honest.end()
    grown, spent = resident(pid) - memory, processor_seconds(pid) - work
    if dishonour:
        wrong.append(f"another client: {dishonour}")
    if slowest > 5:
        wrong.append(f"another client waited {slowest:.1f} s")
    if grown > attack.kilobytes:
        wrong.append(f"{grown} KiB more memory, {attack.kilobytes} allowed")
    if spent > attack.seconds:
        wrong.append(f"{spent:.1f} s of processor time, {attack.seconds} allowed")
    remark = f"{ending}; {took:.1f} s, {spent:.2f} s of processor, {grown:+d} KiB; others: {count} answered, slowest {slowest * 1000:.0f} ms"
    return wrong, remark


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("match", nargs="*", help="only attacks whose name contains one of these")
    parser.add_argument("--server", choices=["sluice", "haproxy", "nghttpx"], default="sluice")
    parser.add_argument("--only", choices=["h2c", "tls"])
    parser.add_argument("--seed", type=int, default=random.randrange(2**32))
    options = parser.parse_args()
    failed, tried = 0, 0
    try:
        with Place() as place:
            process = place.serve(options.server, **({"defaults": DEFAULTS} if options.server == "sluice" else {}))
            for address in (place.plain, place.secure):
                kind = "tls" if address.tls else "h2c"
                for attack in ATTACKS:
                    if options.only not in (None, kind) or address.tls not in attack.over or (
                            options.match and not any(word in attack.name for word in options.match)):
                        continue
                    wrong, remark = attempt(attack, address, process.pid, options.seed)
                    if process.poll() is not None:
                        raise Failure(f"{options.server} ended with {process.returncode} at {attack.name}")
                    tried, failed = tried + 1, failed + bool(wrong)
                    print(f"{'FAILED' if wrong else 'ok    '}  {kind}  {attack.name}: {'; '.join(wrong + [remark])}", flush=True)
    except Failure as failure:
        sys.exit(f"attacks: {failure}")
    print(f"{tried} attacks, {failed} came out wrong; seed {options.seed}")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
