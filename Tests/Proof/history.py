"""The history checker (DESIGN §7): under random commands, reloads, load on every loop and loops that are kept busy, the access log and the
receipts tell one story. Exit 1 when they do not. The seed is printed; --seed repeats the commands (the instants are the machine's).

- Each exchange chose its target under an epoch that allows it: a share of the split or the rule, not drained, not removed, not paused.
- None that was sent, or that chose, after a command had returned did so under an epoch from before it.
- Each request was answered, once, by the target that the log names; what a pause held, too. None failed, but for pauses that were told to
  hold few and rules that point to a pool without a target.
"""
import argparse
import bisect
import collections
import datetime
import json
import random as randomness
import sys
import time

from model import Model
from stage import Failure, Load, Stage

LOOPS = 4
SERVICE = """
  shop:
    pools: {{ blue: {{ targets: [{blue}] }}, green: {{ targets: [{green}] }} }}
    split: {{ blue: 100 }}
    balance: {balance}
    rules: [{{ when: {{ header: {{ x-preview: green }} }}, pool: green }}]
"""


class Story:
    """What was sent and what was told, in the order in which it was."""

    def __init__(self, random):
        self.random = random
        self.requests, self.answers = [], []
        self.epoch, self.states, self.returned = 0, {}, []
        self.bad = []

    def path(self):
        return f"/?n={len(self.requests)}"

    def fields(self):
        return "X-Preview: green\r\n" if self.random.random() < 0.125 else ""

    def note(self, exchange):
        exchange.note = len(self.requests)
        self.requests.append(self.epoch)
        self.answers.append(None)

    def judge(self, exchange, status, body):
        self.answers[exchange.note] = (status, body.decode()[:100])

    def publish(self, epoch, model):
        """A command has returned: from here on this epoch rules, or a newer one."""
        self.states[epoch] = model
        self.epoch = epoch
        self.returned.append((time.time(), epoch))


