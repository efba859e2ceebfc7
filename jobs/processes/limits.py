"""How much memory and disk a component uses, looked at often when it could soon be too much and seldom otherwise."""

from __future__ import annotations

import math
import os
import signal
import time

from .kernel import HAS_PROC, read_proc
from .tree import Descendants

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from .protocol import ProcessSpec

MEGABYTE = 1 << 20
MEMORY_BYTES_PER_SECOND = 2 << 30  # about what one process can fill
DISK_BYTES_PER_SECOND = 1 << 30
SHORTEST_SECONDS = 0.02
MEMORY_LONGEST_SECONDS = 0.5
DISK_LONGEST_SECONDS = 5.0
COST_FACTOR = 25  # looking takes at most 4 % of a core
DISK_SLICE_SECONDS = 0.01
BLOCK_BYTES = 512
KILOBYTE = 1024


class Rhythm:
    """When to look next: soon at first, later and later, sooner again when little room is left."""

    def __init__(self, now: float, longest_seconds: float, bytes_per_second: float) -> None:
        self.next_at = now + SHORTEST_SECONDS
        self._interval = SHORTEST_SECONDS
        self._longest = longest_seconds
        self._rate = bytes_per_second

    def looked(self, now: float, room_bytes: float, cost_seconds: float) -> None:
        self._interval = min(self._interval * 2, self._longest)
        wait = max(SHORTEST_SECONDS, min(self._interval, room_bytes / self._rate))
        self.next_at = now + max(wait, cost_seconds * COST_FACTOR)


class MemoryWatch:
    """Memory of all descendants of this process, without itself: what they have in RAM and in swap."""

    def __init__(self, limit_bytes: int, now: float) -> None:
        self._limit = limit_bytes
        self._descendants = Descendants()
        self.rhythm = Rhythm(now, MEMORY_LONGEST_SECONDS, MEMORY_BYTES_PER_SECOND)

    def is_over(self, now: float) -> bool:
        members = self._descendants.find()
        used = sum(map(_resident_bytes, members))
        if used > self._limit:
            used = sum(map(_fair_bytes, members))  # slow, but counts shared pages once
        self.rhythm.looked(now, self._limit - used, time.monotonic() - now)
        return used > self._limit

    def sentence(self) -> str:
        return f"The component used more than {amount(self._limit)} of memory and was stopped."


def _resident_bytes(pid: int) -> int:
    return _kilobytes(read_proc(pid, "status"), b"VmRSS:", b"VmSwap:")


def _fair_bytes(pid: int) -> int:
    """Pages that n processes share count 1/n in each."""
    rollup = read_proc(pid, "smaps_rollup")
    return _kilobytes(rollup, b"Pss:", b"SwapPss:") if rollup else _resident_bytes(pid)


def _kilobytes(text: bytes, *names: bytes) -> int:
    lines = (line.split() for line in text.splitlines() if line.startswith(names))
    return sum(int(words[1]) * KILOBYTE for words in lines)


class DiskWatch:
    """Bytes that the files under a folder take on the disk. Walked in slices: nothing waits for a big folder."""

    def __init__(self, folder: str, limit_bytes: int, now: float) -> None:
        self._folder = folder
        self._limit = limit_bytes
        self._walk: Iterator[int] | None = None
        self._used = 0
        self._cost = 0.0
        self.rhythm = Rhythm(now, DISK_LONGEST_SECONDS, DISK_BYTES_PER_SECOND)

    def is_over(self, now: float) -> bool:
        """Goes on with the walk for some milliseconds; ask again at `rhythm.next_at`."""
        if self._walk is None:
            self._walk, self._used, self._cost = sizes_under(self._folder), 0, 0.0
        for size in self._walk:
            self._used += size
            if self._used > self._limit:
                return True
            if time.monotonic() - now > DISK_SLICE_SECONDS:
                self._cost += time.monotonic() - now
                self.rhythm.next_at = now + DISK_SLICE_SECONDS * COST_FACTOR
                return False
        self._walk = None
        self.rhythm.looked(now, self._limit - self._used, self._cost + time.monotonic() - now)
        return False

    def is_over_at_the_end(self) -> bool:
        total = 0
        return any((total := total + size) > self._limit for size in sizes_under(self._folder))

    def sentence(self) -> str:
        return f"The component used more than {amount(self._limit)} of disk space and was stopped."


class Crossed:
    """A limit that was crossed: the reason, the sentence, and how long the component may still tidy up."""

    def __init__(self, reason: str, message: str, grace_seconds: float = 0.0) -> None:
        self.reason = reason
        self.message = message
        self.grace_seconds = grace_seconds


class Limits:
    """Those that the spec sets. Memory and disk end at once: what goes on would only take more."""

    def __init__(self, spec: ProcessSpec, now: float) -> None:
        self._spec = spec
        self._time_is_up_at = math.inf if spec.time_limit_seconds is None else now + spec.time_limit_seconds
        self._memory = self._disk = None
        if spec.memory_limit_bytes is not None and HAS_PROC:
            self._memory = MemoryWatch(spec.memory_limit_bytes, now)
        if spec.disk_limit_bytes is not None:
            self._disk = DiskWatch(spec.data_folder, spec.disk_limit_bytes, now)

    @property
    def next_at(self) -> float:
        watches = [watch.rhythm.next_at for watch in (self._memory, self._disk) if watch]
        return min(self._time_is_up_at, *watches, math.inf)

    def crossed(self, now: float) -> Crossed | None:
        if self._memory and now >= self._memory.rhythm.next_at and self._memory.is_over(now):
            return Crossed("memory", self._memory.sentence())
        if self._disk and now >= self._disk.rhythm.next_at and self._disk.is_over(now):
            return Crossed("disk", self._disk.sentence())
        if now >= self._time_is_up_at:
            return Crossed("time", _too_long(self._spec.time_limit_seconds or 0), self._spec.grace_seconds)
        return None

    def crossed_at_the_end(self, code: int | None) -> Crossed | None:
        """SIGXFSZ: one file alone was too large."""
        if self._disk and (code == -signal.SIGXFSZ or self._disk.is_over_at_the_end()):
            return Crossed("disk", self._disk.sentence())
        return None


def _too_long(seconds: float) -> str:
    return f"The component ran longer than its limit of {seconds:g} seconds and was stopped."


def sizes_under(folder: str) -> Iterator[int]:
    """Of every file, what it takes on the disk; hard links once, symbolic links not followed."""
    seen: set[tuple[int, int]] = set()
    folders = [folder]
    while folders:
        try:
            with os.scandir(folders.pop()) as entries:
                for entry in entries:
                    yield _size(entry, folders, seen)
        except OSError:
            continue


def _size(entry: os.DirEntry[str], folders: list[str], seen: set[tuple[int, int]]) -> int:
    try:
        if entry.is_dir(follow_symlinks=False):
            folders.append(entry.path)
        stat = entry.stat(follow_symlinks=False)
    except OSError:
        return 0  # deleted meanwhile
    if stat.st_nlink > 1 and not entry.is_dir(follow_symlinks=False):
        if (stat.st_dev, stat.st_ino) in seen:
            return 0
        seen.add((stat.st_dev, stat.st_ino))
    return stat.st_blocks * BLOCK_BYTES


def amount(number: int) -> str:
    """512 MB, 1.5 GB: for sentences."""
    for unit, size in (("GB", 1 << 30), ("MB", MEGABYTE), ("KB", KILOBYTE)):
        if number >= size:
            return f"{number / size:.1f}".removesuffix(".0") + f" {unit}"
    return f"{number} bytes"
