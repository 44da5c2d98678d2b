"""TLS towards clients: curl, `openssl s_client` and Python's ssl against the real binary.

    front.py [--front sluice|haproxy] [WORD ...]
"""
import interpreter  # noqa: F401, I001

import argparse
import base64
import contextlib
import hashlib
import os
import re
import socket
import ssl
import subprocess
import sys
import time

from fronts import bundle, haproxy
from scene import BINARY, Checks, Failure, Material, Scene, curl, expect, nginx, openssl, free_port, wait_for, wait_until

check = Checks()
HEADS = """
  server {{ listen 127.0.0.1:{port};
    location / {{
      return 200 "host=$host\\nproto=$http_x_forwarded_proto\\nforwarded=$http_forwarded\\nfor=$http_x_forwarded_for\\ncert=$http_client_cert\\nchain=$http_client_cert_chain\\nprotocol=$server_protocol\\n";
    }}
    location /up/ {{ root {folder}; dav_methods PUT; create_full_put_path on; }}
    location /stream {{ return 200 "{long}"; }}
  }}
"""


class FrontStage(Scene):
    def __init__(self, kind="sluice"):
        super().__init__()
        m = self.material = Material(self.folder)
        m.make("ca2", None, by=None)
        self.pairs = {
            "default": m.make("default", "DNS:default.test"), "shop": m.make("shop", "DNS:shop.test,DNS:www.shop.test"),
            "shop-rsa": m.make("shop-rsa", "DNS:shop.test,DNS:www.shop.test", kind="rsa"), "wild": m.make("wild", "DNS:*.shop.test")}
        self.client = m.make("client", "DNS:client.test")
        self.stranger = m.make("stranger", "DNS:client.test", by="ca2")
        self.staple = f"{self.folder}/default.ocsp"
        self.make_staple("default", self.staple)
        # This one changes while the scene is played.
        m.make("turn-0", "DNS:turn.test", file="turn")
        self.upstream = free_port()
        os.makedirs(f"{self.folder}/files/up", exist_ok=True)
        nginx(self, "upstream", HEADS.format(port=self.upstream, folder=f"{self.folder}/files", long="x" * 2000))
        wait_for(self.upstream)
        getattr(self, f"play_{kind}")()

    def play_sluice(self):
        self.run_with(self.yaml())
        self.ports = {entry["name"]: int(entry["address"].rpartition(":")[2]) for entry in self.ask("GET", "/v1/status")[1]["listeners"]}

    def play_haproxy(self):
        """What it can do of all this."""
        names = ["web", "h1", "modern", "required", "optional", "plain", "redirect", "redirect-8443"]
        self.ports = {name: free_port() for name in names}
        shop, text = bundle(self.pairs["shop"]), ""
        with open(f"{shop}.list", "w") as f:
            f.write("".join(f"{bundle(self.pairs[n])}\n" for n in ("default", "shop", "shop-rsa", "wild")))
        more = {
            "web": f"ssl crt-list {shop}.list alpn h2,http/1.1 ssl-min-ver TLSv1.2", "h1": f"ssl crt {shop} alpn http/1.1",
            "modern": f"ssl crt {shop} ssl-min-ver TLSv1.3", "required": f"ssl crt {shop} ca-file {self.material.ca.cert} verify required",
            "optional": f"ssl crt {shop} ca-file {self.material.ca.cert} verify optional"}
        for name in names:
            secure = name in more
            text += f"frontend {name}\n  bind 127.0.0.1:{self.ports[name]} {more.get(name, '')}\n  default_backend b\n"
            text += "  http-request del-header client-cert\n  http-request del-header client-cert-chain\n  option forwardfor\n"
            text += f"  http-request set-header X-Forwarded-Proto {'https' if secure else 'http'}\n"
            text += f"  http-request set-header Forwarded proto={'https' if secure else 'http'}\n"
            if name in ("required", "optional"):
                text += "  http-request set-header Client-Cert :%[ssl_c_der,base64]: if { ssl_c_used }\n"
            if name == "web":
                text += "  http-after-response set-header Strict-Transport-Security \"max-age=2592000; includeSubDomains\"\n"
            if name.startswith("redirect"):
                text += f"  http-request redirect code 308 location https://%[hdr(host),field(1,:)]{':8443' if '-' in name else ''}%[capture.req.uri]\n"
        haproxy(self, text + f"backend b\n  server s 127.0.0.1:{self.upstream}\n")
        wait_for(*self.ports.values())

    def yaml(self, more=""):
        def file(pair, ocsp=""):
            return f"{{ cert: {pair.cert}, key: {pair.key}{ocsp} }}"
        several = ", ".join([file(self.pairs["default"], f", ocsp: {self.staple}")] + [file(self.pairs[n]) for n in ("shop", "shop-rsa", "wild")])
        one = file(self.pairs["shop"])
        turn = f"{{ cert: {self.folder}/turn.crt, key: {self.folder}/turn.key }}"
        ca = self.material.ca.cert

        def listener(name, tls, rest=""):
            return f"  - {{ name: {name}, bind: [\"127.0.0.1:0\"], tls: {{ {tls} }}{rest} }}\n"
        return ("listeners:\n"
                + listener("web", f"certificates: [{several}], hsts: {{ max_age: 30d, include_subdomains: true }}")
                + listener("h1", f"certificates: [{one}]", ", protocols: [http/1.1]")
                + listener("modern", f"certificates: [{one}], min_version: \"1.3\"")
                + listener("required", f"certificates: [{one}], client_ca: {ca}")
                + listener("optional", f"certificates: [{one}], client_ca: {ca}, client_auth: optional")
                + listener("hurried", f"certificates: [{one}], handshake_timeout: 1s")
                + listener("limited", f"certificates: [{one}], handshakes_per_client: 5")
                + listener("turn", f"certificates: [{turn}]")
                + '  - { name: plain, bind: ["127.0.0.1:0"] }\n'
                + '  - { name: redirect, bind: ["127.0.0.1:0"], redirect_to_https: true }\n'
                + '  - { name: redirect-8443, bind: ["127.0.0.1:0"], redirect_to_https: 8443 }\n'
                + more
                + f'routes:\n  - {{ match: {{ path: /nobody }}, service: nobody }}\nservices:\n'
                + f'  shop: {{ pools: {{ only: {{ targets: ["127.0.0.1:{self.upstream}"] }} }} }}\n'
                + f'  nobody: {{ pools: {{ only: {{ targets: ["127.0.0.1:{free_port()}"] }} }} }}\n')

    def make_staple(self, name, path):
        """An OCSP response by the authority, as a responder would give it."""
        pair, ca = self.pairs[name], self.material.ca
        serial = openssl("x509", "-in", pair.cert, "-noout", "-serial").decode().strip().partition("=")[2]
        with open(f"{self.folder}/index", "w") as f:
            f.write(f"V\t351231235959Z\t\t{serial}\tunknown\t/CN={name}\n")
        openssl("ocsp", "-issuer", ca.cert, "-cert", pair.cert, "-reqout", f"{self.folder}/ocsp.req")
        openssl("ocsp", "-index", f"{self.folder}/index", "-CA", ca.cert, "-rsigner", ca.cert, "-rkey", ca.key, "-ndays", "1",
                "-reqin", f"{self.folder}/ocsp.req", "-respout", path)

    # MARK: Clients

    def curl(self, listener, host, path="/", *words, codes=(0,)):
        scheme = "http" if listener in ("plain", "redirect", "redirect-8443") else "https"
        trusted = ["--cacert", self.material.ca.cert] if scheme == "https" else []
        port = self.ports[listener]
        return curl(*trusted, "--resolve", f"{host}:{port}:127.0.0.1", *words, f"{scheme}://{host}:{port}{path}", codes=codes)

    def s_client(self, listener, *words, send="", codes=(0,)):
        done = subprocess.run(["openssl", "s_client", "-connect", f"127.0.0.1:{self.ports[listener]}", "-CAfile", self.material.ca.cert, *words],
                              input=send.encode(), capture_output=True, timeout=10)
        text = done.stdout.decode("latin-1") + done.stderr.decode("latin-1")
        expect(codes is None or done.returncode in codes, "s_client", words, done.returncode, text[-1500:])
        return text

    def name_in(self, listener, *words):
        """CN of the certificate that was shown."""
        found = re.search(r"subject=.*?CN\s*=\s*([\w.*-]+)", self.s_client(listener, *words))
        expect(found, "no certificate")
        return found[1]

    def context(self, alpn=("http/1.1",)):
        context = ssl.create_default_context(cafile=self.material.ca.cert)
        context.set_alpn_protocols(list(alpn))
        return context

    def connect(self, listener, name="shop.test", **more):
        raw = socket.create_connection(("127.0.0.1", self.ports[listener]), 10)
        return self.context(**more).wrap_socket(raw, server_hostname=name, suppress_ragged_eofs=False)


