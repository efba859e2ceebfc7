"""What ``up`` needs before anything is started: a data folder that is its own, and the port."""

from __future__ import annotations

import errno
import fcntl
import os
import socket
from pathlib import Path

from orchestration_site.launcher.options import Options, Refused, address

LOCK_FILE = "up.lock"
BACKLOG = 256


def open_data_folder(folder: Path) -> None:
    """Make it if need be, for its owner alone, and make sure that it can be written. Raises Refused."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        probe = folder / f".probe.{os.getpid()}"
        probe.write_bytes(b"")
        probe.unlink()
    except OSError as error:
        raise Refused(
            f"The data folder {folder} cannot be written: {error.strerror or error}. Choose another one with --data."
        ) from error


def lock(folder: Path) -> int:
    """One data folder has one ``up``: the lock goes with this process, however it ends. Raises Refused."""
    descriptor = os.open(folder / LOCK_FILE, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno not in {errno.EWOULDBLOCK, errno.EACCES}:
            raise Refused(f"The data folder {folder} cannot be locked: {error.strerror or error}.") from error
        other = os.read(descriptor, 200).decode(errors="replace").strip()
        os.close(descriptor)
        raise Refused(f"Tutti already runs with the data folder {folder}{f' ({other})' if other else ''}.") from error
    return descriptor


def sign_lock(descriptor: int, url: str) -> None:
    """For the sentence of a second ``up``."""
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, f"process {os.getpid()}, {url}".encode(), 0)


def listen(options: Options) -> socket.socket:
    """The socket of the pages. It stays with this process: while the web server starts again, browsers wait.

    Raises Refused.
    """
    where = address(options.host, options.port)
    try:
        family, kind, protocol, _, place = socket.getaddrinfo(options.host, options.port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, kind, protocol)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(place)
        listener.listen(BACKLOG)
    except OSError as error:
        raise Refused(_why_not(where, error)) from error
    return listener


def _why_not(where: str, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"The port of {where} is taken by another program. Stop that one, or choose another with --bind."
    if error.errno == errno.EACCES:
        return f"This user may not listen at {where}: ports below 1024 need more rights. Choose another with --bind."
    return f"Tutti cannot listen at {where}: {error.strerror or error}. Choose another with --bind."
