"""The PROXY protocol, in and out: raw bytes and HAProxy in front, nginx behind.

    proxy_header.py [WORD ...]
"""
import interpreter  # noqa: F401, I001

import contextlib
import os
import socket
import ssl
import struct
import sys
import time

import frames
from fronts import haproxy
from scene import Checks, Material, Scene, curl, expect, free_port, nginx, wait_for, wait_until

check = Checks()
REQUEST = b"GET / HTTP/1.1\r\nHost: shop.test\r\n\r\n"
SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"


class HeaderStage(Scene):
    def __init__(self):
        super().__init__()
        self.material = Material(self.folder)
        pair = self.material.make("shop", "DNS:shop.test,DNS:localhost")
        names = ["web", "out", "secure"]
        up = self.up = {name: free_port() for name in names}
        says = "address=$proxy_protocol_addr\\nport=$proxy_protocol_port\\nto=$proxy_protocol_server_addr:$proxy_protocol_server_port\\nconnection=$connection\\nfor=$http_x_forwarded_for\\n"
        nginx(self, "upstream", f"""
server {{ listen 127.0.0.1:{up['web']}; location / {{ return 200 "for=$http_x_forwarded_for\\nproto=$http_x_forwarded_proto\\nforwarded=$http_forwarded\\n"; }} }}
server {{ listen 127.0.0.1:{up['out']} proxy_protocol; location / {{ return 200 "{says}"; }} }}
server {{ listen 127.0.0.1:{up['secure']} ssl proxy_protocol; ssl_certificate {pair.cert}; ssl_certificate_key {pair.key}; location / {{ return 200 "{says}"; }} }}
""")
        wait_for(*(up[name] for name in ("web", "out", "secure")))
        ca, files = self.material.ca.cert, f"cert: {pair.cert}, key: {pair.key}"
        health = "health: { path: /, interval: 100ms, timeout: 100ms, rise: 1, fall: 1 }"

        def pool(port, more):
            return f"pools: {{ only: {{ targets: [\"localhost:{port}\"], {more} }} }}"
        routes = {"v1": pool(up["out"], "proxy_protocol: v1"), "v2": pool(up["out"], "proxy_protocol: v2"),
                  "v1-tls": pool(up["secure"], f"proxy_protocol: v1, tls: {{ ca: {ca} }}"), "v2-tls": pool(up["secure"], f"proxy_protocol: v2, tls: {{ ca: {ca} }}"),
                  "v1-checked": pool(up["out"], "proxy_protocol: v1") + f", {health}", "v2-checked": pool(up["out"], "proxy_protocol: v2") + f", {health}"}
        self.routes = list(routes)
        self.body = (f"""
defaults: {{ timeouts: {{ request_header: 1s }} }}
listeners:
  - {{ name: plain, bind: ["127.0.0.1:0", "[::1]:0"] }}
  - {{ name: header, bind: ["127.0.0.1:0"], proxy_protocol: true }}
  - {{ name: h2c, bind: ["127.0.0.1:0"], proxy_protocol: true, protocols: [h2c, http/1.1] }}
  - {{ name: tls, bind: ["127.0.0.1:0"], proxy_protocol: true, tls: {{ certificates: [{{ {files} }}] }} }}
routes:
""" + "".join(f"  - {{ match: {{ hosts: [{name}.test] }}, service: {name} }}\n" for name in routes) + "services:\n"
            + f"  web: {{ pools: {{ only: {{ targets: [\"127.0.0.1:{up['web']}\"] }} }} }}\n" + "".join(f"  {n}: {{ {s} }}\n" for n, s in routes.items()))
        self.run_with(self.body)
        self.ports, self.port6 = {}, None
        for entry in self.ask("GET", "/v1/status")[1]["listeners"]:
            port = int(entry["address"].rpartition(":")[2])
            if entry["address"].startswith("["):
                self.port6 = port
            else:
                self.ports[entry["name"]] = port

    def send(self, listener, *parts, pause=0.0):
        """What is answered to these bytes; each part is a segment of its own."""
        with socket.create_connection(("127.0.0.1", self.ports[listener]), 5) as s:
            s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return converse(s, *parts, pause=pause)

    def get(self, service, source=None, port=None, host=None):
        port = port or self.ports["plain"]
        words = ["--interface", source] if source else []
        text = curl(*words, "--resolve", f"{service}.test:{port}:{host or '127.0.0.1'}", f"http://{service}.test:{port}/")
        return fields(text)


