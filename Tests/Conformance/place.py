"""Servers to be tried, each before upstream.py: Sluice, and those that are known to do right (to try the cases on)."""
import json
import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../Proof"))
from stage import Failure, Stage, can_connect, free_port, wait_until  # noqa: E402
from wire import Address  # noqa: E402


class Place(Stage):
    """`plain` and `secure` are where it listens, once it has been started."""

    def __init__(self, workers=1):
        super().__init__(workers)
        self.plain = self.secure = None

    def certificate(self):
        """One for a.test, and where it and its key are."""
        command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
                   "-subj", "/CN=a.test", "-addext", "subjectAltName=DNS:a.test", "-keyout", f"{self.folder}/key.pem", "-out", f"{self.folder}/cert.pem"]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode != 0:
            raise Failure(f"openssl: {done.stderr}")
        return f"{self.folder}/cert.pem", f"{self.folder}/key.pem"

    def upstream(self):
        port, file = free_port(), os.path.join(os.path.dirname(os.path.abspath(__file__)), "upstream.py")
        self.start([sys.executable, "-B", file, str(port)], "upstream")
        wait_until(lambda: can_connect(port), "the upstream does not serve")
        return f"127.0.0.1:{port}"

    def addresses(self):
        self.plain, self.secure = Address(free_port()), Address(free_port(), tls=True)
        return self.plain.port, self.secure.port

    def write(self, name, text):
        path = f"{self.folder}/{name}"
        with open(path, "w") as f:
            f.write(text)
        return path

    def serve_sluice(self, *upstreams, defaults="", listener="", pool="", more=""):
        """`defaults`, `listener`, `pool` and `more` (services): more of the configuration."""
        cert, key = self.certificate()
        self.port, secure = self.addresses()
        self.write("sluice.yaml", f"""workers: {self.workers}
state_dir: {self.folder}/state
admin: {{ socket: {self.socket} }}
access_log: {{ path: {self.log}, format: json }}
{defaults}
listeners:
  - {{ name: plain, bind: ["127.0.0.1:{self.port}"], protocols: [h2c, http/1.1]{listener} }}
  - {{ name: secure, bind: ["127.0.0.1:{secure}"], protocols: [h2, http/1.1], tls: {{ certificates: [{{ cert: {cert}, key: {key} }}],
       handshake_timeout: 2s }}{listener} }}
services:
  app: {{ pools: {{ main: {{ targets: {json.dumps(upstreams)}{pool} }} }} }}
{more}""")
        self.run()
        return self.sluice

    def serve_haproxy(self, upstream):
        cert, key = self.certificate()
        plain, secure = self.addresses()
        both = self.write("both.pem", open(cert).read() + open(key).read())
        file = self.write("haproxy.cfg", f"""global
    maxconn 1000
defaults
    mode http
    timeout connect 2s
    timeout client 20s
    timeout server 20s
listen plain
    bind 127.0.0.1:{plain} proto h2
    server one {upstream}
listen secure
    bind 127.0.0.1:{secure} ssl crt {both} alpn h2
    server one {upstream}
""")
        return self.start(["/usr/sbin/haproxy", "-db", "-f", file], "haproxy")

    def serve_nghttpx(self, upstream):
        cert, key = self.certificate()
        plain, secure = self.addresses()
        host, port = upstream.split(":")
        return self.start(["nghttpx", "--conf=/dev/null", "--workers=1", f"--frontend=127.0.0.1,{plain};no-tls", f"--frontend=127.0.0.1,{secure}",
                           f"--backend={host},{port}", key, cert], "nghttpx")

    def serve(self, which, **more):
        process = getattr(self, f"serve_{which}")(self.upstream(), **more)

        def serves():
            if process.poll() is not None:
                with open(f"{self.folder}/{which}.err") as f:
                    raise Failure(f"{which} ended with {process.returncode}: {f.read()[-2000:]}")
            return can_connect(self.plain.port) and can_connect(self.secure.port)
        wait_until(serves, f"{which} does not serve")
        return process
