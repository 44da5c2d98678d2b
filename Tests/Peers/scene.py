"""What the scenes with real peers have in common: a folder with certificates, processes, a proxy with a configuration, and a list of checks.

A script of this folder plays its checks one after the other and prints a line for each: `ok SECONDS NAME`, `failed NAME: WHY`,
`skipped NAME: WHY`. It exits with 1 when one failed. Words on the command line choose the checks whose names contain one of them.
"""
import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../Proof"))
from stage import BINARY, Failure, Stage, free_port, wait_until  # noqa: E402, F401

# A whole scene takes a few seconds; where checks run into their deadlines one after the other, enough is known by then.
BEGAN, SECONDS = time.monotonic(), 110
os.environ["PATH"] += ":/usr/sbin:/sbin"


def expect(holds, *saw):
    if not holds:
        raise Failure(" ".join(repr(s) if isinstance(s, (bytes, list, tuple, dict)) else str(s) for s in saw) or "it does not hold")


class Skipped(Exception):
    """What this front cannot do."""


class Checks:
    """Plays what was registered, in order; none longer than `seconds`."""

    def __init__(self):
        self.all = []

    def __call__(self, name, seconds=20):
        def register(body):
            self.all.append((name, seconds, body))
            return body
        return register

    def play(self, words, *arguments):
        failed = 0
        for name, seconds, body in self.all:
            if words and not any(word in name for word in words):
                continue
            if time.monotonic() > BEGAN + SECONDS:
                failed += 1
                print(f"failed {name}: not played, the scene has taken {SECONDS} s", flush=True)
                continue
            signal.signal(signal.SIGALRM, lambda *_: (_ for _ in ()).throw(Failure(f"not done after {seconds} s")))
            signal.alarm(seconds)
            began = time.monotonic()
            try:
                body(*arguments)
                print(f"ok {time.monotonic() - began:.2f} {name}", flush=True)
            except Skipped as why:
                print(f"skipped {name}: {why}", flush=True)
            except Exception as error:  # a check that breaks down has failed, and the next one is played
                failed += 1
                line = traceback_line(error)
                print(f"failed {name}: {type(error).__name__}{line}: {one_line(error)}", flush=True)
            finally:
                signal.alarm(0)
        return failed == 0


def traceback_line(error):
    lines, trace = [], error.__traceback__
    while trace:
        if trace.tb_frame.f_code.co_filename.startswith(os.path.dirname(os.path.abspath(__file__))):
            lines.append(trace.tb_lineno)
        trace = trace.tb_next
    return f" (line {lines[-1 if len(lines) < 3 else 1]})" if lines else ""


def one_line(error):
    if hasattr(error, "code") and callable(error.code):
        return f"{error.code()} {error.details()}"
    return re.sub(r"\s+", " ", str(error))[:600]


# MARK: - Certificates


class Pair:
    def __init__(self, folder, name):
        self.cert, self.key = f"{folder}/{name}.crt", f"{folder}/{name}.key"


def openssl(*words, **more):
    done = subprocess.run(["openssl", *words], capture_output=True, stdin=subprocess.DEVNULL, timeout=20, **more)
    if done.returncode != 0:
        raise Failure(f"openssl {words}: {done.stderr.decode()}")
    return done.stdout


class Material:
    """Certificates made by openssl, signed by one authority."""

    def __init__(self, folder):
        self.folder = folder
        self.ca = self.make("ca", None, by=None)

    def make(self, name, names, by="ca", kind="ec", days=2, more="", file=None):
        """`names`: alternative names such as "DNS:a.test"; None makes an authority, or a self-signed certificate where `by` is None."""
        pair, is_authority = Pair(self.folder, file or name), names is None
        extensions = f"basicConstraints=critical,CA:{str(is_authority).upper()}\n" + (f"subjectAltName={names}\n" if names else "") + more
        with open(f"{self.folder}/{name}.cnf", "w") as f:
            f.write(f"[req]\ndistinguished_name=dn\nx509_extensions=ext\nprompt=no\n[dn]\nCN={name}\n[ext]\n{extensions}")
        key = ["ec", "-pkeyopt", "ec_paramgen_curve:P-256"] if kind == "ec" else ["rsa:2048"]
        signer = ["-CA", f"{self.folder}/{by}.crt", "-CAkey", f"{self.folder}/{by}.key"] if by else []
        openssl("req", "-x509", "-config", f"{self.folder}/{name}.cnf", "-nodes", "-days", str(days), "-newkey", *key, *signer,
                "-keyout", pair.key, "-out", pair.cert)
        return pair


