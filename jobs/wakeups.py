"""Telling waiting processes that something has changed, so that nobody polls.

PostgreSQL: LISTEN/NOTIFY, delivered with the commit. SQLite: a datagram to the Unix socket of every listener, sent
after the commit. A wake-up carries no data and may be lost: everybody also looks once a second.
"""

from __future__ import annotations

import os
import select
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Any
from uuid import uuid4

from django.conf import settings
from django.db import connection, transaction


class Topic(StrEnum):
    WORK = "work"
    """A job may have become claimable, or a run startable."""
    STOP = "stop"
    """A processing job is to be terminated."""
    AUTOMATION = "automation"
    """A table was updated, a schedule or trigger changed: schedulers look again."""


def wake(topic: Topic) -> None:
    """Inside a transaction this takes effect with its commit, and not at all when it is rolled back."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(f"NOTIFY {_channel(topic)}")
    else:
        transaction.on_commit(lambda: _send_to_sockets(topic), robust=True)


def listener(topic: Topic) -> Listener:
    return PostgresListener(topic) if connection.vendor == "postgresql" else SocketListener(topic)


class Listener:
    """Hears the wake-ups of a topic from ``open()`` on, also those that come while nobody waits."""

    def __init__(self, topic: Topic) -> None:
        self.topic = topic

    def open(self) -> None:
        """Start to hear, or make sure of it after a lost connection. Cheap when nothing is to be done."""
        raise NotImplementedError

    def fileno(self) -> int:
        """Readable when something may have come."""
        raise NotImplementedError

    def heard(self) -> bool:
        """Whether something has come since the last call."""
        raise NotImplementedError

    def close(self) -> None:
        raise NotImplementedError

    def wait(self, seconds: float) -> bool:
        """Until something comes, at most ``seconds``; whether it did."""
        self.open()
        if self.heard():
            return True
        select.select([self.fileno()], [], [], max(0.0, seconds))
        return self.heard()


class PostgresListener(Listener):
    """Listens on this process's own Django connection: no connection of its own is spent."""

    def __init__(self, topic: Topic) -> None:
        super().__init__(topic)
        self._connection: Any = None
        self._pending = False

    def open(self) -> None:
        connection.ensure_connection()
        if connection.connection is self._connection:
            return
        self._connection = connection.connection
        self._connection.add_notify_handler(self._note)
        with connection.cursor() as cursor:
            cursor.execute(f"LISTEN {_channel(self.topic)}")
        self._pending = True  # what came while the connection was lost is not known

    def fileno(self) -> int:
        return int(self._connection.fileno())

    def heard(self) -> bool:
        self.open()
        # Not the connection's notifies(): it does not go with handlers, and one connection may serve two topics.
        with connection.wrap_database_errors:
            plain = self._connection.pgconn
            plain.consume_input()
            while notification := plain.notifies():
                plain.notify_handler(notification)
        pending, self._pending = self._pending, False
        return pending

    def close(self) -> None:
        if self._connection is not None and self._connection is connection.connection:
            self._connection.remove_notify_handler(self._note)
            with connection.cursor() as cursor:
                cursor.execute(f"UNLISTEN {_channel(self.topic)}")
        self._connection = None

    def _note(self, notification: Any) -> None:
        if notification.channel == _channel(self.topic):
            self._pending = True


class SocketListener(Listener):
    def __init__(self, topic: Topic) -> None:
        super().__init__(topic)
        self._socket: socket.socket | None = None
        self._name = ""

    def open(self) -> None:
        if self._socket is not None:
            return
        self._name = f"{self.topic}-{os.getpid()}-{uuid4().hex[:8]}"
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        with _sockets_folder() as folder:
            self._socket.bind(f"{folder}/{self._name}")

    def fileno(self) -> int:
        assert self._socket is not None
        return self._socket.fileno()

    def heard(self) -> bool:
        anything = False
        while self._socket is not None:
            try:
                self._socket.recv(16)
            except BlockingIOError:
                break
            anything = True
        return anything

    def close(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None
            (settings.DATA_DIR / "wake" / self._name).unlink(missing_ok=True)


def _channel(topic: Topic) -> str:
    return f"tutti_{topic}"


def _send_to_sockets(topic: Topic) -> None:
    with _sockets_folder() as folder, socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
        sender.setblocking(False)
        for name in os.listdir(settings.DATA_DIR / "wake"):
            if name.startswith(f"{topic}-"):
                _send(sender, folder, name)


def _send(sender: socket.socket, folder: str, name: str) -> None:
    try:
        sender.sendto(b"!", f"{folder}/{name}")
    except ConnectionRefusedError:
        # Its listener was killed.
        (settings.DATA_DIR / "wake" / name).unlink(missing_ok=True)
    except OSError:
        # Full: it will wake up anyway. Gone: closed since we listed it.
        return


@contextmanager
def _sockets_folder() -> Iterator[str]:
    """A short name of the folder of sockets: a socket's address has at most 107 bytes, a data folder may have more."""
    folder: Path = settings.DATA_DIR / "wake"
    folder.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        short = f"/proc/self/fd/{descriptor}"
        yield short if os.path.exists(short) else str(folder)
    finally:
        os.close(descriptor)
