"""Time zones as people choose them: the places of the IANA database, with their clocks now. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache, lru_cache
from zoneinfo import ZoneInfo, available_timezones

AREAS = frozenset(
    {"Africa", "America", "Antarctica", "Arctic", "Asia", "Atlantic", "Australia", "Europe", "Indian", "Pacific"}
)
LONGEST_NAME = 63


@dataclass(frozen=True)
class Zone:
    name: str
    words: str
    """ "Europe/Prague, 23:40 (UTC+01:00)" """


def is_known(name: str) -> bool:
    """Also the older names that browsers still give ("Asia/Calcutta"), and nothing that is no place: no "localtime"."""
    return name in _names() or name == "UTC"


def find(name: str) -> ZoneInfo | None:
    return ZoneInfo(name) if is_known(name) else None


def choices(now: datetime) -> Sequence[Zone]:
    """UTC first, then every place by name."""
    return _choices(now.astimezone(UTC).replace(second=0, microsecond=0))


@lru_cache(maxsize=2)
def _choices(minute: datetime) -> Sequence[Zone]:
    """Kept, since it takes milliseconds to look at hundreds of clocks, which all change with the minute."""
    return tuple(Zone(name, f"{name.replace('_', ' ')}, {_clock(name, minute)}") for name in ["UTC", *sorted(_names())])


@cache
def _names() -> frozenset[str]:
    return frozenset(
        name for name in available_timezones() if name.split("/")[0] in AREAS and len(name) <= LONGEST_NAME
    )


def _clock(name: str, now: datetime) -> str:
    local = now.astimezone(ZoneInfo(name))
    return f"{local:%H:%M} ({offset_words(local.utcoffset() or timedelta(0))})"


def offset_words(offset: timedelta) -> str:
    """ "UTC+05:45" """
    minutes = round(offset / timedelta(minutes=1))
    return f"UTC{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02d}:{abs(minutes) % 60:02d}"
