"""Bringing the log file of an attempt into the database, in batches (LogChunk), and reading it back."""

from __future__ import annotations

from datetime import UTC, datetime, tzinfo
from functools import lru_cache
from typing import NamedTuple

from django.conf import settings
from django.db import IntegrityError, transaction

from jobs.models import LogChunk
from jobs.preparing import Attempt
from jobs.processes.output import LogFile
from orchestrations.lib import prepared
from orchestrations.lib.prepared import Param, Query

CHUNK_BYTES = 64 * 1024
_LAST = Query(lambda: LogChunk.objects.filter(job=Param("job")).order_by("-sequence").values_list("sequence")[:1])
_STORED = Query(
    lambda: (
        LogChunk.objects.filter(job=Param("job"), attempt=Param("attempt"))
        .order_by("-sequence")
        .values_list("end_offset")[:1]
    )
)
LEVELS = {"I": "info", "E": "error"}
CODES = {level: code for code, level in LEVELS.items()}


class LogLine(NamedTuple):
    at: datetime
    level: str
    text: str


def store(attempt: Attempt, *, number: int) -> int:
    """Store the whole lines that the file holds beyond what is stored; returns how many chunks that made.

    ``number`` is the attempt's, from 1. Safe to call from two processes: what is stored says how far it got.
    """
    file = attempt.folder / "log"
    stored = 0
    try:
        size = file.stat().st_size
    except FileNotFoundError:
        return 0
    if not size:
        return 0
    sequence, offset = _position(attempt.job_id, number)
    with file.open("rb") as log:
        while offset < size:
            log.seek(offset)
            data = log.read(CHUNK_BYTES)
            if b"\n" not in data:
                data += log.readline()  # one line longer than a chunk
            end = data.rfind(b"\n") + 1
            if not end:
                break
            if not _insert(attempt.job_id, number, sequence, offset + end, data[:end]):
                break
            offset += end
            sequence += 1
            stored += 1
    return stored


def add(attempt: Attempt, text: str) -> None:
    """Append an error to the log file of an attempt, while none of its processes writes there."""
    file = LogFile(str(attempt.folder / "log"), settings.LOG_LIMIT_BYTES)
    file.append("E", f"{text}\n".encode(errors="replace"))
    file.close()


def _position(job_id: int, number: int) -> tuple[int, int]:
    sequence = _LAST.first(job=job_id)
    end_offset = _STORED.first(job=job_id, attempt=number)
    return (sequence[0] + 1 if sequence else 0), (end_offset[0] if end_offset else 0)


def _insert(job_id: int, number: int, sequence: int, end_offset: int, data: bytes) -> bool:
    try:
        with transaction.atomic():
            chunk = LogChunk(
                job_id=job_id,
                sequence=sequence,
                attempt=number,
                end_offset=end_offset,
                lines=data.count(b"\n"),
                text=data.decode("utf-8", "replace").replace("\x00", ""),
            )
            prepared.insert([chunk])
    except IntegrityError:
        # Somebody else stored it: who took the job over, or its last owner that has just woken up.
        return False
    return True


def parse_line(row: str) -> LogLine:
    moment, _, rest = row.partition("\t")
    level, _, text = rest.partition("\t")
    return LogLine(datetime.fromtimestamp(float(moment), UTC), LEVELS.get(level, "info"), text)


def plain_line(row: str, zone: tzinfo) -> str:
    """As the download has it: "2026-11-07 20:44:35.120+01:00 info  what was said"."""
    moment, _, rest = row.partition("\t")
    level, _, text = rest.partition("\t")
    seconds, _, fraction = moment.partition(".")
    clock, offset = _second(int(seconds), zone)
    return f"{clock}.{fraction[:3]:0<3}{offset} {LEVELS.get(level, 'info'):5} {text}\n"


@lru_cache(maxsize=1024)
def _second(second: int, zone: tzinfo) -> tuple[str, str]:
    """Its wall clock and offset. Many lines are of the same second."""
    local = datetime.fromtimestamp(second, UTC).astimezone(zone).isoformat(sep=" ")
    return local[:19], local[19:]
