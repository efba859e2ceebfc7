"""What a schedule would do, while it is being made: its next starts in two zones, clock changes, and pile-ups."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo

from scheduling import cron, wording
from scheduling.expressions import Expression

STARTS = 5
AHEAD = timedelta(days=200)
"""Changes of clocks come twice a year."""
MOST_NOTES = 2


@dataclass(frozen=True)
class Start:
    """One start, on the wall of the schedule's zone and the viewer's; ``beside`` names its day only if another."""

    there: str
    here: str
    beside: str
    at: datetime


@dataclass(frozen=True, kw_only=True)
class Preview:
    words: str
    zone: str
    my_zone: str
    starts: list[Start]
    notes: list[str]
    clock: str
    """ "14:11 in Europe/Prague, 08:11 in America/New_York" """

    @property
    def is_in_my_zone(self) -> bool:
        return self.zone == self.my_zone


def of(expression: Expression, zone: ZoneInfo, *, my_zone: tzinfo, now: datetime) -> Preview:
    moments = []
    moment = now
    for _ in range(STARTS):
        moment = cron.next_after(expression, zone, moment)
        moments.append(moment)
    clocks = [f"{now.astimezone(my_zone):%H:%M} in {my_zone}"]
    if str(zone) != str(my_zone):
        clocks.append(f"{now.astimezone(zone):%H:%M} in {zone}")
    return Preview(
        words=wording.describe(expression),
        zone=str(zone),
        my_zone=str(my_zone),
        starts=[_start(each, zone, my_zone, now) for each in moments],
        notes=wording.notes(expression, zone, now, max(moments[-1], now + AHEAD))[:MOST_NOTES],
        clock=", ".join(clocks),
    )


def _start(moment: datetime, zone: tzinfo, my_zone: tzinfo, now: datetime) -> Start:
    there, here = moment.astimezone(zone), moment.astimezone(my_zone)
    other_day = f"{here:%a} {here.day} {here:%b}, " if here.date() != there.date() else ""
    return Start(there=_whole(there, now), here=_whole(here, now), beside=f"{other_day}{here:%H:%M}", at=moment)


def _whole(local: datetime, now: datetime) -> str:
    """ "Sat 1 Jan 2028, 06:30"; without the year in the one that it is there."""
    year = f" {local.year}" if local.year != now.astimezone(local.tzinfo).year else ""
    return f"{local:%a} {local.day} {local:%b}{year}, {local:%H:%M}"
