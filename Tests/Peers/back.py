"""TLS towards targets: nginx and Python's ssl as upstreams of the real binary.

    back.py [WORD ...]
"""
import interpreter  # noqa: F401, I001

import contextlib
import os
import socket
import ssl
import sys
import threading
import time

from scene import Checks, Material, Scene, Skipped, curl, expect, free_port, nginx, wait_for, wait_until

check = Checks()
SAYS = ("sni=$ssl_server_name\\nreused=$ssl_session_reused\\nversion=$ssl_protocol\\nprotocol=$server_protocol\\nconnection=$connection\\n"
        "number=$connection_requests\\nclient=$ssl_client_s_dn\\nverified=$ssl_client_verify\\nhost=$host\\nproto=$http_x_forwarded_proto\\n")
SERVERS = {
    # name: (certificate, more of the server, more behind `listen PORT ssl`)
    "good": ("good", "", ""), "h2": ("good", "", " http2"), "self": ("self", "", ""), "wrong": ("wrong", "", ""), "wrong-h2": ("wrong", "", " http2"), "address": ("address", "", ""),
    "expired": ("expired", "", ""), "old": ("good", "ssl_protocols TLSv1.2;", ""), "closing": ("good", "keepalive_timeout 0;", ""),
    "closing12": ("good", "keepalive_timeout 0; ssl_protocols TLSv1.2;", ""),
    "asking": ("good", "ssl_client_certificate {ca}; ssl_verify_client on;", ""), "asking-h2": ("good", "ssl_client_certificate {ca}; ssl_verify_client on;", " http2"),
}


