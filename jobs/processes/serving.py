"""The life of a supervisor's process: it serves one component after the other, until its nursery lets go of it."""

from __future__ import annotations

import os
import select
import signal
import socket
import types

from . import kernel, tree, wire
from .ending import PATIENCE_SECONDS
from .supervisor import Supervisor

TYPE_CHECKING = False  # as in component.py
if TYPE_CHECKING:
    from typing import Any

    from .protocol import ProcessSpec

IDLE = b"I"
DESCRIPTORS = 2  # the socket to the worker, and the locked file, which only has to stay open


def serve(leash: socket.socket) -> None:
    os.setsid()
    kernel.prctl(kernel.PR_SET_NAME, b"tutti-job")
    kernel.prctl(kernel.PR_SET_CHILD_SUBREAPER, 1)
    signals = kernel.SignalPipe(signal.SIGCHLD, signal.SIGTERM)
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    while fds := receive_descriptors(leash):
        sock, lock = fds
        signals.take()
        if not _supervise(socket.socket(fileno=sock), signals):
            return
        os.close(lock)
        leash.send(IDLE)


def receive_descriptors(sock: socket.socket) -> list[int] | None:
    """None when the other side is gone."""
    try:
        _, fds, _, _ = socket.recv_fds(sock, 1, DESCRIPTORS)
    except OSError:
        return None
    for fd in fds:
        os.set_inheritable(fd, False)  # recv_fds() ignores its flags, so MSG_CMSG_CLOEXEC does nothing
    return fds if len(fds) == DESCRIPTORS else None


def _supervise(sock: socket.socket, signals: kernel.SignalPipe) -> bool:
    """False when something of the component is left: this process then ends, and the nursery hunts."""
    worker = wire.Channel(sock)
    messages = _first_messages(worker)
    is_clear = False
    try:
        if messages:
            spec: ProcessSpec = types.SimpleNamespace(**messages[0][1])  # type: ignore[assignment]
            Supervisor(spec, worker, signals).run()
    finally:
        is_clear = tree.clear_descendants(PATIENCE_SECONDS)
        worker.close()
    return is_clear


def _first_messages(worker: wire.Channel) -> list[list[Any]]:
    while not worker.is_closed:
        worker.wait(select.POLLIN)
        if messages := worker.receive():
            return messages
    return []
