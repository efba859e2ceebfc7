"""Between the clock on the wall of a zone and UTC, also where the clocks are changed. Pure.

The wall clock is a step function of UTC: where it is put forward some local times do not exist (a gap), where it is
put back some occur twice (an overlap). Local times here are naive, everything else is aware.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo

SECOND = timedelta(seconds=1)
PROBE = timedelta(hours=3)
"""Further than any change of clocks but those that move a place over the date line …"""
FAR_PROBE = timedelta(hours=25)
"""… which skip or repeat a day."""
NOTHING = timedelta(0)


@dataclass(frozen=True)
class Change:
    """The clocks are changed at ``at``, from the local time ``before`` to ``after``."""

    at: datetime
    before: datetime
    after: datetime

    @property
    def is_gap(self) -> bool:
        return self.after > self.before


def local(moment: datetime, zone: tzinfo) -> datetime:
    return moment.astimezone(zone).replace(tzinfo=None, fold=0)


def offset(moment: datetime, zone: tzinfo) -> timedelta:
    return moment.astimezone(zone).utcoffset() or NOTHING


def first(wall: datetime, zone: tzinfo) -> tuple[datetime, bool]:
    """The first moment at which the clock shows ``wall`` or later, and whether it ever shows just that.

    In a gap that is its end. Never decreases with ``wall``.
    """
    moment = wall.replace(tzinfo=zone, fold=0).astimezone(UTC)
    if local(moment, zone) == wall:
        return moment, True
    return _change_between(wall.replace(tzinfo=zone, fold=1).astimezone(UTC), moment, zone), False


def last(wall: datetime, zone: tzinfo) -> tuple[datetime, bool]:
    """The last moment at which the clock shows ``wall``; in a gap its end. Never decreases with ``wall``."""
    moment = wall.replace(tzinfo=zone, fold=1).astimezone(UTC)
    if local(moment, zone) == wall:
        return moment, True
    return first(wall, zone)


def put_back_after(moment: datetime, zone: tzinfo) -> timedelta:
    """How far the clocks go back soon after the moment."""
    now = offset(moment, zone)
    return max(NOTHING, *(now - offset(moment + probe, zone) for probe in (PROBE, FAR_PROBE)))


def put_back_before(moment: datetime, zone: tzinfo) -> timedelta:
    """How far the clocks went back shortly before the moment."""
    now = offset(moment, zone)
    return max(NOTHING, *(offset(moment - probe, zone) - now for probe in (PROBE, FAR_PROBE)))


def changes(zone: tzinfo, start: datetime, end: datetime) -> Iterator[Change]:
    """The changes of clocks in ``[start, end)``, in order. A look a day: two changes within one are seen as one."""
    # Clocks change at whole seconds, and the search goes by seconds.
    earlier, last = (moment.astimezone(UTC).replace(microsecond=0) for moment in (start, end))
    while earlier < last:
        later = min(earlier + timedelta(days=1), last)
        if offset(earlier, zone) != offset(later, zone):
            at = _change_between(earlier, later, zone)
            yield Change(at=at, before=local(at - SECOND, zone) + SECOND, after=local(at, zone))
        earlier = later


def _change_between(low: datetime, high: datetime, zone: tzinfo) -> datetime:
    """The first moment of the new offset, where the offset at ``low`` is the old one and that at ``high`` is not."""
    old = offset(low, zone)
    while high - low > SECOND:
        middle = low + timedelta(seconds=(high - low) // SECOND // 2)
        if offset(middle, zone) == old:
            low = middle
        else:
            high = middle
    return high