# MARK: - Fronts


class Scene(Stage):
    """The running Sluice with a whole configuration of the scene's own; listeners bind port 0."""

    def __init__(self, workers=2, environment=()):
        super().__init__(workers=workers, environment=environment)
        self.configuration = f"{self.folder}/sluice.yaml"

    def write(self, text, log="json"):
        with open(f"{self.folder}/sluice.new", "w") as f:
            f.write(f"workers: {self.workers}\nstate_dir: {self.folder}/state\nadmin: {{ socket: {self.socket} }}\n"
                    f"access_log: {{ path: {self.log}, format: \"{log}\" }}\n{text}\n")
        os.rename(f"{self.folder}/sluice.new", self.configuration)

    def run_with(self, text, log="json"):
        self.write(text, log)
        self.run()

    def port_of(self, listener):
        """Of a running listener."""
        for entry in self.ask("GET", "/v1/status")[1]["listeners"]:
            if entry["name"] == listener:
                return int(entry["address"].rpartition(":")[2])
        raise Failure(f"no listener {listener}")

    def lines(self, holds, seconds=5):
        """The lines of the access log for which it holds; waits until there is one."""
        found = []

        def look():
            with contextlib.suppress(FileNotFoundError), open(self.log) as f:
                found[:] = [entry for line in f if line.endswith("\n") and holds(entry := json.loads(line))]
            return found
        wait_until(look, "no such line in the access log", seconds)
        return found

    def all_said(self):
        with open(f"{self.folder}/sluice.err") as f:
            return f.read()

    def is_said(self, words, since=0, seconds=10):
        """Standard error has one of these words behind `since` characters."""
        wait_until(lambda: any(word in self.all_said()[since:] for word in words), f"none of {words} is said", seconds)

    def upgrade(self):
        """Replaces the process; the stage ends with the last one."""
        former = self.ask("GET", "/v1/status")[1]["pid"]
        reply = self.order("/v1/upgrade")
        wait_until(lambda: self.serving() not in (former, None), "the new process does not serve")
        return reply

    def serving(self):
        with contextlib.suppress(OSError, ValueError):
            with open(f"{self.folder}/state/lock") as f:
                return int(f.readline())
        return None

    def __exit__(self, *_):
        # What an upgrade has left is not our child: only a process that was started with our file can be meant.
        for _ in range(3):
            pid = self.serving()
            if pid is None or self.sluice is None or pid == self.sluice.pid:
                break
            with contextlib.suppress(OSError):
                with open(f"/proc/{pid}/cmdline") as f:
                    if self.configuration in f.read():
                        os.kill(pid, signal.SIGKILL)
            time.sleep(0.1)
        super().__exit__()


def nginx(stage, name, http):
    """A nginx with this `http` block beside the others of the scene; the caller waits for its ports."""
    folder = f"{stage.folder}/{name}"
    os.makedirs(folder, exist_ok=True)
    temporary = " ".join(f"{kind}_temp_path {folder}/t-{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    with open(f"{folder}/nginx.conf", "w") as f:
        f.write(f"daemon off; master_process off; pid {folder}/pid; error_log {folder}/error.log info;\nevents {{ worker_connections 512; }}\n"
                f"http {{ access_log off; default_type text/plain; client_max_body_size 0; {temporary}\n{http}\n}}\n")
    return stage.start(["nginx", "-p", folder, "-e", f"{folder}/error.log", "-c", f"{folder}/nginx.conf"], name)


def wait_for(*ports):
    def can_connect(port):
        with socket.socket() as s:
            return s.connect_ex(("127.0.0.1", port)) == 0
    wait_until(lambda: all(can_connect(port) for port in ports), f"nobody listens on {ports}")


def curl(*words, codes=(0,)):
    """Standard output of curl; `codes` are the exit codes that are right."""
    done = subprocess.run(["curl", "-sS", "--max-time", "10", *words], capture_output=True, timeout=15)
    expect(done.returncode in codes, "curl", words, "ended with", done.returncode, done.stderr.decode().strip(), done.stdout[:200])
    return done.stdout.decode("latin-1")