def converse(s, *parts, pause=0.0):
    answer = b""
    s.settimeout(5)
    with contextlib.suppress(ConnectionError, ssl.SSLError):
        for part in parts:
            s.sendall(part)
            time.sleep(pause)
        while part := s.recv(65536):
            answer += part
            head, end, body = answer.partition(b"\r\n\r\n")
            if end and b"Content-Length: %d\r\n" % len(body) in head + b"\r\n":
                break
    return answer


def fields(text):
    text = text if isinstance(text, str) else text.decode("latin-1")
    return dict(line.partition("=")[::2] for line in text.splitlines())


def v1(source="192.0.2.7", port=4711, kind="TCP4", to="192.0.2.1"):
    return f"PROXY {kind} {source} {to} {port} 443\r\n".encode()


def v2(source="192.0.2.7", port=4711, command=1, family=0x11, to="192.0.2.1", more=b""):
    if family >> 4 == 1:
        addresses = socket.inet_aton(source) + socket.inet_aton(to) + struct.pack("!HH", port, 443)
    elif family >> 4 == 2:
        addresses = socket.inet_pton(socket.AF_INET6, source) + socket.inet_pton(socket.AF_INET6, to) + struct.pack("!HH", port, 443)
    elif family >> 4 == 3:
        addresses = source.encode().ljust(108, b"\0") + to.encode().ljust(108, b"\0")
    else:
        addresses = b""
    addresses += more
    return SIGNATURE + bytes([0x20 | command, family]) + struct.pack("!H", len(addresses)) + addresses


# MARK: - In


@check("v1 and v2 tell the client's address, to upstream and log; in one segment, in many, byte by byte")
def _(stage):
    tlv = b"\x04" + struct.pack("!H", 3) + b"\0\0\0" + b"\xe0" + struct.pack("!H", 500) + b"x" * 500
    for number, (header, wanted) in enumerate((
            (v1(f"192.0.2.{9}"), "192.0.2.9"), (v2("192.0.2.10"), "192.0.2.10"), (v2("192.0.2.11", more=tlv), "192.0.2.11"),
            (v1("2001:db8::7", kind="TCP6", to="2001:db8::1"), "2001:db8::7"), (v2("2001:db8::8", family=0x21, to="2001:db8::1"), "2001:db8::8"))):
        expect(wanted in (saw := fields(stage.send("header", header + REQUEST)))["for"], number, "in one", saw)
        expect(wanted in (saw := fields(stage.send("header", header, REQUEST, pause=0.05)))["for"], number, "in two", saw)
        every = [bytes([byte]) for byte in header[:60]] + [header[60:] + REQUEST[:3], REQUEST[3:]]
        saw = fields(stage.send("header", *every, pause=0.002))
        expect(wanted in saw["for"] and wanted in saw["forwarded"], number, "byte by byte", saw)
        stage.lines(lambda entry: entry["client"] == wanted and entry["listener"] == "header")


@check("LOCAL and UNKNOWN leave the peer's own address; a Unix socket has none")
def _(stage):
    for header in (v2(command=0), v2(command=0, family=0), v2(command=1, family=0), b"PROXY UNKNOWN\r\n", b"PROXY UNKNOWN ff::1 ff::2 1 2\r\n",
                   v2("/tmp/a", family=0x31, to="/tmp/b")):
        saw = stage.send("header", header + REQUEST)
        expect(fields(saw).get("for") == ("unix:" if b"/tmp/a" in header else "127.0.0.1"), header[:40], saw)


@check("a connection carries its address for every request on it")
def _(stage):
    with socket.create_connection(("127.0.0.1", stage.ports["header"]), 5) as s:
        s.sendall(v1("192.0.2.20"))
        for _ in range(5):
            expect("192.0.2.20" in fields(converse(s, REQUEST))["for"])


