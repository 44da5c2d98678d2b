"""An upstream over HTTP/1.1 that does what the path says, and reads a request to its end before it answers (but for /early).

    upstream.py PORT
    /              "conformance"                /bytes/N       N bytes             /status/N      no content
    /echo          the request's content        /trailers      with two trailers   /early/N       status N before the content has come
    /hold          no answer, ever              /held          how many requests are held so
    /slow/N        "slow" after N ms            /cut/N         N bytes of twice as many, then nothing more
    /head          the request's head
    /sum           length of the content and how often "x" is in it
"""
import asyncio
import sys

held = 0


async def content(reader, head):
    """The request's content."""
    fields = dict((name.strip().lower(), value.strip()) for name, _, value in (line.partition(":") for line in head.split("\r\n")[1:]))
    if "100-continue" in fields.get("expect", ""):
        return None
    if "content-length" in fields:
        return await reader.readexactly(int(fields["content-length"]))
    body = bytearray()
    if "chunked" in fields.get("transfer-encoding", ""):
        while size := int((await reader.readline()).split(b";")[0], 16):
            body += await reader.readexactly(size)
            await reader.readline()
        while (await reader.readline()).strip():
            pass
    return bytes(body)


def answer(status=200, body=b"", more=""):
    length = "" if status in (204, 304) else f"Content-Length: {len(body)}\r\n"
    return f"HTTP/1.1 {status} Tested\r\n{more}{length}\r\n".encode() + body


async def serve(reader, writer):
    try:
        while True:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            method, target, _ = head.split("\r\n")[0].split(" ")
            word, _, number = target.lstrip("/").partition("/")
            if word == "hold":
                global held
                held += 1
                try:
                    await reader.read()  # until the other end goes
                finally:
                    held -= 1
                return
            if word == "early":
                writer.write(answer(int(number), b"early", "Connection: close\r\n"))
                await writer.drain()
                await asyncio.sleep(0.05)
                return
            body = await content(reader, head)
            if body is None:
                writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
                body = await content(reader, head.replace("100-continue", ""))
            if word == "bytes":
                # In pieces: many that are not taken must not fill memory here.
                writer.write(f"HTTP/1.1 200 OK\r\nContent-Length: {number}\r\n\r\n".encode())
                left = int(number) if method != "HEAD" else 0
                while left > 0:
                    writer.write(b"x" * min(left, 65536))
                    left -= 65536
                    await writer.drain()
                continue
            elif word == "status":
                out = answer(int(number))
            elif word == "echo":
                out = answer(body=body)
            elif word == "sum":
                out = answer(body=f"{len(body)} {body.count(b'x')}".encode())
            elif word == "head":
                out = answer(body=head.encode("latin-1"))
            elif word == "held":
                out = answer(body=str(held).encode())
            elif word == "slow":
                await asyncio.sleep(int(number) / 1000)
                out = answer(body=b"slow")
            elif word == "cut":
                writer.write(f"HTTP/1.1 200 OK\r\nContent-Length: {2 * int(number)}\r\n\r\n".encode() + b"x" * int(number))
                await writer.drain()
                return
            elif word == "trailers":
                out = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: x-sum\r\n\r\n5\r\nhello\r\n0\r\nx-sum: 5\r\nx-end: yes\r\n\r\n"
            else:
                out = answer(body=b"conformance")
            if method == "HEAD":
                out = out[:out.index(b"\r\n\r\n") + 4]
            writer.write(out)
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        pass
    finally:
        writer.close()


async def main(port):
    server = await asyncio.start_server(serve, "127.0.0.1", port, limit=1 << 20, backlog=1024)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