def fields(text):
    return dict(line.partition("=")[::2] for line in text.splitlines())


# MARK: - Which certificate


@check("SNI chooses: exact before wildcard, in any case; else the first certificate")
def _(stage):
    for name, wanted in (("shop.test", "shop"), ("WWW.Shop.Test", "shop"), ("a.shop.test", "wild"), ("b.shop.test", "wild"),
                         ("default.test", "default"), ("other.example", "default"), ("a.b.shop.test", "default"), ("test", "default")):
        expect((saw := stage.name_in("web", "-servername", name)) == wanted, name, saw)
    expect((saw := stage.name_in("web", "-noservername")) == "default", "without a name", saw)


@check("RSA and ECDSA side by side: the client's algorithms choose")
def _(stage):
    for words, wanted in ((["-tls1_2", "-cipher", "ECDHE-RSA-AES128-GCM-SHA256"], "shop-rsa"),
                          (["-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-GCM-SHA256"], "shop"),
                          (["-tls1_3", "-sigalgs", "rsa_pss_rsae_sha256"], "shop-rsa"), (["-tls1_3", "-sigalgs", "ecdsa_secp256r1_sha256"], "shop")):
        expect((saw := stage.name_in("web", "-servername", "shop.test", *words)) == wanted, words, saw)


@check("1.2 and 1.3 are spoken, 1.1 and 1.0 are not; min_version 1.3 refuses 1.2; no weak ciphers")
def _(stage):
    for listener in ("web", "h1"):
        for words in (["--tlsv1.2", "--tls-max", "1.2"], ["--tlsv1.3"]):
            expect("proto=https" in stage.curl(listener, "shop.test", "/", *words))
    for words in (["-tls1_1"], ["-tls1"]):
        text = stage.s_client("web", *words, "-cipher", "ALL:@SECLEVEL=0", codes=(1,))
        expect("alert protocol version" in text, words, text[-500:])
    stage.curl("modern", "shop.test", "/", "--tlsv1.2", "--tls-max", "1.2", codes=(35,))
    expect("proto=https" in stage.curl("modern", "shop.test", "/", "--tlsv1.3"))
    for cipher in ("AES128-SHA", "AES256-GCM-SHA384", "NULL", "3DES", "RC4", "ECDHE-ECDSA-AES128-SHA"):
        text = stage.s_client("web", "-tls1_2", "-servername", "shop.test", "-cipher", f"{cipher}:@SECLEVEL=0", codes=None)
        expect("Cipher is (NONE)" in text or "no cipher match" in text, cipher, text[-300:])


