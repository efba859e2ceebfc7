"""How far a component says it is: a small file that it replaces, copied into its job (Job.progress)."""

from __future__ import annotations

import os
import time
from typing import Any

from jobs.models import Job
from jobs.preparing import Attempt
from orchestrations.lib import json_api

LIMIT_BYTES = 4_000
TEXT_LIMIT = 200
EVERY_SECONDS = 1.0


class Reader:
    """Of one attempt; looks at most once a second, and writes only what has changed."""

    def __init__(self, attempt: Attempt) -> None:
        self.attempt = attempt
        self._seen = (0, 0)
        self._looked = 0.0

    def copy(self) -> None:
        if time.monotonic() - self._looked < EVERY_SECONDS:
            return
        self._looked = time.monotonic()
        try:
            found = os.lstat(self.attempt.progress_file)
        except OSError:
            return
        if (found.st_mtime_ns, found.st_ino) == self._seen:
            return
        value = _read(self.attempt)
        if value is not None:
            Job.objects.active().filter(pk=self.attempt.job_id, fence=self.attempt.fence).update(progress=value)
        self._seen = (found.st_mtime_ns, found.st_ino)


def _read(attempt: Attempt) -> dict[str, Any] | None:
    """``{done, total or null, text}``; None when the file says anything else: progress fails no job."""
    try:
        descriptor = os.open(attempt.progress_file, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
        with open(descriptor, "rb") as opened:
            given = json_api.parse_object(opened.read(LIMIT_BYTES))
    except (OSError, json_api.InvalidJson):
        return None
    done, total, text = given.get("done", 0), given.get("total"), given.get("text") or ""
    if not _is_amount(done) or not (total is None or _is_amount(total)) or not isinstance(text, str):
        return None
    return {"done": done, "total": total, "text": text[:TEXT_LIMIT]}


def _is_amount(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and value >= 0
