"""A server on loopback that behaves as badly as it is told."""

import os
import socket
import struct
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True)
class Reply:
    """``declared``: the length that the server speaks of; ``sent``: how many bytes of the body it sends before it
    breaks off; ``stalls``: instead of breaking off it says nothing more."""

    body: bytes = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    declared: int | None = None
    sent: int | None = None
    stalls: bool = False
    resets: bool = False
    is_chunked: bool = False


@dataclass(frozen=True)
class Asked:
    method: str
    path: str
    headers: dict[str, str]
    body: bytes


class Web:
    """Replies by path, the last one for ever; ``asked`` is what came."""

    def __init__(self) -> None:
        self.asked: list[Asked] = []
        self.closing = threading.Event()
        self._replies: dict[str, list[Reply]] = {}
        self._lock = threading.Lock()
        self.port = 0

    def on(self, path: str, *replies: Reply) -> str:
        """The URL at which these come one after another."""
        self._replies[path.partition("?")[0]] = list(replies)
        return self.url(path)

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.port}{path}"

    def next_reply(self, asked: Asked) -> Reply:
        with self._lock:
            self.asked.append(asked)
            replies = self._replies.get(asked.path.partition("?")[0], [Reply(status=404)])
            reply = replies.pop(0) if len(replies) > 1 else replies[0]
        etag = reply.headers.get("ETag")
        if etag and asked.headers.get("if-none-match") == etag:
            return Reply(status=304, headers={"ETag": etag})
        return reply

    def paths(self) -> Sequence[str]:
        return [each.path for each in self.asked]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    web: Web

    def _handle(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        headers = {name.lower(): value for name, value in self.headers.items()}
        reply = self.web.next_reply(Asked(self.command, self.path, headers, body))
        self.send_response(reply.status)
        for name, value in reply.headers.items():
            self.send_header(name, value)
        if reply.is_chunked:
            self.send_header("Transfer-Encoding", "chunked")
        elif reply.status != 304:
            self.send_header("Content-Length", str(len(reply.body) if reply.declared is None else reply.declared))
        self.end_headers()
        body = reply.body[: reply.sent]
        self.wfile.write(b"%x\r\n%s\r\n" % (len(body), body) if reply.is_chunked else body)
        if reply.is_chunked and reply.sent is None:
            self.wfile.write(b"0\r\n\r\n")
        self.wfile.flush()
        if reply.stalls:
            self.web.closing.wait(30)
        if reply.resets:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            os.close(self.connection.detach())
        self.close_connection = True

    do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = do_PATCH = _handle

    def log_message(self, format: str, *args: Any) -> None:
        pass


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """That a client goes away is what some tests are about."""


@contextmanager
def serving() -> Iterator[Web]:
    web = Web()
    server = _Server(("127.0.0.1", 0), type("Handler", (_Handler,), {"web": web}))
    web.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield web
    finally:
        web.closing.set()
        server.shutdown()
        server.server_close()
        thread.join()