@check("ALPN: h2, http/1.1, none; no_application_protocol where nothing fits")
def _(stage):
    for listener, offer, wanted in (("web", "h2,http/1.1", "h2"), ("web", "http/1.1,h2", "h2"), ("web", "http/1.1", "http/1.1"), ("web", "h2", "h2"),
                                    ("h1", "h2,http/1.1", "http/1.1"), ("web", "foo,http/1.1", "http/1.1")):
        for version in ("-tls1_2", "-tls1_3"):
            expect(f"ALPN protocol: {wanted}\n" in stage.s_client(listener, version, "-alpn", offer), listener, offer, version)
    for listener, offer in (("web", "foo"), ("h1", "h2"), ("web", "http/1.0")):
        text = stage.s_client(listener, "-alpn", offer, codes=(1,))
        expect("no application protocol" in text, listener, offer, text[-500:])
    expect("No ALPN negotiated" in stage.s_client("web"))
    expect("proto=https" in stage.curl("web", "shop.test", "/", "--no-alpn"))
    with stage.connect("web", alpn=("http/1.1",)) as s:
        s.sendall(b"GET / HTTP/1.1\r\nHost: shop.test\r\nConnection: close\r\n\r\n")
        expect(s.recv(12) == b"HTTP/1.1 200")


@check("an OCSP response from a file is stapled for who asks")
def _(stage):
    for version in ("-tls1_2", "-tls1_3"):
        text = stage.s_client("web", version, "-servername", "default.test", "-status")
        expect("OCSP Response Status: successful" in text and "Cert Status: good" in text, version, text[:600])
    expect("OCSP response: no response sent" in stage.s_client("web", "-servername", "shop.test", "-status"))


