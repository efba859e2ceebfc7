"""Work that follows a commit in transactions of its own, one after another however deep it nests."""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable

from django.db import transaction

log = logging.getLogger(__name__)

_here = threading.local()


def do(work: Callable[[], object]) -> None:
    """Call ``work`` after the commit of the running transaction; at once when there is none.

    What ``work`` itself asks for comes after it, not inside it: a long chain of runs does not become a deep stack.
    A failure is logged and hinders nothing: a sweep every second does what was left (R11).
    """
    transaction.on_commit(lambda: _enqueue(work), robust=True)


def _enqueue(work: Callable[[], object]) -> None:
    queue: deque[Callable[[], object]] | None = getattr(_here, "queue", None)
    if queue is not None:
        queue.append(work)
        return
    _here.queue = queue = deque([work])
    try:
        while queue:
            _do(queue.popleft())
    finally:
        _here.queue = None


def _do(work: Callable[[], object]) -> None:
    try:
        work()
    except Exception:
        log.exception("Work after a commit failed; the sweep does it again")
