"""A time zone as a schedule keeps it: its name stays when the time zone data knows it no more."""

from __future__ import annotations

from datetime import datetime, timedelta, tzinfo
from typing import Any, NoReturn

from django.core.exceptions import ValidationError
from timezone_field import TimeZoneField


class UnknownZoneError(ValueError):
    """There is no clock to look at; the message names the zone."""


class UnknownZone(tzinfo):
    """A name without a clock: whoever asks for a local time hears which zone it is that is not known."""

    def __init__(self, name: str = "") -> None:
        self.name = name

    def __str__(self) -> str:
        return self.name

    def __reduce__(self) -> tuple[type[UnknownZone], tuple[str]]:
        return type(self), (self.name,)

    def utcoffset(self, moment: datetime | None) -> timedelta:
        self._refuse()

    def dst(self, moment: datetime | None) -> timedelta:
        self._refuse()

    def tzname(self, moment: datetime | None) -> str:
        return self.name

    def _refuse(self) -> NoReturn:
        raise UnknownZoneError(f"Time zone: {self.name!r} is not known.")


class ZoneField(TimeZoneField):
    """Reads what it cannot make sense of as an UnknownZone: one such row must not hide all the others of a list."""

    def from_db_value(self, value: Any, *arguments: Any) -> Any:
        try:
            return super().from_db_value(value, *arguments)
        except ValidationError:
            return UnknownZone(str(value))

    def to_python(self, value: Any) -> Any:
        return value if isinstance(value, UnknownZone) else super().to_python(value)

    def get_prep_value(self, value: Any) -> Any:
        return value.name if isinstance(value, UnknownZone) else super().get_prep_value(value)

    def deconstruct(self) -> Any:
        """As its base: to the database they are the same."""
        name, _, arguments, options = super().deconstruct()
        return name, "timezone_field.fields.TimeZoneField", arguments, options
