"""Logs as pages show them: the last lines, what came since, and all. A run's log is that of its tasks together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import NamedTuple

from django.db.models import Max, Q, QuerySet

from jobs.logs import CODES, parse_line, plain_line
from jobs.models import Job, LogChunk
from jobs.states import UNSETTLED
from orchestrations.lib.among import Among
from orchestrations.lib.prepared import Param, Query

LINES = 500
"""At most so many stand on a page; the rest is in the download."""
CHUNKS = 400
"""At most so many pieces are looked through for them."""
END = 2**62
"""Beyond every piece."""
OPEN_LINES = 12
LEVELS = {"": "All levels", "info": "Info", "error": "Errors"}


class Line(NamedTuple):
    at: datetime
    level: str
    source: str
    text: str


@dataclass(frozen=True)
class Wanted:
    """Which lines: of a level ("" = all), with a text ("" = any) in whatever case."""

    level: str = ""
    text: str = ""

    @property
    def is_some(self) -> bool:
        """Not simply all of them."""
        return bool(self.level or self.text)

    def fits(self, line: Line) -> bool:
        return (not self.level or line.level == self.level) and self.text.casefold() in line.text.casefold()

    def among(self, chunks: QuerySet[LogChunk]) -> QuerySet[LogChunk]:
        """Those that may hold one. A database folds the letters of ASCII, not all of them."""
        if self.level:
            chunks = chunks.filter(text__contains=f"\t{CODES[self.level]}\t")
        return chunks.filter(text__icontains=self.text) if self.text and self.text.isascii() else chunks


@dataclass(frozen=True)
class Source:
    """A job that logs; a run's tasks in the order they were created."""

    id: int
    name: str
    is_active: bool


@dataclass(frozen=True)
class Tail:
    lines: list[Line]
    cursor: str
    """Where the log stands; comes back as ``?after=``."""
    has_earlier: bool = False


def sources_of(job: Job, children: Sequence[Job]) -> list[Source]:
    if not job.is_run:
        return [Source(job.pk, "", job.status in UNSETTLED)]
    return [Source(child.pk, child.name, child.status in UNSETTLED) for child in children if not child.is_run]


# --- The cursor --------------------------------------------------------------------------------
# "<id>:<n>,<n>,…": of every source from job <id> on how many chunks have been shown; those before it have been shown
# whole. Chunks of one job are numbered without a gap, so nothing that is committed late is ever passed over.


def _cursor(sources: Sequence[Source], shown: Mapping[int, int]) -> str:
    pending = [source.id for source in sources if source.is_active]
    if not pending:
        return f"{sources[-1].id + 1}:" if sources else "0:"
    first = min(pending)
    counts = ",".join(str(shown.get(source.id, 0)) for source in sources if source.id >= first)
    return f"{first}:{counts}"


def _shown(cursor: str, sources: Sequence[Source]) -> dict[int, int | None] | None:
    """By source how many of its chunks have been shown, None for all of them; None for what is no cursor."""
    first, _, counts = cursor.partition(":")
    numbers = counts.split(",") if counts else []
    if not all(_is_number(text) for text in [first, *numbers]):
        return None
    later = [source.id for source in sources if source.id >= int(first)]
    shown: dict[int, int | None] = {source.id: None for source in sources if source.id < int(first)}
    return shown | {pk: int(numbers[place]) if place < len(numbers) else 0 for place, pk in enumerate(later)}


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 19


# --- Reading -----------------------------------------------------------------------------------


def tail(sources: Sequence[Source], wanted: Wanted) -> Tail:
    """The last lines of all sources in the order of their times."""
    shown = {pk: last + 1 for pk, last in _LAST_CHUNKS.rows(jobs=[source.id for source in sources])}
    piece = before(None, sources, wanted, shown)
    has_earlier = piece.has_earlier or len(piece.lines) > LINES
    return Tail(piece.lines[-LINES:], _cursor(sources, shown), has_earlier)


@dataclass(frozen=True)
class Piece:
    """Whole chunks of a log, read from one end until there are enough lines."""

    lines: list[Line]
    first: int
    last: int
    """The chunks at its ends; 0 when there is none."""
    has_earlier: bool = False
    has_later: bool = False


Near = Sequence[tuple[int, int]]
"""The ids of chunks with their numbers of lines, from one end on."""


def before(
    chunk: int | None, sources: Sequence[Source], wanted: Wanted, shown: Mapping[int, int] | None = None
) -> Piece:
    """What stands before a chunk (None: at the end), as far as ``shown`` by source."""
    jobs = [source.id for source in sources]
    near = _EARLIER.rows(jobs=jobs, chunk=END if chunk is None else chunk, count=CHUNKS + 1)
    lines, reached = _read(near[:CHUNKS], sources, wanted, shown)
    if not reached:
        return Piece([], 0, 0, has_later=chunk is not None)
    return Piece(lines, reached, near[0][0], _goes_on(near, reached), chunk is not None)


def after(chunk: int, sources: Sequence[Source], wanted: Wanted) -> Piece:
    jobs = [source.id for source in sources]
    near = _LATER.rows(jobs=jobs, chunk=chunk, count=CHUNKS + 1)
    lines, reached = _read(near[:CHUNKS], sources, wanted)
    if not reached:
        return Piece([], 0, 0, has_earlier=True)
    return Piece(lines, near[0][0], reached, True, _goes_on(near, reached))


