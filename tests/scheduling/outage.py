"""A database that goes away for a while: unreachable (PostgreSQL), or locked by somebody else (SQLite)."""

from __future__ import annotations

import sqlite3
import time
from typing import Protocol

from django.db import connection

from tests import clusters
from tests.chaos.proxy import Proxy


class Outage(Protocol):
    url: str
    """Of the database that goes away; this process keeps its own connection."""

    def last(self, seconds: float) -> None:
        """Let the database be gone for so long."""


def prepared() -> Outage:
    return Locked() if connection.vendor == "sqlite" else Unreachable()


class Locked:
    """Nobody else can write: who tries waits."""

    def __init__(self) -> None:
        self.url = clusters.database_url()
        self._file = connection.settings_dict["NAME"]

    def last(self, seconds: float) -> None:
        holder = sqlite3.connect(self._file, isolation_level=None, timeout=60)
        holder.execute("BEGIN IMMEDIATE")
        time.sleep(seconds)
        holder.execute("ROLLBACK")
        holder.close()


class Unreachable:
    """Every connection breaks, in the middle of whatever it was used for."""

    def __init__(self) -> None:
        given = connection.settings_dict
        self._proxy = Proxy(given["HOST"] or "127.0.0.1", int(given["PORT"] or 5432))
        self._proxy.start()
        password = f":{given['PASSWORD']}" if given["PASSWORD"] else ""
        self.url = f"postgres://{given['USER']}{password}@127.0.0.1:{self._proxy.port}/{given['NAME']}"

    def last(self, seconds: float) -> None:
        self._proxy.cut()
        time.sleep(seconds)
        self._proxy.restore()
