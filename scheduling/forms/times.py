"""The form of a time schedule as it goes to and fro: presets, hourly, daily, weekly, custom, and the expression.

What was edited leads: a typed expression sets the choices, chosen minutes and hours set the expression. The expression
as it was drawn travels along (``was``), so that the one can be told from the other without a script.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

from django.http import QueryDict

from scheduling import expressions, wording
from scheduling.expressions import FIELDS, Expression, Field, InvalidExpression
from scheduling.models import Schedule
from scheduling.planning import Wanted
from scheduling.policies import CatchUp, Overlap

HOURLY, DAILY, WEEKLY, CUSTOM = "hourly", "daily", "weekly", "custom"
MODES = {HOURLY: "Hourly", DAILY: "Daily", WEEKLY: "Weekly", CUSTOM: "Custom"}
PRESETS = {
    "quarter": ("Every 15 minutes", "*/15 * * * *"),
    "hour": ("Every hour", "0 * * * *"),
    "day": ("Once a day", "0 0 * * *"),
    "week": ("Once a week", "0 0 * * 1"),
}
MINUTES, HOURS, DAYS, MONTHS, WEEKDAYS = FIELDS
SHOWN_MINUTES = frozenset(range(0, 60, 5))
WEEK = (1, 2, 3, 4, 5, 6, 0)


@dataclass(frozen=True)
class Bit:
    """One value of a multi-select."""

    value: int
    words: str
    is_chosen: bool


@dataclass(kw_only=True)
class TimesForm:
    """``mode`` is how it is shown; the expression is what counts."""

    expression: str
    zone: str
    mode: str = CUSTOM
    catch_up: str = CatchUp.LAST
    overlap: str = Overlap.WAIT
    error: str = ""
    errors: dict[str, str] = field(default_factory=dict)

    @property
    def parsed(self) -> Expression | None:
        """None while it cannot be read."""
        try:
            return expressions.parse(self.expression)
        except InvalidExpression:
            return None

    @property
    def was(self) -> str:
        return self.expression

    @property
    def modes(self) -> list[tuple[str, str, bool]]:
        return [(value, words, value == self.mode) for value, words in MODES.items()]

    @property
    def minute(self) -> int:
        return self._first("minutes")

    @property
    def hour(self) -> int:
        return self._first("hours")

    @property
    def weekday(self) -> int:
        return self._first("weekdays")

    @property
    def sets(self) -> list[tuple[str, str, list[Bit]]]:
        """The multi-selects that custom always shows: name, label, values."""
        return [self._set(each) for each in (MINUTES, HOURS, WEEKDAYS)]

    @property
    def rare_sets(self) -> list[tuple[str, str, list[Bit]]]:
        return [self._set(each) for each in (DAYS, MONTHS)]

    @property
    def rare_words(self) -> str:
        """ "Days of the month: every · Months: every" """
        return " · ".join(f"{label}: {_words(bits)}" for _, label, bits in self.rare_sets)

    def wanted(self) -> Wanted:
        return Wanted(expression=self.expression, zone=self.zone, catch_up=self.catch_up, overlap=self.overlap)

    def _first(self, name: str) -> int:
        values = getattr(self.parsed, name, None)
        return min(values) if values else 0

    def _set(self, of: Field) -> tuple[str, str, list[Bit]]:
        parsed = self.parsed
        chosen = frozenset(getattr(parsed, of.name)) if parsed is not None else frozenset()
        if chosen == of.everything:
            chosen = frozenset()
        return of.name, of.label, [Bit(value, _label(of, value), value in chosen) for value in _shown(of, chosen)]


def blank(zone: str) -> TimesForm:
    return TimesForm(expression=PRESETS["day"][1], zone=zone, mode=DAILY)


def of_schedule(schedule: Schedule) -> TimesForm:
    form = TimesForm(
        expression=schedule.expression,
        zone=str(schedule.zone),
        catch_up=schedule.catch_up,
        overlap=schedule.overlap,
    )
    form.mode = mode_of(form.parsed)
    return form


def of_post(post: QueryDict) -> TimesForm:
    """What stands in the form after what was just done in it."""
    form = TimesForm(
        expression=post.get("expression", "").strip() or post.get("was", "").strip(),
        zone=post.get("zone", "UTC"),
        mode=post.get("mode", CUSTOM) if post.get("mode", CUSTOM) in MODES else CUSTOM,
        catch_up=post.get("catch_up", CatchUp.LAST),
        overlap=post.get("overlap", Overlap.WAIT),
    )
    preset = PRESETS.get(post.get("preset", ""))
    if preset is not None:
        form.expression = preset[1]
        form.mode = mode_of(form.parsed)
    elif form.mode != CUSTOM:
        form.expression = _of_mode(form.mode, post)
    else:
        _follow(form, post)
    try:
        expressions.parse(form.expression)
    except InvalidExpression as error:
        form.error = str(error)
        form.mode = CUSTOM
    return form


def mode_of(parsed: Expression | None) -> str:
    """The plainest of the modes that says the same."""
    if (
        parsed is None
        or parsed.days != DAYS.everything
        or parsed.months != MONTHS.everything
        or len(parsed.minutes) > 1
    ):
        return CUSTOM
    every_weekday = parsed.weekdays == WEEKDAYS.everything
    if parsed.hours == HOURS.everything:
        return HOURLY if every_weekday else CUSTOM
    if len(parsed.hours) > 1:
        return CUSTOM
    if every_weekday:
        return DAILY
    return WEEKLY if len(parsed.weekdays) == 1 else CUSTOM


# --- Private -----------------------------------------------------------------------------------


def _of_mode(mode: str, post: QueryDict) -> str:
    minute = _number(post, "minute", MINUTES)
    if mode == HOURLY:
        return f"{minute} * * * *"
    hour = _number(post, "hour", HOURS)
    return f"{minute} {hour} * * *" if mode == DAILY else f"{minute} {hour} * * {_number(post, 'weekday', WEEKDAYS)}"


def _number(post: QueryDict, name: str, of: Field) -> int:
    text = post.get(name, "")
    value = int(text) if text.isascii() and text.isdigit() and len(text) < 3 else of.low
    return value if value in of.everything else of.low


def _follow(form: TimesForm, post: QueryDict) -> None:
    """A typed expression stands; else, if other values are chosen than it has, they make a new one."""
    was = post.get("was", "").strip()
    if form.expression != was or post.get("shown_mode") != CUSTOM:
        return
    parsed = form.parsed
    if parsed is None:
        return
    chosen = {each.name: _chosen(post, each) for each in FIELDS}
    present = {each.name: getattr(parsed, each.name) for each in FIELDS}
    if chosen != {name: values or _field(name).everything for name, values in present.items()}:
        form.expression = " ".join(_written(each, chosen[each.name], present[each.name], was) for each in FIELDS)


def _field(name: str) -> Field:
    return next(each for each in FIELDS if each.name == name)


def _chosen(post: QueryDict, of: Field) -> frozenset[int]:
    """Nothing chosen means every."""
    values = {int(text) for text in post.getlist(of.name) if text.isascii() and text.isdigit() and len(text) < 3}
    return frozenset(values & of.everything) or of.everything


def _written(of: Field, chosen: Collection[int], present: Collection[int], was: str) -> str:
    """What a field had is kept as it was written, if it says the same."""
    words = was.split()
    if chosen == present and len(words) == len(FIELDS):
        return words[FIELDS.index(of)]
    return "*" if frozenset(chosen) == of.everything else ",".join(map(str, sorted(chosen)))


def _shown(of: Field, chosen: Collection[int]) -> list[int]:
    if of is MINUTES:
        return sorted(SHOWN_MINUTES | frozenset(chosen))
    return list(WEEK) if of is WEEKDAYS else sorted(of.everything)


def _label(of: Field, value: int) -> str:
    if of is WEEKDAYS:
        return wording.WEEKDAYS[value][:3]
    if of is MONTHS:
        return wording.MONTHS[value - 1][:3]
    return str(value) if of is DAYS else f"{value:02d}"


def _words(bits: list[Bit]) -> str:
    chosen = [bit.words for bit in bits if bit.is_chosen]
    return ", ".join(chosen) if chosen else "every"