# MARK: - Client certificates


def certificate(pair):
    der = ssl.PEM_cert_to_DER_cert(open(pair.cert).read())
    return ":" + base64.b64encode(der).decode() + ":"


@check("client certificates: required, optional, refused; forwarded as Client-Cert (RFC 9440)")
def _(stage):
    good = ["--cert", stage.client.cert, "--key", stage.client.key]
    stranger = ["--cert", stage.stranger.cert, "--key", stage.stranger.key]
    for listener in ("required", "optional"):
        for version in (["--tls-max", "1.2"], ["--tlsv1.3"]):
            expect(fields(stage.curl(listener, "shop.test", "/", *good, *version))["cert"] == certificate(stage.client), listener, version)
            expect("proto" not in stage.curl(listener, "shop.test", "/", *stranger, *version, codes=(35, 52, 55, 56)), "a stranger", listener, version)
    for version in (["--tls-max", "1.2"], ["--tlsv1.3"]):
        expect("proto" not in stage.curl("required", "shop.test", "/", *version, codes=(35, 52, 55, 56)), "none", version)
        expect(fields(stage.curl("optional", "shop.test", "/", *version))["cert"] == "", "none", version)


@check("a client's own Client-Cert and Client-Cert-Chain are removed, on every listener and protocol")
def _(stage):
    forged = ["-H", "Client-Cert: :Zm9yZ2Vk:", "-H", "Client-Cert-Chain: :Zm9yZ2Vk:", "-H", "client-cert: :YWdhaW4=:"]
    good = ["--cert", stage.client.cert, "--key", stage.client.key]
    for listener in ("optional", "web", "plain"):
        for protocol in ["--http1.1"] + (["--http2"] if listener != "plain" else []):
            saw = fields(stage.curl(listener, "shop.test", "/", protocol, *forged))
            expect(saw["cert"] == "" and saw["chain"] == "", listener, protocol, saw)
    saw = fields(stage.curl("required", "shop.test", "/", *good, *forged))
    expect(saw["cert"] == certificate(stage.client) and "Zm9yZ2Vk" not in saw["chain"], saw)


# MARK: - Resumption


def session_is_resumed(stage, listener, path, *words):
    return "\nReused, TLS" in stage.s_client(listener, "-sess_in", path, *words)


def keep_session(stage, listener, path, *words):
    # With 1.3 a ticket comes behind the handshake: one answer makes sure that it has come.
    text = stage.s_client(listener, "-sess_out", path, "-ign_eof", *words, send="GET / HTTP/1.1\r\nHost: shop.test\r\nConnection: close\r\n\r\n")
    expect("\nNew, TLS" in text and os.path.exists(path), text[-500:])
    return text


@check("tickets resume on every loop, over a reload and an upgrade; no early data")
def _(stage):
    paths = {}
    for version in ("-tls1_2", "-tls1_3"):
        paths[version] = f"{stage.folder}/session{version}"
        text = keep_session(stage, "h1", paths[version], version, "-servername", "shop.test")
        expect("Max Early Data: 0" in text or "Max Early Data" not in text, "early data is offered")
    words = ["-servername", "shop.test"]
    for number in range(8):
        for version, path in paths.items():
            expect(session_is_resumed(stage, "h1", path, version, *words), version, "turn", number)
    expect(stage.order("/v1/reload") is not None)
    for version, path in paths.items():
        expect(session_is_resumed(stage, "h1", path, version, *words), version, "after a reload")
    stage.upgrade()
    for version, path in paths.items():
        expect(session_is_resumed(stage, "h1", path, version, *words), version, "after an upgrade")


