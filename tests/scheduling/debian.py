"""What Debian's cron does, minute by minute: the oracle for ``scheduling.cron``. Shares no code with it.

By cron(8) and crontab(5): a job whose minutes or hours begin with ``*`` runs whenever the clock on the wall fits. Any
other runs once for a local time: those that a clock put forward has passed over run at once, those that it repeats,
when it is put back, do not run again. (Debian's limit of three hours, beyond which a change counts as a correction of
the clock, is left out: zones know no corrections.)
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

MINUTE = timedelta(minutes=1)
NAMES = {
    3: dict(
        zip(
            ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"],
            range(1, 13),
            strict=True,
        )
    ),
    4: dict(zip(["sun", "mon", "tue", "wed", "thu", "fri", "sat"], range(7), strict=True)),
}
LIMITS = [(0, 59), (0, 23), (1, 31), (1, 12), (0, 7)]


@dataclass
class Minute:
    """One minute of UTC: what the clock shows, what it has passed over just before, whether it shows it again."""

    at: datetime
    shows: datetime
    passed: list[datetime]
    is_repeated: bool


def walk(zone: ZoneInfo, start: datetime, end: datetime) -> Iterator[Minute]:
    """From three days before, to know what the clock has shown already."""
    at = start - timedelta(days=3)
    latest = at.astimezone(zone).replace(tzinfo=None) - MINUTE
    while at < end:
        shows = at.astimezone(zone).replace(tzinfo=None, fold=0)
        passed = []
        is_repeated = shows <= latest
        while latest + MINUTE < shows:
            latest += MINUTE
            passed.append(latest)
        latest = max(latest, shows)
        if at >= start:
            yield Minute(at, shows, passed, is_repeated)
        at += MINUTE


def firings(expression: str, minutes: Iterable[Minute]) -> list[datetime]:
    fields = expression.split()
    sets = [values(place, field) for place, field in enumerate(fields)]
    is_wild = fields[0].startswith("*") or fields[1].startswith("*")
    both = fields[2].startswith("*") or fields[4].startswith("*")

    def fits(wall: datetime) -> bool:
        if wall.minute not in sets[0] or wall.hour not in sets[1] or wall.month not in sets[3]:
            return False
        day, weekday = wall.day in sets[2], wall.isoweekday() in sets[4] or wall.isoweekday() % 7 in sets[4]
        return (day and weekday) if both else (day or weekday)

    if is_wild:
        return [each.at for each in minutes if fits(each.shows)]
    return [
        each.at
        for each in minutes
        if any(fits(wall) for wall in each.passed) or (not each.is_repeated and fits(each.shows))
    ]


def values(place: int, field: str) -> set[int]:
    found: set[int] = set()
    low, high = LIMITS[place]
    for part in field.split(","):
        body, _, step = part.partition("/")
        if body == "*":
            first, last = low, high
        else:
            begin, _, end = body.partition("-")
            first, last = (NAMES.get(place, {}).get(each) or int(each or 0) for each in (begin, end or begin))
        found |= {number for number in range(first, last + 1) if (number - first) % int(step or 1) == 0}
    return found


# --- Chance ------------------------------------------------------------------------------------


def expression(chance: random.Random) -> str:
    """Most fire within a day or two, many in the small hours, when clocks are changed."""
    hours = chance.choice([(0, 23), (0, 4), (0, 4), (1, 3)])
    return " ".join(
        [
            field(chance, 0, (0, 59), star=0.35),
            field(chance, 1, hours, star=0.3),
            field(chance, 2, (1, 31), star=0.75),
            field(chance, 3, (1, 12), star=0.9),
            field(chance, 4, (0, 7), star=0.7),
        ]
    )


def field(chance: random.Random, place: int, limits: tuple[int, int], *, star: float) -> str:
    low, high = limits
    if chance.random() < star:
        return chance.choice(["*", "*", f"*/{chance.randint(1, min(30, LIMITS[place][1]))}"])
    parts = []
    for _ in range(chance.choice([1, 1, 1, 2, 3])):
        first = chance.randint(low, high)
        last = chance.randint(first, high)
        step = chance.randint(1, 7)
        shapes = [str(first), str(first), f"{first}-{last}", f"{first}-{last}/{step}"]
        if place in NAMES and first < 7 and first:
            name = list(NAMES[place])[first if place == 4 else first - 1]
            shapes = [name]
        parts.append(chance.choice(shapes))
    if chance.random() < 0.05 and place == 0:
        parts.append("*/20")
    return ",".join(parts)


def moments(chance: random.Random, start: datetime, end: datetime, count: int) -> list[datetime]:
    """Some of them within a minute, some on it."""
    seconds = int((end - start).total_seconds())
    found = [start + timedelta(seconds=chance.randrange(seconds)) for _ in range(count)]
    return [each.replace(second=0) if chance.random() < 0.5 else each for each in found]


CHANGES = {
    "Europe/Prague": ["2026-03-29", "2026-10-25"],
    "Europe/London": ["2026-03-29", "2026-10-25"],
    "America/New_York": ["2026-03-08", "2026-11-01"],
    "America/St_Johns": ["2010-03-14", "2010-11-07"],  # at one minute past midnight
    "Australia/Lord_Howe": ["2026-04-05", "2026-10-04"],  # by half an hour
    "Pacific/Chatham": ["2026-04-05", "2026-09-27"],  # at a quarter to three
    "Africa/Cairo": ["2026-04-24", "2026-10-30"],  # at midnight
    "Asia/Beirut": ["2026-03-29", "2026-10-25"],
    "America/Havana": ["2026-03-08", "2026-11-01"],
    "America/Santiago": ["2026-04-05", "2026-09-06"],
    "America/Asuncion": ["2024-03-24", "2024-10-06"],
    "Africa/Casablanca": ["2026-02-15", "2026-03-22"],  # Ramadan
    "Antarctica/Troll": ["2026-03-29", "2026-10-25"],  # by two hours
    "Asia/Kolkata": ["2026-03-29"],  # never
    "Asia/Pyongyang": ["2018-05-05"],
    "America/Caracas": ["2016-05-01"],
    "Pacific/Apia": ["2011-12-30"],  # a day is left out
    "UTC": ["2028-02-29"],
}
