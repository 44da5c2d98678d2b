"""Proxies of others in the place of Sluice, so that a check is known to be right before it judges: `direct` is none at all."""
import os

from scene import Scene, free_port, wait_for


class Front:
    """Where clients go: `ports[shore]` for the shores "h2c" and "tls"; `host(way)` is the authority that leads to that upstream."""

    def __init__(self, kind):
        self.kind = kind


def haproxy(stage, text, name="haproxy"):
    with open(f"{stage.folder}/{name}.cfg", "w") as f:
        f.write("global\n  nbthread 1\n  stats socket " + f"{stage.folder}/{name}.sock level admin\n" + """defaults
  mode http
  timeout connect 3s
  timeout client 20s
  timeout server 20s
  timeout tunnel 1h
""" + text)
    return stage.start(["haproxy", "-q", "-db", "-f", f"{stage.folder}/{name}.cfg"], name)


def bundle(pair):
    """Certificate and key in one file, as HAProxy reads them."""
    path = pair.cert + ".pem"
    with open(path, "w") as f:
        f.write(open(pair.cert).read() + open(pair.key).read())
    return path