@check("a session of one listener is no way round the client certificate of another")
def _(stage):
    path = f"{stage.folder}/session-other"
    for version in ("-tls1_2", "-tls1_3"):
        keep_session(stage, "h1", path, version, "-servername", "shop.test")
        text = stage.s_client("required", version, "-sess_in", path, "-ign_eof", codes=None, send="GET / HTTP/1.1\r\nHost: shop.test\r\nConnection: close\r\n\r\n")
        expect("HTTP/1.1 200" not in text, version)


# MARK: - Requests


@check("the upstream is told https, by every protocol; log and page are as ever")
def _(stage):
    for words, protocol in (["--http1.1"], "HTTP/1.1"), (["--http2"], "HTTP/2"):
        saw = fields(stage.curl("web", "shop.test", "/?told=" + protocol, *words, "-H", "X-Forwarded-Proto: http"))
        expect(saw["proto"] == "https" and "proto=https" in saw["forwarded"] and saw["host"] == "shop.test" and saw["for"] == "127.0.0.1", saw)
        entry = stage.lines(lambda entry: entry["target"].endswith("told=" + protocol))[0]
        expect(entry["protocol"].startswith(protocol) and entry["status"] == 200 and entry["listener"] == "web", entry)
    saw = fields(stage.curl("plain", "shop.test"))
    expect(saw["proto"] == "http" and "proto=http" in saw["forwarded"] and "https" not in saw["forwarded"], saw)


@check("8 MiB up and down, unchanged, by each version and protocol")
def _(stage):
    large, back = f"{stage.folder}/large", f"{stage.folder}/back"
    with open(large, "wb") as f:
        f.write(data := os.urandom(8 << 20))
    digest = hashlib.sha256(data).digest()
    for number, words in enumerate((["--http1.1", "--tls-max", "1.2"], ["--http1.1"], ["--http2", "--tls-max", "1.2"], ["--http2"],
                                    ["--http2", "-H", "Expect: 100-continue"], ["--http1.1", "-H", "Transfer-Encoding: chunked"])):
        code = stage.curl("web", "shop.test", f"/up/{number}", *words, "-T", large, "-o", "/dev/null", "-w", "%{http_code}")
        expect(code == "201", words, code)
        stage.curl("web", "shop.test", f"/up/{number}", *words[:1], "-o", back)
        expect(hashlib.sha256(open(back, "rb").read()).digest() == digest, words, "other bytes came back")


@check("HEAD, ranges, conditions, missing files and the proxy's own errors by HTTP/2")
def _(stage):
    with open(f"{stage.folder}/files/up/hello.txt", "w") as f:
        f.write("hello\n")
    get = lambda *words, path="/up/hello.txt": stage.curl("web", "shop.test", path, "--http2", *words)  # noqa: E731
    head = get("-I").lower()
    expect(head.startswith("http/2 200") and "content-length: 6" in head and "connection:" not in head and "keep-alive" not in head, head)
    expect(get("-r", "1-3", "-w", " %{http_code} %{http_version}") == "ell 206 2")
    etag = re.search(r"etag: (\S+)", head)[1]
    expect(get("-H", f"If-None-Match: {etag}", "-w", "%{http_code}") == "304")
    expect(get("-o", "/dev/null", "-w", "%{http_code}", path="/up/missing") == "404")
    expect(get("-o", "/dev/null", "-w", "%{http_code}", path="/nobody") in ("502", "503"))
    expect(get("-w", "%{http_code}", "-X", "DELETE", "-o", "/dev/null") == "405")
    cookies = get("-H", "Cookie: a=1; b=2", "-H", f"X-Long: {'y' * 20000}", "-o", "/dev/null", "-w", "%{http_code}", path="/")
    expect(cookies in ("200", "400"), cookies)  # 400: nginx's own bound on one field


@check("100 requests by one connection, h1 and h2; a dozen at once by h2")
def _(stage):
    for protocol in ("--http1.1", "--http2"):
        port = stage.ports["web"]
        words = ["--cacert", stage.material.ca.cert, "--resolve", f"shop.test:{port}:127.0.0.1", protocol, "-o", "/dev/null", "-w", "%{http_code}%{num_connects} "]
        saw = curl(*words, f"https://shop.test:{port}/stream?[1-100]").split()
        expect(saw == ["2001"] + ["2000"] * 99, protocol, saw[:5])
        saw = curl(*words, "-Z", "--parallel-max", "12", f"https://shop.test:{port}/stream?[1-100]").split()
        expect(len(saw) == 100 and all(s.startswith("200") for s in saw), protocol, saw[:20])


