"""Work that only one process at a time may do on a database, wherever the processes run."""

from __future__ import annotations

import fcntl
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings
from django.db import connection


@contextmanager
def holding(name: str) -> Iterator[None]:
    """Waits until it is this process's turn. The turn ends with the process, however that ends."""
    if connection.vendor == "postgresql":
        with _advisory_lock(name):
            yield
    else:
        with _file_lock(name):
            yield


@contextmanager
def _advisory_lock(name: str) -> Iterator[None]:
    key = int.from_bytes(hashlib.sha256(f"tutti:{name}".encode()).digest()[:8], "big", signed=True)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", [key])
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [key])


@contextmanager
def _file_lock(name: str) -> Iterator[None]:
    """Beside the database's file, which two data folders may share."""
    descriptor = os.open(f"{settings.DATABASES['default']['NAME']}.{name}.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