def _goes_on(near: Near, reached: int) -> bool:
    """Whether there are chunks beyond the one that was looked at last."""
    return reached != near[-1][0]


def _read(
    near: Near, sources: Sequence[Source], wanted: Wanted, shown: Mapping[int, int] | None = None
) -> tuple[list[Line], int]:
    """The lines of these chunks one after the other until there are enough, and the last one that was looked at."""
    if not near:
        return [], 0
    names = {source.id: source.name for source in sources}
    found: list[Line] = []
    for chunk in _one_by_one(near, wanted):
        if shown is None or chunk.sequence < shown.get(chunk.job_id, 0):
            found += _fitting(chunk, names, wanted)
        if len(found) >= LINES:
            return _by_time(found), chunk.pk
    return _by_time(found), near[-1][0]


def _one_by_one(near: Near, wanted: Wanted) -> Iterator[LogChunk]:
    """In their order; read in pieces that have enough lines if all are wanted, else each larger than the one before."""
    is_up = near[0] <= near[-1]
    start, lines = 0, LINES
    while start < len(near):
        end = _end(near, start, lines)
        ids = [pk for pk, _ in near[start:end]]
        few = wanted.among(LogChunk.objects.filter(pk__in=ids)) if wanted.is_some else _CHUNKS.instances(ids=ids)
        yield from sorted(few, key=lambda chunk: chunk.pk if is_up else -chunk.pk)
        start, lines = end, lines * 10


def _end(near: Near, start: int, lines: int) -> int:
    """Where the chunks from ``start`` on have so many lines."""
    for place in range(start, len(near)):
        lines -= near[place][1]
        if lines <= 0:
            return place + 1
    return len(near)


def since(cursor: str, sources: Sequence[Source], wanted: Wanted) -> Tail:
    """What was stored after the cursor, and the new one. What is no cursor of ours gives nothing, and the end."""
    shown = _shown(cursor, sources)
    if shown is None:
        return Tail([], tail(sources, wanted).cursor)
    begun = [pk for pk, count in shown.items() if count]
    fresh = [pk for pk, count in shown.items() if count == 0]
    unseen = Q(job__in=fresh)
    for pk in begun:
        unseen |= Q(job=pk, sequence__gte=shown[pk])
    rows = list(LogChunk.objects.filter(unseen).order_by("job", "sequence")) if fresh or begun else []
    counts = {pk: count or 0 for pk, count in shown.items()}
    for chunk in rows:
        counts[chunk.job_id] = chunk.sequence + 1
    names = {source.id: source.name for source in sources}
    return Tail(_by_time([line for chunk in rows for line in _fitting(chunk, names, wanted)]), _cursor(sources, counts))


def last_lines(job_ids: Sequence[int]) -> dict[int, list[Line]]:
    """A few last lines of each, for the opened rows of a run."""
    if not job_ids:
        return {}
    lasts = LogChunk.objects.filter(job__in=job_ids).order_by().values_list("job").annotate(last=Max("sequence"))
    wanted = Q(pk__in=[])
    for pk, last in lasts:
        wanted |= Q(job=pk, sequence__gt=last - OPEN_LINES)
    found: dict[int, list[Line]] = {}
    for job_id, text in LogChunk.objects.filter(wanted).order_by("job", "sequence").values_list("job_id", "text"):
        lines = found.setdefault(job_id, [])
        lines += [_line(row, "") for row in text.split("\n") if row]
    return {pk: lines[-OPEN_LINES:] for pk, lines in found.items()}


def whole(sources: Sequence[Source], zone: tzinfo) -> Iterator[str]:
    """The log as plain text, piece by piece; of a run one task after the other, each under its name."""
    names = {source.id: source.name for source in sources}
    chunks = LogChunk.objects.filter(job__in=names).order_by("job", "sequence").values_list("job_id", "text")
    current = None
    for job_id, text in chunks.iterator(chunk_size=20):
        if job_id != current and names[job_id]:
            yield f"{'' if current is None else chr(10)}# {names[job_id]} (job {job_id})\n"
        current = job_id
        yield "".join([plain_line(row, zone) for row in text.split("\n") if row])


def _fitting(chunk: LogChunk, names: Mapping[int, str], wanted: Wanted) -> list[Line]:
    lines = (_line(row, names[chunk.job_id]) for row in chunk.text.split("\n") if row)
    return [line for line in lines if wanted.fits(line)]


def _by_time(lines: list[Line]) -> list[Line]:
    return sorted(lines, key=lambda line: line.at)


def _line(row: str, source: str) -> Line:
    parsed = parse_line(row)
    return Line(parsed.at, parsed.level, source, parsed.text)


# --- Statements, compiled once -----------------------------------------------------------------

_LAST_CHUNKS = Query(
    lambda: LogChunk.objects.filter(Among("job", "jobs")).order_by().values_list("job").annotate(last=Max("sequence"))
)
_EARLIER = Query(
    lambda: (
        LogChunk.objects.filter(Among("job", "jobs"), pk__lt=Param("chunk")).order_by("-pk").values_list("pk", "lines")
    ),
    limit="count",
)
_LATER = Query(
    lambda: (
        LogChunk.objects.filter(Among("job", "jobs"), pk__gt=Param("chunk")).order_by("pk").values_list("pk", "lines")
    ),
    limit="count",
)
_CHUNKS = Query(lambda: LogChunk.objects.filter(Among("pk", "ids")))
