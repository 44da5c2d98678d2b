"""A gRPC server of plain byte messages. As a program: `echo.py NAME [--port N] [--tls CERT KEY]` prints its port and serves until its input ends."""
import argparse
import sys
import threading
import time
from concurrent import futures

import grpc

SERVICE = "/peers.Echo/"
SERVING, NOT_SERVING = b"\x08\x01", b"\x08\x02"  # HealthCheckResponse of grpc.health.v1
OPTIONS = [("grpc.max_receive_message_length", 1 << 26), ("grpc.max_send_message_length", 1 << 26), ("grpc.so_reuseport", 0)]


class Echo(grpc.GenericRpcHandler):
    """Each method is named after what it does; the class docs of `calls.py` say who asks for what."""

    def __init__(self, name):
        self.name = name.encode()
        self.cancelled, self.begun = threading.Event(), threading.Event()
        self.health = SERVING

    def service(self, details):
        if details.method == "/grpc.health.v1.Health/Check":
            return grpc.unary_unary_rpc_method_handler(lambda request, context: self.health)
        method = details.method.rpartition("/")[2]
        kind = method.partition("_")[0]
        make = {"Unary": grpc.unary_unary_rpc_method_handler, "Down": grpc.unary_stream_rpc_method_handler,
                "Up": grpc.stream_unary_rpc_method_handler, "Both": grpc.stream_stream_rpc_method_handler}.get(kind)
        body = getattr(self, method, None)
        return make(body) if make and body else None

    # MARK: - One message each way

    def Unary(self, request, context):
        return request

    def Unary_name(self, request, context):
        return self.name

    def Unary_metadata(self, request, context):
        there = context.invocation_metadata()
        seen = [(f"back-{key}", value) for key, value in there if key.startswith("m-")]
        context.send_initial_metadata(seen)
        context.set_trailing_metadata([(f"late-{key}", value) for key, value in there if key.startswith("m-")])
        return b"\n".join(f"{key}: {value}".encode() for key, value in there)

    def Unary_time(self, request, context):
        left = context.time_remaining()
        return b"none" if left is None else b"%.3f" % left

    def Unary_fail(self, request, context):
        context.set_trailing_metadata((("x-why", "because"), ("x-why-bin", b"\x00\xfe")))
        context.abort(grpc.StatusCode.FAILED_PRECONDITION, "no: 100 % wrong, äöü\nnext line")

    def Unary_slow(self, request, context):
        self.watch(context)
        while context.is_active():
            time.sleep(0.02)
        return b""

    # MARK: - Streams

    def Down(self, request, context):
        count, size = map(int, request.split(b","))
        for number in range(count):
            yield b"%d:" % number + b"x" * size

    def Down_late(self, request, context):
        yield b"one"
        yield b"two"
        context.set_trailing_metadata((("x-why", "late"),))
        context.abort(grpc.StatusCode.DATA_LOSS, "late")

    def Down_endless(self, request, context):
        self.watch(context)
        number = 0
        while context.is_active():
            yield b"%d" % number
            number += 1
            time.sleep(0.01)

    def Down_flood(self, request, context):
        """As much as the windows let through; `begun` holds nothing, the counter tells how far it came."""
        self.watch(context)
        self.sent = 0
        while context.is_active() and self.sent < 2000:
            yield b"x" * 65536
            self.sent += 1

    def Up(self, messages, context):
        numbers = [int(message.partition(b":")[0]) for message in messages]
        return b"in order %d" % len(numbers) if numbers == list(range(len(numbers))) else b"disorder"

    def Up_early(self, messages, context):
        """Has heard enough after one message, and the client goes on."""
        next(messages)
        return b"enough"

    def Up_refuse(self, messages, context):
        next(messages)
        context.abort(grpc.StatusCode.RESOURCE_EXHAUSTED, "no more")

    def Both(self, messages, context):
        for message in messages:
            yield message

    def Both_after(self, messages, context):
        """Hears all, and only then speaks."""
        count = sum(1 for _ in messages)
        for number in range(3):
            time.sleep(0.1)
            yield b"%d of %d" % (number, count)

    def Both_cancel(self, messages, context):
        yield next(messages)
        context.cancel()

    def Both_name(self, messages, context):
        """Each message comes back behind the name of this server."""
        for message in messages:
            yield self.name + b" " + message

    def watch(self, context):
        self.cancelled.clear()
        context.add_callback(self.cancelled.set)
        self.begun.set()


def serve(name, port=0, tls=None, threads=64):
    """The server, its handler and its port."""
    echo = Echo(name)
    server = grpc.server(futures.ThreadPoolExecutor(threads), options=OPTIONS)
    server.add_generic_rpc_handlers((echo,))
    if tls:
        pair = [(open(tls[1], "rb").read(), open(tls[0], "rb").read())]
        port = server.add_secure_port(f"127.0.0.1:{port}", grpc.ssl_server_credentials(pair))
    else:
        port = server.add_insecure_port(f"127.0.0.1:{port}")
    server.start()
    return server, echo, port


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("name")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--tls", nargs=2)
    parser.add_argument("--threads", type=int, default=64)
    options = parser.parse_args()
    server, _, port = serve(options.name, options.port, options.tls, options.threads)
    print(port, flush=True)
    sys.stdin.read()
    server.stop(0)