@check("HSTS on every answer of its listener, the proxy's own too, and on no other")
def _(stage):
    for path, protocol in (("/", "--http1.1"), ("/", "--http2"), ("/nobody", "--http1.1"), ("/nobody", "--http2")):
        head = stage.curl("web", "shop.test", path, protocol, "-D", "-", "-o", "/dev/null").lower()
        expect(head.count("strict-transport-security: max-age=2592000; includesubdomains\r\n") == 1, path, protocol, head)
    for listener in ("h1", "plain"):
        expect("strict-transport-security" not in stage.curl(listener, "shop.test", "/", "-D", "-", "-o", "/dev/null").lower(), listener)


@check("redirect_to_https: 308 with host, path and query; another port is named")
def _(stage):
    for listener, port in (("redirect", ""), ("redirect-8443", ":8443")):
        for words in ([], ["-X", "POST", "-d", "x=1"], ["-I"]):
            saw = stage.curl(listener, "shop.test", "/a%20b/c?d=e&f", *words, "-o", "/dev/null", "-w", "%{http_code} %{redirect_url}")
            expect(saw == f"308 https://shop.test{port}/a%20b/c?d=e&f", listener, words, saw)
    expect(stage.curl("redirect", "shop.test", "/", "--http1.0", "-H", "Host:", "-o", "/dev/null", "-w", "%{http_code}") == "400")


# MARK: - Beginning and end


@check("close_notify ends each connection, so a cut is told from an end")
def _(stage):
    for request in (b"GET /stream HTTP/1.1\r\nHost: shop.test\r\nConnection: close\r\n\r\n", b"GET /\r\n\r\n", b"nonsense\r\n\r\n"):
        with stage.connect("h1") as s:
            s.sendall(request)
            answer = b""
            while part := s.recv(65536):  # without close_notify this raises SSLEOFError
                answer += part
            expect(answer.startswith(b"HTTP/1.1 "), request, answer[:80])
            if b"/stream" in request:
                expect(answer.endswith(b"x" * 2000))


@check("who ends his half first still gets the whole answer")
def _(stage):
    raw = socket.create_connection(("127.0.0.1", stage.ports["h1"]), 10)
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    session = stage.context().wrap_bio(incoming, outgoing, server_hostname="shop.test")

    def until(step):
        while True:
            try:
                return step()
            except ssl.SSLWantReadError:
                if data := outgoing.read():
                    raw.sendall(data)
                part = raw.recv(65536)
                incoming.write(part) if part else incoming.write_eof()
    until(session.do_handshake)
    session.write(b"GET /stream HTTP/1.1\r\nHost: shop.test\r\nConnection: close\r\n\r\n")
    raw.sendall(outgoing.read())
    with contextlib.suppress(ssl.SSLWantReadError):
        session.unwrap()  # our close_notify; the TCP connection stays
    raw.sendall(outgoing.read())
    answer = b""
    with contextlib.suppress(ssl.SSLZeroReturnError, ssl.SSLSyscallError):
        while part := until(lambda: session.read(65536)):
            answer += part
    raw.close()
    expect(answer.startswith(b"HTTP/1.1 200") and answer.endswith(b"x" * 2000), answer[:100], len(answer))


@check("a handshake that does not come, or dribbles, is ended at handshake_timeout")
def _(stage):
    hello = client_hello("shop.test")
    for sent in (b"", hello[:-1]):
        with socket.create_connection(("127.0.0.1", stage.ports["hurried"]), 5) as s:
            began = time.monotonic()
            s.sendall(sent)
            saw = until_closed(s)
            took = time.monotonic() - began
            expect(0.8 < took < 3, f"ended after {took:.2f} s", len(sent), saw)
    with socket.create_connection(("127.0.0.1", stage.ports["hurried"]), 5) as s:
        began = time.monotonic()
        with contextlib.suppress(OSError):
            for byte in hello:
                s.sendall(bytes([byte]))
                time.sleep(0.05)
                if time.monotonic() > began + 4:
                    break
        expect(time.monotonic() - began < 3, "a dribble keeps it open")
    expect("proto=https" in stage.curl("hurried", "shop.test"))