@check("what is no header is refused without a word of the upstream; nothing is read twice")
def _(stage):
    bad = [REQUEST, v1(port=65536) + REQUEST, v1(port=-1) + REQUEST, v1("1.2.3") + REQUEST, v1(kind="TCP5") + REQUEST, v1("::1") + REQUEST, b"PROXY TCP4 1.2.3.4\r\n" + REQUEST,
           b"PROXY  TCP4 1.2.3.4 1.2.3.5 1 2\r\n" + REQUEST, b"PROXY " + b"x" * 200 + b"\r\n" + REQUEST, b"PROXY TCP4 1.2.3.4 1.2.3.5 1 2\n" + REQUEST,
           SIGNATURE + b"\x31\x11\0\x0c" + b"\0" * 12 + REQUEST, SIGNATURE + b"\x22\x11\0\x0c" + b"\0" * 12 + REQUEST, SIGNATURE + b"\x21\x11\0\x04" + b"\0" * 4 + REQUEST,
           SIGNATURE + b"\x21\x11\xff\xff" + b"\0" * 100, b"\r\n\r\n\0\r\nQUIX\n\x21\x11\0\x0c" + b"\0" * 12 + REQUEST, b"PROXX TCP4" + REQUEST, b"\0" * 300]
    for sent in bad:
        began = time.monotonic()
        saw = stage.send("header", sent)
        expect(b" 200 " not in saw and b"for=" not in saw and time.monotonic() - began < 4, sent[:60], saw[:80])
    # A second header is no header: it stands where a request must.
    saw = stage.send("header", v1() + v1("192.0.2.66") + REQUEST)
    expect(b"HTTP/1.1 400" in saw[:20] or not saw, saw[:60])


@check("a header that does not come is not waited for without end")
def _(stage):
    for sent in (b"", b"PROXY TCP4 1.2", SIGNATURE + b"\x21\x11\0\x0c\0"):
        began = time.monotonic()
        saw = stage.send("header", sent)
        took = time.monotonic() - began
        expect(0.5 < took < 4 and b" 200 " not in saw, sent, saw[:60], f"after {took:.1f} s")


@check("by a listener without it a header is a bad request")
def _(stage):
    for header in (v1(), v2()):
        saw = stage.send("plain", header + REQUEST)
        expect(saw.startswith(b"HTTP/1.1 400") and b"192.0.2.7" not in saw.partition(b"\r\n\r\n")[2], saw[:80])


@check("with TLS and HTTP/2 behind it")
def _(stage):
    for protocols in (["http/1.1"], ["h2"]):
        raw = socket.create_connection(("127.0.0.1", stage.ports["tls"]), 5)
        raw.sendall(v2("192.0.2.30"))
        context = ssl.create_default_context(cafile=stage.material.ca.cert)
        context.set_alpn_protocols(protocols)
        with context.wrap_socket(raw, server_hostname="shop.test") as s:
            expect(s.selected_alpn_protocol() == protocols[0])
            if protocols == ["http/1.1"]:
                saw = fields(converse(s, REQUEST))
                expect("192.0.2.30" in saw["for"] and saw["proto"] == "https", saw)
    with frames.Client(stage.ports["h2c"], opens=False) as client:
        client.socket.sendall(v1("192.0.2.31"))
        client.h2.initiate_connection()
        client.flush()
        stream = client.request([(":method", "GET"), (":scheme", "http"), (":authority", "shop.test"), (":path", "/")])
        saw = fields(bytes(client.answer(stream).body))
        expect("192.0.2.31" in saw["for"], saw)
    saw = fields(stage.send("h2c", v1("192.0.2.32") + REQUEST))
    expect("192.0.2.32" in saw["for"], "HTTP/1.1 beside h2c", saw)


