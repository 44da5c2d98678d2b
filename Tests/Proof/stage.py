"""A running Sluice before upstreams that tell their names, and clients that know what they may be answered. One thread, one epoll: so "the
command has returned" and "this request was sent" stand in one order. Only what Debian has.
"""
import json
import os
import re
import select
import shutil
import signal
import socket
import subprocess
import tempfile
import time

BINARY = os.path.abspath(
    os.environ.get("SLUICE_BIN") or os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../.build/release/sluice"))


class Failure(Exception):
    """What was promised did not happen."""


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def wait_until(holds, what, seconds=20):
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            raise Failure(f"deadline passed: {what}")
        time.sleep(0.002)


class Stage:
    """A folder, processes that are ended by their pid, and the running Sluice."""

    def __init__(self, workers=4, environment=()):
        self.folder = tempfile.mkdtemp(prefix="sluice-proof-")
        os.chmod(self.folder, 0o755)  # nginx drops root in its worker
        self.socket = f"{self.folder}/admin.sock"
        self.log = f"{self.folder}/access.log"
        self.workers, self.environment = workers, dict(environment)
        self.running, self.sluice, self.port = [], None, None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for process in reversed(self.running):
            if process.poll() is None:
                process.kill()
                process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def start(self, command, name, **more):
        with open(f"{self.folder}/{name}.err", "a") as errors:
            # They die with us, however we end.
            command = ["setpriv", "--pdeathsig", "KILL", "--", *command]
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=errors, stderr=errors, cwd=self.folder, **more)
        self.running.append(process)
        return process

    def upstreams(self, names, host="127.0.0.1"):
        """One nginx with a server for each name, which it answers; ADDRESS by name."""
        ports = {name: free_port() for name in names}
        servers = "".join(f"server {{ listen {host}:{port} backlog=4096; location / {{ return 200 '{name}'; }} }}\n" for name, port in ports.items())
        temporary = " ".join(f"{kind}_temp_path {self.folder}/t-{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        with open(f"{self.folder}/nginx.conf", "w") as f:
            f.write(f"""daemon off; master_process off; pid {self.folder}/nginx.pid; error_log {self.folder}/nginx.log;
events {{ worker_connections 8192; }}
http {{ access_log off; keepalive_requests 1000000000; keepalive_timeout 3600s; {temporary}
{servers} }}
""")
        nginx = shutil.which("nginx", path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")
        self.start([nginx, "-p", self.folder, "-e", f"{self.folder}/nginx.log", "-c", f"{self.folder}/nginx.conf"], "nginx")
        wait_until(lambda: all(can_connect(port) for port in ports.values()), "nginx does not serve")
        return {name: f"127.0.0.1:{port}" for name, port in ports.items()}

    def configure(self, services, log="json", top=""):
        self.port = self.port or free_port()
        with open(f"{self.folder}/sluice.new", "w") as f:
            f.write(f"""workers: {self.workers}
state_dir: {self.folder}/state
admin: {{ socket: {self.socket} }}
access_log: {{ path: {self.log}, format: "{log}" }}
{top}
listeners: [{{ name: web, bind: ["127.0.0.1:{self.port}"] }}]
services:
{services}
""")
        os.rename(f"{self.folder}/sluice.new", f"{self.folder}/sluice.yaml")

    def run(self):
        """Starts Sluice with the file as it is, and waits until it serves."""
        self.sluice = self.start([BINARY, "run", "-c", f"{self.folder}/sluice.yaml"], "sluice", env={**os.environ, **self.environment})

        def serves():
            if self.sluice.poll() is not None:
                raise Failure(f"sluice ended with {self.sluice.returncode}: {self.said()}")
            try:
                return self.ask("GET", "/readyz")[0] == 200 and (self.port is None or can_connect(self.port))
            except OSError:
                return False
        wait_until(serves, "sluice does not serve")

    def kill(self):
        self.sluice.kill()
        self.sluice.wait()
        self.running.remove(self.sluice)

    def stop(self):
        """Ends it as an operator would, so that the log is whole."""
        self.sluice.send_signal(signal.SIGTERM)
        if self.sluice.wait(20) != 0:
            raise Failure(f"sluice ended with {self.sluice.returncode}: {self.said()}")

    def said(self):
        with open(f"{self.folder}/sluice.err") as f:
            return f.read()[-4000:]

    def ask(self, method, path, body=None, seconds=60):
        """Status and JSON (or text) of one call of the admin API."""
        with socket.socket(socket.AF_UNIX) as s:
            s.settimeout(seconds)
            s.connect(self.socket)
            s.sendall(admin_request(method, path, body))
            answer = bytearray()
            while part := s.recv(65536):
                answer += part
        return admin_answer(bytes(answer))

    def order(self, path, body=None):
        """A command that must succeed: its receipt."""
        status, receipt = self.ask("POST", path, body or {})
        if status != 200 or receipt.get("exit_code", 0) != 0:
            raise Failure(f"POST {path} {body}: {status} {receipt}")
        return receipt


def can_connect(port):
    with socket.socket() as s:
        return s.connect_ex(("127.0.0.1", port)) == 0


def admin_request(method, path, body):
    text = b"" if body is None else json.dumps(body).encode()
    return f"{method} {path} HTTP/1.1\r\nHost: sluice\r\nContent-Length: {len(text)}\r\n\r\n".encode() + text


def admin_answer(answer):
    head, _, body = answer.partition(b"\r\n\r\n")
    if not head.startswith(b"HTTP/1.1 "):
        raise ConnectionError(f"no answer: {answer[:80]}")
    text = body.decode()
    return int(head[9:12]), json.loads(text) if text.startswith("{") else text


class Exchange:
    """One client's place: a connection, and what its request under way may be answered."""
    __slots__ = ("socket", "closes", "received", "note", "sent", "is_open", "path")


class Load:
    """Clients in a closed loop, half of them on connections that stay, half on one connection for each request."""

    LENGTH = re.compile(rb"\r\nContent-Length: (\d+)\r\n", re.I)

    def __init__(self, port, keeping, closing, path=lambda: "/", fields=lambda: "", note=lambda exchange: None, judge=None):
        """`note` is called when a request is sent and `judge(exchange, status, body)` when it has been answered (status 0: it failed)."""
        self.port, self.path, self.fields, self.note, self.judge = port, path, fields, note, judge
        self.poll, self.by_fd = select.epoll(), {}
        self.answered, self.is_ending, self.under_way = 0, False, 0
        self.order, self.order_fd = None, -1
        for index in range(keeping + closing):
            exchange = Exchange()
            exchange.closes, exchange.is_open = index >= keeping, False
            self.begin(exchange)

    def begin(self, exchange):
        if self.is_ending:
            return
        if not exchange.is_open:
            exchange.socket = socket.socket()
            exchange.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            # Blocking, so that the connect is done; the loopback's backlog is never full here.
            exchange.socket.connect(("127.0.0.1", self.port))
            exchange.socket.setblocking(False)
            exchange.is_open = True
            self.by_fd[exchange.socket.fileno()] = exchange
            self.poll.register(exchange.socket.fileno(), select.EPOLLIN)
        exchange.received = b""
        exchange.path = self.path()
        self.note(exchange)
        exchange.sent = time.monotonic()
        self.under_way += 1
        close = "Connection: close\r\n" if exchange.closes else ""
        try:
            exchange.socket.send(f"GET {exchange.path} HTTP/1.1\r\nHost: a.test\r\n{close}{self.fields()}\r\n".encode())
        except OSError as error:
            self.end(exchange, 0, str(error).encode())

    def receive(self, exchange):
        try:
            data = exchange.socket.recv(65536)
        except BlockingIOError:
            return
        except OSError as error:
            return self.end(exchange, 0, str(error).encode())
        if not data:
            return self.end(exchange, 0, b"closed")
        received = exchange.received = exchange.received + data
        end = received.find(b"\r\n\r\n")
        if end < 0:
            return
        length = self.LENGTH.search(received, 0, end + 2)
        if not length:
            return self.end(exchange, 0, b"no length")
        if len(received) >= end + 4 + int(length[1]):
            self.end(exchange, int(received[9:12]), received[end + 4:])

    def end(self, exchange, status, body):
        self.answered += 1
        self.under_way -= 1
        if exchange.closes or status == 0 or b"\r\nConnection: close" in exchange.received:
            del self.by_fd[exchange.socket.fileno()]
            exchange.socket.close()
            exchange.is_open = False
        self.judge(exchange, status, body)
        self.begin(exchange)

    def turn(self, timeout=0.1):
        for fd, _ in self.poll.poll(timeout):
            if exchange := self.by_fd.get(fd):
                self.receive(exchange)
            elif fd == self.order_fd:
                self.receive_order()

    def command(self, stage, path, body=None, method="POST", seconds=60):
        """Status and JSON of a call of the admin API, while the load goes on. When it returns, the command has."""
        connection = socket.socket(socket.AF_UNIX)
        connection.connect(stage.socket)
        connection.sendall(admin_request(method, path, body if body is not None or method == "GET" else {}))
        connection.setblocking(False)
        self.order, self.order_fd = [connection, bytearray(), False], connection.fileno()
        self.poll.register(self.order_fd, select.EPOLLIN)
        deadline = time.monotonic() + seconds
        while not self.order[2]:
            if time.monotonic() > deadline:
                raise Failure(f"{path} {body}: no answer")
            self.turn()
        self.order_fd = -1
        connection.close()
        return admin_answer(bytes(self.order[1]))

    def receive_order(self):
        connection, received, _ = self.order
        try:
            part = connection.recv(65536)
        except BlockingIOError:
            return
        received += part
        if not part:
            self.order[2] = True
            self.poll.unregister(self.order_fd)

    def until_answered(self, count, seconds=60):
        """Lets so many more requests be answered."""
        wanted, deadline = self.answered + count, time.monotonic() + seconds
        while self.answered < wanted:
            if time.monotonic() > deadline:
                raise Failure(f"{wanted - self.answered} of {count} requests were not answered in {seconds} s")
            self.turn()

    def finish(self, seconds=60):
        """Lets what is under way be answered; begins nothing more."""
        self.is_ending, deadline = True, time.monotonic() + seconds
        while self.under_way:
            if time.monotonic() > deadline:
                raise Failure(f"{self.under_way} requests were never answered")
            self.turn()
        for exchange in self.by_fd.values():
            exchange.socket.close()
        self.poll.close()