@check("plain HTTP, noise or nothing on a TLS port end cleanly, and nobody else notices")
def _(stage):
    with stage.connect("h1") as other:
        for sent in (b"GET / HTTP/1.1\r\nHost: shop.test\r\n\r\n", os.urandom(3000), b"\x16\x03\x01\xff\xff" + b"\0" * 5000, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
                     b"PROXY TCP4 1.2.3.4 1.2.3.4 1 2\r\n", client_hello("shop.test")):
            with socket.create_connection(("127.0.0.1", stage.ports["h1"]), 5) as s:
                with contextlib.suppress(OSError):
                    s.sendall(sent)
                    s.shutdown(socket.SHUT_WR)
                saw = until_closed(s)
                expect(len(saw) < 10_000 and b"200 OK" not in saw, sent[:30], saw[:100])
        other.sendall(b"GET / HTTP/1.1\r\nHost: shop.test\r\n\r\n")
        expect(other.recv(12) == b"HTTP/1.1 200")


@check("handshakes_per_client: the sixth at once is not served, a second later they are again")
def _(stage):
    def try_one():
        try:
            with stage.connect("limited") as s:
                return s.version() is not None
        except (OSError, ssl.SSLError):
            return False
    time.sleep(1.1)
    served = sum(try_one() for _ in range(20))
    expect(4 <= served <= 12, f"{served} of 20 at once were served")  # more than 5 where they took longer than a second's share
    time.sleep(1.1)
    expect(try_one(), "still not served")


@check("SSLKEYLOGFILE is not heeded")
def _(stage):
    with Scene(environment={"SSLKEYLOGFILE": f"{stage.folder}/keys"}) as other:
        pair = stage.pairs["shop"]
        other.run_with(f'listeners: [{{ name: w, bind: ["127.0.0.1:0"], tls: {{ certificates: [{{ cert: {pair.cert}, key: {pair.key} }}] }} }}]\n'
                       f'services: {{ s: {{ pools: {{ only: {{ targets: ["127.0.0.1:{stage.upstream}"] }} }} }} }}\n')
        curl("--cacert", stage.material.ca.cert, "--resolve", f"shop.test:{other.port_of('w')}:127.0.0.1", f"https://shop.test:{other.port_of('w')}/")
        expect(not os.path.exists(f"{stage.folder}/keys"), "keys are written")


# MARK: - Certificates that change


def shown(stage, listener, name):
    with stage.connect(listener, name) as s:
        return hashlib.sha256(s.getpeercert(True)).digest()


def digest(pair):
    return hashlib.sha256(ssl.PEM_cert_to_DER_cert(open(pair.cert).read())).digest()


def put(stage, pair, name="turn"):
    """As tools that renew do it: each file renamed into its place."""
    for end in ("key", "crt"):
        with open(getattr(pair, "cert" if end == "crt" else "key")) as source, open(f"{stage.folder}/{name}.{end}.new", "w") as f:
            f.write(source.read())
        os.rename(f"{stage.folder}/{name}.{end}.new", f"{stage.folder}/{name}.{end}")


@check("a changed certificate is shown without a reload; connections and tickets of before go on")
def _(stage):
    path = f"{stage.folder}/session-turn"
    with stage.connect("turn", "turn.test") as old:
        for number in range(1, 3):
            pair = stage.material.make(f"turn-{number}", "DNS:turn.test")
            keep_session(stage, "turn", path, "-tls1_3", "-servername", "turn.test")
            put(stage, pair)
            wait_until(lambda: shown(stage, "turn", "turn.test") == digest(pair), f"certificate {number} is not shown", 10)
            expect(all(shown(stage, "turn", "turn.test") == digest(pair) for _ in range(10)), "a loop still shows the old one")
            old.sendall(b"GET /stream HTTP/1.1\r\nHost: turn.test\r\n\r\n")
            expect(old.recv(12) == b"HTTP/1.1 200")
            while not old.recv(65536).endswith(b"x" * 100):
                pass
            expect(session_is_resumed(stage, "turn", path, "-tls1_3", "-servername", "turn.test"), "the ticket is lost")


