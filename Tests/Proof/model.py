"""What commands mean, written a second time and in the simplest way: the release state of one service of two pools."""
import copy

POOLS = ("blue", "green")


class Model:
    def __init__(self, file):
        """`file`: the targets of each pool in the configuration; its split is all blue."""
        self.file = {pool: list(targets) for pool, targets in file.items()}
        self.split = self.previous = self.pause = None
        self.closed, self.added, self.removed, self.weights = {}, {}, set(), {}

    def copy(self):
        return copy.deepcopy(self)

    def live(self):
        return self.split or {"blue": 100.0}

    def targets(self, pool):
        stay = [target for target in self.file[pool] if (pool, target) not in self.removed]
        return stay + [target for (of, target) in self.added if of == pool and target not in stay]

    def ready(self, pool):
        """Targets that may be chosen in this pool."""
        return set() if pool in self.closed else {t for t in self.targets(pool) if f"{pool}/{t}" not in self.closed}

    # MARK: - Commands

    def after(self, verb, body):
        """The state after POST /v1/services/shop/VERB; equal to this one when nothing changes."""
        next = self.copy()
        getattr(next, "do_" + verb.replace("-", "_"))(body)
        return next

    def __eq__(self, other):
        return self.__dict__ == other.__dict__

    def set(self, split):
        # Where the file says the same, the command still holds it there.
        if split != self.live():
            self.previous = self.live()
        self.split = split

    def do_flip(self, body):
        self.set({body["pool"]: 100.0})

    def do_split(self, body):
        total = sum(body["weights"].values())
        self.set({pool: 100.0 * weight / total for pool, weight in sorted(body["weights"].items()) if weight})

    def do_rollback(self, _):
        self.set(self.previous)

    def do_pause(self, body):
        self.pause = {"max_wait_milliseconds": 1000 * int(body["max_wait"][:-1]), "requests": body["requests"], "bytes": 64 << 20}

    def do_resume(self, _):
        self.pause = None

    def do_drain(self, body):
        for place in body["places"]:
            self.closed[place] = "maintenance" if body.get("maintenance") else "draining"

    def do_undrain(self, body):
        for place in body["places"]:
            pool, _, target = place.partition("/")
            if not target:
                self.closed = {p: s for p, s in self.closed.items() if p.partition("/")[0] != pool}
                continue
            if state := self.closed.pop(pool, None):
                for other in self.targets(pool):
                    self.closed.setdefault(f"{pool}/{other}", state)
            self.closed.pop(place, None)

    def do_target_add(self, body):
        key = (body["pool"], body["address"])
        self.removed.discard(key)
        if key[1] not in self.file[key[0]]:
            self.added[key] = body["weight"]
        elif body["weight"] != 1:
            self.weights["/".join(key)] = body["weight"]

    def do_target_remove(self, body):
        key = (body["pool"], body["address"])
        self.added.pop(key, None)
        self.weights.pop("/".join(key), None)
        self.closed.pop("/".join(key), None)
        if key[1] in self.file[key[0]]:
            self.removed.add(key)

    def do_target_weight(self, body):
        key = (body["pool"], body["address"])
        if key in self.added:
            self.added[key] = body["weight"]
        else:
            self.weights["/".join(key)] = body["weight"]

    # MARK: - Choosing and comparing

    def command(self, random, spare):
        """A command that makes sense now. `spare`: addresses that may be added."""
        pool = random.choice(POOLS)
        here, absent = self.targets(pool), [a for a in spare[pool] if a not in self.targets(pool)]
        choices = [("flip", {"pool": pool})] * 4 + [("split", {"weights": {"blue": (w := random.randint(1, 99)), "green": 100 - w}})] * 3
        choices += [("pause", {"max_wait": f"{random.randint(20, 60)}s", "requests": 10000}) if self.pause is None else ("resume", {})] * 3
        choices += [("rollback", {})] if self.previous else []
        if here:
            target = random.choice(here)
            place = random.choice([pool, f"{pool}/{target}", f"{pool}/{target}"])
            choices += [("drain", {"places": [place], "maintenance": random.random() < 0.5})] * 2
            choices += [("target-weight", {"pool": pool, "address": target, "weight": random.randint(1, 9)})]
            choices += [("target-remove", {"pool": pool, "address": target})] if len(here) > 1 else []
            shut = [place for place in self.closed if place in POOLS or place.partition("/")[2] in self.targets(place.partition("/")[0])]
            choices += [("undrain", {"places": [random.choice(shut)]})] * 3 if shut else []
        choices += [("target-add", {"pool": pool, "address": random.choice(absent), "weight": random.randint(1, 3)})] * 2 if absent else []
        return random.choice(choices)

    def difference(self, service):
        """What `GET /v1/services/shop` tells otherwise than this; nothing when they agree."""
        found = service.get("release") or {"closed": [], "added": [], "removed": [], "weights": []}
        expected = {
            "split": self.split, "previous_split": self.previous, "pause": self.pause,
            "closed": self.closed, "added": {f"{p}/{a}": w for (p, a), w in self.added.items()},
            "removed": {"/".join(key) for key in self.removed}, "weights": self.weights}
        seen = {
            "split": found.get("split"), "previous_split": found.get("previous_split"), "pause": found.get("pause"),
            "closed": {c["place"]: c["state"] for c in found["closed"]},
            "added": {f"{a['pool']}/{a['address']}": a["weight"] for a in found["added"]},
            "removed": set(found["removed"]), "weights": {w["place"]: w["weight"] for w in found["weights"]}}
        wrong = [f"{key}: {seen[key]}, not {expected[key]}" for key in expected if seen[key] != expected[key]]
        if service["split"] != {pool: self.live().get(pool, 0) for pool in POOLS} and service["split"] != self.live():
            wrong.append(f"live split {service['split']}, not {self.live()}")
        for pool in service["pools"]:
            ready = {t["target"] for t in pool["targets"] if t["state"] == "ready"}
            if ready != self.ready(pool["name"]):
                wrong.append(f"ready in {pool['name']}: {sorted(ready)}, not {sorted(self.ready(pool['name']))}")
        return "; ".join(wrong)
