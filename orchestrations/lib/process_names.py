"""What a process is called in ``ps -o comm`` and ``top``."""

from __future__ import annotations

import ctypes
import sys

PR_SET_NAME = 15


def name_this(name: str) -> None:
    """At most 15 letters; a fork keeps the name until it takes its own. Linux only."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_NAME, name.encode())
