"""When a cron expression fires, in any time zone, as Debian's cron would (R14). Pure.

An expression with ``*`` at the beginning of its minutes or hours follows the clock on the wall: what falls into a gap
is left out, what occurs twice runs twice. Any other has fixed times: in a gap they run once, at its end; of a time that
occurs twice the first counts.

croniter alone gets changes of clocks wrong, so it only ever sees naive local times; ``clocks`` brings them to UTC.
"""

from __future__ import annotations

from collections.abc import Iterator
from copy import copy
from datetime import UTC, datetime, timedelta, tzinfo
from functools import lru_cache

from croniter import CroniterBadDateError, croniter

from scheduling import clocks, expressions
from scheduling.expressions import FIELDS, Expression, InvalidExpression

__all__ = ["InvalidExpression", "firings", "next_after", "previous_before"]

MINUTE = timedelta(minutes=1)
ANY_START = datetime(2000, 1, 1)  # noqa: DTZ001 (local times are naive here)


def next_after(expression: Expression | str, zone: tzinfo, moment: datetime) -> datetime:
    """The first firing later than the aware ``moment``, in UTC.

    Raises InvalidExpression, and OverflowError where the calendar ends (the year 9999).
    """
    expression = _parsed(expression)
    moment = moment.astimezone(UTC)
    start = clocks.local(moment, zone)
    if expression.is_wildcard:
        # Local times that the clock has shown already, and will show again.
        start -= clocks.put_back_after(moment, zone) + MINUTE
    found: datetime | None = None
    for wall in _walls(expression, start):
        earliest, exists = clocks.first(wall, zone)
        if found is not None and earliest >= found:
            return found
        for candidate in _firings(expression, wall, zone, earliest, exists):
            if candidate > moment and (found is None or candidate < found):
                found = candidate
    raise AssertionError("unreachable: an expression that never fires is refused")


def previous_before(expression: Expression | str, zone: tzinfo, moment: datetime) -> datetime:
    """The last firing earlier than the aware ``moment``, in UTC. Raises as ``next_after`` does."""
    expression = _parsed(expression)
    moment = moment.astimezone(UTC)
    # Local times that the clock has shown before it was put back.
    start = clocks.local(moment, zone) + clocks.put_back_before(moment, zone) + MINUTE
    found: datetime | None = None
    for wall in _walls(expression, start, backwards=True):
        if found is not None and clocks.last(wall, zone)[0] <= found:
            return found
        earliest, exists = clocks.first(wall, zone)
        for candidate in _firings(expression, wall, zone, earliest, exists):
            if candidate < moment and (found is None or candidate > found):
                found = candidate
    raise AssertionError("unreachable: an expression that never fires is refused")


def firings(expression: Expression | str, zone: tzinfo, start: datetime, end: datetime) -> Iterator[datetime]:
    """All firings in ``[start, end)``, in order."""
    moment = next_after(expression, zone, start - timedelta(microseconds=1))
    while moment < end:
        yield moment
        moment = next_after(expression, zone, moment)


def walls_between(expression: Expression, low: datetime, high: datetime) -> Iterator[datetime]:
    """The local times in ``[low, high)`` that fit, whether they exist or not."""
    for wall in _walls(expression, low - MINUTE):
        if wall >= high:
            return
        yield wall


def _parsed(expression: Expression | str) -> Expression:
    return expressions.parse(expression) if isinstance(expression, str) else expression


def _firings(
    expression: Expression, wall: datetime, zone: tzinfo, earliest: datetime, exists: bool
) -> tuple[datetime, ...]:
    """The moments at which a local time that fits makes the expression fire."""
    if not expression.is_wildcard:
        return (earliest,)
    if not exists:
        return ()
    return (earliest, clocks.last(wall, zone)[0])


def _walls(expression: Expression, start: datetime, *, backwards: bool = False) -> Iterator[datetime]:
    """Local times that fit, from ``start`` (left out) on."""
    source = copy(_prepared(expression))
    source.set_current(start)
    try:
        while True:
            yield source.get_prev() if backwards else source.get_next()
    except (CroniterBadDateError, ValueError) as error:
        raise OverflowError(f"{expression} has no firing that the calendar could name.") from error


@lru_cache(maxsize=2048)
def _prepared(expression: Expression) -> croniter:
    """To be copied: reading an expression costs more than an answer. It gets plain numbers, read by Debian's rules."""
    texts = {field.name: _field(getattr(expression, field.name), field.everything) for field in FIELDS}
    if not expression.needs_both_days and "*" in (texts["days"], texts["weekdays"]):
        # Either fits, and one of them always does ("1-31"): croniter would take the star for "see the other one".
        texts["days"] = texts["weekdays"] = "*"
    return croniter(" ".join(texts.values()), ANY_START, ret_type=datetime, day_or=not expression.needs_both_days)


def _field(values: frozenset[int], everything: frozenset[int]) -> str:
    if values == everything:
        return "*"
    runs: list[list[int]] = []
    for value in sorted(values):
        if runs and runs[-1][1] == value - 1:
            runs[-1][1] = value
        else:
            runs.append([value, value])
    return ",".join(str(low) if low == high else f"{low}-{high}" for low, high in runs)
