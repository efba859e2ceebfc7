"""How far a job has come: a small file that the worker looks at and shows on the job's page."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from pathlib import Path

SHORTEST_SECONDS = 0.5


class Progress:
    """Written at most twice a second, whatever it is told; the last thing said of a step with `finish`."""

    def __init__(self, file: Path | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        named = os.environ.get("TUTTI_PROGRESS_FILE")
        self._file = file or (Path(named) if named else None)
        self._clock = clock
        self._next_at = clock()

    def report(self, done: int, total: int | None = None, text: str = "") -> None:
        """``total``: None when nobody knows. Cheap enough to call for every batch."""
        if self._file is not None and self._clock() >= self._next_at:
            self._write(done, total, text)

    def finish(self, done: int, total: int | None = None, text: str = "") -> None:
        if self._file is not None:
            self._write(done, total, text)

    def _write(self, done: int, total: int | None, text: str) -> None:
        assert self._file is not None
        self._next_at = self._clock() + SHORTEST_SECONDS
        draft = self._file.with_name(f".{self._file.name}.new")
        draft.write_text(json.dumps({"done": done, "total": total, "text": text}), encoding="utf-8")
        draft.replace(self._file)
