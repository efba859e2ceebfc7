"""Durations and moments in words, as every page shows them. Pure: callers pass `now` and the zone."""

from datetime import datetime, timedelta, tzinfo

MINUTE, HOUR, DAY = 60, 3600, 86400
NOT_AVAILABLE = "N/A"


def duration_words(seconds: float | None) -> str:
    """Exact to the second, two units at most, for columns: "0.3 s", "9 s", "8 min 09 s", "1 h 05 min", "2 d 03 h"."""
    if seconds is None:
        return NOT_AVAILABLE
    if 0 < seconds < 1:
        return f"{max(seconds, 0.1):.1f} s" if seconds < 0.95 else "1 s"
    whole = max(0, int(seconds))
    if whole < MINUTE:
        return f"{whole} s"
    if whole < HOUR:
        return f"{whole // MINUTE} min {whole % MINUTE:02d} s"
    if whole < DAY:
        return f"{whole // HOUR} h {whole % HOUR // MINUTE:02d} min"
    return f"{whole // DAY} d {whole % DAY // HOUR:02d} h"


def rough_words(seconds: float | None) -> str:
    """For sentences, where seconds would be noise: "9 s", "24 min", "2 h 4 min", "3 days"."""
    if seconds is None:
        return NOT_AVAILABLE
    if seconds < MINUTE - 0.5:
        return duration_words(seconds if seconds < 1 else round(seconds))
    minutes = round(seconds / MINUTE)
    if minutes < 60:
        return f"{minutes} min"
    if minutes < 24 * 60:
        hours, rest = divmod(minutes, 60)
        return f"{hours} h {rest} min" if rest else f"{hours} h"
    days = round(seconds / DAY)
    return "1 day" if days == 1 else f"{days} days"


def distance_words(then: datetime, now: datetime, zone: tzinfo) -> str:
    """How far off, in days of `zone`: "just now", "yesterday", "6 days ago", "5 months ago", "in 4 min", a date."""
    seconds = (now - then) / timedelta(seconds=1)
    if seconds <= -1:
        return f"in {rough_words(-seconds)}"
    if seconds < 5:
        return "just now"
    if seconds < MINUTE:
        return f"{int(seconds)} s ago"
    if seconds < HOUR:
        return f"{int(seconds // MINUTE)} min ago"
    days = (now.astimezone(zone).date() - then.astimezone(zone).date()).days
    if days == 0 or seconds < 12 * HOUR:
        return f"{int(seconds // HOUR)} h ago"
    if days == 1:
        return "yesterday"
    if days < 14:
        return f"{days} days ago"
    if days < 60:
        return f"{days // 7} weeks ago"
    if days < 365:
        return f"{days // 30} months ago"
    return f"{then.astimezone(zone):%Y-%m-%d}"


def moment_words(when: datetime, zone: tzinfo) -> str:
    """The wall clock in `zone`, to the second: "2026-11-07 20:44:35"."""
    return f"{when.astimezone(zone):%Y-%m-%d %H:%M:%S}"


def moment_title(when: datetime, zone: tzinfo) -> str:
    """With the zone named, so the hour that occurs twice is told apart: "2026-11-07 20:44:35 CET (Europe/Prague)"."""
    name, short = str(zone), when.astimezone(zone).tzname()
    return f"{moment_words(when, zone)} {name if short == name else f'{short} ({name})'}"


def clock_words(when: datetime, now: datetime, zone: tzinfo) -> str:
    """As short as it stays clear: "14:24" today, "2026-11-07 20:44" on another day."""
    local = when.astimezone(zone)
    return f"{local:%H:%M}" if local.date() == now.astimezone(zone).date() else f"{local:%Y-%m-%d %H:%M}"