@check("a bad pair is refused loudly, and the old one stays")
def _(stage):
    before = shown(stage, "turn", "turn.test")
    good, other = stage.material.make("good", "DNS:turn.test"), stage.material.make("other", "DNS:turn.test")
    for what, (cert, key) in {"another key": (good.cert, other.key), "expired": (expired(stage).cert, f"{stage.folder}/expired.key")}.items():
        length = len(stage.all_said())
        put(stage, type("Files", (), {"cert": cert, "key": key}))
        try:
            stage.is_said(["turn.crt", "turn.key"], length)
        except Failure as failure:
            raise Failure(f"{what}: {failure} {stage.all_said()[length:]}") from failure
        expect(shown(stage, "turn", "turn.test") == before, what)
        status, answer = stage.ask("POST", "/v1/reload", {})
        expect(status != 200 or shown(stage, "turn", "turn.test") == before, what, "after a reload", answer)
    put(stage, good)
    wait_until(lambda: shown(stage, "turn", "turn.test") == digest(good), "the good one is not shown", 10)


def expired(stage):
    """Signed for a time that is over; `req -x509` cannot, `x509` of 3.0 neither, `ca` can."""
    folder, ca = stage.folder, stage.material.ca
    pair = stage.material.make("expired", "DNS:turn.test")
    with open(f"{folder}/ca.conf", "w") as f:
        f.write(f"[ca]\ndefault_ca=c\n[c]\ndatabase={folder}/ca.index\nserial={folder}/ca.serial\nnew_certs_dir={folder}\ndefault_md=sha256\n"
                "policy=p\nx509_extensions=e\nunique_subject=no\n[p]\ncommonName=supplied\n[e]\nsubjectAltName=DNS:turn.test\n")
    open(f"{folder}/ca.index", "w").close()
    with open(f"{folder}/ca.serial", "w") as f:
        f.write("4242\n")
    openssl("req", "-new", "-key", pair.key, "-subj", "/CN=expired", "-out", f"{folder}/expired.csr")
    openssl("ca", "-batch", "-config", f"{folder}/ca.conf", "-cert", ca.cert, "-keyfile", ca.key, "-startdate", "20200101000000Z", "-enddate", "20200201000000Z",
            "-in", f"{folder}/expired.csr", "-notext", "-out", pair.cert)
    return pair


@check("a certificate that is missing or bad at the start: exit 3, and the file is named")
def _(stage):
    pair = stage.pairs["shop"]
    services = f'services: {{ s: {{ pools: {{ only: {{ targets: ["127.0.0.1:{stage.upstream}"] }} }} }} }}\n'
    bad = {"missing": (f"{stage.folder}/missing.crt", pair.key), "mismatch": (pair.cert, stage.client.key), "expired": (expired(stage).cert, f"{stage.folder}/expired.key")}
    for what, (cert, key) in bad.items():
        with Scene() as other:
            other.write(f'listeners: [{{ name: secure, bind: ["127.0.0.1:0"], tls: {{ certificates: [{{ cert: {cert}, key: {key} }}] }} }}]\n{services}')
            for verb in ("run", "check"):
                done = subprocess.run([BINARY, verb, "-c", other.configuration], capture_output=True, text=True, timeout=10)
                said = done.stderr + done.stdout
                expect(done.returncode == 3 and (cert in said or key in said), what, verb, done.returncode, said)


# MARK: - Bytes


def client_hello(name):
    """What a client would say first, without saying it."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    context = ssl.create_default_context()
    session = context.wrap_bio(incoming, outgoing, server_hostname=name)
    with contextlib.suppress(ssl.SSLWantReadError):
        session.do_handshake()
    return outgoing.read()


def until_closed(s):
    """What comes before the other side closes; a reset is an end as well."""
    s.settimeout(8)
    saw = b""
    with contextlib.suppress(ConnectionError):
        while part := s.recv(65536):
            saw += part
    return saw


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--front", default="sluice", choices=["sluice", "haproxy"])
    parser.add_argument("words", nargs="*")
    options = parser.parse_args()
    with FrontStage(options.front) as stage:
        good = check.play(options.words, stage)
    sys.exit(0 if good else 1)