@check("HAProxy in front: send-proxy and send-proxy-v2, plain and with TLS passed through")
def _(stage):
    ports = {name: free_port() for name in ("v1", "v2", "tls1", "tls2")}
    haproxy(stage, "".join(
        f"listen {name}\n  mode tcp\n  bind 127.0.0.1:{port}\n  server s 127.0.0.1:{stage.ports['tls' if 'tls' in name else 'header']}"
        f" {'send-proxy-v2' if '2' in name else 'send-proxy'}\n" for name, port in ports.items()))
    wait_for(*ports.values())
    for name, port in ports.items():
        for number in range(2, 5):
            source = f"127.0.0.{number}"
            scheme = "https" if "tls" in name else "http"
            saw = fields(curl("--interface", source, "--cacert", stage.material.ca.cert, "--resolve", f"shop.test:{port}:127.0.0.1", f"{scheme}://shop.test:{port}/"))
            expect(saw["for"] == source and saw["proto"] == scheme, name, source, saw)


@check("trusted_proxies bounds who may tell an address")
def _(stage):
    with Scene() as other:
        other.run_with("trusted_proxies: [\"127.0.0.2/32\"]\n" + stage.body)
        port = other.port_of("header")

        def send(source, *parts):
            with socket.socket() as s:
                s.bind((source, 0))
                s.settimeout(5)
                s.connect(("127.0.0.1", port))
                return converse(s, *parts)
        saw = fields(send("127.0.0.2", v1("192.0.2.40") + REQUEST))
        expect("192.0.2.40" in saw.get("for", ""), "trusted", saw)
        saw = send("127.0.0.3", v1("192.0.2.41") + REQUEST)
        expect(b"192.0.2.41" not in saw and b" 200 " not in saw, "untrusted", saw[:100])


# MARK: - Out


@check("v1 and v2 to nginx tell the client's address, also before TLS")
def _(stage):
    for service in ("v1", "v2", "v1-tls", "v2-tls"):
        saw = stage.get(service, "127.0.0.5")
        expect(saw["address"] == "127.0.0.5" and saw["for"] == "127.0.0.5" and int(saw["port"]) > 0, service, saw)
        expect(saw["to"] == f"127.0.0.1:{stage.ports['plain']}", service, saw)


@check("a connection carries one client's requests alone")
def _(stage):
    for service in ("v1", "v2", "v1-tls", "v2-tls"):
        def client(source):
            s = socket.socket()
            s.bind((source, 0))
            s.connect(("127.0.0.1", stage.ports["plain"]))
            return s
        clients = {f"127.0.0.{n}": client(f"127.0.0.{n}") for n in range(10, 16)}
        seen = {}
        for _ in range(5):
            for source, s in clients.items():
                saw = fields(converse(s, f"GET / HTTP/1.1\r\nHost: {service}.test\r\n\r\n".encode()))
                expect(saw.get("address") == source, service, source, saw)
                expect(int(saw["port"]) == s.getsockname()[1], service, "the port of another connection", saw)
                expect(seen.setdefault(saw["connection"], source) == source, service, "a connection of", seen[saw["connection"]], "for", source)
        for s in clients.values():
            s.close()


@check("IPv6 clients are told as such; an address from a PROXY header in goes out again")
def _(stage):
    if stage.port6:
        for service in ("v1", "v2"):
            saw = stage.get(service, port=stage.port6, host="[::1]")
            expect(saw["address"] == "::1", service, saw)
    for service in ("v1", "v2", "v2-tls"):
        for header, wanted in ((v1("192.0.2.50", 5050), "192.0.2.50"), (v2("192.0.2.51", 5050), "192.0.2.51"), (v2("2001:db8::52", 5050, family=0x21, to="2001:db8::1"), "2001:db8::52")):
            saw = fields(stage.send("header", header + f"GET / HTTP/1.1\r\nHost: {service}.test\r\n\r\n".encode()))
            expect(saw.get("address") == wanted and saw["port"] == "5050", service, wanted, saw)


@check("checks say the header as well")
def _(stage):
    for service in ("v1-checked", "v2-checked"):
        def health():
            return stage.ask("GET", f"/v1/services/{service}")[1]["service"]["pools"][0]["targets"][0]["health"]["state"]
        wait_until(lambda: health() == "healthy", f"{service} is not healthy", 5)
        expect(stage.get(service, "127.0.0.6")["address"] == "127.0.0.6")


if __name__ == "__main__":
    with HeaderStage() as stage:
        good = check.play(sys.argv[1:], stage)
    sys.exit(0 if good else 1)