class BackStage(Scene):
    def __init__(self):
        super().__init__()
        m = self.material = Material(self.folder)
        m.make("good", "DNS:localhost,DNS:good.test")
        m.make("wrong", "DNS:wrong.test")
        m.make("address", "IP:127.0.0.1")
        m.make("self", "DNS:localhost", by=None)
        self.client = m.make("client", "DNS:client.test")
        expired(self)
        ports = {name: free_port() for name in SERVERS}
        large = f"{self.folder}/files"
        os.makedirs(f"{large}/up", exist_ok=True)
        nginx(self, "upstream", "ssl_protocols TLSv1.2 TLSv1.3; keepalive_requests 100000; ssl_session_cache shared:s:1m;\n" + "".join(
            f"server {{ listen 127.0.0.1:{ports[name]} ssl{listen}; ssl_certificate {self.folder}/{pair}.crt; ssl_certificate_key {self.folder}/{pair}.key;"
            f" {more.replace('{ca}', m.ca.cert)} location / {{ return 200 \"{SAYS}\"; }} location /up/ {{ root {large}; dav_methods PUT; }} }}\n"
            for name, (pair, more, listen) in SERVERS.items()))
        self.scripted = {"cut-length": Cut(self, b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello"),
                         "cut-close": Cut(self, b"HTTP/1.1 200 OK\r\n\r\nhello"), "end-close": Cut(self, b"HTTP/1.1 200 OK\r\n\r\nhello", notifies=True)}
        ports.update({name: upstream.port for name, upstream in self.scripted.items()})
        ports["silent"] = Silent().port
        ports["plain"] = int(self.upstreams(["plain"])["plain"].rpartition(":")[2])
        self.places = ports
        wait_for(*(ports[name] for name in SERVERS))
        ca, pair = m.ca.cert, f"cert: {self.client.cert}, key: {self.client.key}"
        pools = {
            # service: (upstream, host, protocol, tls)
            "good": ("good", "localhost", "http1", f"ca: {ca}"), "h2": ("h2", "localhost", "h2", f"ca: {ca}"),
            "system": ("good", "localhost", "http1", ""), "system-h2": ("h2", "localhost", "h2", ""), "self": ("self", "localhost", "http1", f"ca: {ca}"),
            "wrong": ("wrong", "localhost", "http1", f"ca: {ca}"), "wrong-h2": ("wrong-h2", "localhost", "h2", f"ca: {ca}"),
            "named": ("wrong", "localhost", "http1", f"ca: {ca}, server_name: wrong.test"), "address": ("address", "127.0.0.1", "http1", f"ca: {ca}"),
            "no-address": ("good", "127.0.0.1", "http1", f"ca: {ca}"), "expired": ("expired", "localhost", "http1", f"ca: {ca}"),
            "unverified": ("self", "localhost", "http1", "verify: false"), "old": ("old", "localhost", "http1", f"ca: {ca}"),
            "modern": ("old", "localhost", "http1", f'ca: {ca}, min_version: "1.3"'), "closing": ("closing", "localhost", "http1", f"ca: {ca}"),
            "closing12": ("closing12", "localhost", "http1", f"ca: {ca}"),
            "asking": ("asking", "localhost", "http1", f"ca: {ca}, {pair}"), "asking-h2": ("asking-h2", "localhost", "h2", f"ca: {ca}, {pair}"),
            "unshown": ("asking", "localhost", "http1", f"ca: {ca}"), "no-h2": ("good", "localhost", "h2", f"ca: {ca}"),
            "silent": ("silent", "localhost", "http1", f"ca: {ca}"), "plain": ("plain", "localhost", "http1", f"ca: {ca}"),
            **{name: (name, "localhost", "http1", f"ca: {ca}") for name in self.scripted},
        }
        text = 'defaults: { timeouts: { connect: 1s } }\nlisteners: [{ name: web, bind: ["127.0.0.1:0"] }]\nroutes:\n'
        text += "".join(f"  - {{ match: {{ hosts: [{name}.test] }}, service: {name} }}\n" for name in [*pools, "checked", "checked-bad", "checked-h2"])
        text += "services:\n" + "".join(
            f'  {name}: {{ pools: {{ only: {{ targets: ["{host}:{ports[upstream]}"], protocol: {protocol}, tls: {{ {tls} }} }} }} }}\n'
            for name, (upstream, host, protocol, tls) in pools.items())
        health = "health: { path: /, interval: 100ms, timeout: 100ms, rise: 1, fall: 1 }"
        for name, upstream, protocol in (("checked", "good", "http1"), ("checked-bad", "wrong", "http1"), ("checked-h2", "h2", "h2")):
            text += (f'  {name}: {{ pools: {{ only: {{ targets: ["localhost:{ports[upstream]}"], protocol: {protocol}, tls: {{ ca: {ca} }} }} }}, {health} }}\n')
        self.run_with(text)
        self.web = self.port_of("web")

    def get(self, service, *words, path="/", codes=(0,)):
        return curl("--resolve", f"{service}.test:{self.web}:127.0.0.1", *words, f"http://{service}.test:{self.web}{path}", codes=codes)

    def says(self, service, *words):
        text = self.get(service, *words)
        saw = dict(line.partition("=")[::2] for line in text.splitlines())
        expect("protocol" in saw, service, text[:300])
        return saw

    def status(self, service):
        return self.get(service, "-o", "/dev/null", "-w", "%{http_code}")

    def is_refused(self, service, path):
        """502, nothing of the upstream comes through, and the operator can find out why."""
        expect((saw := self.get(service, "-o", "/dev/null", "-w", "%{http_code}", path=path)) == "502", service, saw)
        entry = self.lines(lambda entry: entry["target"] == path and entry["service"] == service)[0]
        expect(entry["termination"][0] == "U", entry)
        return entry


class Scripted:
    """A port with a thread for each connection."""

    def __init__(self):
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        with contextlib.suppress(OSError):
            while True:
                threading.Thread(target=self.one, args=(self.socket.accept()[0],), daemon=True).start()

    def one(self, raw):
        with contextlib.suppress(OSError), raw:
            self.serve(raw)


class Cut(Scripted):
    """Answers, and closes TCP without a close_notify."""

    def __init__(self, stage, answer, notifies=False):
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(f"{stage.folder}/good.crt", f"{stage.folder}/good.key")
        self.answer, self.notifies = answer, notifies
        super().__init__()

    def serve(self, raw):
        with self.context.wrap_socket(raw, server_side=True) as s:
            s.recv(65536)
            s.sendall(self.answer)
            if self.notifies:
                with contextlib.suppress(OSError):
                    s.unwrap()


class Silent(Scripted):
    """Takes what comes and says nothing."""

    def serve(self, raw):
        while raw.recv(65536):
            pass


def expired(stage):
    from front import expired
    expired(stage)


# MARK: - Whom it trusts


@check("an upstream that the given authority has signed is trusted; HTTP/1.1 and HTTP/2")
def _(stage):
    for service, protocol in (("good", "HTTP/1.1"), ("h2", "HTTP/2.0")):
        saw = stage.says(service)
        expect(saw["protocol"] == protocol and saw["version"] == "TLSv1.3" and saw["sni"] == "localhost", saw)
        expect(saw["host"] == f"{service}.test" and saw["proto"] == "http", saw)
    expect(stage.says("old")["version"] == "TLSv1.2")


@check("verification is on: unknown authority, another name, expired, self-signed are 502, and the reason is logged")
def _(stage):
    for service in ("system", "system-h2", "self", "wrong", "wrong-h2", "no-address", "expired"):
        stage.is_refused(service, f"/refused-{service}")
        # One line a second: it may have been another's turn.
        wait_until(lambda: stage.status(service) == "502" and f"{service}/only/" in stage.all_said(), f"no reason for {service} is said", 5)
        said = next(line for line in stage.all_said().splitlines() if f"{service}/only/" in line and "TLS" in line)
        expect("certificate" in said, said)


@check("server_name is both SNI and the name that is verified; an address has no SNI")
def _(stage):
    expect((saw := stage.says("named"))["sni"] == "wrong.test", saw)
    expect((saw := stage.says("address"))["sni"] == "", saw)


@check("verify: false trusts everybody who speaks TLS")
def _(stage):
    expect(stage.says("unverified")["protocol"] == "HTTP/1.1")


@check("min_version 1.3 refuses a target of 1.2; h2 refuses one that does not choose it; plain HTTP is none")
def _(stage):
    for service in ("modern", "no-h2", "plain"):
        stage.is_refused(service, f"/refused-{service}")


@check("a client certificate is shown to who asks")
def _(stage):
    for service in ("asking", "asking-h2"):
        saw = stage.says(service)
        expect(saw["verified"] == "SUCCESS" and "CN=client" in saw["client"], saw)
    expect(stage.status("unshown") == "400")


@check("a handshake that does not come ends at timeouts.connect")
def _(stage):
    began = time.monotonic()
    expect((saw := stage.status("silent")) in ("504", "502"), saw)
    expect(0.8 < time.monotonic() - began < 5)


# MARK: - Connections


@check("connections are used again, by HTTP/1.1 and HTTP/2")
def _(stage):
    for service in ("good", "h2"):
        seen = [stage.says(service) for _ in range(30)]
        kept = {saw["connection"] for saw in seen}
        expect(len(kept) <= 2, f"{service}: {len(kept)} connections for 30 requests of 2 loops")
        expect(stage.lines(lambda entry: entry["service"] == service and entry["reused"]))


@check("sessions resume on new connections, 1.2 and 1.3")
def _(stage):
    for service in ("closing", "closing12"):
        seen = [stage.says(service) for _ in range(12)]
        expect(len({saw["connection"] for saw in seen}) == 12, service)
        resumed = sum(saw["reused"] == "r" for saw in seen)
        expect(resumed >= 9, f"{service}: {resumed} of 12 resumed")  # each of two loops needs a first one


@check("8 MiB up and down")
def _(stage):
    large, back = f"{stage.folder}/large", f"{stage.folder}/back"
    with open(large, "wb") as f:
        f.write(data := os.urandom(8 << 20))
    for service in ("good", "h2"):
        for number, words in enumerate(([], ["-H", "Transfer-Encoding: chunked"], ["-H", "Expect: 100-continue"])):
            path = f"/up/{service}-{number}"
            expect((saw := stage.get(service, *words, "-T", large, "-o", "/dev/null", "-w", "%{http_code}", path=path)) == "201", service, words, saw)
            stage.get(service, "-o", back, path=path)
            expect(open(back, "rb").read() == data, service, "other bytes came back")


@check("who ends without close_notify has cut his answer, and the client is told")
def _(stage):
    expect(stage.get("end-close") == "hello")
    stage.get("cut-length", codes=(18, 56))
    # Without a length only close_notify tells an end from a cut (RFC 9112 §9.8).
    stage.get("cut-close", codes=(18, 56))


@check("checks go over TLS too, and judge the certificate")
def _(stage):
    def state(service):
        pool = stage.ask("GET", f"/v1/services/{service}")[1]["service"]["pools"][0]
        return pool["targets"][0]["health"]["state"]
    for service, wanted in (("checked", "healthy"), ("checked-bad", "unhealthy"), ("checked-h2", "healthy")):
        wait_until(lambda: state(service) == wanted, f"{service} is not {wanted}", 5)
    expect(stage.says("checked")["version"] == "TLSv1.3" and stage.status("checked-bad") == "503")


@check("a reload with other TLS settings makes other connections; an unchanged target keeps its own")
def _(stage):
    before = stage.says("good")["connection"]
    with open(stage.configuration) as f:
        text = f.read()
    with open(stage.configuration, "w") as f:
        f.write(text.replace("server_name: wrong.test", "server_name: elsewhere.test"))
    stage.order("/v1/reload")
    kept = {stage.says("good")["connection"] for _ in range(10)}
    expect(before in kept, "the unchanged target's connection is gone")
    expect(stage.status("named") == "502", "the name is not verified again")


if __name__ == "__main__":
    with BackStage() as stage:
        good = check.play(sys.argv[1:], stage)
    sys.exit(0 if good else 1)
