"""One line of progress: rewritten in place on a terminal, a line for each change anywhere else."""

from __future__ import annotations

import shutil
from datetime import datetime

from django.core.management.base import OutputWrapper

from jobs.following import Progress
from jobs.states import JobStatus
from orchestrations.lib.durations import duration_words

AWAY = "The database does not answer; the run goes on, waiting for news."


class ProgressLine:
    def __init__(self, output: OutputWrapper) -> None:
        self.output = output
        self.in_place = output.isatty()
        self._shown = ""

    def show(self, progress: Progress | None, now: datetime) -> None:
        """None: the database did not answer."""
        words = AWAY if progress is None else words_of(progress)
        if self.in_place:
            took = duration_of(progress, now) if progress else ""
            self._rewrite(f"{words} · {took}" if took else words)
        elif words != self._shown:
            self.output.write(words)
            self.output.flush()
            self._shown = words

    def close(self, sentence: str) -> None:
        if self.in_place:
            self._rewrite("")
            self.output.write("\r", ending="")
        self.output.write(sentence)

    def _rewrite(self, words: str) -> None:
        """A carriage return and blanks: no escape codes, so any terminal will do."""
        width = shutil.get_terminal_size().columns - 1
        words = words[:width]
        self.output.write("\r" + words.ljust(min(width, len(self._shown))), ending="")
        self.output.flush()
        self._shown = words


def words_of(progress: Progress) -> str:
    parts = [f"Job {progress.job_id} {progress.name}", progress.status.label.lower()]
    if progress.phases and progress.phase:
        parts.append(f"phase {progress.phase} of {progress.phases}")
    if progress.tasks and progress.status != JobStatus.WAITING:
        parts.append(f"{progress.done} of {progress.tasks} tasks done")
    if progress.reason:
        parts.append(progress.reason)
    return " · ".join(parts)


def closing_words(progress: Progress) -> str:
    took = duration_of(progress, None)
    sentence = (
        f"Job {progress.job_id} {progress.name}: {progress.status.label.lower()}{f' after {took}' if took else ''}."
    )
    return f"{sentence} {progress.message}".strip()


def duration_of(progress: Progress, now: datetime | None) -> str:
    end = progress.finished_at or now
    if progress.started_at is None or end is None:
        return ""
    return duration_words((end - progress.started_at).total_seconds())
