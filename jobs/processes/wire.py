"""How worker and supervisor talk: one JSON array a line, over a Unix socket, never blocking.

Worker to supervisor: ["launch", {spec}], ["renew", as of], ["stop", reason].
Supervisor to worker: ["starting"], which means that the order is taken, ["started", pid, supervisor's pid],
["grew", bytes], ["ended", {record}].
"""

from __future__ import annotations

import json
import select

from .kernel import lease_clock

TYPE_CHECKING = False  # as in component.py
if TYPE_CHECKING:
    import socket
    from typing import Any

RECEIVE_BYTES = 65536


class Channel:
    """One end. After the other end has gone, `is_closed` is true and sending does nothing."""

    def __init__(self, sock: socket.socket) -> None:
        sock.setblocking(False)
        self.sock = sock
        self.is_closed = False
        self._incoming = bytearray()
        self._outgoing = bytearray()

    @property
    def has_unsent(self) -> bool:
        return bool(self._outgoing) and not self.is_closed

    def send(self, *message: Any) -> None:
        self._outgoing += json.dumps(message, separators=(",", ":")).encode() + b"\n"
        self.flush()

    def flush(self) -> None:
        while self._outgoing and not self.is_closed:
            try:
                sent = self.sock.send(self._outgoing)
            except BlockingIOError:
                return
            except OSError:
                self.is_closed = True
            else:
                del self._outgoing[:sent]

    def flush_within(self, seconds: float) -> bool:
        """Wait for the other end to take what is unsent. True when it took all."""
        deadline = lease_clock() + seconds
        self.flush()
        while self.has_unsent and (left := deadline - lease_clock()) > 0:
            self.wait(select.POLLOUT, left)
            self.flush()
        return not self._outgoing

    def wait(self, for_what: int, seconds: float | None = None) -> None:
        poll = select.poll()
        poll.register(self.sock, for_what)
        poll.poll(None if seconds is None else seconds * 1000)

    def receive(self) -> list[list[Any]]:
        """Whole messages that are there now. A broken last one of a killed sender is dropped."""
        while not self.is_closed:
            try:
                data = self.sock.recv(RECEIVE_BYTES)
            except BlockingIOError:
                break
            except OSError:
                data = b""
            self.is_closed = not data
            self._incoming += data
            if len(data) < RECEIVE_BYTES and data:
                break
        whole, newline, rest = self._incoming.rpartition(b"\n")
        self._incoming = rest
        return [json.loads(line) for line in whole.split(b"\n")] if newline else []

    def close(self) -> None:
        self.is_closed = True
        self.sock.close()
