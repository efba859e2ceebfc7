"""The geometry of a run's timeline: moments become per cent of its width, attributes of SVG in the page. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, tzinfo

from orchestrations.lib.durations import clock_words

SHORT_SECONDS = 300  # up to here the axis counts from the start, beyond it shows the wall clock
MOST_TICKS = 6
STEPS = (
    0.01,
    0.02,
    0.05,
    0.1,
    0.2,
    0.5,
    1,
    2,
    5,
    10,
    20,
    30,
    60,
    120,
    300,
    600,
    900,
    1800,
    3600,
    7200,
    14400,
    43200,
    86400,
)
LEAST_WIDTH = 0.4  # per cent; a task of a millisecond is still seen
CROWDED = 7.0  # per cent; a label nearer than this to "now" gives way


@dataclass(frozen=True, kw_only=True)
class Span:
    """When one task waited and worked; None: not yet.

    `usual_seconds`: how long it usually works, if that is known. `expected_at`: when it should start, if it has not.
    """

    status: str
    created_at: datetime | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None
    usual_seconds: float | None = None
    expected_at: datetime | None = None


@dataclass(frozen=True)
class Piece:
    """A bar; x and width are attributes as SVG wants them: "31.54%"."""

    x: str
    width: str


@dataclass(frozen=True)
class Bars:
    """What is drawn of one span: hatched, solid, dashed, and the tick at the usual end."""

    status: str
    waiting: Piece | None = None
    processing: Piece | None = None
    expected: Piece | None = None
    usual_x: str = ""

    @property
    def is_drawn(self) -> bool:
        return any([self.waiting, self.processing, self.expected])


@dataclass(frozen=True)
class Tick:
    x: str
    label: str = ""
    anchor: str = "middle"
    is_minor: bool = False


@dataclass(frozen=True)
class Timeline:
    """One axis for all rows; `bars` in the order of the spans, `now_x` is empty once the run has ended."""

    ticks: list[Tick] = field(default_factory=list)
    barlines: list[str] = field(default_factory=list)
    now_x: str = ""
    bars: list[Bars] = field(default_factory=list)


@dataclass(frozen=True)
class _Axis:
    begin: datetime
    seconds: float

    def at(self, when: datetime) -> float:
        return min(100.0, max(0.0, (when - self.begin).total_seconds() / self.seconds * 100))

    def piece(self, start: datetime, end: datetime) -> Piece:
        x = self.at(start)
        width = max(LEAST_WIDTH, self.at(end) - x)
        return Piece(percent(min(x, 100 - width)), percent(width))


def draw(
    spans: Sequence[Span],
    *,
    begin: datetime,
    end: datetime | None,
    now: datetime,
    zone: tzinfo,
    phase_ends: Sequence[datetime] = (),
) -> Timeline:
    """The timeline of a run that began at `begin` and ended at `end` (None: it still goes on)."""
    last = end or max([now, *filter(None, (_expected_end(span, now) for span in spans))])
    seconds = max(0.01, (last - begin).total_seconds()) * (1.0 if end else 1.04)
    axis = _Axis(begin, seconds)
    now_x = "" if end else percent(axis.at(now))
    return Timeline(
        ticks=_ticks(axis, zone, None if end else axis.at(now)),
        barlines=[percent(axis.at(when)) for when in phase_ends],
        now_x=now_x,
        bars=[_bars(span, axis, min(now, end) if end else now) for span in spans],
    )


def blank(spans: Sequence[Span]) -> Timeline:
    """That of a run that has not begun: there is nothing to measure."""
    return Timeline(bars=[Bars(span.status) for span in spans])


def phase_starts(phases: Sequence[Sequence[Span]], now: datetime) -> list[datetime | None]:
    """When each phase of a run on its way has started or should start; None when nobody can know."""
    starts: list[datetime | None] = []
    end: datetime | None = None
    for spans in phases:
        begun = [span.created_at for span in spans if span.created_at is not None]
        start = min(begun) if begun else end and max(end, now)
        starts.append(start)
        ends = [_probable_end(span, start, now) for span in spans]
        known = [each for each in ends if each is not None]
        end = max(known) if known and len(known) == len(ends) else None
    return starts


def percent(value: float) -> str:
    """As an SVG attribute: "31.54%"."""
    return f"{value:.2f}%"


def _probable_end(span: Span, start: datetime | None, now: datetime) -> datetime | None:
    if span.ended_at is not None:
        return span.ended_at
    if span.usual_seconds is None or start is None:
        return None
    return max(now, (span.started_at or max(start, now)) + timedelta(seconds=span.usual_seconds))


def _expected_end(span: Span, now: datetime) -> datetime | None:
    return span.ended_at or _probable_end(span, span.started_at or span.expected_at, now)


def _bars(span: Span, axis: _Axis, now: datetime) -> Bars:
    if span.created_at is None:
        return Bars(span.status, expected=_outline(span, axis, now))
    waited_until = span.started_at or span.ended_at or now
    waiting = axis.piece(span.created_at, waited_until)
    has_waited = axis.at(waited_until) - axis.at(span.created_at) >= LEAST_WIDTH
    if span.started_at is None:
        return Bars(span.status, waiting=waiting, expected=_outline(span, axis, now))
    worked_until = span.ended_at or now
    expected = usual_x = None
    if span.usual_seconds is not None:
        usual_end = span.started_at + timedelta(seconds=span.usual_seconds)
        usual_x = percent(axis.at(usual_end)) if usual_end <= axis.begin + timedelta(seconds=axis.seconds) else ""
        expected = axis.piece(worked_until, usual_end) if span.ended_at is None and usual_end > now else None
    return Bars(
        span.status,
        waiting=waiting if has_waited else None,
        processing=axis.piece(span.started_at, worked_until),
        expected=expected,
        usual_x=usual_x or "",
    )


def _outline(span: Span, axis: _Axis, now: datetime) -> Piece | None:
    """Of what has not started: when it should work."""
    if span.ended_at is not None or span.expected_at is None or span.usual_seconds is None:
        return None
    start = max(span.expected_at, now)
    return axis.piece(start, start + timedelta(seconds=span.usual_seconds))


def _ticks(axis: _Axis, zone: tzinfo, now: float | None) -> list[Tick]:
    step = next((step for step in STEPS if axis.seconds / step <= MOST_TICKS), axis.seconds)
    is_short = axis.seconds <= SHORT_SECONDS
    offset = 0.0 if is_short else _to_round(axis.begin, step, zone)
    ticks = []
    for number in range(MOST_TICKS + 1):
        seconds = offset + number * step
        x = seconds / axis.seconds * 100
        if x > 100:
            break
        label = _seconds_label(seconds, step) if is_short else _clock_label(axis, seconds, zone)
        hidden = (now is not None and abs(x - now) < CROWDED) or x > 97
        anchor = "start" if x < 3 else "middle"
        ticks.append(Tick(percent(x), "" if hidden else label, anchor, is_minor=number % 2 == 1))
    return ticks


def _to_round(begin: datetime, step: float, zone: tzinfo) -> float:
    """Seconds from `begin` to the next moment that is a whole multiple of `step` on the wall clock."""
    local = begin.astimezone(zone)
    of_day = local.hour * 3600 + local.minute * 60 + local.second + local.microsecond / 1e6
    return -of_day % step


def _seconds_label(seconds: float, step: float) -> str:
    """In one unit along the whole axis."""
    return f"{seconds / 60:g} min" if step % 60 == 0 else f"{round(seconds, 3):g} s"


def _clock_label(axis: _Axis, seconds: float, zone: tzinfo) -> str:
    when = (axis.begin + timedelta(seconds=seconds)).astimezone(UTC)
    return clock_words(when, when, zone)
