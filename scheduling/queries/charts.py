"""The planned starts of a project as a picture and as rows: x in per cent of the span, by the viewer's clock."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo

from django.urls import reverse

from orchestrations.lib.durations import rough_words
from scheduling import wording
from scheduling.forecast import Start
from scheduling.queries.outlook import Outlook

LEAST_WIDTH = 0.3
"""A bar of a short run can still be seen."""
MOST_ROWS = 200
MOST_SENTENCES = 10
DAY = timedelta(days=1)


@dataclass(frozen=True, kw_only=True)
class Bar:
    x: float
    width: float
    waits_x: float
    waits_width: float
    """Between the due moment and the start, when it has to wait for the run before."""
    title: str
    clashes: bool


@dataclass(frozen=True, kw_only=True)
class Line:
    """One orchestration."""

    name: str
    url: str
    words: str
    usual: str
    bars: list[Bar]
    pile_up: str


@dataclass(frozen=True)
class Tick:
    x: float
    words: str


@dataclass(frozen=True, kw_only=True)
class Row:
    """One planned start."""

    due_at: datetime
    begins_at: datetime
    name: str
    url: str
    usual: str
    note: str


@dataclass(frozen=True, kw_only=True)
class Chart:
    lines: list[Line]
    ticks: list[Tick]
    rows: list[Row]
    is_cut: bool
    collisions: list[str]
    crowds: list[str]
    zone: str


def of(outlook: Outlook, zone: tzinfo) -> Chart:
    """Pure: no query."""
    clashing = {id(start) for each in outlook.collisions for start in (each.first, each.second)}
    by_orchestration: dict[int, list[Start]] = {}
    for start in outlook.starts:
        by_orchestration.setdefault(start.orchestration_id, []).append(start)
    return Chart(
        lines=[_line(outlook, starts, clashing, zone) for starts in by_orchestration.values()],
        ticks=list(_ticks(outlook, zone)),
        rows=[_row(outlook, start, clashing) for start in outlook.starts[:MOST_ROWS]],
        is_cut=len(outlook.starts) > MOST_ROWS,
        collisions=list(_collisions(outlook, zone)),
        crowds=list(_crowds(outlook, zone)),
        zone=str(zone),
    )


def _line(outlook: Outlook, starts: list[Start], clashing: set[int], zone: tzinfo) -> Line:
    schedule = outlook.schedules[starts[0].schedule_id]
    orchestration = schedule.orchestration
    words = {outlook.schedules[start.schedule_id].expression for start in starts}
    pile_up = outlook.pile_ups.get(orchestration.pk)
    return Line(
        name=orchestration.name,
        url=_url(outlook, starts[0]),
        words=wording.described(schedule.expression) if len(words) == 1 else f"{len(words)} schedules",
        usual=_usual(outlook, orchestration.pk),
        bars=[_bar(outlook, start, id(start) in clashing, zone) for start in starts],
        pile_up=pile_up.sentence if pile_up is not None else "",
    )


def _bar(outlook: Outlook, start: Start, clashes: bool, zone: tzinfo) -> Bar:
    x, end = _x(outlook, start.begins_at), _x(outlook, start.ends_at)
    due = _x(outlook, start.due_at)
    title = f"{_clock(start.due_at, outlook, zone)}, {_usual(outlook, start.orchestration_id)}"
    return Bar(
        x=x,
        width=max(LEAST_WIDTH, end - x),
        waits_x=due,
        waits_width=max(0.0, x - due),
        title=title if not start.is_skipped else f"{title}: skipped",
        clashes=clashes,
    )


def _row(outlook: Outlook, start: Start, clashing: set[int]) -> Row:
    notes = []
    if start.is_skipped:
        notes.append("skipped: a run still waits")
    elif start.waits:
        notes.append(f"waits about {rough_words((start.begins_at - start.due_at).total_seconds())} for the run before")
    if id(start) in clashing:
        notes.append("shares a configuration with another run")
    return Row(
        due_at=start.due_at,
        begins_at=start.begins_at,
        name=outlook.schedules[start.schedule_id].orchestration.name,
        url=_url(outlook, start),
        usual=_usual(outlook, start.orchestration_id),
        note="; ".join(notes),
    )


def _collisions(outlook: Outlook, zone: tzinfo) -> Iterator[str]:
    for each in outlook.collisions[:MOST_SENTENCES]:
        first, second = (outlook.schedules[start.schedule_id].orchestration.name for start in (each.first, each.second))
        name = outlook.names.get(each.configuration_id, "a configuration")
        yield (
            f"{_clock(each.second.begins_at, outlook, zone)}: {second} and {first} both run {name}; one waits for "
            "the other."
        )
    yield from _more(len(outlook.collisions))


def _crowds(outlook: Outlook, zone: tzinfo) -> Iterator[str]:
    for each in outlook.crowds[:MOST_SENTENCES]:
        yield (
            f"{_clock(each.start, outlook, zone)} to {_clock(each.end, outlook, zone)}: up to {each.jobs} jobs want to "
            f"run at once, the project's limit is {outlook.limit}."
        )
    yield from _more(len(outlook.crowds))


def _more(count: int) -> Iterator[str]:
    if count > MOST_SENTENCES:
        yield f"… and {count - MOST_SENTENCES} more such times."


def _ticks(outlook: Outlook, zone: tzinfo) -> Iterator[Tick]:
    """Every three hours, or every midnight of a week, on the viewer's wall."""
    is_day = outlook.end - outlook.start <= DAY
    step = timedelta(hours=1)
    moment = outlook.start.replace(minute=0, second=0, microsecond=0) + step
    while moment < outlook.end:
        local = moment.astimezone(zone)
        if local.minute == 0 and (local.hour % 3 == 0 if is_day else local.hour == 0):
            yield Tick(_x(outlook, moment), f"{local:%H:%M}" if is_day else f"{local:%a} {local.day} {local:%b}")
        moment += step


def _x(outlook: Outlook, moment: datetime) -> float:
    share = (moment - outlook.start) / (outlook.end - outlook.start) * 100
    return round(min(100.0, max(0.0, share)), 2)


def _clock(moment: datetime, outlook: Outlook, zone: tzinfo) -> str:
    local = moment.astimezone(zone)
    if local.date() == outlook.start.astimezone(zone).date():
        return f"{local:%H:%M}"
    return f"{local:%a} {local:%H:%M}"


def _usual(outlook: Outlook, orchestration_id: int) -> str:
    known = outlook.usual.get(orchestration_id)
    return f"usually {rough_words(known.seconds)}" if known is not None else "has not run yet"


def _url(outlook: Outlook, start: Start) -> str:
    orchestration = outlook.schedules[start.schedule_id].orchestration
    return reverse("orchestration", args=[orchestration.project_id, orchestration.pk])