class Scene:
    def __init__(self, stage, seed):
        self.stage, self.random = stage, randomness.Random(seed)
        self.at = stage.upstreams(["b1", "b2", "b3", "b4", "g1", "g2"])
        self.names = {address: name for name, address in self.at.items()}
        self.balance = self.random.choice(["round-robin", "least-connections"])
        self.file = {"blue": [self.at["b1"], self.at["b2"]], "green": [self.at["g1"]]}
        self.spare = {"blue": [self.at[n] for n in ("b1", "b2", "b3")], "green": [self.at[n] for n in ("g1", "g2")]}
        self.model, self.story, self.done = Model(self.file), Story(self.random), collections.Counter()

    def write(self):
        lists = {pool: ", ".join(f'"{target}"' for target in targets) for pool, targets in self.model.file.items()}
        timeouts = f"defaults: {{ timeouts: {{ idle: {self.random.randint(30, 90)}s }} }}"
        self.stage.configure(SERVICE.format(**lists, balance=self.balance), top=timeouts)

    def stall(self, load):
        for _ in range(self.random.choice([0, 1, 1, 2])):
            order = {"loop": self.random.randrange(LOOPS), "milliseconds": self.random.randint(1, 50)}
            if load.command(self.stage, "/v1/debug/stall", order)[0] != 202:
                raise Failure("a loop could not be stalled")
            self.done["stall"] += 1

    def reload(self, load):
        """The file gains or loses a target of blue, and a timeout changes."""
        next = self.model.copy()
        toggled = self.at["b4"]
        next.file["blue"] = self.file["blue"] + ([] if toggled in next.file["blue"] else [toggled])
        if not next.ready("blue"):
            return
        self.model = next
        self.write()
        status, answer = load.command(self.stage, "/v1/reload")
        if status != 200 or not answer["changed"] or answer["epoch"] != self.story.epoch + 1:
            raise Failure(f"reload under epoch {self.story.epoch}: {status} {answer}")
        self.story.publish(answer["epoch"], next)
        self.done["reload"] += 1

    def command(self, load):
        verb, body = self.model.command(self.random, self.spare)
        if verb == "pause" and self.random.random() < 0.2:
            body["requests"] = self.random.randint(1, 8)
        told = {**body, "ramp": f"{self.random.randint(1, 60)}ms"} if verb == "resume" else body
        status, receipt = load.command(self.stage, f"/v1/services/shop/{verb}", told)
        if status == 409 and receipt["exit_code"] == 6:
            self.done["refused by preflight"] += 1
            return
        next = self.model.after(verb, body)
        changed = next != self.model
        if status != 200 or receipt["exit_code"] != 0 or receipt["changed"] != changed or receipt["epoch"] != self.story.epoch + changed:
            raise Failure(f"{verb} {body} under epoch {self.story.epoch}: {status} {receipt}")
        self.done[verb] += 1
        self.model = next
        self.story.publish(receipt["epoch"], next)

    def play(self, commands, keeping, closing):
        self.write()
        self.stage.run()
        self.story.publish(self.stage.ask("GET", "/v1/status")[1]["epoch"], self.model)
        story = self.story
        load = Load(self.stage.port, keeping, closing, path=story.path, fields=story.fields, note=story.note, judge=story.judge)
        for number in range(commands):
            self.stall(load)
            (self.reload if self.random.random() < 0.1 else self.command)(load)
            if self.model.pause:
                # Whoever is refused asks again at once: not for long.
                self.wait(load, self.random.uniform(0, 0.04 if self.model.pause["requests"] >= 10000 else 0.003))
            else:
                load.until_answered(self.random.randint(1, 120))
            if number % 20 == 0:
                service = load.command(self.stage, "/v1/services/shop", method="GET")[1]["service"]
                if wrong := self.model.difference(service):
                    raise Failure(f"after command {number}: {wrong}")
        if self.model.pause:
            self.stage_order(load)
        load.finish()
        self.stage.stop()

    def wait(self, load, seconds):
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            load.turn(left)

    def stage_order(self, load):
        status, receipt = load.command(self.stage, "/v1/services/shop/resume")
        self.model = self.model.after("resume", {})
        self.story.publish(receipt["epoch"], self.model)

    # MARK: - Judging

    def judge(self):
        """What contradicts the promises, line by line of the access log."""
        story, seen, found = self.story, set(), []
        times, epochs = zip(*story.returned)
        with open(self.stage.log) as f:
            for line in map(json.loads, f):
                number = int(line["target"].partition("=")[2])
                if number in seen:
                    found.append(f"logged twice: {line}")
                seen.add(number)
                if wrong := self.wrong(line, number, times, epochs):
                    found.append(f"{wrong}: {line}")
        silent = [n for n, answer in enumerate(story.answers) if answer is None]
        if silent or len(seen) != len(story.requests):
            found.append(f"{len(story.requests)} sent, {len(seen)} logged, not answered: {silent[:10]}")
        return found

    def wrong(self, line, number, times, epochs):
        story, epoch = self.story, line["epoch"]
        state, (status, body) = story.states.get(epoch), story.answers[number]
        if state is None:
            return f"epoch {epoch} was never told"
        if epoch < story.requests[number]:
            return f"sent when epoch {story.requests[number]} had been confirmed"
        # The choice was not earlier than this (the log has milliseconds, cut).
        chose = datetime.datetime.fromisoformat(line["time"].replace("Z", "+00:00")).timestamp() + (line["queue_us"] or 0) / 1e6
        last = bisect.bisect_left(times, chose)
        if last and epochs[last - 1] > epoch:
            return f"chose {1000 * (chose - times[last - 1]):.1f} ms after epoch {epochs[last - 1]} had been confirmed"
        pool, target = line["pool"], line["upstream"]
        if status == 503 and line["status"] == 503:
            few = any(s.pause and s.pause["requests"] < 10000 for e, s in story.states.items() if story.requests[number] <= e <= epoch)
            if line["termination"] == "PP" and few:
                self.done["503 by a pause for few"] += 1
                return None
            if not target and not state.ready("green"):
                self.done["503 of a rule without target"] += 1
                return None
        if status != 200 or line["status"] != 200:
            return f"answered {status} {body}"
        if self.names.get(target) != body:
            return f"answered by {body}"
        if line["chosen_by"] == "rule":
            if pool != "green":
                return "not where the rule points"
        elif not state.live().get(pool):
            return f"no share in {state.live()}"
        if state.pause:
            return "chosen while paused"
        if target not in state.ready(pool):
            return f"not ready, only {sorted(state.ready(pool))}"
        return None


def prove(commands, keeping, closing, seed):
    print(f"seed {seed}", flush=True)
    with Stage(workers=LOOPS, environment={"SLUICE_DEBUG": "1"}) as stage:
        scene = Scene(stage, seed)
        began = time.monotonic()
        scene.play(commands, keeping, closing)
        took = time.monotonic() - began
        found = scene.judge()
    kinds = ", ".join(f"{count} {kind}" for kind, count in sorted(scene.done.items()))
    print(f"{commands} commands under {len(scene.story.states)} epochs, {LOOPS} loops, {len(scene.story.requests)} requests, {took:.0f} s: {kinds}")
    print(f"{len(found)} contradictions")
    for text in found[:10]:
        print("  " + text)
    return not found


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--commands", type=int, default=3000)
    parser.add_argument("--keeping", type=int, default=24)
    parser.add_argument("--closing", type=int, default=8)
    parser.add_argument("--seed", type=int, default=time.time_ns() % 1_000_000)
    options = parser.parse_args()
    try:
        sys.exit(0 if prove(**vars(options)) else 1)
    except Failure as failure:
        sys.exit(f"history: {failure}")
